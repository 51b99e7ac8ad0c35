"""Two and three servers in memory: one chat, whatever happens to the servers and to the way to the log."""

from __future__ import annotations

import json

import pytest

from protocols.chat.cluster.cluster import Mode
from protocols.chat.cluster.people import FOUND, LOST, MISSED
from protocols.chat.cluster.stay import REFUSED
from tests.protocols.chat.cluster.town import TTL, Server


def two(town, *names):
    """Two servers, and somebody on each."""
    a, b = town.server(), town.server()
    ada = a.join("Ada")
    town.advance(0.1)
    bob = b.join("Bob")
    town.advance(0.5)
    _ = ada.news, bob.news
    return a, b, ada, bob


def test_the_first_founds_and_the_second_joins(town):
    a = town.server()
    assert a.is_in
    assert town.reactor.time() < 1001
    b = town.server()
    assert b.is_in
    assert [len(server.cluster.stay.replica.nodes) for server in (a, b)] == [2, 2]


def test_people_of_two_servers_are_in_one_chat(town):
    a, b, ada, bob = two(town)
    ada.says("hello")
    town.advance()
    assert bob.news == ["Ada: hello"]
    assert ada.news == []
    bob.says("/me waves", "/topic tea", "/msg Ada psst", "/nick Rob", "/who")
    town.advance()
    assert ada.news == ["~ Bob waves", "* Bob set the topic: tea", "[private from Bob] psst", "* Bob is now Rob"]
    assert bob.news == ["* the topic is: tea", "[private to Ada] psst", "* you are Rob now", "* 2 here: Ada, Rob"]
    bob.says("/join den")
    town.advance()
    assert ada.news == ["* Rob left for den"]
    ada.says("/rooms", "/join den")
    town.advance()
    assert ada.news[:2] == ["* lobby (1) tea", "* den (1)"]
    assert bob.news[2:] == ["* Ada joined"]
    assert a.who() == b.who() == {"den": ["Rob", "Ada"]}


def test_who_comes_and_goes_is_announced_everywhere(town):
    a, b, ada, bob = two(town)
    eve = b.join("Eve")
    town.advance()
    assert ada.news == bob.news == ["* Eve joined"]
    eve.gone()
    town.advance()
    assert ada.news == bob.news == ["* Eve left"]
    assert a.who() == b.who() == {"lobby": ["Ada", "Bob"]}


def test_why_a_server_has_sent_somebody_away_is_told_everywhere(town):
    a, _, ada, bob = two(town)
    _ = bob.news
    a.do(a.cluster.dismiss, ada.member, "that was too much at once, and the rest is not said", "flood")
    town.advance()
    assert bob.news == ["* Ada was sent away: too much at once"]


def test_one_name_is_one_person(town):
    a, b, _ada, _bob = two(town)
    eve, sam = a.join(), b.join()
    town.advance()
    _ = eve.news, sam.news
    eve.says("/nick Zoe")
    sam.says("/nick zoe")
    town.advance()
    told = [*eve.news, *sam.news]
    assert sum("you are Zoe now" in line or "you are zoe now" in line for line in told) == 1
    assert sum("taken" in line for line in told) == 1
    assert a.who() == b.who()


def test_all_hear_one_order(town):
    a, b, ada, bob = two(town)
    eve, sam = a.join("Eve"), b.join("Sam")
    town.advance(0.5)
    _ = eve.news, sam.news
    for n in range(20):
        ada.says(f"a{n}")
        bob.says(f"b{n}")
        town.advance(0.0007)
    town.advance(1)
    heard = eve.news
    assert heard == sam.news
    assert len(heard) == 40


def test_a_newcomer_is_shown_what_was_said_elsewhere(town):
    a, _b, _ada, bob = two(town)
    bob.says("earlier", "/topic tea")
    town.advance()
    c = town.server()
    eve = c.join("Eve")
    town.advance()
    eve.says("/history", "/topic")
    town.advance()
    assert any(line.endswith("Bob: earlier") and line.startswith("[") for line in eve.news)
    assert c.who() == a.who()


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


