#!/usr/bin/env python3
"""Step 3: lines. TCP is a stream of bytes: one `send` there may be three `data_received` here, or three one.

`LineProtocol` puts the lines together again, and gives each to `line_received` once it is whole. Try:
`nc 127.0.0.1 9002`, and type `1 2 3`. Then see what step 2 makes of `(printf 'he'; sleep 1; echo llo) | nc ...`.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from reactor import LineProtocol
from reactor.serving import run


class Adder(LineProtocol):
    """Adds the numbers of each line."""

    max_line = 1000  # a peer that sends more without a newline is not adding numbers, and is cut off

    def line_received(self, line: bytes) -> None:
        try:
            self.send_line(b"%d" % sum(map(int, line.split())))
        except ValueError:
            self.send_line(b"numbers, please")


if __name__ == "__main__":
    sys.exit(run(lambda reactor: Adder, port=9002, description="Add the numbers of each line."))
