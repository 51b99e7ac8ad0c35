"""What people of several servers are promised, line by line, where the other scenes of this folder do not have it."""

from __future__ import annotations

import pytest

from protocols.chat.cluster.cluster import Mode
from protocols.chat.cluster.people import ELSEWHERE, FOUND, LOST, MISSED
from protocols.chat.rooms.history import LINES
from protocols.chat.rooms.news import CROWD
from tests.protocols.chat.cluster.town import TTL, Server, two

END = 7.0  # seconds that a server may take to end, whatever the log does


def test_who_comes_into_a_room_is_told_who_of_all_servers_is_there(town):
    _a, _b, ada, bob, eve = two(town, "Eve")
    ada.says("/join den")
    town.advance()
    assert ada.news == ["* you are in den now", "* you are alone here"]
    bob.says("/join den")
    town.advance()
    assert bob.news[1:] == ["* you are in den now", "* here with you: Ada"]
    eve.says("/join den")
    town.advance()
    assert eve.news[-1] == "* here with you: Ada, Bob"


def test_one_order_for_those_who_talk_as_well(town):
    """Each hears all but itself; put together, their orders do not contradict each other."""
    _a, _b, ada, bob, eve, sam = two(town, "Eve", "Sam")
    for n in range(20):
        for person in (ada, bob, eve, sam):
            person.says(str(n))
            town.advance(0.0003)
    town.advance(1)
    heard = {person.name: person.news for person in (ada, bob, eve, sam)}
    for name, lines in heard.items():
        assert len(lines) == 60
        assert not any(line.startswith(f"{name}: ") for line in lines)
    for one in heard.values():
        for other in heard.values():
            both = set(one) & set(other)
            assert [line for line in one if line in both] == [line for line in other if line in both]


def test_who_dies_with_a_server_leaves_each_room_once(town):
    a, b, ada, bob, eve, sam = two(town, "Eve", "Sam")
    eve.says("/join den")
    sam.says("/join den")
    town.advance(0.2)
    _ = ada.news, eve.news
    b.kill()
    town.advance(TTL + 3)
    assert (ada.news, eve.news) == (["* Bob left"], ["* Sam left"])
    assert a.who() == {"lobby": ["Ada"], "den": ["Eve"]}
    ada.says("/who")
    town.advance()
    assert ada.news == ["* 1 here: Ada", "* 1 in other rooms; /rooms lists them"]
    assert [bob.open, sam.open] == [False, False]


def test_many_who_die_with_a_server_are_told_together(town):
    a, b, ada, _bob = two(town)
    crowd = [b.join(f"P{n}") for n in range(CROWD)]
    town.advance(5)
    _ = ada.news
    b.kill()
    town.advance(TTL + 3)
    told = ada.news
    assert len(told) == 1, told
    assert told[0].startswith("* left: Bob, P0, P1, ")
    assert a.who() == {"lobby": ["Ada"]}
    assert not any(person.open for person in crowd)


def test_who_is_on_the_other_side_of_a_cut_is_told_to_be_out_of_reach(town):
    _a, b, ada, bob = two(town)
    b.log.cut()
    town.advance(TTL + 3)
    _ = ada.news, bob.news
    ada.says("/msg Bob psst")
    bob.says("/msg Ada psst")
    town.advance()
    assert ada.news == ["* not sent: nobody here is called Bob"]
    assert bob.news == ["* not sent: nobody here is called Ada"]


def test_a_private_line_that_the_cut_has_swallowed_is_told_of(town):
    """It was on its way when the line was cut: its sender hears of the other servers first, then what became of it."""
    _a, b, ada, bob = two(town)
    b.log.cut()
    bob.says("/msg Ada psst")
    town.advance(TTL + 3)
    assert f"* {LOST}" in bob.news
    b.log.heal()
    town.advance(5)
    assert not any("psst" in line for line in ada.lines)


def test_told_of_a_cut_within_the_lease_and_three_seconds_and_once_that_it_is_over(town):
    _a, b, ada, bob = two(town)
    b.log.cut()
    town.advance(TTL + 3)
    assert f"* {LOST}" in bob.news
    town.advance(20)
    b.log.heal()
    town.advance(10)
    assert bob.lines.count(f"* {FOUND}") == 1
    assert not any("other servers" in line for line in ada.lines)


def looks_on(server):
    """What the console of `server` shows from now on."""
    shown = []
    server.hub.audience.append(lambda posted: shown.append(posted.line.decode().rstrip("\n")))
    return shown


def test_a_console_shows_what_its_people_are_told_of_a_cut(town):
    _a, b, ada, bob, eve = two(town, "Eve")
    eve.says("/join den")
    town.advance(0.5)
    shown = looks_on(b)
    _ = bob.news
    b.log.cut()
    town.advance(TTL + 3)
    assert shown == [f"* {LOST}", "* Ada left", "* Eve left"]
    ada.says("you miss this")
    town.advance()
    b.log.heal()
    town.until(lambda: b.is_in)
    ada.says("and have this")
    town.advance(0.5)
    told = bob.news
    assert told[:4] == [f"* {LOST}", "* Ada left", f"* {FOUND}", "* Ada joined"]
    (missed,) = [line for line in told if line.endswith("Ada: you miss this")]
    assert missed.startswith("[")
    assert shown[3] == f"* {FOUND}"
    assert [line for line in shown if "Eve" in line] == ["* Eve left", "* Eve joined"]
    assert shown.count("Ada: and have this") == shown.count(missed) == shown.count("* Ada joined") == 1


