"""Reading into a buffer of the protocol's own (`BufferedProtocol`). Owns no state: all of it is the transport's."""

from __future__ import annotations

from typing import Any

from ..boundary import EXITS


def receive_into(transport: Any) -> None:
    """What has come goes into the protocol's buffer, by one recv."""
    protocol, delivery = transport._protocol, transport.delivery
    try:
        buffer = _get_buffer(transport)
    except EXITS:
        raise
    except BaseException as exc:
        return transport._blame(exc, "get_buffer")  # type: ignore[no-any-return]
    if transport.delivery != delivery and (transport._protocol is not protocol or not transport.is_reading()):
        return  # it has closed, paused or handed over: what came waits in the kernel, or is dropped there
    try:
        count = transport._sock.recv_into(buffer)
    except BlockingIOError:
        transport._loop.meter.eagains += 1
        return
    except EXITS:
        raise
    except BaseException as exc:
        return transport._on_broken(exc)  # type: ignore[no-any-return]
    if not count:
        return transport._on_eof()  # type: ignore[no-any-return]
    transport.bytes_in += count
    transport._stamp = transport._loop.now
    transport._callback("buffer_updated", count)


def feed(transport: Any, data: bytes) -> None:
    """Put what was given back into the protocol's buffer, as far as it takes it; the rest is given back again."""
    while data and transport._buffered and transport.is_reading() and not transport._unread:
        protocol = transport._protocol
        buffer = _get_buffer(transport)
        if transport._protocol is not protocol or not transport.is_reading():
            break
        part = data[: len(buffer)]
        buffer[: len(part)] = part
        data = data[len(part) :]
        transport._protocol.buffer_updated(len(part))
    given, transport._unread = transport._unread, b""  # by the protocol, out of what it was fed: so it comes first
    transport.unread(given + data)


def _get_buffer(transport: Any) -> memoryview:
    buffer = memoryview(transport._protocol.get_buffer(-1)).cast("B")
    if not len(buffer) or buffer.readonly:
        raise RuntimeError(f"get_buffer() gave a buffer that is {'read-only' if len(buffer) else 'empty'}")
    return buffer
