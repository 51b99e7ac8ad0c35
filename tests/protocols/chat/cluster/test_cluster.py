"""Two servers in memory, and nothing breaks: one chat."""

from __future__ import annotations

from protocols.chat.cluster.cluster import Mode
from tests.protocols.chat.cluster.town import two


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


def test_an_operator_is_one_on_all_servers_and_where_a_server_is_alone(town):
    a, b, ada, bob = two(town)
    a.cluster.promote(ada.member, "ada")
    town.advance(0.1)
    assert [server.hub.get("Ada").operator for server in (a, b)] == ["ada", "ada"]
    b.log.cut()
    town.until(lambda: b.cluster.mode is Mode.ALONE)
    b.cluster.promote(bob.member, "bob")
    assert bob.member.operator == "bob"


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


def test_a_topic_that_is_taken_away_is_so_for_all(town):
    _a, _b, ada, bob = two(town)
    bob.says("/topic tea", "/topic -")
    town.advance()
    assert ada.news == ["* Bob set the topic: tea", "* Bob took the topic away"]
    ada.says("/topic")
    town.advance()
    assert "tea" not in ada.news[0]
