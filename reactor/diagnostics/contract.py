"""The contract of a connection, watched from outside: one table, and a wrapper that holds every callback against it.

    reactor.listen_tcp(checked(Echo), host, port)       every protocol that the factory makes
    checked(Echo())                                     one protocol
    checked(Echo, on_breach=log.error)                  in production: told, instead of raised

It is the framework that is held to its promises here, not the protocol: ours, asyncio's (whose callbacks are the same)
or a transport of your own. The wrapper passes everything through and is taken for the protocol itself by `isinstance`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

HISTORY = 24  # calls that a breach tells: the life of most connections

MADE, LOST, PAUSE, RESUME = "connection_made", "connection_lost", "pause_writing", "resume_writing"
INPUT = {"data_received", "get_buffer", "buffer_updated", "datagram_received", "eof_received"}
EVERY = INPUT | {MADE, LOST, PAUSE, RESUME, "error_received", "draining"}
WRITES = {"write", "writelines", "sendto", "set_write_buffer_limits"}
ENDS = {"close", "abort"}
CALLS = WRITES | ENDS | {"write_eof", "pause_reading", "resume_reading", "unread"}


LOW, HIGH = 0, 1  # in get_write_buffer_limits()


class ContractBreach(Exception):
    """A transport broke the contract of a connection. The message tells what, and the calls that led there."""


OnBreach = Callable[[ContractBreach], object]


@dataclass(frozen=True)
class Rule:
    """One sentence of the contract: these `callbacks` may not come while `is_broken`."""

    sentence: str
    callbacks: Collection[str]
    is_broken: Callable[[Contract, tuple[Any, ...]], Any]
    breach: str


ONCE = "connection_made comes once, before anything else"
LAST = "connection_lost comes exactly once, last"
ENDED = "eof_received comes at most once, and nothing is received after it"
OUTSIDE = "no callback runs from inside a call of the transport, but for pause_writing from inside a write"
ALONE = "the callbacks of a connection do not overlap"
THREAD = "every callback comes on the loop's thread"
DEAF = "after close() or abort() nothing is delivered"
HELD = "after pause_reading() nothing is delivered until resume_reading()"
MARKS = "pause_writing runs once above the high watermark, resume_writing once at or below the low one"
BYTES = "data_received and buffer_updated bring at least one byte, and no more than there is room for"
REASON = "connection_lost is given None or the exception that ended the connection"
GIVEN = "after set_protocol() the former protocol is not called"

RULES = [
    Rule(ONCE, {MADE}, lambda c, _: c.made, "a second time"),
    Rule(ONCE, EVERY - {MADE}, lambda c, _: not c.made, "before connection_made"),
    Rule(LAST, EVERY, lambda c, _: c.lost, "after connection_lost"),
    Rule(ENDED, INPUT, lambda c, _: c.ended, "after eof_received"),
    Rule(OUTSIDE, EVERY - {PAUSE}, lambda c, _: c.inside, "from inside a call of the transport"),
    Rule(OUTSIDE, {PAUSE}, lambda c, _: c.inside and c.inside[-1] not in WRITES, "from inside another call"),
    # Who drains from inside a callback is told to drain from inside it.
    # So is who writes to a connection that is not its own, which may press back at once.
    Rule(ALONE, EVERY - {"draining", PAUSE}, lambda c, _: c.running and not c.inside, "while another callback runs"),
    Rule(THREAD, EVERY, lambda c, _: c.thread not in (None, threading.get_ident()), "on another thread"),
    Rule(DEAF, INPUT, lambda c, _: c.closed, "after close() or abort()"),
    Rule(HELD, INPUT, lambda c, _: c.held, "while reading is paused"),
    Rule(MARKS, {PAUSE}, lambda c, _: c.full, "a second time"),
    Rule(MARKS, {RESUME}, lambda c, _: not c.full, "without pause_writing"),
    Rule(MARKS, {PAUSE}, lambda c, _: c.excess(HIGH, unknown=1) <= 0, "with no more waiting than the high watermark"),
    Rule(MARKS, {RESUME}, lambda c, _: c.excess(LOW, unknown=0) > 0, "with more waiting than the low watermark"),
    Rule(BYTES, {"data_received"}, lambda c, args: not len(args[0]), "without a byte"),
    Rule(BYTES, {"buffer_updated"}, lambda c, args: not 0 < args[0] <= c.room, "with a number that cannot be"),
    Rule(REASON, {LOST}, lambda c, args: not isinstance(args[0], BaseException | None), "with something else"),
]
RULES_FOR = {name: [rule for rule in RULES if name in rule.callbacks] for name in EVERY}


C = TypeVar("C", bound="Contract")


class Contract:
    """What one connection has gone through, and whether that was right. `breaches` are those found."""

    made: bool = False
    lost: bool = False
    ended: bool = False
    closed: bool = False  # by close() or abort()
    held: bool = False  # by pause_reading()
    full: bool = False  # by pause_writing
    thread: int | None = None  # that called connection_made
    room: int = 0  # bytes in the buffer given last

    def __init__(self, on_breach: OnBreach | None, registry: dict[Contract, None]) -> None:
        self.breaches: list[ContractBreach] = []
        self.history: deque[str] = deque(maxlen=HISTORY)
        self.running: list[str] = []  # callbacks
        self.inside: list[str] = []  # calls of the transport
        self.owner: Checked | None = None  # the wrapper of the protocol that has the connection
        self.transport: Any = None
        self._on_breach = on_breach
        self._registry = registry
        registry[self] = None

    def callback(self, owner: Checked, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        """Hold one callback against the rules, then let it through."""
        self.history.append(name)
        for rule in RULES_FOR[name]:
            if rule.is_broken(self, args):
                self.breach(f"{name} {rule.breach}: {rule.sentence}")
        if owner is not self.owner:
            self.breach(f"{name} of a former protocol: {GIVEN}")
        self._note(name, args)
        self.running.append(name)
        try:
            result = fn(*args)
        finally:
            self.running.pop()
        if name == "get_buffer":
            self.room = memoryview(result).nbytes
        return result

    def _note(self, name: str, args: tuple[Any, ...]) -> None:
        if name == MADE:
            self.made = True
            self.thread = threading.get_ident()
        elif name == LOST:
            self.lost = True
            self.transport = None
            self._registry.pop(self, None)
        elif name == "eof_received":
            self.ended = True
        elif name in (PAUSE, RESUME):
            self.full = name == PAUSE

    def call(self, name: str, fn: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Note one call of the transport by the protocol, and let it through."""
        self.history.append(f"{name}()")
        is_late = self.closed or self.lost
        self.closed = self.closed or name in ENDS
        self.held = name == "pause_reading" or (self.held and name != "resume_reading")
        self.inside.append(name)
        try:
            result = fn(*args, **options)
        except Exception as exc:
            if is_late and not isinstance(exc, (ContractBreach, TypeError, ValueError)):
                self.breach(f"{name}() raised {exc!r}: late calls of a transport are harmless")
            raise
        finally:
            self.inside.pop()
        if name in ENDS and not (self.lost or self.transport.is_closing()):
            self.breach(f"is_closing() is false after {name}()")
        return result

    def successor(self) -> Contract:
        """The contract of the protocol that begins on this connection; this one is kept, without `connection_lost`."""
        self._registry.pop(self, None)
        return self._inherit(Contract(self._on_breach, self._registry))

    def _inherit(self, new: C) -> C:
        new.history, new.transport, self.owner = self.history, self.transport, None
        self.history.append("switch_protocol()")
        return new

    def excess(self, mark: int, unknown: int) -> int:
        """Bytes that wait beyond the LOW or HIGH watermark; `unknown` where the transport does not tell."""
        try:
            size: int = self.transport.get_write_buffer_size() - self.transport.get_write_buffer_limits()[mark]
        except AttributeError:
            return unknown
        return size

    def finish(self) -> None:
        """Say that nothing more will come. A breach where connection_made came and connection_lost did not."""
        if self.made and not self.lost:
            self.breach(f"no connection_lost: {LAST}")

    def breach(self, text: str) -> None:
        """Report a breach: raise it, or tell whoever wants to know."""
        breach = ContractBreach(f"{text}. So far: {', '.join(self.history)}")
        self.breaches.append(breach)
        if self._on_breach is None:
            raise breach
        self._on_breach(breach)


