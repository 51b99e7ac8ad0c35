"""Every bound and deadline of the server, each with its reason. Pure data; `Server` takes others.

Seconds and bytes. A connection is looked at once a second, so that ten thousand of them need one timer: a deadline
comes up to a second early, and never late.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from reactor import Limits, Timeouts

from ..wire import MAX_HEAD, MAX_LINES

KIB = 1024
MIB = 1024 * KIB

LIMITS = Limits(connections=10_000)
"""Connections at once: a small machine serves them, and the backlog holds who comes next."""

TIMEOUTS = Timeouts(idle=None, write=30.0, close=5.0)
"""`write`: a peer that takes no byte for 30 s is gone or wants us to wait; nginx has 60. `close`: after an early
refusal the peer may still be sending; 5 s are enough to read the answer (RFC 9112, 9.6). `idle` is left to `Bounds`,
which tell silence before a request from silence while an answer is made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one connection may take, keep waiting, and hold.

    max_head, max_lines: bytes and lines of a head, request line included; beyond them 431, or 414 where the request
        line alone is over. Eight times what nginx and Apache take, far above the 8,000 of RFC 9112, 3.
    per_peer: connections of one address (IPv6: of a /64); loopback is not counted, for a proxy is there, unless
        `Limits.count_loopback` says so. A browser opens six, an office behind one address some dozens.
    first_byte: from the connection to the first byte of a request. Browsers connect ahead of need, and use that within
        a few seconds or never.
    head: from the first byte of a head to its last, however often a byte comes in between: what is renewed by each byte
        holds a dripping client for ever (CVE-2007-6750).
    idle: between two requests. As long as the load balancers that are most in use keep theirs, so that they do not
        race with our close. 0: no connection is kept for another request.
    body_gap: without a byte of a body that we wait for.
    body_rate, body_start: bytes a second that a body must come with on the average, looked at after `body_start`
        seconds. The slowest telephone line was ten times as fast.
    half_closed: for an answer to begin once the client has ended its side: `nc -N` waits for it, a browser that has
        closed the tab does not, and both look the same until something is sent.
    max_body: bytes of a body that a handler gets whole; more is refused before it comes. An upload in pieces
        (`Upload`) has no bound but its own.
    max_bodies: bytes of such bodies that are coming in at a time, on all connections; who is beyond it gets a 503. A
        quarter of the smallest machine that is sold: ten thousand clients could send 1 MiB each.
    max_drop: bytes of an unwanted body that are read and dropped to keep the connection. Beyond it the connection is
        closed instead, which costs the client a handshake.
    max_pipelined: requests of one connection that are answered in a row before the others have their turn; fewer where
        answers take long, and one where all connections together have taken a round's time (`admission.rounds`).
    """

    max_head: int = MAX_HEAD
    max_lines: int = MAX_LINES
    per_peer: int = 256
    first_byte: float = 10.0
    head: float = 10.0
    idle: float = 60.0
    body_gap: float = 30.0
    body_rate: float = 500.0
    body_start: float = 20.0
    half_closed: float = 30.0
    max_body: int = 1 * MIB
    max_bodies: int = 256 * MIB
    max_drop: int = 64 * KIB
    max_pipelined: int = 32

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, (int, float)) or not value >= 0:  # `not >=` refuses NaN as well
                raise ValueError(f"Bounds.{field.name} is a number from 0 up, not {value!r}")


LINES_AT_ONCE = 500  # of heads and chunks, before the other connections have their turn: 250 tiny chunks take 2 ms
LINES_LATE = 50  # of them where all connections together have taken a round's time already
TURN_TIME = 0.002  # seconds of answers of one connection in a row, after which the others have their turn
LOOK = 1.0  # seconds between two looks at the deadlines of all connections: 1 ms for 10,000 of them
STALLED = 5.0  # seconds without a byte of a body after which its sender makes room, where there is none for newcomers
SLICE = 64 * KIB  # bytes of a large answer that are handed to the transport at once: it holds little more than that
TURN = 256 * KIB  # bytes of one streamed answer sent before the other connections have their turn
WHOLE = 1 * MIB  # bytes of an answer from memory up to which it is written in one piece
