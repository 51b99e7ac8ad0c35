"""Every cell of the table of states, against the sentences of RFC 9112 written out once more, by another hand."""

from __future__ import annotations

import itertools

import pytest

from protocols.http.wire.states import TABLE, State

SIGNS = ["interim", "empty", "sized", "chunked", "unsized", "tunnel", "complete", "eof", "fault", "next"]
HEADS = {
    "interim": State.HEAD,  # RFC 9110, 15.2: the response is still to come
    "empty": State.DONE,  # RFC 9112, 6.3, cases 1 and 7
    "tunnel": State.DONE,  # case 2
    "chunked": State.CHUNKED,  # case 4
    "sized": State.SIZED,  # case 6
    "unsized": State.UNSIZED,  # case 8
}


def following(state: State, sign: str) -> State | None:
    """What must come next, as rules; None: cannot happen."""
    if sign in HEADS:
        return HEADS[sign] if state is State.HEAD else None
    if sign == "eof":  # RFC 9112, 8: an end that is too early is a fault
        return State.DONE if state in (State.UNSIZED, State.DONE) else State.FAILED
    if sign == "fault":  # anything may be said in content without an end, and behind a message
        return State.FAILED if state in (State.HEAD, State.SIZED, State.CHUNKED) else None
    if sign == "complete":
        return State.DONE if state in (State.SIZED, State.CHUNKED) else None
    return State.HEAD if state is State.DONE else None


@pytest.mark.parametrize(("state", "sign"), list(itertools.product(State, SIGNS)))
def test_a_cell(state: State, sign: str) -> None:
    assert TABLE.get((state, sign)) is following(state, sign)


def test_there_are_no_other_cells() -> None:
    assert set(TABLE) <= set(itertools.product(State, SIGNS))


def test_a_failure_is_for_good() -> None:
    assert {after for (state, _), after in TABLE.items() if state is State.FAILED} == {State.FAILED}
