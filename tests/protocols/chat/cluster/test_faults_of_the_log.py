"""The log is gone, emptied, full, refuses, jumps in time, or holds what nobody understands."""

from __future__ import annotations

import json

import pytest

from protocols.chat.cluster.cluster import Mode
from protocols.chat.cluster.people import FOUND, LOST, MISSED
from protocols.chat.cluster.stay import REFUSED
from tests.protocols.chat.cluster.town import TTL, two


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


@pytest.mark.parametrize("offset", [3600.0, -3600.0])
def test_the_clock_of_the_log_jumps(town, offset):
    _a, _b, ada, bob = two(town)
    town.shelf.offset = offset
    ada.says("hello")
    town.advance(5)
    assert bob.news == ["Ada: hello"]
    assert ada.news == []


def turn_back(town):
    """The clock of the log was ahead once: its time stands still for ten years."""
    town.shelf.offset = 3e8
    town.advance(2)
    town.shelf.offset = 0.0


@pytest.mark.loud
def test_who_is_killed_while_the_time_of_the_log_stands_still_is_gone_after_a_lease(town, caplog):
    a, b, ada, _bob = two(town)
    c = town.server()
    cay = c.join("Cay")
    turn_back(town)
    ada.says("hello")
    town.advance(1)
    b.kill()
    town.advance(TTL - 2)
    assert "* Bob left" not in ada.news
    town.advance(6)
    assert ada.news == ["* Bob left"]
    assert cay.lines.count("* Bob left") == 1
    assert a.who() == c.who()
    assert "Bob" not in a.who()["lobby"]
    again = town.server().join("Bob")
    town.advance(1)
    assert again.name == "Bob"
    assert ["stands still" in record.message for record in caplog.records] == [True, True]  # one of each server


@pytest.mark.loud
def test_who_speaks_or_is_cut_off_for_a_moment_stays_while_the_time_of_the_log_stands_still(town, caplog):
    a, b, ada, bob = two(town)
    turn_back(town)
    town.advance(3 * TTL)
    b.log.cut()
    town.advance(TTL / 2)
    b.log.heal()
    town.advance(TTL)
    bob.says("still here")
    town.advance(1)
    assert ada.news == ["Bob: still here"]
    assert a.is_in
    assert b.is_in
    assert len(caplog.records) == 2  # one of each server


def test_the_time_of_the_log_may_stand_still_for_less_than_a_lease(town):
    _, b, ada, _bob = two(town)
    town.shelf.offset = -TTL / 2
    town.advance(TTL / 2 + 1)
    b.kill()
    town.advance(TTL + 5)
    assert ada.news == ["* Bob left"]


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
