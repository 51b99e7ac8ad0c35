"""How long a round of the loop may go on with what connections have sent ahead. Knows no protocol.

One connection's share bounds what that one costs the others: a few milliseconds. Two hundred that each have their share
hold a newcomer up for as many times as long. So there is a time for all of them, and who comes later in the round gets
on by the least that is of use: a request, some KiB. Nobody waits for a round in vain, and a round stays short.
"""

from __future__ import annotations

from typing import Protocol as Interface

ROUND_TIME = 0.005
"""Seconds from a round's begin (`reactor.now`) in which connections have their full share: with one small step of each
of 250 connections behind it, it is what people call a stall (20 ms) at most."""


class Clock(Interface):
    """What a share asks of the reactor."""

    now: float

    def time(self) -> float: ...


class Share:
    """What one connection may do in a row: some steps, for some seconds, and no longer than the round has for all."""

    __slots__ = ("_left", "_reactor", "_until")

    def __init__(self, reactor: Clock, seconds: float, steps: int) -> None:
        self._reactor = reactor
        self._until = min(reactor.time() + seconds, reactor.now + ROUND_TIME)
        self._left = steps

    def is_used_up(self) -> bool:
        """Another step was done. Whether it was the last."""
        self._left -= 1
        return self._left <= 0 or self._reactor.time() >= self._until
