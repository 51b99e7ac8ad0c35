#!/usr/bin/env python3
"""The tutorial's greeting server: each message X gets `Hello, X!`, `exit` ends. Try it with `nc 127.0.0.1 9999`."""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols import Greeting
from protocols.metrics import scrape
from reactor.serving import run

if __name__ == "__main__":
    about = "Greet whoever says a name."
    sys.exit(run(lambda reactor: lambda: Greeting(reactor), port=9999, description=about, metrics=scrape))
