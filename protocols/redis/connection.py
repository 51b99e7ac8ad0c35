"""One connection: questions out, answers in, in order, each in time. Knows no address, no login and no second try."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any, Protocol as Interface

from reactor import EXITS, Protocol, Reactor, StreamTransport, Timer

from ..admission.quiet import tell_bug
from .errors import AnswerTimeout, ConnectionLost, ProtocolError, RedisError, ReplyError
from .wire import Push, ReplyWire, encode

log = logging.getLogger("protocols.redis")

Answer = Callable[[Any], object]
"""Is called with the reply, or with the RedisError that there is instead of one."""

_PING = encode(("PING",))


class Owner(Interface):
    """Who made the connection."""

    def on_made(self, connection: RedisConnection) -> None: ...
    def on_push(self, connection: RedisConnection, push: list[Any]) -> None: ...
    def on_over(self, connection: RedisConnection, error: RedisError) -> None: ...
    def on_drain(self, connection: RedisConnection, grace: float) -> bool: ...


class Confirmation:
    """The question of a (UN)SUBSCRIBE: its answer comes as a push, or else as an error in its turn."""

    __slots__ = ("answer", "channel", "kind")

    def __init__(self, kind: bytes, channel: bytes, answer: Answer) -> None:
        self.kind = kind
        self.channel = channel
        self.answer = answer

    def __call__(self, reply: Any) -> None:
        self.answer(reply)


class RedisConnection(Protocol):
    """The questions of a tick leave in one write. There is one timer, whatever the number of questions.

    timeout: seconds for each answer; after them the connection is dropped. ping: seconds of silence after which the
    server is asked whether it is there; None never asks.
    """

    __slots__ = (
        "_asked", "_error", "_heard", "_leaving", "_looks_at", "_out", "_owner", "_ping", "_reactor", "_read_only",
        "_sent", "_timeout", "_timer", "_wire", "as_arrays", "must_write", "transport",
    )  # fmt: skip

    transport: StreamTransport

    def __init__(self, reactor: Reactor, owner: Owner, timeout: float, ping: float | None) -> None:
        self._reactor = reactor
        self._owner = owner
        self._timeout = timeout
        self._ping = ping
        self._wire = ReplyWire()
        self._asked: deque[Answer] = deque()  # what is not answered, oldest first
        self._sent: deque[float] = deque()  # when those of them were sent that are
        self._out: list[bytes] = []  # the others: they leave at the end of this tick
        self._leaving = False
        self._heard = 0.0
        self._timer: Timer | None = None
        self._looks_at = inf  # when the timer looks at the clock
        self._error: RedisError | None = None  # why it is over
        self._read_only = False
        self.must_write = False
        """A server that has become read-only is no use: the connection is dropped, to look for the master again."""
        self.as_arrays = False
        """Messages of channels come as arrays: RESP2, where such a connection serves for nothing else."""

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._heard = self._reactor.time()
        self._owner.on_made(self)

    def ask(self, answer: Answer, command: bytes, last: bool = False) -> None:
        """Send an encoded command; `answer` is called exactly once. last: see `RedisClient.call`."""
        if self._error is not None:
            return tell(self._reactor, answer, self._error)
        self._asked.append(answer)
        self._out.append(command)
        if last:
            self._flush()
        elif len(self._out) == 1:
            self._reactor.call_soon(self._flush)

    @property
    def outstanding(self) -> int:
        """Questions that have no answer yet."""
        return len(self._asked)

    def _flush(self) -> None:
        out, self._out = self._out, []
        if out:
            now = self._reactor.time()
            self._sent.extend([now] * len(out))
            self.transport.write(b"".join(out))
            if len(self._sent) == len(out):
                self._watch(now + self._timeout)

    def data_received(self, data: bytes) -> None:
        self._heard = self._reactor.time()
        asked, sent, wire = self._asked, self._sent, self._wire
        for reply in wire.feed(data):
            if (type(reply) is Push or self.as_arrays) and self._is_told(reply):
                continue
            if not sent:  # what is not sent cannot be answered: it would shift all that follows
                return self.drop(ProtocolError("an answer to nothing"))
            sent.popleft()
            answer = asked.popleft()
            if type(reply) is ReplyError and reply.code == "READONLY":
                self._read_only = self.must_write
            tell(self._reactor, answer, reply)
            if self._error is not None:
                return
        if wire.error is not None:
            self.drop(wire.error)
        elif self._read_only:
            self.drop(ConnectionLost("the server has become read-only"))
        elif self._leaving and not asked:
            self.transport.close()

    def _is_told(self, reply: Any) -> bool:
        """Take what is no answer to a question; false where it is one."""
        if not (isinstance(reply, list) and len(reply) > 1):
            return isinstance(reply, Push)
        kind, channel = reply[:2]
        if kind in (b"subscribe", b"unsubscribe"):
            first = self._asked[0] if self._asked else None
            return not (isinstance(first, Confirmation) and (first.kind, first.channel) == (kind, channel))
        if kind == b"pong" and self.as_arrays:
            return False
        self._owner.on_push(self, reply)
        return True

    # -- the clock ----------------------------------------------------------------------------------------------

    def _watch(self, when: float) -> None:
        """Look at the clock at `when`, or earlier if that is intended already."""
        if when < self._looks_at:
            self._looks_at = when
            if self._timer is None:
                self._timer = self._reactor.call_at(when, self._look)
            else:
                self._timer.reset(when - self._reactor.time())

    def begin_pinging(self) -> None:
        """From now on silence is noticed."""
        if self._ping is not None:
            self._watch(self._heard + self._ping)

    def _look(self) -> None:
        now, self._looks_at = self._reactor.time(), inf
        if self._sent:
            due = self._sent[0] + self._timeout
            if now >= due:
                return self.drop(AnswerTimeout(f"no answer within {self._timeout:g} s"))
            if self._ping is None:
                return self._watch(due)
            return self._watch(min(due, now + self._ping))
        if self._ping is None:
            return
        due = self._heard + self._ping
        if now >= due and not self._asked:
            self.ask(_ignore, _PING)
            due = now + self._ping
        self._watch(max(due, now + 0.001))

    # -- ending -------------------------------------------------------------------------------------------------

    def drop(self, error: RedisError) -> None:
        """End at once: the oldest question fails with `error`, and the others with it. Harmless twice."""
        self.transport.abort()
        self._end(error)

    def leave(self) -> None:
        """End as soon as all questions are answered."""
        self._leaving = True
        if not self._asked:
            self.transport.close()

    def draining(self, grace: float) -> bool:
        """The reactor ends: what was asked may still be answered, and what the owner still has to ask."""
        if self._owner.on_drain(self, grace):
            return True
        if not self._asked:
            return False
        self._leaving = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ConnectionLost(f"the connection to Redis is lost: {exc or 'it was closed'}"))

    def _end(self, error: RedisError) -> None:
        if self._error is not None:
            return
        self._error = error
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        asked, self._asked, self._out = self._asked, deque(), []
        self._sent.clear()
        for number, answer in enumerate(asked):
            why = ConnectionLost(f"the connection to Redis was dropped: {error}") if number else error
            tell(self._reactor, answer, why)
        self._owner.on_over(self, error)


def tell(reactor: Reactor, answer: Answer, reply: Any) -> None:
    """Give a reply, or the error instead. What the program raises harms no other question, and fills no log."""
    try:
        answer(reply)
    except EXITS:
        raise
    except BaseException as error:
        tell_bug(log, reactor, error, "an answer was not taken")


def _ignore(reply: Any) -> None:
    """Any answer shows that somebody is there."""
