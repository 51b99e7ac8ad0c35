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