def test_a_cut_shorter_than_the_lease_is_not_noticed(town):
    a, b, ada, bob = two(town)
    b.log.cut()
    town.advance(1)
    ada.says("while you were away")
    bob.says("me too")
    town.advance(TTL * 0.7)
    b.log.heal()
    town.advance(2)
    assert ada.news == ["Bob: me too"]
    assert bob.news == ["Ada: while you were away"]
    assert [server.cluster.counts["alone"] for server in (a, b)] == [0, 0]


def test_a_cut_longer_than_the_lease(town):
    a, b, ada, bob = two(town)
    bea = b.join("Bea")
    town.advance(0.5)
    _ = ada.news, bob.news, bea.news
    b.log.cut()
    town.advance(0.5)
    bob.says("can you hear me")
    town.advance(TTL + 2)
    assert bob.news == [f"* {LOST}", "* Ada left"]
    assert bea.news == ["Bob: can you hear me", f"* {LOST}", "* Ada left"]
    assert ada.news == ["* Bob left", "* Bea left"]
    bea.says("we are alone")
    ada.says("where are they")
    town.advance(0.1)
    assert bob.news == ["Bea: we are alone"]
    b.log.heal()
    town.advance(3)
    told = bob.news
    assert told[:2] == [f"* {FOUND}", "* Ada joined"]
    assert len(told) == 3
    assert told[2].endswith("] Ada: where are they")
    assert [line.split("] ")[-1] for line in bea.news] == [f"* {FOUND}", "* Ada joined", "Ada: where are they"]
    assert ada.news == ["* Bob joined", "* Bea joined"]
    ada.says("again")
    town.advance()
    assert bob.news == bea.news == ["Ada: again"]
    assert a.who() == b.who() == {"lobby": ["Ada", "Bob", "Bea"]}


def test_a_name_that_both_sides_gave_away(town):
    a, b, ada, bob = two(town)
    b.log.cut()
    town.advance(TTL + 3)
    bob.says("/nick Zoe")
    ada.says("/nick Zoe")
    town.advance(0.2)
    _ = ada.news, bob.news
    b.log.heal()
    town.advance(3)
    assert ada.name == "Zoe"
    assert bob.name != "Zoe"
    assert any("you are " + bob.name in line for line in bob.news)
    assert f"* {bob.name} joined" in ada.news
    assert a.who() == b.who()


def test_a_room_that_only_the_cut_off_have_is_taken_along(town):
    _a, b, ada, bob = two(town)
    b.log.cut()
    town.advance(TTL + 3)
    bob.says("/join den", "/topic tea", "nobody here")
    town.advance(0.2)
    b.log.heal()
    town.advance(3)
    ada.says("/join den")
    town.advance()
    assert "* the topic is: tea" in ada.news
    assert any(line.endswith("Bob: nobody here") for line in ada.lines)


def test_the_log_is_gone_for_long_and_comes_back(town):
    a, b, ada, bob = two(town)
    for server in (a, b):
        server.log.cut()
    town.advance(TTL + 3)
    assert ada.news == [f"* {LOST}", "* Bob left"]
    assert bob.news == [f"* {LOST}", "* Ada left"]
    for server in (a, b):
        server.log.heal()
    town.advance(TTL + 5)
    assert a.is_in
    assert b.is_in
    assert a.who() == b.who()
    assert sorted(a.who()["lobby"]) == ["Ada", "Bob"]
    assert f"* {FOUND}" in ada.news
    assert f"* {FOUND}" in bob.news


def test_the_log_is_emptied(town):
    a, _b, ada, bob = two(town)
    ada.says("/topic tea")
    town.advance(0.5)
    _ = ada.news, bob.news
    town.shelf.empty()
    for n in range(10):
        ada.says(f"a{n}")
        town.advance(0.3)
    town.advance(3)
    assert bob.news == [f"Ada: a{n}" for n in range(10)]
    assert ada.news == []
    c = town.server()
    assert c.who() == a.who()
    assert c.hub.lobby.topic == "tea"


