"""Reading for nobody: we have closed, and what the peer still sends must not make the kernel reset what we sent."""

from __future__ import annotations

from typing import Any

from ..boundary import EXITS
from .lanes import SHUT
from .reads import READ_SIZE


def discard(transport: Any) -> None:
    """Drop what has come, one recv. At the peer's end, if we have said ours, the connection is over."""
    try:
        data = transport._sock.recv(READ_SIZE)
    except BlockingIOError:
        transport._loop.meter.eagains += 1
        return
    except EXITS:
        raise
    except BaseException as exc:
        # Once our end is said, a reset only means that the peer did not wait for it.
        transport._end(None) if transport._out is SHUT else transport._on_broken(exc)
        return
    transport.bytes_in += len(data)
    transport._stamp = transport._loop.now
    if not data:
        transport._in = transport._in.eof
        transport._watch_input()
        transport._check_phase()
