"""The counters of a reactor for Prometheus, as a handler of an HTTP server.

    site.route("GET", "/metrics", metrics)                  on a site of your own
    listen_for_scrapes(reactor, 9100)                       on a port of its own
    reactor.listen_tcp(lambda: Metrics(reactor), ...)       the same, on an address of your choice

It lives on the loop that it tells of: when the loop is held, it does not answer, and a scrape that fails is the
message. It asks for no password: give it an address that only the scraper reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from reactor import Limits, Listener, Reactor, Timeouts

from ..http.server import Bounds, Request, Response, Server
from ..http.server.connection import HTTPConnection
from .exposition import CONTENT_TYPE, render

MAX_HEAD = 8 * 1024  # bytes of a request: a scraper sends 300; what most servers take
HEAD_TIME = 5.0  # seconds for the whole of it: a byte now and then would be no idle time
LIMITS = Limits(connections=16, output=1 << 20)  # a scraper is one, two are spare; an answer has 5 KB
TIMEOUTS = Timeouts(write=10.0, close=5.0)  # seconds: Prometheus gives up after ten
BOUNDS = Bounds(max_head=MAX_HEAD, first_byte=HEAD_TIME, head=HEAD_TIME, idle=0.0, max_body=0, max_drop=0)

PATH = "/metrics"


_scrapes: WeakKeyDictionary[Reactor, int] = WeakKeyDictionary()
"""Connections to a port of `Metrics`: they are not the newcomers that an operator counts."""


def metrics(
    request: Request, more: Callable[[], str] | None = None, labels: Mapping[str, str] | None = None
) -> Response:
    """The counters of the reactor that answers, and the end of the connection: a scrape comes every fifteen seconds.

    more: gives further metrics of the program, in the same format; see `exposition.family`.
    labels: put on every counter of the reactor; what `more` gives is left as it is.
    """
    stats = request.reactor.stats()
    stats = stats.replace(accepted=stats.accepted - _scrapes.get(request.reactor, 0))
    text = render(stats, labels) + ("" if more is None else more())
    return Response(200, text, {"Content-Type": CONTENT_TYPE, "Connection": "close"})


class Metrics(HTTPConnection):
    """One scrape of `reactor`: a site that has nothing but PATH."""

    __slots__ = ()

    def __init__(
        self, reactor: Reactor, more: Callable[[], str] | None = None, labels: Mapping[str, str] | None = None
    ) -> None:
        site = Server(reactor, limits=LIMITS, timeouts=TIMEOUTS, bounds=BOUNDS)
        site.route("GET", PATH, partial(metrics, more=more, labels=labels))
        super().__init__(site)

    def connection_made(self, transport: Any) -> None:
        """Here it is counted: one that was made and never connected is no scrape."""
        _scrapes[self.site.reactor] = _scrapes.get(self.site.reactor, 0) + 1
        super().connection_made(transport)


def listen_for_scrapes(
    reactor: Reactor, port: int, host: str = "127.0.0.1", *, more: Callable[[], str] | None = None
) -> Listener:
    """Tell whoever asks on `port`; 0 is any free one. more: see `metrics`. Raises ListenError."""
    return reactor.listen_tcp(lambda: Metrics(reactor, more), host, port, limits=LIMITS, timeouts=TIMEOUTS)
