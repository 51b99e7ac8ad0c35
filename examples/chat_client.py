#!/usr/bin/env python3
"""A chat client: `chat_client.py --name Ada`; end with Ctrl-D or `exit`. It takes scripts on stdin, too.

An installed package has it as `python -m protocols.chat.client`, or `reactor-chat-client`.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.chat.client.command import main

if __name__ == "__main__":
    sys.exit(main())
