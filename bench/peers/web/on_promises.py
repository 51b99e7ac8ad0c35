#!/usr/bin/env python3
"""A WebSocket that sends back, on servers/promises.py: the least in Python that takes what RFC 6455 demands.

A short text in one frame is checked, unmasked and decoded here, in the cheapest way that is known. What is anything
else (another length, several frames, pieces, control frames, faults) is for `protocols.websocket.wire`. Left out, of
what a server would have: compression, pings of its own, the rest of HTTP, a bound on the unfinished of all.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(1, str(Path(__file__).resolve().parents[3]))  # a fresh clone needs no installation

from protocols.http.headers import Headers
from protocols.http.server import Refusal
from protocols.websocket.closing import close_payload, cut_reason
from protocols.websocket.frames import CLOSE, FIN, MASKED, PONG, SHORT, TEXT, pack
from protocols.websocket.handshake import answer, check_request
from protocols.websocket.wire import Close, Failed, Ping, Wire
from servers.bare import MASKS, begin
from servers.promises import Protocol, call_soon, serve

MAX_HEAD = 16 * 1024  # bytes of the request
WHOLE_TEXT = FIN | TEXT  # the first byte of a text in one frame
KEY = 0xFFFFFFFF << 16  # where the key stands in a frame that is one number
ROOM = 6 + 128  # bytes of the longest short frame, in whole keys
from_bytes = int.from_bytes


class WebSocket(Protocol):
    """Calls `text_received` and `binary_received`."""

    def connection_made(self, transport):
        self.transport, self.wire, self.head = transport, Wire(), b""
        self.is_open = False  # messages may come, and be sent
        self.is_plain = False  # and nothing waits to be read

    def data_received(self, data):
        if self.is_plain:
            end = len(data)
            size = end - 6
            if 0 <= size < 126 and data[1] == MASKED + size and data[0] == WHOLE_TEXT:
                number = from_bytes(data, "little")
                number ^= MASKS[size] * (number & KEY)  # the key again and again, from behind the key on
                try:
                    text = number.to_bytes(ROOM, "little")[6:end].decode()
                except UnicodeDecodeError:
                    return self.read(data)
                return self.text_received(text)
        if self.head is None:
            self.read(data)
        else:
            self.shake_hands(data)

    def send(self, text):
        """Ignored once the close has begun."""
        if self.is_open:
            payload = text.encode()
            size = len(payload)
            self.transport.write(SHORT[TEXT][size] + payload if size < 126 else pack(TEXT, payload))

    def shake_hands(self, data):
        """The request, once all of it has come."""
        head, end, rest = (self.head + data).partition(b"\r\n\r\n")
        if not end:
            self.head = head
            return len(head) > MAX_HEAD and self.transport.abort()
        try:
            first, *lines = head.decode("latin-1").split("\r\n")
            method, _, version = first.split(" ")
            fields = [tuple(map(str.strip, line.split(":", 1))) for line in lines]
            headers = Headers(fields)
            check_request(method, version.removeprefix("HTTP/"), headers)
        except (Refusal, ValueError):
            self.transport.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return self.transport.close()
        said, _ = answer(headers, (), False)
        lines = [f"{name}: {value}\r\n" for name, value in (said | {"Connection": "Upgrade"}).items()]
        self.transport.write(f"HTTP/1.1 101 Switching Protocols\r\n{''.join(lines)}\r\n".encode())
        self.head, self.is_open = None, True
        self.read(rest)

    def read(self, data):
        """What is not one short text, as far as it has its turn."""
        wire = self.wire
        wire.feed(data)
        while (event := wire.next_event()) is not None:
            if isinstance(event, str):
                self.is_open and self.text_received(event)
            elif isinstance(event, bytes):
                self.is_open and self.binary_received(event)
            elif isinstance(event, Ping):
                self.is_open and self.transport.write(pack(PONG, event.payload))
            elif isinstance(event, Close | Failed):
                return self.close(event.code, event.reason)
        if wire.busy:
            call_soon(self.read, b"")
        self.is_plain = self.is_open and wire.is_idle

    def close(self, code, reason=""):
        """Say our end, and wait for the peer's: servers/promises.py gives it so much time."""
        if self.is_open:
            self.is_open = self.is_plain = False
            payload = b"" if code == 1005 else close_payload(code, cut_reason(reason))
            self.transport.write(pack(CLOSE, payload))
        self.transport.close()

    def text_received(self, text): ...
    def binary_received(self, data): ...


class Echo(WebSocket):
    def text_received(self, text):
        self.send(text)


def main():
    listener, _ = begin(__doc__, ("echo",), "none")
    serve({listener: Echo})


if __name__ == "__main__":
    main()
