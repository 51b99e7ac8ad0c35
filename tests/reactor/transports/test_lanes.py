"""Every cell of the two tables, against the sentences of the design written out once more, by another hand."""

from __future__ import annotations

import itertools

import pytest

from reactor.transports.lanes import IN_LEAVING, INBOUND, OUT_LEAVING, OUTBOUND, In, Out, Phase

IN_EVENTS = ["pause", "resume", "close", "eof", "lost"]
OUT_EVENTS = ["fill", "drain", "finish", "sent", "lost"]


def inbound(state, event):
    """The lane in, as rules."""
    if event in {"eof", "lost"} or state is In.ENDED:  # the peer's end, or everything's, is final
        return In.ENDED
    if event == "close" or state is In.DISCARDING:  # after close nothing is delivered, whatever is asked
        return In.DISCARDING
    return In.PAUSED if event == "pause" else In.READING


def outbound(state, event):
    """The lane out, as rules."""
    if event == "lost" or state is Out.SHUT:
        return Out.SHUT
    if state is Out.FINISHING:  # the last bytes: only their leaving matters
        return Out.SHUT if event == "sent" else Out.FINISHING
    if event == "finish":
        return Out.FINISHING
    return {"fill": Out.FULL, "drain": Out.FLOWING, "sent": state}[event]


@pytest.mark.parametrize(("state", "event"), list(itertools.product(In, IN_EVENTS)))
def test_inbound(state, event):
    assert INBOUND[event][state] is inbound(state, event)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(Out, OUT_EVENTS)))
def test_outbound(state, event):
    assert OUTBOUND[event][state] is outbound(state, event)


def test_there_are_no_other_cells():
    assert {event: list(column) for event, column in INBOUND.items()} == {event: list(In) for event in IN_EVENTS}
    assert {event: list(column) for event, column in OUTBOUND.items()} == {event: list(Out) for event in OUT_EVENTS}


def test_a_leaving_lane_never_comes_back():
    for column in INBOUND.values():
        assert {column[state] for state in IN_LEAVING} <= IN_LEAVING
    for column in OUTBOUND.values():
        assert {column[state] for state in OUT_LEAVING} <= OUT_LEAVING


def test_the_phases():
    assert [phase.name for phase in Phase] == ["OPENING", "OPEN", "CLOSING", "CLOSED"]
    assert {In.DISCARDING, In.ENDED} == IN_LEAVING
    assert {Out.FINISHING, Out.SHUT} == OUT_LEAVING
