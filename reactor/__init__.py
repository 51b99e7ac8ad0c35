"""A single-threaded event loop for servers and clients, on `selectors` and the standard library alone.

    from reactor import Protocol, Reactor

    class Echo(Protocol):
        def connection_made(self, transport):
            self.transport = transport

        def data_received(self, data):
            self.transport.write(data)

    with Reactor() as reactor:
        reactor.listen_tcp(Echo, "127.0.0.1", 9000)
        reactor.run()

The map, from the bottom up; imports only point up in this list, and the docstring of each folder lists its files so:

    errors         every error by name
    values         named fields that are never changed
    limits         bounds and timeouts
    boundary       what the program's code raises, and the log
    callbacks      what is wrong with the callbacks of a class
    protocol       what you implement
    loop/          the tick, and what it turns: timers, descriptors, signals, threads, counters
    sockets/       what a transport reads and writes: TCP, Unix, UDP, standard streams, TLS, files
    transports/    one connection: its states, its life, its lane out, its lane in
    endpoints/     who makes transports and counts them: listeners, connectors
    foreign        the transport of another loop, with the verbs of ours
    framing        lines, netstrings, length prefixes
    diagnostics/   seeing inside: counters, connections, what holds the loop
    reactor        the loop with the verbs of the network
    reconnect      a connection that is made again
    aio/           asyncio's loop on this one
    processes/     several processes: one after the other, side by side
    serving/       a command line, TLS files, workers, signals: what a server needs around its protocol
    testing/       the same reactor in memory
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .boundary import EXITS, attempt
from .endpoints.drain import DrainReport
from .endpoints.listener import Listener
from .errors import (
    ActivationError,
    CloseTimeout,
    ConnectError,
    ConnectionTimeout,
    ConnectRefused,
    ConnectTimeout,
    DatagramDropped,
    DrainTimeout,
    FileTruncated,
    FramingError,
    HandOverError,
    HandshakeTimeout,
    IdleTimeout,
    LimitExceeded,
    ListenError,
    PeerError,
    ReactorClosed,
    ReactorError,
    ResolveError,
    WriteTimeout,
)
from .foreign import adopt
from .framing import LengthPrefixedProtocol, LineProtocol, NetstringProtocol
from .limits import Limits, Timeouts
from .loop.futures import Promise
from .loop.timers import Timer
from .protocol import BaseProtocol, BufferedProtocol, DatagramProtocol, Protocol
from .reactor import Reactor
from .sockets.addresses import peer_key
from .transports.stream import StreamTransport

if TYPE_CHECKING:
    from .diagnostics.stats import Stats
    from .processes.activation import activated_sockets, notify, say_ready
    from .processes.handover import hand_over, start_successor
    from .processes.prefork import Supervisor, prefork_sockets
    from .processes.worker import Worker
    from .reconnect import ReconnectingClient
    from .transports.datagram import DatagramTransport

__version__ = "0.2.0"

__all__ = [
    "EXITS",
    "ActivationError",
    "BaseProtocol",
    "BufferedProtocol",
    "CloseTimeout",
    "ConnectError",
    "ConnectRefused",
    "ConnectTimeout",
    "ConnectionTimeout",
    "DatagramDropped",
    "DatagramProtocol",
    "DatagramTransport",
    "DrainReport",
    "DrainTimeout",
    "FileTruncated",
    "FramingError",
    "HandOverError",
    "HandshakeTimeout",
    "IdleTimeout",
    "LengthPrefixedProtocol",
    "LimitExceeded",
    "Limits",
    "LineProtocol",
    "ListenError",
    "Listener",
    "NetstringProtocol",
    "PeerError",
    "Promise",
    "Protocol",
    "Reactor",
    "ReactorClosed",
    "ReactorError",
    "ReconnectingClient",
    "ResolveError",
    "Stats",
    "StreamTransport",
    "Supervisor",
    "Timeouts",
    "Timer",
    "Worker",
    "WriteTimeout",
    "activated_sockets",
    "adopt",
    "attempt",
    "hand_over",
    "notify",
    "peer_key",
    "prefork_sockets",
    "say_ready",
    "start_successor",
]

_LATER = {
    "DatagramTransport": "transports.datagram",
    "ReconnectingClient": "reconnect",
    "Stats": "diagnostics.stats",
    "Supervisor": "processes.prefork",
    "Worker": "processes.worker",
    "activated_sockets": "processes.activation",
    "hand_over": "processes.handover",
    "notify": "processes.activation",
    "prefork_sockets": "processes.prefork",
    "say_ready": "processes.activation",
    "start_successor": "processes.handover",
}
"""Names that few programs need, and the modules that are loaded for them when they are asked for first (PEP 562)."""

if not TYPE_CHECKING:  # to a type checker it would make every misspelt name good

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER})


for _thing in list(globals().values()):  # tracebacks name errors by the package that people import them from
    if isinstance(_thing, type) and issubclass(_thing, Exception):
        _thing.__module__ = __name__
del _thing
