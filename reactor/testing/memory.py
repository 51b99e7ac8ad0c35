"""The real reactor with no descriptor, no thread and no waiting, and two protocols joined in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, Self, TypeVar

from ..protocol import AnyProtocol
from ..transports.stream import StreamTransport
from .clock import FakeClock
from .network import Network
from .sockets import CAPACITY
from .world import Host, World


class MemoryReactor(Host):
    """A reactor on a network of its own, in memory. All of `Reactor` works but `open_stdio` and Unix sockets.

    Listeners, connectors, transports and timers are the real ones, on sockets that behave as Linux's do: bounded
    buffers, half-closes, resets, refusals. Addresses are "localhost", 127.0.0.1 and ::1. Time passes only in
    `advance`, and in `run` and `run_until` where they would wait. Jobs of `run_in_thread` run on the loop's thread.

    capacity: bytes that a connection holds in one direction until it presses back.
    raise_bugs: what the code under test raises in a callback, a factory or a timer is raised by `settle`, `advance`,
        `run` or whatever runs it, after it was logged: a bug fails the test. False: it is only logged, as in a server.

    >>> from reactor import Timeouts
    >>> from reactor.testing import MemoryReactor, Recorder
    >>> reactor = MemoryReactor()
    >>> server = Recorder()
    >>> listener = reactor.listen_tcp(lambda: server, "localhost", 7, timeouts=Timeouts(idle=300))
    >>> transport, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    >>> transport.write(b"hello")
    >>> reactor.advance(310)
    >>> server.data, server.lost
    (b'hello', IdleTimeout('no byte in or out for 300 s'))
    """

    def __init__(self, *, capacity: int = CAPACITY, raise_bugs: bool | None = None) -> None:
        clock = FakeClock()
        world = World(clock, Network(clock, capacity), raise_bugs)
        super().__init__(world, world.network.machine("memory"))
        world.join(self)


A = TypeVar("A", bound=AnyProtocol)
B = TypeVar("B", bound=AnyProtocol)


class Pair(Generic[A, B]):
    """Two protocols joined in memory: `a` and `b` are their transports, `reactor` what runs them."""

    def __init__(
        self, reactor: MemoryReactor, a: StreamTransport, b: StreamTransport, protocol_a: A, protocol_b: B
    ) -> None:
        self.reactor = reactor
        self.a = a
        self.b = b
        self.protocol_a = protocol_a
        self.protocol_b = protocol_b

    def settle(self) -> None:
        """Let everything happen that needs no time to pass."""
        self.reactor.settle()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.reactor.advance(seconds)

    def close(self) -> None:
        """End both connections, which tells both protocols, and the reactor."""
        self.reactor.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


def connected_pair(
    protocol_a: A | Callable[[], A],
    protocol_b: B | Callable[[], B],
    *,
    reactor: MemoryReactor | None = None,
    capacity: int = CAPACITY,
    raise_bugs: bool | None = None,
    connect: Mapping[str, Any] = MappingProxyType({}),
    listen: Mapping[str, Any] = MappingProxyType({}),
    **options: Any,
) -> Pair[A, B]:
    """Join two protocols by a connection in memory: `a` has connected, `b` was accepted.

    protocol_a, protocol_b: protocols, or what makes one. reactor: one of yours, instead of a new one.
    raise_bugs: see `MemoryReactor`.
    connect, listen: further options of `connect_tcp` for `a` and of `listen_tcp` for `b`: `tls`, ...
    options: those for both: `limits`, `timeouts`.

    >>> from reactor import LineProtocol
    >>> from reactor.testing import Recorder, connected_pair
    >>> class Shout(LineProtocol):
    ...     def line_received(self, line):
    ...         self.send_line(line.upper())
    >>> client = Recorder()
    >>> pair = connected_pair(client, Shout())
    >>> pair.a.write(b"hello\\nwor")
    >>> pair.settle()
    >>> pair.a.write(b"ld\\n")
    >>> pair.a.write_eof()
    >>> pair.settle()
    >>> client.data
    b'HELLO\\nWORLD\\n'
    >>> client.events
    ['connection_made', 'data_received', 'data_received', 'eof_received', 'connection_lost']
    """
    made_a, made_b = _made(protocol_a), _made(protocol_b)
    if reactor is None:
        reactor = MemoryReactor(capacity=capacity, raise_bugs=raise_bugs)
    listener = reactor.listen_tcp(lambda: made_b, "localhost", 0, **listen, **options)
    future = reactor.connect_tcp(lambda: made_a, "localhost", listener.port or 0, **connect, **options)
    a, _ = reactor.run_until(future)
    reactor.world.run_until(lambda: bool(listener.connections), 0)
    (b,) = listener.connections
    listener.close()
    return Pair(reactor, a, b, made_a, made_b)


def _made(given: Any) -> Any:
    is_made = hasattr(given, "connection_made") and not isinstance(given, type)
    protocol = given() if callable(given) and not is_made else given
    if not hasattr(protocol, "connection_made"):
        raise TypeError(f"connected_pair() joins two protocols, or what makes them, not {given!r}")
    return protocol
