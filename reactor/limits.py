"""The bounds of a connection: `Limits` counts and measures, `Timeouts` waits. Pure data.

`None` means no bound, and so does `math.inf`. The defaults are for a server on the open internet whose author has set
nothing.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

from .values import Value

KIB = 1024
MIB = 1024 * KIB


class Limits(Value):
    """Counts and sizes, in bytes, for the connections of one listener (or one outgoing connection).

    connections: at this many, accepting pauses and newcomers wait in the backlog, unless a connection gives way to
        them (`giving_way` of its protocol). No default: the number of descriptors already bounds it, and running out
        of those has the same rule, for all connections of the reactor.
    per_peer: connections of one address, IPv6 counted by /64 because that is what one customer is given
        (RFC 6177). No default: behind a NAT or a proxy thousands of people share one address. Not counted on Unix
        sockets: their peers have no address, and the mode of the path says who may come.
    count_loopback: count this machine's own addresses (127.0.0.0/8, ::1) for `per_peer` as well. Off: a reverse proxy
        in front is there, and all its people with it; whoever else is there has the machine already.
    refuse: `refuse(peername, held)` is asked at accept, before a handshake and before the factory; `held` is how many
        connections that peer has here, from accept to the close of their descriptors; loopback is always counted for
        it. None lets the newcomer in; bytes are its refusal: they are sent by one `send` (nothing where a handshake
        would have to come first), and its descriptor is closed at once. Anything else that it gives, and what it
        raises, refuses too, and is logged.
    output: bytes that may wait for one peer. Beyond it the connection is evicted. 64 MiB because one `write` of a
        large reply is legitimate, and a writer that heeds `pause_writing` stays a thousand times below it.
        All connections together have a budget besides: see `Reactor`.
    output_soft, output_soft_seconds: bytes that may wait for at most that long: a peer that always reads a little
        never trips a write timeout. No default size; 60 s is long enough for a train to leave its tunnel.
    """

    connections: int | None = None
    per_peer: int | None = None
    count_loopback: bool = False
    refuse: Callable[[Any, int], bytes | None] | None = None
    output: int | None = 64 * MIB
    output_soft: int | None = None
    output_soft_seconds: float = 60.0

    def _check(self, given: dict[str, Any]) -> None:
        _refuse_negative(given, type(self).__name__)


class Timeouts(Value):
    """Seconds, for each state in which a connection could otherwise wait for ever.

    connect: an outgoing connection, resolving included. 30 s: TCP's fifth SYN leaves after 15 s, its sixth after 31.
    handshake: from accept to `connection_made` on carriers that shake hands. 10 s: several round trips to the moon.
    idle: no byte in or out. Off: silence is no fault where people talk, and a vanished TCP peer is found by
        keepalive instead (see `listening.tune`).
    write: bytes wait and none has left. 60 s: the peer stopped reading, or is gone; TCP alone would try for 15 minutes.
    close: from `close()` until the peer has taken everything and answered with its own end. 30 s, as long as nginx
        lingers. What is not read by then is given up.
    """

    connect: float | None = 30.0
    handshake: float | None = 10.0
    idle: float | None = None
    write: float | None = 60.0
    close: float | None = 30.0

    def _check(self, given: dict[str, Any]) -> None:
        _refuse_negative(given, type(self).__name__)


def _refuse_negative(given: dict[str, Any], kind: str) -> None:
    for name, value in given.items():
        if name == "refuse":
            if value is not None and not callable(value):
                raise TypeError(f"Limits.refuse is called with a peername and a count, and cannot be {value!r}")
            continue
        if value is not None and not isinstance(value, (int, float)):
            raise TypeError(f"{kind}.{name} is a number or None, not {value!r}")
        if value is not None and abs(value) > sys.float_info.max and value != math.inf:
            raise ValueError(f"{kind}.{name} is too large: use None or math.inf for no limit")
        if value is not None and not value >= 0:  # `not >=` refuses NaN as well
            raise ValueError(f"{kind}.{name} must not be negative: {value!r}")


def made(factory: Callable[[], Any]) -> Any:
    """A protocol of the factory's. Raises what it raises, and TypeError where it has forgotten its `return`."""
    protocol = factory()
    if protocol is None:
        raise TypeError(f"the factory {factory!r} gave None, not a protocol")
    return protocol


def check_arguments(factory: object, limits: object, timeouts: object) -> None:
    """Refuse at the call what would otherwise fail at the first connection."""
    if not callable(factory):
        raise TypeError(f"the factory makes a protocol for each connection: a class or function, not {factory!r}")
    if not (limits is None or isinstance(limits, Limits)) or not (timeouts is None or isinstance(timeouts, Timeouts)):
        raise TypeError(f"limits and timeouts are a Limits and a Timeouts, not {limits!r} and {timeouts!r}")
