#!/usr/bin/env python3
"""A chat server with the operator's console on stdin. Try it with `nc 127.0.0.1 2401` from several terminals.

An installed package has it as `python -m protocols.chat`, or `reactor-chat`.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from protocols.chat.command import main

if __name__ == "__main__":
    sys.exit(main())
