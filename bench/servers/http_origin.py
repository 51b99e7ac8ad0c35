#!/usr/bin/env python3
"""An origin for the HTTP benchmark where nginx is not installed: it answers every GET with the file it was given.

No more of HTTP than that: the heads are not read, only their ends are counted. The load must not be what is measured.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from reactor import Protocol, StreamTransport
from runs.arguments import server_parser
from servers.serving import serve

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n"
END = b"\r\n\r\n"
SMALL = 65536  # bytes; what is larger goes from the file to the socket in the kernel


def origin(path: Path) -> type[Protocol]:
    """A protocol that serves one file, whatever is asked for."""
    size = path.stat().st_size
    head = HEAD % size
    whole = head + path.read_bytes() if size <= SMALL else None
    file = path.open("rb")  # open as long as the server

    class Origin(Protocol):
        rest = b""

        def connection_made(self, transport: StreamTransport) -> None:
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            *heads, self.rest = (self.rest + data).split(END)
            for _ in heads:
                if whole is not None:
                    self.transport.write(whole)
                else:
                    self.transport.write(head)
                    self.transport.sendfile(file)

    return Origin


def main() -> int:
    parser = server_parser("Answer every GET with one file.", 8080)
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    return serve(origin(options.file), options)


if __name__ == "__main__":
    sys.exit(main())
