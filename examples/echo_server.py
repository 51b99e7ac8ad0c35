#!/usr/bin/env python3
"""An echo server: every byte comes back. Try it with `nc 127.0.0.1 9000`."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols import Echo
from protocols.metrics import scrape
from reactor.serving import run

if __name__ == "__main__":
    sys.exit(run(lambda reactor: Echo, port=9000, description="Send every byte back.", metrics=scrape))
