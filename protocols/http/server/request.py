"""What a handler is given: one request, and the means to answer it later. Knows the connection by an interface only."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol as Interface

from protocols.admission.quiet import tell_bug
from reactor import Reactor, attempt

from ..errors import ProtocolError
from ..events import RequestHead
from ..headers import Headers
from .response import Fields, Refusal
from .targets import Query, Target

log = logging.getLogger("http.server")


class Line(Interface):
    """The connection that a request came on, as far as a request needs it."""

    reactor: Reactor
    transport: Any

    def pause_body(self) -> None: ...
    def resume_body(self) -> None: ...
    def respond(self, request: Request, status: int, headers: Fields) -> Any: ...


class Request:
    """One request. `body` is b"" in an `Upload`, which is given it in pieces."""

    __slots__ = (
        "_callbacks", "_line", "_query", "body", "cancelled", "headers", "method", "parameters", "path", "raw_query",
        "rest", "segments", "target", "version",
    )  # fmt: skip

    method: str
    target: str
    """As sent."""
    path: str
    """Decoded and without dot segments; a slash inside a name stays %2F. Use `segments` where names may be anything."""
    segments: tuple[str, ...]
    """The names between the slashes, decoded; the last is "" where the path ends with a slash."""
    rest: tuple[str, ...]
    """The segments that a `/*` stands for, or those below a mount."""
    parameters: Mapping[str, str]
    """The segments that `{name}` stands for in the route."""
    raw_query: str
    headers: Headers
    version: str
    """"1.1" or "1.0"."""
    body: bytes
    cancelled: bool
    """The client is gone: nobody reads the answer."""

    def __init__(self, line: Line, head: RequestHead, target: Target) -> None:
        self.version, self.method, self.target, self.headers = head
        self.path, self.segments, self.raw_query = target
        self._line = line
        self._query: Query | None = None
        self._callbacks: list[Callable[[], Any]] | None = None
        self.body = b""
        self.cancelled = False

    @property
    def query(self) -> Query:
        """The parameters of the query, decoded. Too many of them are refused with a 400 (`Refusal`)."""
        if self._query is None:
            try:
                self._query = Query(self.raw_query)
            except ProtocolError as error:
                raise Refusal(error.status) from None
        return self._query

    @property
    def reactor(self) -> Reactor:
        """The loop, for what takes time: `return request.reactor.run_in_thread(fn)`."""
        return self._line.reactor

    @property
    def peer(self) -> Any:
        """The address of the client, or of the proxy before it."""
        return self._line.transport.get_extra_info("peername")

    @property
    def secure(self) -> bool:
        """It came by TLS to this server."""
        return self._line.transport.get_extra_info("ssl_object") is not None

    def json(self) -> Any:
        """What the body says in JSON. Where it says nothing, the request is refused with a 400 (`Refusal`)."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is no JSON") from None

    def pause(self) -> None:
        """Take no more of the body until `resume`: the client is held back. For an `Upload`."""
        self._line.pause_body()

    def resume(self) -> None:
        """Go on with the body."""
        self._line.resume_body()

    def respond(self, status: int = 200, headers: Fields = ()) -> Any:
        """Begin the answer now, and write its body piece by piece: a `Stream`. The handler then gives that stream."""
        return self._line.respond(self, status, headers)

    def on_close(self, fn: Callable[[], Any]) -> None:
        """Call `fn()` if the client goes before it has the whole answer; at once if it has gone already."""
        if self.cancelled:
            fn()
        elif self._callbacks is None:
            self._callbacks = [fn]
        else:
            self._callbacks.append(fn)

    def cancel(self) -> None:
        """The connection is over before the answer was. Called by the connection."""
        self.cancelled = True
        callbacks, self._callbacks = self._callbacks, None
        for fn in callbacks or ():
            _, error = attempt(fn)
            if error is not None:
                name = getattr(fn, "__qualname__", fn)
                tell_bug(log, self.reactor, error, "exception in %s, called because a client is gone", name)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.target[:60]}>"
