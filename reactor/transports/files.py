"""Files in the stream of a connection: what exists only while one is being sent. See `sockets.sendfile`."""

from __future__ import annotations

import errno
from functools import partial
from typing import IO, Any

from ..loop.futures import Promise, settle
from ..sockets.carrier import as_python_socket
from ..sockets.sendfile import PLACEHOLDER, FileCarrier, FileJob
from .lanes import Phase


def send_file(transport: Any, file: IO[bytes], offset: int, count: int | None) -> Promise[int]:
    """Let a file follow what waits in `transport`, an outbound lane. For its contract see `sendfile` there."""
    job = FileJob(file, offset, count)
    writable = not transport._out.is_leaving or transport._may_write()
    future: Promise[int] = transport._loop.promise()
    job.future = future
    if not writable:
        settle(future, error=ConnectionAbortedError(errno.ECONNABORTED, "sendfile() on a connection that ends"))
        return future
    if not isinstance(transport._sock, FileCarrier):
        told = partial(_on_progress, transport), partial(_on_sent, transport)
        transport._sock = as_python_socket(transport._sock)  # FileCarrier gives it to who asks for it
        transport._sock = FileCarrier(transport._sock, *told)
    transport._sock.add(transport._size, job)
    transport._promises = [*transport._promises, future]
    transport.write(PLACEHOLDER)
    return future


def _on_progress(transport: Any, sent: int) -> None:
    transport.bytes_out += sent
    if sent:
        transport._stamp = transport._moved = transport._loop.now
        if transport._phase is Phase.CLOSING:
            transport._entered = transport._stamp  # so a file is not cut, however long it takes


def _on_sent(transport: Any, job: FileJob) -> None:
    transport.bytes_out -= len(PLACEHOLDER)
    transport._promises = [future for future in transport._promises if future is not job.future]
    transport._loop.call_soon(settle, job.future, job.sent)  # not here: nobody is called from inside a `write`
    if isinstance(transport._sock, FileCarrier) and transport._sock.is_empty():
        transport._sock = transport._sock.below
