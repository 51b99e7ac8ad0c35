"""Open loads on a clock that the test moves: each latency counts from the time its message was due."""

from collections import Counter, deque

import pytest

from load import clients, paced, rooms
from load.clients import READ, LoadError
from load.paced import FEW, SPIN, PacedChat, PacedExchange

TICK = 0.0001  # seconds that a poll takes which does not sleep


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Wire:
    """A socket without a network: `far` gives what comes back for what is sent."""

    def __init__(self, clock, far, cost=0.0):
        self.clock, self.far, self.cost, self.coming = clock, far, cost, b""

    def send(self, data):
        self.far(self, bytes(data))
        return len(data)

    def recv_into(self, buffer):
        self.clock.now += self.cost
        data, self.coming = self.coming, b""
        buffer[: len(data)] = data
        return len(data)


class Poller:
    """Sleeps whole milliseconds, as epoll does, until something is readable, which nothing is before `opens`.

    naps: how long the next polls take instead, as on a machine that is busy with something else.
    """

    def __init__(self, clock, wires):
        self.clock, self.wires, self.naps, self.opens = clock, deque(wires.items()), [], 0.0

    def poll(self, timeout, limit):
        waiting = [fd for fd, wire in self.wires if wire.coming]
        sleep = -(-timeout // 0.001) * 0.001
        if waiting:
            sleep = min(sleep, max(0.0, self.opens - self.clock.now))
        self.clock.now += self.naps.pop(0) if self.naps else max(sleep, TICK)
        found = waiting[:limit] if self.clock.now >= self.opens else []
        self.wires.rotate(-len(found))
        return [(fd, READ) for fd in found]


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(paced, "perf_counter", clock)
    monkeypatch.setattr(clients, "perf_counter", clock)
    monkeypatch.setattr(rooms, "perf_counter", clock)
    return clock


def wired(crowd, clock, wires):
    crowd.poller.close()
    crowd.socks, crowd.poller = wires, Poller(clock, wires)
    return crowd


def echo(clock, weight=1, rate=10.0):
    """One connection to a server that answers with the same."""

    def far(wire, data):
        wire.coming += data

    crowd = PacedExchange(("nowhere", 0), 1, 5.0, b"echo", b"echo", weight, burst=False).pace(rate)
    wired(crowd, clock, {7: Wire(clock, far)}).settle()
    clock.now = 100.0
    return crowd


def chat(clock, members=3, rate=10.0, cost=0.0):
    """A room in which the first member talks and everybody else hears it at once. cost: seconds of a receive."""
    wires = {}

    def far(wire, data):
        for other in wires.values():
            if other is not wire:
                other.coming += data

    wires.update({7 + number: Wire(clock, far, cost) for number in range(members)})
    crowd = wired(PacedChat(("nowhere", 0), members, 5.0, 1, 20, rate), clock, wires)
    crowd.speakers = [7]
    return crowd


def tenths(latencies):
    """Messages by tenths of a second."""
    found = Counter()
    for latency, count in latencies.items():
        found[round(latency / 1e5)] += count
    return found


@pytest.mark.parametrize(("load", "each"), [(echo, 1), (chat, 2)], ids=["echo", "chat"])
def test_a_server_that_stands_still_delays_every_message_that_was_due_meanwhile(clock, load, each):
    """A closed load would have asked, and so measured, only once."""
    crowd = load(clock)
    crowd.poller.opens = 101.0
    done = crowd.run(1.0)
    assert tenths(done.latencies) == dict.fromkeys(range(1, 11), each)
    assert done.late <= 2 * TICK


@pytest.mark.parametrize(("load", "each"), [(echo, 1), (chat, 2)], ids=["echo", "chat"])
def test_a_generator_that_stands_still_says_so_and_its_messages_count_from_when_they_were_due(clock, load, each):
    crowd = load(clock)
    crowd.poller.naps = [1.0]
    done = crowd.run(1.0)
    assert tenths(done.latencies) == dict.fromkeys(range(1, 11), each)
    assert done.late == pytest.approx(0.9, abs=2 * TICK)  # the second message; the first was on its way


@pytest.mark.parametrize("load", [echo, chat])
def test_looking_at_the_clock_is_counted_as_free_time(clock, load):
    crowd = load(clock)
    crowd.run(1.0)
    assert 9 * SPIN / 2 < crowd.spun < 10 * SPIN  # before each message but the first; sleeping too long takes some off


def test_reading_without_a_pause_is_not_free_time(clock):
    crowd = chat(clock, members=101, cost=0.002)
    crowd.run(0.3)
    assert crowd.spun == 0.0


@pytest.mark.parametrize("load", [echo, chat])
def test_times_between_whole_milliseconds_are_kept(clock, load):
    """Though a poll sleeps until after them."""
    done = load(clock, rate=30.0).run(1.0)
    assert done.late <= 2 * TICK


def test_a_line_that_is_due_does_not_wait_until_a_whole_room_has_been_read(clock):
    """Every line takes two intervals to read."""
    done = chat(clock, members=101, cost=0.002).run(0.3)
    assert done.messages == done.latencies.total() == 300
    assert 0 < done.late <= FEW * 0.002 + 2 * TICK


def test_a_request_of_several_lines_counts_as_so_many(clock):
    crowd = echo(clock, weight=4)
    opened = crowd.run(1.0)
    assert opened.messages == opened.latencies.total() == 40
    crowd.rate = None
    closed = crowd.run(0.0)
    assert closed.messages == closed.latencies.total() == 4


def hearing(clock, asked, coming):
    """A connection with requests under way, and what comes in one read after another."""
    crowd = echo(clock)
    crowd.latencies, crowd.answered, clock.now = Counter(), 0, 101.0
    crowd.asked[7].extend(asked)

    def hear():
        crowd.socks[7].coming = coming.pop(0)
        crowd.hear(7)

    return crowd, hear


def test_replies_are_told_apart_however_they_are_cut(clock):
    crowd, hear = hearing(clock, [100.0, 100.5, 100.9], [b"e", b"choec", b"hoech", b"o"])
    hear()
    assert not crowd.latencies
    hear()
    assert list(crowd.latencies) == [1_000_000]  # the oldest is the one that is answered
    hear()
    hear()
    assert crowd.latencies.total() == crowd.answered == 3
    assert crowd.got[7] == 0


@pytest.mark.parametrize("data", [b"ecco", b"echoecho", b"hoec"], ids=["wrong", "more than asked", "shifted"])
def test_wrong_bytes_are_an_error_and_not_a_figure(clock, data):
    _, hear = hearing(clock, [100.0], [data])
    with pytest.raises(LoadError):
        hear()
