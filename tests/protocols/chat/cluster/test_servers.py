"""Servers come, end, are killed, stand still, are replaced."""

from __future__ import annotations

from protocols.chat.cluster.people import FOUND, LOST
from tests.protocols.chat.cluster.town import TTL, Server, two


def test_the_first_founds_and_the_second_joins(town):
    a = town.server()
    assert a.is_in
    assert town.reactor.time() < 1001
    b = town.server()
    assert b.is_in
    assert [len(server.cluster.stay.replica.nodes) for server in (a, b)] == [2, 2]


def test_a_server_that_is_killed(town):
    a, b, ada, _bob = two(town)
    eve = b.join("Eve")
    town.advance()
    _ = ada.news
    b.kill()
    town.advance(TTL - 1)
    assert ada.news == []
    town.advance(4)
    assert ada.news == ["* Bob left", "* Eve left"]
    ada.says("/nick Bob")
    town.advance()
    assert "* you are Bob now" in ada.news
    assert a.is_in
    assert eve is not None


def test_a_server_that_ends_in_good_order(town):
    _a, b, ada, bob = two(town)
    bob.says("last words")
    assert b.drain()
    town.advance(0.5)
    assert ada.news == ["Bob: last words", "* Bob left"]
    assert b.log.closed
    assert bob.news[-1] == "* the server is shutting down, goodbye"


def test_a_server_that_stands_still_shorter_than_the_lease(town):
    _a, b, ada, bob = two(town)
    b.stop()
    ada.says("quiet there")
    town.advance(TTL * 0.8)
    b.go_on()
    town.advance(2)
    assert bob.news == ["Ada: quiet there"]
    assert ada.news == []


def test_a_server_that_stands_still_longer_than_the_lease(town):
    a, b, ada, bob = two(town)
    b.stop()
    town.advance(TTL + 4)
    assert ada.news == ["* Bob left"]
    ada.says("gone")
    town.advance(0.5)
    b.go_on()
    town.advance(6)
    assert ada.news == ["* Bob joined"]
    assert a.who() == b.who()
    assert [line.split("] ")[-1] for line in bob.news].count("Ada: gone") == 1


def test_served_alone_until_the_log_is_there(town):
    town.shelf.refuses = True
    a = town.server()
    a.log.cut()
    ada, eve = a.join("Ada"), a.join("Eve")
    town.advance(0.1)
    ada.says("hello")
    town.advance(0.1)
    assert "Ada: hello" in eve.news
    town.shelf.refuses = False
    a.log.heal()
    town.advance(3)
    assert a.is_in
    assert ada.lines.count(f"* {LOST}") == ada.lines.count(f"* {FOUND}") == 1
    b = town.server()
    assert b.who() == a.who()


def test_who_was_served_alone_is_told_who_is_there(town):
    a = town.server()
    ada = a.join("Ada")
    town.shelf.refuses = True
    b = Server(town, "late")
    town.servers.append(b)
    b.log.cut()
    bob, eve = b.join("Bob"), b.join("Eve")
    town.advance(0.5)
    ada.says("before you came")
    town.shelf.refuses = False
    b.log.heal()
    town.advance(4)
    assert b.is_in
    assert [line.split("] ")[-1] for line in bob.lines[-3:]] == [f"* {FOUND}", "* Ada joined", "Ada: before you came"]
    assert a.who() == b.who()
    assert eve.open


def test_topics_and_what_was_said_outlive_all_servers(town):
    a, b, ada, bob = two(town)
    ada.says("remember this", "/topic tea")
    bob.says("/join den", "/topic dark", "in the den")
    town.advance()
    b.drain()
    town.advance(1)
    a.drain()
    town.advance(1)
    c = town.server()
    assert c.hub.lobby.topic == "tea"
    eve = c.join("Eve")
    town.advance()
    eve.says("/history", "/join den")
    town.advance()
    assert any(line.endswith("Ada: remember this") for line in eve.lines)
    assert any(line.endswith("Bob: in the den") for line in eve.lines)


def test_a_rolling_restart(town):
    a, b, ada, bob = two(town)
    ada.says("/topic tea")
    town.advance()
    b.drain()
    town.advance(1)
    b = town.server()
    bob = b.join("Bob")
    town.advance(0.5)
    a.drain()
    town.advance(1)
    a = town.server()
    assert a.hub.lobby.topic == "tea"
    assert a.who() == b.who() == {"lobby": ["Bob"]}
    assert LOST not in " ".join(bob.lines)


