#!/usr/bin/env python3
"""The tutorial's chatbot. Try it with `nc 127.0.0.1 9999`, `bot_client.py`, or the tutorial's own client.

With `--join HOST:PORT` it sits in a chat room as well. An installed package has it as `python -m protocols.bot`.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.bot.command import main

if __name__ == "__main__":
    sys.exit(main())
