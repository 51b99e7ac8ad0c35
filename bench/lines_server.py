#!/usr/bin/env python3
"""A reply to every line on the reactor: each line X is answered with `Hello, X!`. What the line benchmark measures."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from arguments import server_parser

from reactor import LineProtocol, Reactor


class Lines(LineProtocol):
    """One reply for each line; the reactor makes one send of all that a tick has written."""

    def line_received(self, line: bytes) -> None:
        self.transport.write(b"Hello, %b!\n" % line)  # as the peers do; send_line would be a call more


def main() -> int:
    options = server_parser("A reply to every line, on the reactor.", 9001).parse_args()
    with Reactor() as reactor:
        try:
            listener = reactor.listen_tcp(Lines, options.host, options.port)
        except (OSError, OverflowError) as error:
            print(f"cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
            return 1
        print(f"listening on {options.host}:{listener.port}", flush=True)
        reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