def test_the_only_server_is_killed_and_comes_back(town):
    a = town.server()
    ada = a.join("Ada")
    town.advance(5)
    a.kill()
    began = town.reactor.time()
    b = town.server()
    assert b.is_in
    assert town.reactor.time() - began < TTL
    bob = b.join("Ada")
    town.advance()
    assert bob.name == "Ada"
    assert ada is not None


def test_who_says_all_the_time_is_known_to_be_there(town):
    """A newcomer whom nobody answers in time does not begin a second cluster."""
    a = town.server()
    ada = a.join("Ada")
    for n in range(300):
        ada.says(str(n))
        town.advance(0.1)
    assert town.shelf.get("live") is not None


def test_a_newcomer_does_not_begin_with_nothing_while_others_are_about_to_return(town):
    a, b, ada, bob = two(town)
    ada.says("/topic tea")
    town.advance(0.5)
    for server in (a, b):
        server.log.cut()
    c = Server(town, "third")
    town.servers.append(c)
    c.log.cut()
    town.advance(2)
    town.shelf.empty()
    c.log.heal(0.01)
    a.log.heal(0.9)
    b.log.heal(0.7)
    town.advance(6)
    assert a.who() == b.who() == c.who()
    assert sorted(a.who()["lobby"]) == ["Ada", "Bob"]
    assert c.hub.lobby.topic == "tea"
    assert "other servers" not in " ".join(ada.lines + bob.lines)


def test_a_word_that_cannot_be_written_at_once_is_written_later(town):
    """The log seems to be there, and takes nothing while the word is given: that is one attempt, not the last."""
    a = Server(town, "first")
    town.servers.append(a)
    append, refused = a.log.append, []

    def not_now(node, seq, data, read, answer=None):
        refused.append(node)
        answer(None)

    a.log.append = not_now
    town.until(lambda: len(refused) > 1)
    assert not a.is_in
    a.log.append = append
    town.until(lambda: a.is_in, 5)


def test_a_rolling_restart_while_all_talk_loses_and_doubles_nothing(town):
    """Each server in turn: its successor joins, it says goodbye, its people come back to the successor."""
    servers = [town.server() for _ in range(3)]
    people = {name: server.join(name) for name, server in zip(("Ada", "Bob", "Eve"), servers, strict=True)}
    town.advance(0.5)
    said = dict.fromkeys(people, 0)
    heard = {name: [] for name in people}  # of each connection in turn

    def talk(times):
        for _ in range(times):
            for name, person in people.items():
                said[name] += 1
                person.says(f"{said[name]}")
                town.advance(0.003)

    for name, server in list(zip(people, servers, strict=True)):
        talk(10)
        town.server(f"{server.title}-again")
        talk(10)
        old = people.pop(name)
        server.drain()
        talk(10)
        heard[name] += [line for line in old.lines if not line.startswith("[")]
        assert old.lines[-1] == "* the server is shutting down, goodbye"
        people[name] = town.servers[-1].join(name)
        town.advance(0.3)
        talk(10)
    town.advance(1)
    for name, person in people.items():
        lines = heard[name] + [line for line in person.lines if not line.startswith("[")]
        assert not any("other servers" in line or "missed" in line for line in lines)
        for other in people.keys() - {name}:
            numbers = [int(line.partition(": ")[2]) for line in lines if line.startswith(f"{other}: ")]
            assert numbers == sorted(set(numbers))
            live = person.lines if heard[name] == [] else lines
            assert len([line for line in live if line == f"* {other} left"]) <= 1
    eve = people[
        "Eve"
    ]  # who stayed until the last: of Ada and Bob it has heard every word until it was restarted itself
    until = [line for line in heard["Eve"] if line.startswith("Ada: ")]
    assert until == [f"Ada: {n}" for n in range(1, len(until) + 1)]
    assert eve.name == "Eve"
    assert len({str(server.who()) for server in town.servers}) == 1


def test_who_is_ended_while_it_joins_asks_no_more(town):
    server = Server(town, "late")
    town.advance(0.01)
    assert not server.is_in, "it is on its way"
    server.cluster.close()
    assert not [what for what in town.reactor.leftovers() if what.endswith("timers")]