def test_a_console_shows_what_was_missed_where_nobody_is_told(town):
    """The log was emptied: who had not read a line of it has that from those who had."""
    a, b, ada, bob = two(town)
    shown = looks_on(b)
    b.log.cut()
    ada.says("only one side has this")
    town.advance(0.5)
    town.shelf.empty()
    ada.says("in the new log")
    town.advance(0.5)
    b.log.heal()
    town.advance(5)
    (missed,) = [line for line in bob.lines if "only one side" in line]
    assert [line for line in shown if "only one side" in line] == [missed]
    assert a.who() == b.who()


def cut_off(town, *servers):
    for server in servers:
        server.log.cut()
    return lambda: [server.log.heal() for server in servers]


def take_nothing(town, *servers):
    town.shelf.refuses = 1.0
    return lambda: setattr(town.shelf, "refuses", 0.0)


def stand_still(town, a, b):
    b.stop()
    return b.go_on


def be_emptied_while_one_is_cut_off(town, a, b):
    town.shelf.empty()
    return cut_off(town, b)


def one_is_cut_off(town, a, b):
    return cut_off(town, b)


FAULTS = [one_is_cut_off, cut_off, take_nothing, stand_still, be_emptied_while_one_is_cut_off]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_all_is_well_ten_seconds_after_a_fault_is_over(town, fault):
    a, b, ada, bob = two(town)
    end = fault(town, a, b)
    town.advance(2 * TTL)
    end()
    town.until(lambda: a.is_in and b.is_in and a.who() == b.who() and len(a.who()["lobby"]) == 2, 10)
    town.advance(0.5)
    _ = ada.news, bob.news
    ada.says("again")
    bob.says("and again")
    town.advance(0.5)
    assert (ada.news, bob.news) == (["Bob: and again"], ["Ada: again"])


@pytest.mark.parametrize("fault", ["cut", "refuses", "stands still", "nothing"])
def test_the_end_comes_within_seven_seconds_whatever_the_log_does(town, fault):
    _a, b, _ada, bob = two(town)
    if fault == "cut":
        b.log.cut()
    elif fault == "refuses":
        town.shelf.refuses = 1.0
    elif fault == "stands still":
        b.log.cut(notice=100.0)
    for person in b.people:
        b.cluster.farewell(person.member)
    b.cluster.on_drain(5.0)
    town.advance(END)
    assert b.log.closed
    assert "goodbye" in bob.lines[-1]


def test_whose_server_ends_is_told_whether_the_chat_goes_on(town):
    """Only then is it of use to connect again; chat_client does so by itself."""
    a, b, ada, bob = two(town)
    b.drain()
    assert bob.lines[-2:] == [f"* {ELSEWHERE}", "* the server is shutting down, goodbye"]
    town.advance()
    a.drain()
    assert ada.lines[-1] == "* the server is shutting down, goodbye"
    assert f"* {ELSEWHERE}" not in ada.lines


def test_who_is_on_a_server_that_is_cut_off_is_not_told_to_connect_again(town):
    _a, b, _ada, bob = two(town)
    b.log.cut()
    town.advance(TTL + 3)
    b.drain()
    assert bob.lines[-1] == "* the server is shutting down, goodbye"
    assert f"* {ELSEWHERE}" not in bob.lines


def test_it_is_settled_when_it_has_joined_and_no_earlier(town):
    """`listening on` is printed then: somebody who is served before would be given a name that another has."""
    town.server()
    b = Server(town, "late")
    town.servers.append(b)
    while not b.settled:
        assert not b.is_in
        town.advance(0.0005)
    assert b.is_in


def test_or_when_the_log_cannot_be_reached(town):
    a = Server(town, "first")
    town.servers.append(a)
    assert not a.settled
    a.log.cut(notice=2.0)
    town.advance(1)
    assert not a.settled
    town.advance(2)
    assert a.settled
    assert a.cluster.mode is Mode.ALONE


def test_who_missed_more_than_is_kept_is_told_so(town):
    _a, b, ada, bob = two(town)
    b.log.cut()
    town.advance(TTL + 3)
    _ = bob.news
    for n in range(LINES + 5):
        ada.says(f"a{n}")
        town.advance(0.01)
    b.log.heal()
    town.advance(3)
    told = bob.news
    assert told[:3] == [f"* {FOUND}", "* Ada joined", f"* {MISSED}"]
    assert [line.split("] ")[-1] for line in told[3:]] == [f"Ada: a{n}" for n in range(5, LINES + 5)]
