"""The reactor as a selector: what `selectors` promises, and what only this one has to face."""

from __future__ import annotations

import selectors
import socket
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from reactor import Reactor
from reactor.aio.selector import ReactorSelector


@pytest.fixture
def inner():
    with Reactor() as inner:
        yield inner


@pytest.fixture
def selector(inner):
    selector = ReactorSelector(inner)
    yield selector
    selector.close()


@pytest.fixture
def ends():
    a, b = socket.socketpair()
    with a, b:
        yield a, b


def test_what_is_ready_is_told_with_its_key(selector, ends):
    a, b = ends
    key = selector.register(a, EVENT_READ, "its data")
    assert (key.fileobj, key.fd, key.events, key.data) == (a, a.fileno(), EVENT_READ, "its data")
    assert selector.select(0) == []
    b.send(b"x")
    assert selector.select() == [(key, EVENT_READ)]
    assert selector.select(0) == [(key, EVENT_READ)]  # by level, as every selector of the standard library


def test_a_key_is_found_by_object_and_by_number(selector, ends):
    a, b = ends
    key = selector.register(a, EVENT_READ)
    found = selector.get_map()
    assert found[a] is found[a.fileno()] is selector.get_key(a) is key
    assert found.get(b.fileno()) is None
    assert list(found) == [a.fileno()]
    assert len(found) == 1
    with pytest.raises(KeyError):
        selector.get_key(b)


def test_what_it_is_watched_for_can_be_changed(selector, ends):
    a, _ = ends
    selector.register(a, EVENT_READ)
    selector.modify(a, EVENT_READ | EVENT_WRITE, "new data")
    ((key, events),) = selector.select(0)
    assert (events, key.data) == (EVENT_WRITE, "new data")
    selector.modify(a, EVENT_READ, "newer data")
    assert selector.select(0) == []
    assert selector.unregister(a).data == "newer data"
    assert len(selector.get_map()) == 0


def test_a_hang_up_is_told_to_whoever_waits_for_anything(selector, ends):
    a, b = ends
    selector.register(a, EVENT_READ | EVENT_WRITE)
    b.close()
    assert selector.select(0)[0][1] == EVENT_READ | EVENT_WRITE


def test_mistakes_are_those_of_every_selector(selector, ends):
    a, b = ends
    selector.register(a, EVENT_READ)
    with pytest.raises(KeyError, match="registered already"):
        selector.register(a, EVENT_WRITE)
    for wrong in (0, 8):
        with pytest.raises(ValueError, match="invalid events"):
            selector.register(b, wrong)
        with pytest.raises(ValueError, match="invalid events"):
            selector.modify(a, wrong)
    with pytest.raises(KeyError):
        selector.modify(b, EVENT_READ)
    with pytest.raises(KeyError):
        selector.unregister(b)
    for wrong in (-1, "a", object()):
        with pytest.raises(ValueError, match="not a"):
            selector.register(wrong, EVENT_READ)


def test_a_callback_of_the_same_round_may_withdraw_what_is_ready(inner, selector, ends):
    """asyncio's loop calls nothing between a select and its answer; a reactor serves its own connections there."""
    a, _ = ends
    selector.register(a, EVENT_WRITE)
    c, d = socket.socketpair()
    with c, d:
        d.send(b"x")
        inner.add_reader(c, selector.unregister, a)  # whichever of the two the kernel tells first
        for _ in range(2):
            if a.fileno() in selector.get_map():
                assert selector.select(0) == []
        inner.remove_reader(c)


def test_it_closes_what_it_has_and_not_the_reactor(inner, ends):
    a, b = ends
    with ReactorSelector(inner) as selector:
        selector.register(a, EVENT_READ)
    inner.add_reader(a, inner.stop)
    b.send(b"x")
    inner.run()
    inner.remove_reader(a)


def test_what_is_unregistered_after_the_reactors_end_is_unregistered(ends):
    a, _ = ends
    with Reactor() as inner:
        selector = ReactorSelector(inner)
        selector.register(a, EVENT_READ)
    selector.unregister(a)
    selector.close()


def test_it_is_a_selector():
    assert issubclass(ReactorSelector, selectors.BaseSelector)
