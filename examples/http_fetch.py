#!/usr/bin/env python3
"""Fetch URLs: `http_fetch.py http://example.com/ -i`, `http_fetch.py -C -O https://example.com/file.iso`.

The program is `python -m protocols.http`. The bodies go to stdout in the order of the URLs, though all are fetched at
once. Status 0, 1 where a fetch failed (one line on stderr says why), 2 for a bad URL or argument.
"""

from __future__ import annotations

import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is imported ends this without a traceback

from protocols.http.command.program import main

if __name__ == "__main__":
    sys.exit(main())
