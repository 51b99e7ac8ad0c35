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

The map, from the bottom up; imports only point down:

    errors limits protocol lanes       names, bounds, contracts, the table of states
    timers deadlines buffers unix wakeup poller signals workers watcher
    meter lag stats                    what is counted, and what is made of it
    kernel addresses                   where sockets, names and threads come from; testing puts its own here
    activation forks                   sockets from whoever started us; what a forked child may do: nothing
    jobs watchdog                      calls in threads; a thread that tells who holds the loop
    loop                               the tick: poll, I/O, timers, soon, flush, reap
    connection outbound transport      one connection: its life, its lane out, its lane in
    udp datagram datagrams             the same life with datagrams, and the verb that opens them
    roster listener resolver connector stdio
    inside dump                        a view inside: counters, connections, both in words
    debug contract                     what a program does wrong, and what a connection may not do
    framing                            lines, netstrings, length prefixes
    reactor                            the loop with the verbs of the network
    reconnect                          a connection that is made again
    worker_process handover prefork    several processes: one after the other, side by side
"""

from __future__ import annotations

from .activation import activated_sockets, notify, say_ready
from .datagram import DatagramTransport
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
from .framing import LengthPrefixedProtocol, LineProtocol, NetstringProtocol
from .handover import hand_over, start_successor
from .limits import Limits, Timeouts
from .listener import Listener
from .prefork import Supervisor, prefork_sockets
from .protocol import BaseProtocol, BufferedProtocol, DatagramProtocol, Protocol
from .reactor import Reactor
from .reconnect import ReconnectingClient
from .roster import DrainReport
from .stats import Stats
from .timers import Timer
from .transport import StreamTransport
from .worker_process import Worker

__all__ = [
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
    "hand_over",
    "notify",
    "prefork_sockets",
    "say_ready",
    "start_successor",
]
