"""Debug mode: what a program does wrong with a reactor is said where it does it. Costs time, and nothing when off.

    Reactor(debug=True)         or REACTOR_DEBUG=1 in the environment

A call from another thread than the loop's raises RuntimeError: of the reactor, a listener or a transport, but for what
only reads; of a timer, but for `cancel`, which is harmless everywhere. Every connection is held to its contract
(`contract`); a breach is logged. A callback of SLOW seconds or more is logged with its name.
A connection that nobody has closed when its reactor is closed is logged with the call that it comes from, and so are a
listener whose reactor never ran, and a reactor that nobody has closed.

It is put on one reactor at its construction: methods of the instance stand before those of the class, and transports
are of classes of their own. The loop of all other reactors has not one line of it.
"""

from __future__ import annotations

import functools
import os
import sys
import traceback
import weakref
from collections.abc import Callable, Collection, Iterable
from types import FrameType
from typing import Any

from ..boundary import PACKAGE, log
from ..endpoints.listener import Listener
from ..loop.loop import Loop
from ..transports.datagram import DatagramTransport
from ..transports.stream import StreamTransport
from .contract import CALLS as NOTED, MADE, Checked, Contract, ContractBreach

SLOW = 0.1  # seconds: what people call immediate; asyncio's slow_callback_duration is the same
DEPTH = 10  # frames of a call that something comes from, the innermost of the program's own
REPORTS = 20  # connections that are named when nobody has closed them; a server may have thousands

MAKERS = ("listen_tcp", "listen_unix", "listen_socket", "connect_tcp", "connect_unix", "open_udp", "open_stdio")
"""The verbs that take a factory first."""
WATCHES = ("add_reader", "add_writer")
ANYWHERE = {"call_soon_threadsafe", "close", "run", "run_until", "stop", "time"}
"""What any thread may call, or cannot call while the loop runs elsewhere."""


def changing(kind: type, but: Collection[str] = ()) -> tuple[str, ...]:
    """The public methods of a class that do more than tell: get_, is_ and can_ are names of those that tell."""
    names = (name for name in dir(kind) if not name.startswith(("_", "get_", "is_", "can_")) and name not in but)
    return tuple(name for name in names if callable(getattr(kind, name)))


VERBS = (*MAKERS, "drain", "abort", "flush", *changing(Loop, but=ANYWHERE))
"""What only the loop's thread may call while the loop runs."""
CALLS = tuple({**dict.fromkeys(changing(StreamTransport)), **dict.fromkeys(changing(DatagramTransport))})
"""The same for transports."""
LISTENS = changing(Listener)
"""And for listeners."""

Reactor = Any  # the class stands above, in a module that imports this one


def is_equipped(reactor: Reactor) -> bool:
    """Whether it is in debug mode."""
    return hasattr(reactor, "_origins")


def equip(reactor: Reactor) -> None:
    """Put `reactor` in debug mode, before it does anything."""
    reactor._origins = {}  # of protocols that have been made and have no transport yet, by their id
    reactor._listened = weakref.WeakKeyDictionary()  # listeners, and where they come from
    for name in MAKERS:
        setattr(reactor, name, observing(reactor, getattr(reactor, name)))
    for name in WATCHES:
        setattr(reactor, name, timing(reactor, getattr(reactor, name)))
    for name in VERBS:
        setattr(reactor, name, on_loop_thread(reactor, name, getattr(reactor, name)))
    reactor._inventory.note_unserved = lambda: None  # `report_unserved` says more
    reactor._promises.origin = lambda: call_site(sys._getframe(1))
    timers = reactor.timers
    timers.arm = on_loop_thread(reactor, "timer.reset", timers.arm)
    guard, fire = reactor._guard, timers._fire
    for roster in (reactor._inventory.clients, reactor._inventory.datagrams):
        roster.kind = KINDS[roster.kind]
    replaced: dict[str, Any] = {
        "_guard": lambda fn, args: timed(reactor, name_of(fn), guard, fn, args),
        "close": functools.partial(close, reactor, reactor.close, remember(reactor)),
    }
    for name, method in replaced.items():
        setattr(reactor, name, method)
    timers._fire = lambda timer, now: timed(reactor, timer.name, fire, timer, now)


# -- threads --------------------------------------------------------------------------------------------------------


