"""`flush`: what was written leaves in the midst of a tick, where a program asks for it."""

import sys

import pytest

from reactor import Protocol
from reactor.testing import Recorder, connected_pair


def grown(reactor, scene, *names):
    """By how much these grow in the scene."""
    before = reactor.stats()
    scene()
    after = reactor.stats()
    return tuple(after[name] - before[name] for name in names)


@pytest.fixture
def pair():
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        yield pair


def test_what_was_written_leaves_at_once_and_in_one_send(pair):
    def scene():
        pair.a.write(b"one ")
        pair.a.write(b"two")
        pair.reactor.flush()
        assert not pair.a.get_write_buffer_size()

    assert grown(pair.reactor, scene, "sends", "writes") == (1, 2)
    assert grown(pair.reactor, pair.settle, "sends") == (0,)
    assert pair.b.get_protocol().data == b"one two"


def test_what_is_written_afterwards_leaves_at_the_end_of_the_tick(pair):
    def callback():
        pair.a.write(b"for the crowd")
        pair.reactor.flush()
        pair.a.write(b", and then ")
        pair.a.write(b"for one")
        assert pair.a.get_write_buffer_size() == len(b", and then for one")

    pair.reactor.call_soon(callback)
    assert grown(pair.reactor, pair.settle, "sends", "writes") == (2, 3)
    assert pair.b.get_protocol().data == b"for the crowd, and then for one"


@pytest.mark.parametrize("count", [1, 2, 3])
def test_what_was_sent_is_not_kept(count):
    chunks = [bytes(100 + number) for number in range(count)]
    before = [sys.getrefcount(chunk) for chunk in chunks]
    with connected_pair(Protocol(), Protocol()) as pair:  # the other end keeps nothing either
        for number in range(count):
            pair.a.write(chunks[number])
        assert [sys.getrefcount(chunk) for chunk in chunks] > before
        pair.settle()
        assert [sys.getrefcount(chunk) for chunk in chunks] == before


def test_where_nothing_waits_it_does_nothing(pair):
    assert grown(pair.reactor, pair.reactor.flush, "sends", "writes", "ticks") == (0, 0, 0)


@pytest.mark.parametrize("in_a_tick", [True, False])
def test_a_callback_of_a_flush_may_ask_for_another(in_a_tick):
    """All that waits has its turn already, and what it writes then too: nobody is asked twice, nothing is left."""

    class Impatient(Protocol):
        def pause_writing(self):
            asked.append(pair.a.get_write_buffer_size())
            pair.reactor.flush()
            pair.b.write(b"hello")

    asked = []
    with connected_pair(Impatient(), Recorder(), capacity=1000) as pair:
        pair.a.set_write_buffer_limits(high=10)

        def scene():
            pair.b.pause_reading()
            pair.a.write(bytes(2000))
            pair.reactor._tick() if in_a_tick else pair.reactor.flush()

        assert grown(pair.reactor, scene, "sends", "eagains") == (2, 0)
        assert asked == [1000]
        assert not pair.b.get_write_buffer_size()


@pytest.mark.parametrize("in_a_tick", [True, False])
@pytest.mark.parametrize("chunks", [[b"hello"], [b"hel", b"lo"]])
def test_an_interrupt_in_it_does_not_lose_bytes(stage, chunks, in_a_tick):
    class Interrupting:
        def __init__(self, sock):
            self.sock, self.first = sock, True

        def __getattr__(self, name):
            return getattr(self.sock, name)

        def send(self, data):
            if self.first:
                self.first = False
                raise KeyboardInterrupt
            return self.sock.send(data)

    pairs = [stage.connect(Recorder()) for _ in range(3)]
    for number, (_, transport) in enumerate(pairs):
        transport._sock = Interrupting(transport._sock) if number == 1 else transport._sock
        for chunk in chunks:
            transport.write(chunk)
    with pytest.raises(KeyboardInterrupt):
        stage.reactor._tick() if in_a_tick else stage.reactor.flush()
    assert [stage.received(peer) for peer, _ in pairs] == [b"hello"] * 3
    pairs[0][1].write(b"again")
    stage.reactor.flush()
    assert not pairs[0][1].get_write_buffer_size()