class Checked:
    """A protocol and the contract that its connection is held to (`contract`). Made by `checked`."""

    __slots__ = ("__weakref__", "__wrapped__", "contract")

    def __init__(self, protocol: Any, contract: Contract) -> None:
        object.__setattr__(self, "__wrapped__", protocol)
        object.__setattr__(self, "contract", contract)
        contract.owner = self

    def connection_made(self, transport: Any) -> None:
        contract, protocol = self.contract, self.__wrapped__
        contract.transport = transport
        contract.callback(self, MADE, protocol.connection_made, CheckedTransport(transport, contract))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.__wrapped__, name)  # a callback that the protocol lacks is lacking here too
        return partial(self.contract.callback, self, name, found) if name in EVERY else found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.__wrapped__, name, value)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self.__wrapped__)

    def __repr__(self) -> str:
        return f"<checked {self.__wrapped__!r}>"


class CheckedTransport:
    """The transport as a checked protocol sees it: it notes from where it is called."""

    __slots__ = ("__weakref__", "_contract", "_transport")

    def __init__(self, transport: Any, contract: Contract) -> None:
        self._transport = transport
        self._contract = contract

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._transport, name)
        return partial(self._contract.call, name, found) if name in CALLS else found

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._transport)

    def get_protocol(self) -> Any:
        """The protocol, without its wrapper."""
        protocol = self._transport.get_protocol()
        return getattr(protocol, "__wrapped__", protocol)

    def set_protocol(self, protocol: Any) -> None:
        """Hand the connection over; its contract goes with it."""
        contract = self._contract
        contract.history.append("set_protocol()")
        self._transport.set_protocol(Checked(protocol, contract))

    def switch_protocol(self, protocol: Any, data: bytes = b"") -> BaseException | None:
        """A new contract begins, for the protocol that begins."""
        checked = protocol if self.is_closing() else Checked(protocol, self._contract.successor())
        fault: BaseException | None = self._transport.switch_protocol(checked, data)
        return fault

    def __repr__(self) -> str:
        return f"<checked {self._transport!r}>"


