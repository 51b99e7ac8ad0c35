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
        chat = Chat(town.reactor, wall=town.shelf.wall)
        self.powers = set_up_operators(chat, clock=town.shelf.wall)
        self.shown = []
        shared = SharedConsole(self.powers)
        self.server = town.server(console=shared, hub=chat.hub)
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


@pytest.fixture
def people(town, consoles):
    """Ada on the first server, Bob on the second, Eve on the first."""
    one, other = consoles
    found = []
    for server, name in ((one.server, "Ada"), (other.server, "Bob"), (one.server, "Eve")):
        found.append(server.join(name))
        town.advance(0.1)
    town.advance(0.5)
    for person in found:
        _ = person.news
    return found


def test_what_the_operator_of_one_server_says_all_hear(town, consoles, people):
    one, other = consoles
    ada, bob, _eve = people
    for console, text in ((one, "hello all"), (other, "/to Ada psst"), (one, "/topic tea")):
        console.types(text)
        town.advance(0.1)
    assert ada.news == [
        "From Server, Admin:hello all",
        "From Server, Admin:[private] psst",
        "* Admin set the topic: tea",
    ]
    assert bob.news == ["From Server, Admin:hello all", "* Admin set the topic: tea"]
    other.types("/topic -")
    town.advance(0.1)
    assert ada.news == bob.news == ["* Admin took the topic away"]


def test_who_is_sent_away_from_the_other_server_is_so_for_all(town, consoles, people):
    one, other = consoles
    ada, bob, eve = people
    one.types("/kick Bob enough")
    town.advance(0.1)
    assert bob.news == ["* goodbye: you were kicked: enough"]
    assert not bob.open
    assert ada.news == eve.news == ["* Bob was kicked: enough"]
    other.types("/ban Eve")
    town.advance(0.1)
    assert not eve.open
    assert ada.news == ["* Eve was banned"]
    assert one.server.who() == other.server.who() == {"lobby": ["Ada"]}
    sam = other.server.join("Eve")
    town.advance(0.1)
    assert any("banned" in line for line in sam.news)
    one.types("/unban Eve")
    town.advance(0.1)
    sam.says("/nick Eve")
    town.advance(0.1)
    assert "* you are Eve now" in sam.news


def test_a_console_lists_who_is_on_all_servers(town, consoles, people):
    for console in consoles:
        console.types("/who")
        told = "\n".join(console.shown)
        assert all(name in told for name in ("Ada", "Bob", "Eve")), told
