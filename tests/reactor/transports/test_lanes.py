"""Every cell of the two tables, against the sentences of the design written out once more, by another hand."""

from __future__ import annotations

import itertools

import pytest

from reactor.transports.lanes import In, Out, Phase

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
    assert getattr(state, event) is inbound(state, event)


@pytest.mark.parametrize(("state", "event"), list(itertools.product(Out, OUT_EVENTS)))
def test_outbound(state, event):
    assert getattr(state, event) is outbound(state, event)


@pytest.mark.parametrize(("lane", "events"), [(In, IN_EVENTS), (Out, OUT_EVENTS)])
def test_there_are_no_other_cells(lane, events):
    assert {name for name in lane.__annotations__ if name != "is_leaving"} == set(events)
    for state in lane:
        assert {name for name in vars(state) if isinstance(vars(state)[name], lane)} == set(events)


@pytest.mark.parametrize(("lane", "events"), [(In, IN_EVENTS), (Out, OUT_EVENTS)])
def test_a_leaving_lane_never_comes_back(lane, events):
    for state in lane:
        if state.is_leaving:
            assert all(getattr(state, event).is_leaving for event in events)


def test_the_phases():
    assert [phase.name for phase in Phase] == ["OPENING", "OPEN", "CLOSING", "CLOSED"]
    assert [state for state in In if state.is_leaving] == [In.DISCARDING, In.ENDED]
    assert [state for state in Out if state.is_leaving] == [Out.FINISHING, Out.SHUT]
