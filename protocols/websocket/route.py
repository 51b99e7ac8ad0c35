"""From a request to a WebSocket: the handler of a route, and who holds the connection between the two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol as Interface

from reactor import Protocol, Reactor

from ..http.server import Refusal, Request, Response, Upgrade
from .handshake import Agreement, answer, check_origin, check_request


class Socket(Interface):
    """What a route asks of a WebSocket."""

    @property
    def subprotocols(self) -> Sequence[str]: ...
    @property
    def origins(self) -> Collection[str] | None: ...
    @property
    def compression(self) -> bool: ...

    def request_received(self, request: Request) -> None: ...
    def begin(self, reactor: Reactor, transport: Any, agreed: Agreement) -> BaseException | None: ...


class WebSocketRoute:
    """A handler for a route of `protocols.http.Server`: WebSockets that `factory` makes. A class is one by itself."""

    def __init__(self, factory: Callable[[], Socket]) -> None:
        self._factory = factory

    def upgrade(self, request: Request) -> Upgrade | Response:
        """The answer to the request of a handshake, a refusal or a WebSocket."""
        try:
            check_request(request.method, request.version, request.headers)
            socket = self._factory()
            check_origin(request.headers, socket.origins)
            fields, agreed = answer(request.headers, socket.subprotocols, socket.compression)
            socket.request_received(request)
        except Refusal as refusal:
            return refusal.response
        return Upgrade(Response(101, None, fields), _Opening(socket, request.reactor, agreed))


class _Opening(Protocol):
    """Between the answer and the WebSocket: it knows what was agreed."""

    def __init__(self, socket: Socket, reactor: Reactor, agreed: Agreement) -> None:
        self._socket = socket
        self._reactor = reactor
        self._agreed = agreed

    def connection_made(self, transport: Any) -> None:
        self._socket.begin(self._reactor, transport, self._agreed)
