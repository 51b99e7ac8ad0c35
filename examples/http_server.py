#!/usr/bin/env python3
"""Serve the files of a directory over HTTP. Try it with `curl -i http://127.0.0.1:8000/`.

It is `python -m protocols.http.server`, from a fresh clone. A server of your own has a few lines: see json_service.py.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.http.server.command import main
from protocols.metrics import listen_for_scrapes

if __name__ == "__main__":
    sys.exit(main(metrics=listen_for_scrapes))
