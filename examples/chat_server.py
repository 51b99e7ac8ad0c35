#!/usr/bin/env python3
"""A chat server with the operator's console on stdin. Try it with `nc 127.0.0.1 2401` from several terminals.

An installed package has it as `python -m protocols.chat`, or `reactor-chat`.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.chat.command import main

if __name__ == "__main__":
    sys.exit(main())