class CheckedFactory:
    """A factory whose protocols are checked. `open` are the contracts of connections that have not ended."""

    def __init__(self, factory: Callable[[], Any], on_breach: OnBreach | None) -> None:
        self._factory = factory
        self._on_breach = on_breach
        self.open: dict[Contract, None] = {}

    def __call__(self) -> Any:
        protocol = self._factory()
        return Checked(protocol, Contract(self._on_breach, self.open))

    def finish(self) -> None:
        """Say that nothing more will come: a breach for each connection without connection_lost."""
        for contract in list(self.open):
            contract.finish()


def checked(protocol: Any, on_breach: OnBreach | None = None) -> Any:
    """Hold the connection of a protocol, or every connection of a factory, to its contract.

    protocol: a protocol of any kind (stream, buffered, datagram), a class, or a callable that makes one.
    on_breach: is told of each ContractBreach. Without it the breach is raised in the callback: the protocol is not
        called, and a reactor logs it with its traceback and ends that connection.

    >>> from reactor.testing import ContractBreach, Recorder, checked, connected_pair
    >>> pair = connected_pair(checked(Recorder()), checked(Recorder()))
    >>> pair.a.write(b"hello")
    >>> pair.settle()                           # our own transports keep it
    >>> careless = checked(Recorder())
    >>> careless.connection_made(pair.a)
    >>> careless.connection_lost(None)
    >>> try:
    ...     careless.data_received(b"late")     # somebody's transport that does not
    ... except ContractBreach as breach:
    ...     print(str(breach).partition(":")[0])
    data_received after connection_lost
    """
    if not isinstance(protocol, type) and hasattr(protocol, MADE):
        return Checked(protocol, Contract(on_breach, {}))
    if not callable(protocol):
        raise TypeError(f"checked() takes a protocol or what makes one, not {protocol!r}")
    return CheckedFactory(protocol, on_breach)
