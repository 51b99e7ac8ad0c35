"""The output budget: what all connections together may have waiting, and who pays when it is passed."""

from __future__ import annotations

import pytest

from reactor import LimitExceeded, Reactor, Timeouts
from reactor.loop.budget import STEP, OutputBudget
from reactor.testing import Recorder

KIB = 1024


class Debtor:
    def __init__(self, budget):
        self.budget, self.lost = budget, None

    def _lose(self, exc):
        self.lost = exc
        self.budget.release(self)


def test_within_the_budget_nobody_is_touched():
    budget = OutputBudget(100)
    debtors = [Debtor(budget) for _ in range(4)]
    for debtor in debtors:
        budget.book(debtor, 25)
    assert budget.total == 100
    assert not any(debtor.lost for debtor in debtors)


def test_beyond_it_the_greediest_go_until_an_eighth_is_free():
    budget = OutputBudget(800)
    debtors = {size: Debtor(budget) for size in (50, 300, 200, 250)}
    for size, debtor in debtors.items():
        budget.book(debtor, size)
    assert budget.total == 800
    budget.book(debtors[50], 51)
    assert [size for size, debtor in debtors.items() if debtor.lost] == [300]
    assert budget.total == 501
    assert budget.evicted == 1
    assert str(debtors[300].lost) == "300 bytes of output waiting, the most of all: 801 are over the budget of 800"


def test_nobody_more_goes_once_just_an_eighth_is_free():
    budget = OutputBudget(800)
    debtors = [Debtor(budget) for _ in range(8)]
    for debtor in debtors:
        budget.book(debtor, 100)
    budget.book(debtors[3], 101)
    assert budget.total == 700
    assert [debtor.lost is not None for debtor in debtors] == [number == 3 for number in range(8)]


def test_booking_again_counts_the_difference_and_release_forgets():
    budget = OutputBudget(100)
    debtor = Debtor(budget)
    for size in (40, 60, 20):
        budget.book(debtor, size)
    assert budget.total == 20
    budget.release(debtor)
    budget.release(debtor)
    assert budget.total == 0


def test_no_budget_is_no_bound_and_a_negative_one_is_refused():
    budget = OutputBudget(None)
    debtor = Debtor(budget)
    budget.book(debtor, 1 << 50)
    assert debtor.lost is None
    with pytest.raises(ValueError, match="negative"):
        OutputBudget(-1)
    with Reactor(output_budget=1 << 20) as reactor:
        assert reactor.budget.limit == 1 << 20


@pytest.fixture
def small(stage):
    """A stage whose reactor has a budget of 8 MiB."""
    stage.reactor.budget.limit = 8 * 1024 * KIB
    return stage


def stalled(stage, count):
    """Connections whose peers read nothing, each with its kernel buffers full."""
    protocols = []
    for _ in range(count):
        protocol = Recorder()
        stage.connect(protocol, receive_buffer=4096, timeouts=Timeouts(write=None))
        stage.clog(protocol.transport)
        protocols.append(protocol)
    return protocols


def test_many_slow_peers_below_their_own_limits_do_not_fill_the_memory(small):
    slow = stalled(small, 3)
    good = Recorder()
    sock, transport = small.connect(good)
    for protocol, size in zip(slow, (1000, 3000, 2000), strict=True):
        protocol.transport.write(bytes(size * 1000))
    assert small.reactor.stats()["output_evictions"] == 0
    for protocol in slow:
        protocol.transport.write(bytes(2_000_000))
    transport.write(b"x" * 100)
    assert small.received(sock) == b"x" * 100
    assert good.lost is None
    assert 0 < sum(protocol.lost is not None for protocol in slow) < 3


def test_the_one_that_has_the_most_is_lost_and_the_others_are_not(small):
    first, second, third = stalled(small, 3)
    first.transport.write(bytes(2_000_000))
    second.transport.write(bytes(4_500_000))
    assert small.reactor.stats()["output_evictions"] == 0
    third.transport.write(bytes(2_000_000))
    assert second.events[-1] != "connection_lost"  # nobody is told from inside a write
    small.reactor.settle()
    assert isinstance(second.lost, LimitExceeded)
    assert "over the budget of" in str(second.lost)
    assert [first.events[-1], third.events[-1]] == ["pause_writing", "pause_writing"]
    assert small.reactor.stats()["output"] < 7 * 1024 * KIB


def test_many_small_writes_to_a_stalled_peer_are_noticed(small):
    """Each far below the watermark; the sum is what counts."""
    protocols = stalled(small, 1)
    (protocol,) = protocols
    waiting = protocol.transport.get_write_buffer_size()
    while waiting < 8 * 1024 * KIB:
        protocol.transport.write(bytes(100))
        waiting += 100
    assert small.reactor.stats()["output"] >= 8 * 1024 * KIB - STEP
    for _ in range(2 * STEP // 100):
        protocol.transport.write(bytes(100))
    small.reactor.settle()
    assert isinstance(protocol.lost, LimitExceeded)


def test_what_was_sent_is_given_back(small):
    protocol = Recorder()
    sock, transport = small.connect(protocol)
    written = small.clog(transport)
    assert small.reactor.stats()["output"] == transport.get_write_buffer_size()
    assert len(small.received(sock)) == written
    assert small.reactor.stats()["output"] == 0
    small.clog(transport)
    transport.abort()
    assert small.reactor.stats()["output"] == 0
