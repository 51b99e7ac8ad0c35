"""How long a round of the loop may go on with what connections have sent ahead. Knows no protocol.

One connection's share bounds what that one costs the others: a few milliseconds. Two hundred that each have their share
hold a newcomer up for as many times as long. So there is a time for all of them, and who comes later in the round gets
on by the least that is of use: a request, some KiB. Nobody waits for a round in vain, and a round stays short.
"""

from __future__ import annotations

ROUND_TIME = 0.005
"""Seconds from a round's begin (`reactor.now`) in which connections have their full share: with one small step of each
of 250 connections behind it, it is what people call a stall (20 ms) at most."""