def on_loop_thread(reactor: Reactor, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """A verb that only the loop's thread may call."""

    @functools.wraps(method)
    def verb(*args: Any, **options: Any) -> Any:
        reactor.runner.check(f"{name}()")
        return method(*args, **options)

    return verb


class Watched(Checked):
    """A protocol whose contract is watched by its transport, which is what it is given."""

    __slots__ = ()

    def connection_made(self, transport: Any) -> None:
        self.contract.callback(self, MADE, self.__wrapped__.connection_made, transport)


def guarded(kind: Any) -> Any:
    """The class of a transport whose CALLS are kept to the loop's thread, and noted in its contract.

    To the program it is the transport of always: one object everywhere, with the protocol that it was given.
    """

    class Guarded(kind):  # type: ignore[misc]
        __slots__ = ("_contract",)

        def __init__(self, loop: Any, sock: Any, protocol: Any, *args: Any, **options: Any) -> None:
            self._contract = contract = Observed(loop, loop._origins.pop(id(protocol), "unknown"))
            contract.transport = self
            super().__init__(loop, sock, Watched(protocol, contract), *args, **options)

        def get_protocol(self) -> Any:
            found = super().get_protocol()
            return found.__wrapped__ if type(found) is Watched else found

        def set_protocol(self, protocol: Any) -> None:
            self._contract.history.append("set_protocol()")
            super().set_protocol(Watched(protocol, self._contract))

        def switch_protocol(self, protocol: Any, data: bytes = b"") -> Any:
            if not self.is_closing():
                self._contract = self._contract.successor()
            return super().switch_protocol(protocol, data)

    if not hasattr(kind, "switch_protocol"):
        del Guarded.switch_protocol
    for name in CALLS:
        if hasattr(kind, name):
            setattr(Guarded, name, _guarded(name, getattr(Guarded, name)))
    Guarded.__name__, Guarded.__qualname__, Guarded.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Guarded


def _guarded(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(self: Any, *args: Any, **options: Any) -> Any:
        self._loop.runner.check(f"transport.{name}()")
        if name not in NOTED:
            return method(self, *args, **options)
        return self._contract.call(name, functools.partial(method, self), *args, **options)

    return call


# -- time -----------------------------------------------------------------------------------------------------------


def timed(reactor: Reactor, name: str, fn: Callable[..., Any], *args: Any) -> Any:
    """Call `fn(*args)`, and say so if that takes SLOW seconds or more."""
    began = reactor.clock()
    try:
        return fn(*args)
    finally:
        took = reactor.clock() - began
        if took >= SLOW:
            log.warning("slow callback: %s took %.2f s", name, took)


def timing(reactor: Reactor, watch: Callable[..., Any]) -> Callable[..., Any]:
    """`add_reader` or `add_writer`, with its callback timed."""

    @functools.wraps(watch)
    def verb(fd: Any, fn: Callable[..., Any], *args: Any) -> Any:
        return watch(fd, functools.partial(timed, reactor, name_of(fn), fn), *args)

    return verb


def name_of(fn: Callable[..., Any]) -> str:
    """A callback, as people call it."""
    while isinstance(fn, functools.partial):
        fn = fn.func
    return str(getattr(fn, "__qualname__", fn))


# -- protocols ------------------------------------------------------------------------------------------------------


class Observed(Contract):
    """The contract of one connection, whose callbacks are timed. `origin`: the call that the connection comes from."""

    def __init__(self, reactor: Reactor, origin: str) -> None:
        super().__init__(_on_breach, {})
        self._reactor = reactor
        self.origin = origin

    def successor(self) -> Observed:
        return self._inherit(Observed(self._reactor, self.origin))

    def callback(self, owner: Checked, name: str, fn: Callable[..., Any], *args: Any) -> Any:
        full = f"{type(owner.__wrapped__).__qualname__}.{name}"
        return timed(self._reactor, full, super().callback, owner, name, fn, *args)


def _on_breach(breach: ContractBreach) -> None:
    log.error("contract broken: %s", breach)


def observing(reactor: Reactor, verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb whose factory makes observed protocols."""

    @functools.wraps(verb)
    def maker(factory: Any, *args: Any, **options: Any) -> Any:
        if not callable(factory):
            return verb(factory, *args, **options)
        origin = call_site(sys._getframe(1))

        @functools.wraps(factory, updated=())
        def observed() -> Any:
            protocol = factory()
            reactor._origins[id(protocol)] = origin
            return protocol

        made = verb(observed, *args, **options)
        if isinstance(made, Listener):
            reactor._listened[made] = origin
            made._roster.kind = KINDS[made._roster.kind]
            for name in LISTENS:
                setattr(made, name, on_loop_thread(reactor, f"listener.{name}", getattr(made, name)))
        return made

    return maker


DebugStream = guarded(StreamTransport)
DebugDatagram = guarded(DatagramTransport)
KINDS: dict[type, type] = {StreamTransport: DebugStream, DatagramTransport: DebugDatagram}


# -- what nobody has closed -------------------------------------------------------------------------------------------


def remember(reactor: Reactor) -> weakref.finalize[..., Any]:
    """Tell if the reactor is forgotten, or the program ends, before it is closed."""
    return weakref.finalize(reactor, _forgotten, os.getpid(), call_site(sys._getframe(1)))


def _forgotten(pid: int, origin: str) -> None:
    if os.getpid() == pid:
        log.warning("a reactor was never closed; it was made here:\n%s", origin)


def close(reactor: Reactor, close: Callable[[], None], forgotten: weakref.finalize[..., Any]) -> None:
    """`Reactor.close`, which first tells what is open."""
    forgotten.detach()
    if not reactor.closed:
        report_open(reactor.connections())
        report_unserved(reactor)
    close()


def report_open(transports: Iterable[Any]) -> None:
    """Name the connections that are not even about to end."""
    left = [transport for transport in transports if not transport.is_closing()]
    for transport in left[:REPORTS]:
        known = getattr(transport, "_contract", transport)
        log.warning("%r was never closed; it comes from here:\n%s", transport, getattr(known, "origin", "unknown"))
    if len(left) > REPORTS:
        log.warning("%d more connections were never closed", len(left) - REPORTS)


def report_unserved(reactor: Reactor) -> None:
    """Say that listeners were opened and the loop never turned, unless an exception of the program's ends it all."""
    listeners = list(reactor._inventory.listeners)
    if not listeners or reactor.meter.ticks or sys.exc_info()[1] is not None or os.getpid() != reactor._pid:
        return
    count = "a listener" if len(listeners) == 1 else f"{len(listeners)} listeners"
    origin = reactor._listened.get(listeners[0], "unknown")
    log.warning("%s, and run() was never called: nobody was served; opened here:\n%s", count, origin)


def call_site(frame: FrameType | None) -> str:
    """The stack without the reactor's own part of it."""
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return "".join(traceback.format_stack(frame, limit=DEPTH)).rstrip()
