"""The way from a server to the log is cut, for less and for more than the lease."""

from __future__ import annotations

from protocols.chat.cluster.people import FOUND, LOST
from tests.protocols.chat.cluster.town import TTL, two


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