def test_what_one_read_and_another_did_not_before_the_log_was_emptied(town):
    """An entry that only its writer has read back is lost for the others: they notice, and have it as a replay."""
    a, b, ada, bob = two(town)
    ada.says("before")
    town.advance()
    b.log.stop_reading()
    ada.says("lost")
    town.advance(0.05)
    town.shelf.empty()
    b.log.reading = True
    ada.says("after")
    town.advance(4)
    assert [line.split("] ")[-1] for line in bob.news] == ["Ada: before", "Ada: lost", "Ada: after"]
    assert b.cluster.counts["joined"] == 2
    assert b.cluster.counts["alone"] == 0
    assert a.who() == b.who()
    bob.says("I am here")
    town.advance()
    assert "Bob: I am here" in ada.news


def test_what_others_read_and_the_writer_did_not_before_the_log_was_emptied(town):
    """Its line is cut after its words were taken, the log is emptied, others go on: it joins again, people stay."""
    a, b, ada, bob = two(town)
    bea, eve = b.join("Bea"), b.join("Eve")
    town.advance(0.5)
    _ = ada.news, bob.news, bea.news
    b.log.cut(notice=0.5)  # what is written until then arrives
    bob.says("heard by one side")
    town.advance(0.6)
    town.shelf.empty()
    ada.says("meanwhile")
    eve.gone()
    town.advance(2)
    b.log.heal()
    town.advance(3)
    assert ada.news == ["Bob: heard by one side", "* Eve left"]
    assert [line.split("] ")[-1] for line in bob.news] == ["* Eve left", "Ada: meanwhile"]
    assert [line.split("] ")[-1] for line in bea.news] == ["* Eve left", "Bob: heard by one side", "Ada: meanwhile"]
    assert b.cluster.counts["joined"] == 2
    assert a.who() == b.who()


def test_who_begins_anew_knows_what_has_counted(town):
    """One stands still after it has written, the other finds the log emptied and nobody there: nothing comes twice."""
    a, b, ada, bob = two(town)
    bob.says("once")
    town.advance(0.001)
    b.stop()
    town.advance(0.1)
    a.cluster.on_missing()
    town.advance(TTL - 2)
    assert a.is_in
    assert a.cluster.stay.replica.nodes.counted(b.cluster.stay.name) >= 3
    b.go_on()
    town.advance(TTL + 4)
    assert ada.lines.count("Bob: once") == 1
    assert a.who() == b.who()
    assert bob.open


def test_a_full_log_is_asked_with_one_entry_at_a_time(town):
    a, _b, ada, bob = two(town)
    town.shelf.refuses = 1.0
    for n in range(50):
        ada.says(f"a{n}")
        town.advance(0.01)
    town.advance(0.5)
    before = town.shelf.requests
    town.advance(3.0)
    assert town.shelf.requests - before < 2 * 3.0 / REFUSED + 2
    town.shelf.refuses = 0.0
    town.advance(1)
    assert bob.news == [f"Ada: a{n}" for n in range(50)]
    assert a.is_in


def test_each_entry_that_is_refused_is_counted(town):
    a = town.server()
    ada = a.join("Ada")
    town.advance(0.5)
    before, town.shelf.refuses = town.shelf.requests, 1.0
    ada.says("hello")
    town.advance(1)
    assert a.cluster.stay.counts["refused"] == town.shelf.requests - before > 1


def test_an_operator_is_one_on_all_servers_and_where_a_server_is_alone(town):
    a, b, ada, bob = two(town)
    a.cluster.promote(ada.member, "ada")
    town.advance(0.1)
    assert [server.hub.get("Ada").operator for server in (a, b)] == ["ada", "ada"]
    b.log.cut()
    town.until(lambda: b.cluster.mode is Mode.ALONE)
    b.cluster.promote(bob.member, "bob")
    assert bob.member.operator == "bob"


def test_a_log_that_takes_nothing_for_a_while(town):
    _a, _b, ada, bob = two(town)
    town.shelf.refuses = True
    for n in range(5):
        ada.says(f"a{n}")
        bob.says(f"b{n}")
        town.advance(0.2)
    town.shelf.refuses = False
    town.advance(2)
    assert bob.news == [f"Ada: a{n}" for n in range(5)]
    assert ada.news == [f"Bob: b{n}" for n in range(5)]


