"""Values: fields by name, equal by what they hold, never changed."""

from __future__ import annotations

import copy
import pickle

import pytest

from reactor import Limits, Timeouts


def test_two_are_equal_that_hold_the_same_and_are_of_one_class():
    assert Timeouts(idle=5.0) == Timeouts(idle=5.0) != Timeouts(idle=6.0)
    assert hash(Timeouts(idle=5.0)) == hash(Timeouts(idle=5.0))
    assert Timeouts(connect=30.0) == Timeouts()
    assert Timeouts() != Limits()


def test_one_is_shown_with_all_its_fields():
    assert repr(Timeouts(idle=5.0)) == "Timeouts(connect=30.0, handshake=10.0, idle=5.0, write=60.0, close=30.0)"


def test_it_cannot_be_changed():
    limits = Limits()
    with pytest.raises(AttributeError, match="replace"):
        limits.output = 5
    with pytest.raises(AttributeError):
        del limits.output
    assert limits == Limits()


def test_another_differs_in_what_is_given_and_is_checked_as_well():
    limits = Limits(connections=5)
    assert limits.replace(output=7) == Limits(connections=5, output=7)
    with pytest.raises(ValueError, match=r"Limits\.output"):
        limits.replace(output=-1)


def test_a_field_that_it_has_not_is_refused_by_name():
    with pytest.raises(TypeError, match="Timeouts has no 'ilde'; it has connect, handshake, idle, write, close"):
        Timeouts(ilde=5.0)
    with pytest.raises(TypeError):
        Timeouts(5.0)


def test_it_is_copied_and_pickled():
    timeouts = Timeouts(idle=5.0)
    assert copy.copy(timeouts) == copy.deepcopy(timeouts) == pickle.loads(pickle.dumps(timeouts)) == timeouts


def test_a_class_made_from_one_has_its_fields_and_its_own():
    class Strict(Limits):
        output = 1000

    class Wider(Strict):
        rooms: int = 3

    assert Strict() == Strict(output=1000) != Limits(output=1000)
    assert (Strict().output, Strict(output=7).output) == (1000, 7)
    assert Wider(rooms=9, per_peer=3).replace(output=5) == Wider(output=5, rooms=9, per_peer=3)
    assert repr(Wider()).startswith("Wider(connections=None")
    assert repr(Wider()).endswith("rooms=3)")
    with pytest.raises(ValueError, match=r"Wider\.output"):
        Wider(output=-1)
    with pytest.raises(TypeError, match="say which by its name"):
        Strict(5)
