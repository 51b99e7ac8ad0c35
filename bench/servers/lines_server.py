#!/usr/bin/env python3
"""A reply to every line on the reactor: each line X is answered with `Hello, X!`. What the line benchmark measures."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from reactor import LineProtocol
from runs.arguments import server_parser
from servers.serving import serve


class Lines(LineProtocol):
    """One reply for each line; the reactor makes one send of all that a tick has written."""

    def line_received(self, line: bytes) -> None:
        self.transport.write(b"Hello, %b!\n" % line)  # as the peers do; send_line would be a call more


class Batches(LineProtocol):
    """The same, asked once for all lines that came together."""

    def lines_received(self, lines: list[bytes]) -> None:
        self.transport.write(b"".join([b"Hello, %b!\n" % line for line in lines]))


def main() -> int:
    parser = server_parser("A reply to every line, on the reactor.", 9001)
    parser.add_argument("--batch", action="store_true", help="by lines_received")
    options = parser.parse_args()
    return serve(Batches if options.batch else Lines, options)


if __name__ == "__main__":
    sys.exit(main())