def test_a_log_that_takes_nothing_for_long_is_as_a_cut(town):
    a, b, ada, bob = two(town)
    town.shelf.refuses = True
    town.advance(TTL + 3)
    assert f"* {LOST}" in ada.news
    assert f"* {LOST}" in bob.news
    town.shelf.refuses = False
    town.advance(TTL + 5)
    assert a.who() == b.who()
    assert sorted(a.who()["lobby"]) == ["Ada", "Bob"]


def test_connections_that_are_killed_again_and_again(town):
    a, b, ada, bob = two(town)
    for n in range(30):
        ada.says(f"a{n}")
        bob.says(f"b{n}")
        (a if n % 2 else b).log.flap()
        town.advance(0.11)
    town.advance(3)
    assert bob.news == [f"Ada: a{n}" for n in range(30)]
    assert ada.news == [f"Bob: b{n}" for n in range(30)]
    assert a.cluster.counts["joined"] == b.cluster.counts["joined"] == 1


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


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
def test_the_clock_of_the_log_jumps(town, offset):
    _a, _b, ada, bob = two(town)
    town.shelf.offset = offset
    ada.says("hello")
    town.advance(5)
    assert bob.news == ["Ada: hello"]
    assert ada.news == []


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


def test_too_much_on_its_way_makes_those_who_talk_wait(town):
    a, _b, ada, bob = two(town)
    a.log.cut()
    for n in range(400):
        if not ada.held:
            ada.says("x" * 1500 + str(n))
            town.advance(0.001)
    assert ada.held
    assert a.cluster.stay.outbox.size < 400 * 1024
    a.log.heal()
    town.advance(3)
    assert not ada.held
    said = [line for line in bob.lines if line.startswith("Ada: x")]
    assert [line[5 + 1500 :] for line in said] == [str(n) for n in range(len(said))]
    assert len(said) > 100


def test_who_has_said_all_and_hangs_up_is_answered_first(town):
    a, _b, ada, _bob = two(town)
    done = []
    assert a.cluster.when_done(lambda: done.append("at once"))
    ada.says("bye", "/who")
    assert not a.cluster.when_done(lambda: done.append(ada.lines[-1]))
    town.advance()
    assert done == ["* 2 here: Ada, Bob"]


def test_somebody_who_comes_and_goes_while_the_line_is_cut(town):
    a, b, _ada, _bob = two(town)
    b.log.cut()
    eve = b.join("Eve")
    sam = b.join("Sam")
    town.advance(1)
    eve.gone()
    town.advance(1)
    b.log.heal()
    town.advance(2)
    assert a.who() == b.who() == {"lobby": ["Ada", "Bob", "Sam"]}
    assert sam.open


def test_bytes_that_no_chat_server_has_written_change_nothing(town):
    a, b, ada, bob = two(town)
    node = a.cluster.stay.name
    for data in (
        b"\xff",
        b"{}",
        b"[1]",
        b'[["hear"]]',
        b'[["nonsense",1]]',
        b"[[]]",
        b'[["hear",99,"x"]]',
        b"[" * 100_000,
    ):
        town.shelf.add("stranger", 1, data)
        town.shelf.add(node, a.cluster.stay.outbox.seq, data)
        town.advance(0.1)
    ada.says("hello")
    town.advance(3)
    assert "Ada: hello" in bob.news
    assert a.who() == b.who()
    assert a.cluster.mode is b.cluster.mode is Mode.IN


