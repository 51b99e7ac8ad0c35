"""Who may not come in."""

from __future__ import annotations

import pytest

from protocols.admission.addresses import network
from protocols.chat.operators.bans import Ban, Bans, TooManyBans
from protocols.chat.operators.powers import span


def banned(*bans: Ban) -> Bans:
    record = Bans()
    for ban in bans:
        record.add(ban, now=0.0)
    return record


@pytest.mark.parametrize(
    ("place", "address", "out"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("0.0.0.0/0", "192.0.2.1", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("2001:db8::/32", "2001:db8:1::1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("fe80::1", "fe80::2%eth0", True),
        ("192.0.2.1", "", False),
    ],
)
def test_an_address_is_kept_out_or_not(place: str, address: str, out: bool) -> None:
    ban = Ban(network=network(place))
    assert banned(ban).of_address(address, now=0.0) == (ban if out else None)


def test_a_name_is_blocked_however_it_is_written() -> None:
    record = banned(Ban("The Weeknd"))
    for name in ("The Weeknd", "THE WEEKND", "Ｔｈｅ Ｗｅｅｋｎｄ"):
        assert record.of_name(name, now=0.0)
    assert record.of_name("Weeknd", now=0.0) is None
    assert record.of_address("192.0.2.1", now=0.0) is None


def test_a_ban_of_a_name_is_found_and_undone_by_either() -> None:
    for text in ("MALLORY", "192.0.2.1"):
        record = banned(Ban("Mallory", network("192.0.2.1")))
        assert record.of_name("mallory", now=0.0) is record.of_address("192.0.2.1", now=0.0)
        (ban,) = record.matching(text, now=0.0)
        record.remove(ban.key)
        assert record.of_name("mallory", now=0.0) is record.of_address("192.0.2.1", now=0.0) is None
        assert not record._places
        assert not record._lengths


def test_several_bans_of_one_address_hold_one_by_one() -> None:
    record = banned(
        Ban("Eve", network("192.0.2.1")), Ban("Eve2", network("192.0.2.1")), Ban(network=network("192.0.2.1"))
    )
    assert len(record.matching("192.0.2.1", now=0.0)) == 3
    record.remove("eve")
    record.remove("eve")
    assert record.of_address("192.0.2.1", now=0.0) == Ban("Eve2", network("192.0.2.1"))
    assert record.matching("192.0.2.0/24", now=0.0) == []


def test_a_network_is_undone_as_it_was_banned() -> None:
    record = banned(Ban(network=network("10.0.0.0/8")))
    assert record.matching("10.0.0.1", now=0.0) == []
    assert [str(ban) for ban in record.matching("10.9.9.9/8", now=0.0)] == ["10.0.0.0/8"]


@pytest.mark.parametrize("by", ["name", "address", "all"])
def test_a_ban_is_over_in_its_time(by: str) -> None:
    record = banned(Ban("Mallory", network("192.0.2.1"), until=60.0))
    find = {
        "name": lambda now: record.of_name("Mallory", now),
        "address": lambda now: record.of_address("192.0.2.1", now),
        "all": lambda now: next(record.all(now), None),
    }[by]
    assert find(59.9)
    assert find(60.0) is None
    record.forget_old(60.0)
    assert len(record) == 0


def test_a_later_ban_of_the_same_replaces_the_earlier() -> None:
    record = banned(Ban("Mallory", network("192.0.2.1")), Ban("MALLORY", network("192.0.2.9"), until=60.0))
    assert [str(ban) for ban in record.all(now=0.0)] == ["MALLORY, 192.0.2.9"]
    assert record.of_address("192.0.2.1", now=0.0) is None


def test_there_is_no_room_without_end_and_what_is_over_makes_room() -> None:
    record = Bans(limit=2)
    record.add(Ban("Eve", until=60.0), now=0.0)
    record.add(Ban("Mallory"), now=0.0)
    record.add(Ban("Mallory", until=90.0), now=0.0)
    with pytest.raises(TooManyBans, match=r"there are 2 bans"):
        record.add(Ban("Trudy"), now=59.0)
    record.add(Ban("Trudy"), now=60.0)
    assert [ban.name for ban in record.all(now=60.0)] == ["Mallory", "Trudy"]


def test_a_whole_record_is_replaced_and_the_excess_counted() -> None:
    record = Bans(limit=2)
    record.add(Ban("Eve"), now=0.0)
    bans = [Ban("A"), Ban("B", until=1.0), Ban("C"), Ban("a"), Ban("D")]
    assert record.replace(bans, now=1.0) == 1
    assert [ban.name for ban in record.all(now=1.0)] == ["a", "C"]
    assert record.of_name("Eve", now=1.0) is None


def test_many_bans_do_not_make_a_look_slower() -> None:
    record = banned(*(Ban(network=network(f"10.0.{n // 256}.{n % 256}")) for n in range(2000)))
    record.add(Ban(network=network("192.0.2.0/24")), now=0.0)
    assert len(record._lengths) == 2, "a look costs one step for each of these"
    for n in range(2000):
        record.remove(f"/{network(f'10.0.{n // 256}.{n % 256}')}")
    assert list(record._lengths) == [(4, 24)]


def test_a_time_is_said_in_the_unit_that_people_use_for_it():
    """Both sides of each bound, and what is rounded up."""
    times = [59.9, 60, 7199, 7200, 7201, 172_799, 172_800, 172_801]
    assert [span(seconds) for seconds in times] == [
        "60 seconds", "1 minute", "120 minutes", "2 hours", "3 hours", "48 hours", "2 days", "3 days",
    ]  # fmt: skip


def test_a_name_that_looks_like_a_banned_one_is_banned() -> None:
    record = banned(Ban("Mallory", until=60.0), Ban("MaIIory"), Ban("Eve"))
    alike = ("M\u0430llory", "Ma11ory", "MaIlory", "mallory")
    assert all(record.of_look(name, now=0.0) for name in alike)
    assert record.of_look("Malory", now=0.0) is None
    assert all(record.of_look(name, now=60.0) for name in alike), "by the other ban"
    record.remove("maiiory")
    assert not any(record.of_look(name, now=60.0) for name in alike)
    assert record.of_look("Eve", now=60.0)
    record.replace([], now=60.0)
    assert record.of_look("Eve", now=60.0) is None
