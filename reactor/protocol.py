"""What a connection promises and what it asks: contracts only, no behaviour.

The names and their order are asyncio's, so that an `asyncio.Protocol` which touches only its transport runs here
unchanged, and the other way round. Every method has a default: define those that you need.

    connection_made -> data_received* -> eof_received? -> connection_lost

`connection_made` comes once and first, `connection_lost` exactly once and last. Callbacks of one connection never
overlap. None runs inside `write` (but `pause_writing`), `close`, `abort` or `flush` (but that and `resume_writing`).
An exception in a callback ends that connection, is logged once, and touches no other.

Two more callbacks are called where they are defined:

`draining(grace: float)`  a drain begins; the connection will be closed right after. Returning true keeps it open:
                          the protocol then finishes its work and closes within `grace` seconds, or is cut off.
`giving_way() -> int`     descriptors or places have run out, and newcomers wait: may this connection be ended for them?
                          2: its peer has said nothing yet; 1: it has nothing under way; 0: no, as without the callback.
"""

from __future__ import annotations

from typing import Any, Protocol as Interface, TypeVar

from .callbacks import check_callbacks

Bytes = bytes | bytearray | memoryview


class Transport(Interface):
    """The half of a connection that the framework owns. Given to `connection_made`."""

    bytes_in: int
    bytes_out: int
    delivery: int
    """Goes up when a batch in delivery may have to stop: after `pause_reading`, `close`, `set_protocol`, the end."""

    def write(self, data: Bytes) -> None: ...
    def writelines(self, chunks: Any) -> None: ...
    def write_eof(self) -> None: ...
    def can_write_eof(self) -> bool: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...
    def is_closing(self) -> bool: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def is_reading(self) -> bool: ...
    def unread(self, data: bytes) -> None: ...
    def get_extra_info(self, name: str, default: Any = None) -> Any: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def get_write_buffer_limits(self) -> tuple[int, int]: ...
    def get_write_buffer_size(self) -> int: ...
    def set_protocol(self, protocol: Any) -> None: ...
    def get_protocol(self) -> Any: ...


class AnyProtocol(Interface):
    """What a factory may give: anything that has the callbacks, ours or asyncio's."""

    def connection_made(self, transport: Any, /) -> Any: ...
    def connection_lost(self, exc: Exception | None, /) -> Any: ...


P = TypeVar("P", bound=AnyProtocol)
"""The protocol that a factory makes: what a connect gives is known to be one."""


class BaseProtocol:
    """The callbacks that every kind of connection has.

    A class that has one as `async def`, or misspelt (`data_recieved`), is refused with a TypeError where it is defined.
    """

    __slots__ = ()  # so that a subclass may choose slots: at 10,000 connections a __dict__ each is real memory

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        check_callbacks(cls)

    def connection_made(self, transport: Any) -> None:
        """The connection stands. Keep `transport`: it is how you answer."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is over. `exc` is None for a clean end or our own `close()`, else says what ended it."""

    def pause_writing(self) -> None:
        """More waits to be sent than the high watermark: stop producing."""

    def resume_writing(self) -> None:
        """What waits has fallen to the low watermark: go on."""


class Protocol(BaseProtocol):
    """A stream of bytes. Subclass this. Define `draining(grace)` too, to finish something when a drain begins.

    >>> from reactor import Protocol
    >>> from reactor.testing import Recorder, connected_pair
    >>> class Answer(Protocol):
    ...     def connection_made(self, transport):
    ...         self.transport = transport
    ...         self.received = 0
    ...     def data_received(self, data):
    ...         self.received += len(data)
    ...     def eof_received(self):
    ...         self.transport.write(b"%d bytes" % self.received)  # our half is open until this returns
    >>> client = Recorder()
    >>> with connected_pair(client, Answer()) as pair:
    ...     pair.a.write(b"question")
    ...     pair.a.write_eof()
    ...     pair.settle()
    ...     client.data
    b'8 bytes'
    """

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Some bytes came, at least one. Where TCP cut the stream means nothing."""

    def eof_received(self) -> bool | None:
        """The peer will send no more. Return true to keep our half open; otherwise the connection is closed."""
        return None


class BufferedProtocol(BaseProtocol):
    """A stream of bytes received into a buffer of the protocol's own, so that nothing is copied.

    >>> from reactor import BufferedProtocol, Protocol
    >>> from reactor.testing import connected_pair
    >>> class Sum(BufferedProtocol):
    ...     total, buffer = 0, bytearray(4096)
    ...     def get_buffer(self, sizehint):
    ...         return self.buffer
    ...     def buffer_updated(self, nbytes):
    ...         self.total += sum(self.buffer[:nbytes])
    >>> adder = Sum()
    >>> with connected_pair(Protocol(), adder) as pair:
    ...     pair.a.writelines([b"\\x01\\x02", b"\\x03"])
    ...     pair.settle()
    ...     adder.total
    6
    """

    __slots__ = ()

    def get_buffer(self, sizehint: int) -> bytearray | memoryview:
        """A writable buffer, not empty, for the next bytes. `sizehint` is -1: any size."""
        raise NotImplementedError

    def buffer_updated(self, nbytes: int) -> None:
        """`nbytes` bytes were put at the start of the buffer given last."""

    def eof_received(self) -> bool | None:
        """As `Protocol.eof_received`."""
        return None


class DatagramProtocol(BaseProtocol):
    """Datagrams, each whole or not at all."""

    __slots__ = ()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """One datagram came from `addr`; it may be empty.

        What this raises is logged, a PeerError as one quiet line, and the socket serves on: the others must not pay
        for one datagram.
        """

    def error_received(self, exc: OSError) -> None:
        """A datagram was lost: nobody listens there (ICMP), it is too large or not allowed, or no room is left for it.

        The socket lives on. Comes after `sendto` has returned.
        """