def test_what_another_version_writes_and_nobody_here_understands_is_counted_and_passed_over(town):
    a, b, ada, bob = two(town)
    unknown = (
        ["nonsense", 1], ["hear"], ["hear", 1, 5], ["room", "attic", "", [[1, 5]]], ["room", "attic", "", [[]]],
        ["room", 5, "", []], ["typed", 5], ["bans", [5]], ["back", 1, "attic", "", []], ["enter", 7, 5],
        ["promote", 7, 5], ["back", 1, "attic", "", {}], ["sync", 5, []], ["room", "loft", "", [[10**400, "x"]]],
        ["room", "cellar", "", [[float("inf"), "x\n"]]],
    )  # fmt: skip
    town.shelf.add("newer", 1, b'[["sync","newer"],["enter",1,"there"],["announce",1]]')
    for seq, one in enumerate(unknown, 2):
        town.shelf.add("newer", seq, json.dumps([one]).encode())
    town.advance(0.1)
    ada.says("hello")
    town.advance(0.1)
    assert "Ada: hello" in bob.news
    assert a.who() == b.who()
    assert a.cluster.mode is b.cluster.mode is Mode.IN
    assert a.cluster.stay.replica.bad == b.cluster.stay.replica.bad > 0
    for room in ("attic", "loft", "cellar"):
        ada.says(f"/join {room}")
        town.advance(2)
    ada.says("/join lobby")
    town.advance(2)
    ada.says("still here")
    town.advance(1)
    assert "Ada: still here" in bob.news


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


def only_one_side_has_heard(town):
    """One side reads a line, the log is emptied, that side is cut off, and the other begins anew without the line."""
    a, b, ada, bob = two(town)
    eve = a.join("Eve")
    town.advance(0.5)
    _ = bob.news
    b.log.cut()
    town.advance(1)
    ada.says("only Eve has heard this")
    town.advance(0.1)
    town.shelf.empty()
    bob.says("I am still here")
    eve.says("on we go")
    town.advance(0.2)
    a.log.cut()
    b.log.heal()
    town.advance(4)
    assert b.is_in
    return a, b, ada, bob, eve


def test_who_began_anew_without_a_line_has_it_from_those_who_return(town):
    a, b, ada, bob, eve = only_one_side_has_heard(town)
    a.log.heal()
    town.advance(3)
    assert [line.split("] ")[-1] for line in bob.news] == ["Ada: only Eve has heard this", "Eve: on we go"]
    assert ada.lines[-1] == eve.lines[-1] == "Bob: I am still here"
    assert a.who() == b.who()


def test_lines_that_nobody_can_read_any_more_are_told_of(town):
    a, b, ada, bob, eve = only_one_side_has_heard(town)
    ada.says("not yet read back")
    town.shelf.entries.clear()
    bob.says("a new log again")
    town.advance(0.1)
    a.log.heal()
    town.advance(3)
    assert bob.news == [f"* {MISSED}", "Ada: not yet read back"]
    assert not any(word in line for line in (*ada.lines, *eve.lines) for word in (" left", "other servers"))
    assert a.is_in
    assert a.who() == b.who()


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


def test_a_topic_that_is_taken_away_is_so_for_all(town):
    _a, _b, ada, bob = two(town)
    bob.says("/topic tea", "/topic -")
    town.advance()
    assert ada.news == ["* Bob set the topic: tea", "* Bob took the topic away"]
    ada.says("/topic")
    town.advance()
    assert "tea" not in ada.news[0]


def test_a_server_whose_joining_was_never_read_is_met_by_joining_again(town):
    """It was in a log that was emptied: for whom it is a stranger that one has missed something, and has it later."""
    a, b, ada, bob = two(town)
    b.log.cut()
    c = town.server()
    cid = c.join("Cid")
    town.advance(0.1)
    cid.says("hello")
    town.advance(0.1)
    town.shelf.empty()
    cid.says("in the new log")
    town.advance(0.1)
    b.log.heal()
    town.advance(5)
    said = [line for line in bob.news if "Cid: " in line]
    assert [line.partition("] ")[2] for line in said] == ["Cid: hello", "Cid: in the new log"]
    assert not any("other servers" in line for line in (*ada.lines, *bob.lines, *cid.lines))
    assert a.who() == b.who() == c.who()
    assert sorted(b.who()["lobby"]) == ["Ada", "Bob", "Cid"]


def test_who_is_ended_while_it_joins_asks_no_more(town):
    server = Server(town, "late")
    town.advance(0.01)
    assert not server.is_in, "it is on its way"
    server.cluster.close()
    assert not [what for what in town.reactor.leftovers() if what.endswith("timers")]
