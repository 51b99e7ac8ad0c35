"""The routes of a site, on as many listeners as it has. Owns the deadlines of all its connections."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable
from typing import Any

from protocols.admission.quiet import tell
from reactor import Limits, Listener, Reactor, Timeouts, Timer

from .connection import HTTPConnection
from .limits import LIMITS, LOOK, TIMEOUTS, Bounds
from .peers import Peers, refusing
from .request import Request
from .routing import Routes
from .uploads import Budget

log = logging.getLogger("http.server")


class Server:
    """Routes, and the connections that ask for them.

    A handler is a function of the Request. It gives the answer: bytes, str, None (204), a Response, an open file or a
    Path, an iterator of pieces, or a Future of one of these, which is cancelled when the client goes. What it raises is
    one traceback in the log and a plain 500; `Refusal` is an answer. Subclasses of `Upload` get a body in pieces, an
    object with `upgrade` changes the protocol.

    `on_answer`, where it is set, is called with each Request and its status when the answer begins: for a log.

    >>> from reactor.testing import MemoryReactor
    >>> from protocols.http import fetch
    >>> reactor = MemoryReactor()
    >>> site = Server(reactor)
    >>> site.route("GET", "/hello/{name}", lambda request: f"hello {request.parameters['name']}")
    >>> listener = site.listen("localhost", 80)
    >>> reactor.run_until(fetch(reactor, "http://localhost/hello/ada", proxy=False)).text
    'hello ada'
    >>> reactor.close()
    """

    def __init__(
        self,
        reactor: Reactor,
        *,
        limits: Limits = LIMITS,
        timeouts: Timeouts = TIMEOUTS,
        bounds: Bounds = Bounds(),  # noqa: B008 (frozen)
    ) -> None:
        self.reactor = reactor
        self.limits = limits
        self.timeouts = timeouts
        self.bounds = bounds
        self.routes = Routes()
        self.bodies = Budget(bounds.max_bodies)
        self.on_answer: Callable[[Request, int], object] | None = None
        self._connections: dict[HTTPConnection, None] = {}
        self._peers = Peers(bounds.per_peer, count_loopback=limits.count_loopback)
        self._timer: Timer | None = None

    def route(self, method: str, path: str, handler: Any, *, max_body: int | None = None) -> None:
        """Let `handler` answer `method` on `path`: exact, with `{name}` segments, or with `/*` at its end.

        max_body: bytes of a body that the handler may get whole; `Bounds.max_body` unless given.
        Raises ValueError for what can never match, and for a route that is taken.
        """
        self.routes.add(method, path, handler, max_body)

    def mount(self, path: str, handler: Any, methods: Iterable[str] | None = None) -> None:
        """Let `handler` answer everything at and below `path`: `Files`, or a function that looks at `request.rest`.

        methods: those that it is asked for; by default its own attribute `methods`, or GET.
        """
        if methods is None:
            methods = getattr(handler, "methods", ("GET",))
        for method in methods:
            self.routes.add(method, path.rstrip("/") + "/*", handler)

    def listen(self, host: str | None, port: int, *, tls: ssl.SSLContext | None = None, **options: Any) -> Listener:
        """Accept connections. `options` are those of `Reactor.listen_tcp`. May be called for several addresses."""
        options = {"limits": self.limits, "timeouts": self.timeouts, **options}
        options["limits"] = refusing(options["limits"], self.bounds.per_peer)
        return self.reactor.listen_tcp(self.connection, host, port, tls=tls, **options)

    def connection(self) -> HTTPConnection:
        """The protocol of one connection: for listeners of another kind, and for tests in memory."""
        return HTTPConnection(self)

    # -- for connections ----------------------------------------------------------------------------------------

    def admit(self, connection: HTTPConnection) -> bool:
        """Count a newcomer; false where its address has as many as it may have."""
        if not self._peers.admit(connection.transport):
            text = "%r turned away: its address has %d connections"
            tell(log, self.reactor, text, connection.transport, self.bounds.per_peer)
            return False
        self._connections[connection] = None
        if self._timer is None:
            self._timer = self.reactor.call_later(LOOK, self._look)
        return True

    def forget(self, connection: HTTPConnection) -> None:
        """A connection waits for nothing any more, or is another protocol's. Harmless twice."""
        self._connections.pop(connection, None)
        if self._timer is not None and not self._connections:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self.reactor.call_later(LOOK, self._look)
        for connection in list(self._connections):
            connection.waited += LOOK
            if connection.waited >= connection.allowed:
                connection.look()
        self._peers.sweep()

    def __repr__(self) -> str:
        return f"<Server {len(self._connections)} connections>"
