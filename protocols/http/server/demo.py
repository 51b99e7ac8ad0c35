"""Three routes that show what a handler may give: bytes, an iterator, a future. For trying the server out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

from .limits import MIB
from .request import Request
from .response import TEXT, Response
from .server import Server

MAX_ECHO = 8 * MIB  # bytes of a body that is sent back: it is held whole
SLOW = 1.0  # seconds


def add_demo(site: Server) -> None:
    """POST /echo gives the body back, GET /stream ten pieces, GET /slow an answer after a second."""
    site.route("POST", "/echo", echo, max_body=MAX_ECHO)
    site.route("GET", "/stream", stream)
    site.route("GET", "/slow", slow)


def echo(request: Request) -> bytes:
    return request.body


def stream(request: Request) -> Response:
    return Response(200, pieces(), {"Content-Type": TEXT})


def pieces() -> Iterator[str]:
    for number in range(10):
        yield f"piece {number}\n"


def slow(request: Request) -> Future[str]:
    future: Future[str] = Future()
    timer = request.reactor.call_later(SLOW, future.set_result, "done\n")
    request.on_close(timer.cancel)
    return future
