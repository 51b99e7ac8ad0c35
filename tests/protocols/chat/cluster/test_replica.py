"""The rooms as the log has them: what becomes of people's places when their server ends, between any two entries."""

from __future__ import annotations

import pytest

from protocols.chat.cluster.entries import Entry, EntryID, pack
from protocols.chat.cluster.nodes import Nodes
from protocols.chat.cluster.replica import Replica
from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.room import Member
from protocols.chat.rooms.state import describe_member

LEASE = 10.0


class Own:
    """The server that the replica is on: Ada is there."""

    def __init__(self):
        self.heard = b""
        self.ada = Member(self._hear, lambda: None)

    def _hear(self, data):
        self.heard += data

    def get(self, mid):
        return self.ada if mid == 1 else None

    def on_entered(self, mid):
        pass

    def on_back(self, member, before):
        pass

    def on_sync(self, node, before, *, is_whole):
        pass

    def now(self):
        return 0.0


class Log:
    """Applies what servers say, a second after each other, to the replica of `here`."""

    def __init__(self):
        self.calls = []
        self.hub = Hub(self.calls.append, lambda delay, call, *args: self.calls.append(lambda: call(*args)))
        self.own = Own()
        self.replica = Replica(self.hub, self.own, None, "here", LEASE)
        self.ms = 1000
        self.seqs = {"here": 1}
        self.replica.found("here", EntryID(self.ms, 0), Nodes(LEASE))

    def says(self, node, *inputs):
        self.ms += 1000
        self.seqs[node] = self.seqs.get(node, 0) + 1
        (data,) = pack(inputs)
        self.replica.apply(Entry(EntryID(self.ms, 0), node, self.seqs[node], data, self.seqs[node] - 1))
        while self.calls:
            self.calls.pop(0)()

    def enters(self, node, mid, name):
        self.says(node, ["enter", mid, "192.0.2.1"], ["announce", mid], ["hear", mid, f"/nick {name}"])

    def who(self):
        return [member.name for member in self.hub.rooms["lobby"].members]

    def told(self):
        lines, self.own.heard = self.own.heard.decode().splitlines(), b""
        return [line for line in lines if line.endswith((" left", " joined"))]


@pytest.fixture
def log():
    """Ada is on `here`; Bob and Eve are on `far`, which has missed something and joins again as `anew`; Bob is back."""
    log = Log()
    log.says("far", ["sync", "far", "", 0, False])
    for node, mid, name in (("here", 1, "Ada"), ("far", 1, "Bob"), ("far", 2, "Eve")):
        log.enters(node, mid, name)
    bob = describe_member(log.hub.get("Bob"))
    log.says("anew", ["sync", "far", "far", log.seqs["far"], True])
    log.says("anew", ["back", 1, "lobby", "", bob])
    assert sorted(log.who()) == ["Ada", "Bob", "Eve"]
    log.told()
    return log


def end_itself(log):
    log.says("anew", ["bye"])


def be_silent(log):
    for _ in range(int(LEASE) + 1):
        log.says("here")


def be_disowned(log):
    log.says("here", ["disown", "anew"])


def join_without_its_people(log):
    log.says("again", ["sync", "far", "anew", log.seqs["anew"], False])


@pytest.mark.parametrize("end", [end_itself, be_silent, be_disowned, join_without_its_people])
def test_who_is_back_and_who_is_not_yet_leave_once_where_their_server_ends_between(log, end):
    end(log)
    assert log.who() == ["Ada"]
    assert sorted(log.told()) == ["* Bob left", "* Eve left"]
    assert log.replica.former == {}
    assert {origin[0] for origin in log.replica.members} == {"here"}


def test_whose_server_is_back_whole_without_them_leave_once(log):
    log.says("anew", ["here"])
    assert log.who() == ["Ada", "Bob"]
    assert log.told() == ["* Eve left"]
    end_itself(log)
    assert log.told() == ["* Bob left"]


@pytest.mark.parametrize("end", ["bye", "disown"])
def test_at_the_end_of_this_server_its_own_keep_their_places(log, end):
    """Nobody is told: who is on it goes on alone there, or joins again."""
    if end == "bye":
        log.says("here", ["bye"])
    else:
        log.says("anew", ["disown", "here"])
    assert "Ada" in log.who()
    assert log.told() == []
    assert "here" not in log.replica.nodes
