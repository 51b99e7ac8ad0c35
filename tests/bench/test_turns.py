"""Rounds in turn: as many as a goal needs, forwards and backwards; and the talk of a load."""

import doctest
import socket
import threading

import pytest

from load.talk import Talk
from runs import turns
from runs.procs import BenchError


class Clock:
    """A server whose CPU a test decides."""

    def __init__(self):
        self.used = 0.0

    def cpu(self):
        return self.used


@pytest.fixture
def servers():
    return {"reactor": Clock(), "peer": Clock()}


def play(servers, ours):
    """Rounds of one message: the peer needs a microsecond, we what `ours` says next."""
    costs, order = iter(ours), []

    def one(name):
        order.append(name)
        servers[name].used += 1e-6 * (1.0 if name == "peer" else next(costs))
        return 1

    return one, order


def test_rounds_end_where_they_agree(servers):
    one, order = play(servers, [0.5, 0.6, 1.5, 0.5, 0.5])
    found = turns.costs(servers, one, 5, {"peer": 1.0})
    assert found["reactor"] == pytest.approx([0.5, 0.6, 1.5, 0.5, 0.5])
    assert order[:4] == ["peer", "reactor", "reactor", "peer"], "forwards and backwards"


def test_there_are_more_where_they_do_not(servers):
    one, _ = play(servers, [0.9, 1.1] * 5)
    assert len(turns.costs(servers, one, 5, {"peer": 1.0})["peer"]) == turns.MORE
    one, _ = play(servers, [0.9, 1.1, 0.9, 1.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9])
    assert len(turns.costs(servers, one, 5, {"peer": 1.0})["peer"]) == turns.MORE, "two of nine are too many"


def test_a_single_round_is_a_look(servers):
    one, _ = play(servers, [1.0])
    assert len(turns.costs(servers, one, 1, {"peer": 1.0})["peer"]) == 1


def test_a_goal_of_a_peer_that_is_not_there_asks_for_nothing(servers):
    one, _ = play(servers, [1.0] * 9)
    assert len(turns.costs(servers, one, 3, {"nobody": 1.0})["peer"]) == 3


def test_doctests():
    assert not doctest.testmod(turns).failed


def pair():
    ours, theirs = socket.socketpair()
    return Talk([ours]), theirs


def test_a_talk_ends_when_all_have_heard_all():
    talk, other = pair()

    def echo():
        for _ in range(3):
            other.sendall(other.recv(4))

    thread = threading.Thread(target=echo)
    thread.start()
    talk.converse(1, b"abcd", 4, 3)
    thread.join()
    talk.close()
    other.close()


@pytest.mark.parametrize("answer", [b"far too much", b""])
def test_what_is_more_or_nothing_is_told(answer):
    talk, other = pair()
    other.sendall(answer)
    other.shutdown(socket.SHUT_WR)
    with pytest.raises(BenchError, match="something else, or has gone"):
        talk.converse(1, b"abcd", 4, 1)
    talk.close()
    other.close()
