"""What is typed at one console of a cluster: all servers do it, and the console that it was typed at is answered."""

from __future__ import annotations

import pytest

from protocols.chat import Chat, set_up_operators
from protocols.chat.cluster.cluster import Mode
from protocols.chat.cluster.operating import SharedConsole
from protocols.chat.operators.powers import Caller


class Console:
    """A server of the town with a console, and what that shows."""

    def __init__(self, town):
        self.powers = set_up_operators(Chat(town.reactor), clock=town.shelf.wall)
        self.shown = []
        shared = SharedConsole(self.powers)
        self.server = town.server(console=shared)
        self.cluster = self.server.cluster
        shared.attach(self.cluster)

    def types(self, text):
        self.powers.typed(Caller("console", lambda *notices: self.shown.extend(notices)), text)


@pytest.fixture
def consoles(town):
    return Console(town), Console(town)


def test_who_has_typed_it_is_answered_and_nobody_else(town, consoles):
    one, other = consoles
    one.types("/kick Nobody")
    assert one.shown == [], "it is done when it comes back, as on all others"
    town.advance(0.1)
    assert one.shown == ["not kicked: nobody here is called Nobody; /who lists who is here"]
    assert other.shown == []


def test_each_has_its_own_answer_where_both_have_typed(town, consoles):
    one, other = consoles
    other.types("/kick Other")
    one.types("/kick One")
    town.advance(0.1)
    assert (len(one.shown), len(other.shown)) == (1, 1)
    assert "One" in one.shown[0]
    assert "Other" in other.shown[0]


def test_what_is_no_affair_of_the_others_is_answered_at_once(consoles):
    one, other = consoles
    one.types("/nodes")
    assert len(one.shown) >= 2
    assert other.shown == []


def test_a_file_of_bans_holds_on_all_servers_and_where_a_server_is_alone(town, consoles):
    one, other = consoles
    one.cluster.have_bans([["Eve", None, None]])
    town.advance(0.1)
    assert [console.powers.is_banned("Eve") for console in consoles] == [True, True]
    other.server.log.cut()
    town.until(lambda: other.cluster.mode is Mode.ALONE)
    other.cluster.have_bans([["Mallory", None, None]])
    assert [console.powers.is_banned("Mallory") for console in consoles] == [False, True]
