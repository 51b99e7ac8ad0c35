"""Buckets and doors."""

from __future__ import annotations

import pytest

from protocols.admission.buckets import KEPT_ADDRESSES, KEPT_PER_ADDRESS, KeptBuckets, TokenBucket, cost
from protocols.admission.door import Door


def test_a_burst_then_a_rate() -> None:
    bucket = TokenBucket(rate=2.0, burst=3, now=0.0)
    assert [bucket.spend(1, 0.0) for _ in range(3)] == [0.0, 0.0, 0.5]
    assert bucket.spend(1, 0.5) == 0.5
    assert bucket.spend(1, 1.0) == 0.5


def test_a_rest_fills_the_bucket_and_no_more() -> None:
    bucket = TokenBucket(rate=2.0, burst=3, now=0.0)
    bucket.spend(3, 0.0)
    assert [bucket.spend(1, 1000.0) for _ in range(3)] == [0.0, 0.0, 0.5]


def test_a_long_message_is_paid_off() -> None:
    bucket = TokenBucket(rate=2.0, burst=3, now=0.0)
    assert bucket.spend(cost("x" * 2048), 0.0) == 1.5


def test_the_door_counts_everybody() -> None:
    door = Door(everybody=2)
    for address in ("192.0.2.1", "127.0.0.1"):
        assert door.refuses(address) is None
        door.enter(address)
    assert door.refuses("192.0.2.2") == "the server is full"
    door.leave("127.0.0.1")
    assert door.refuses("192.0.2.2") is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("::1", "::1", False),
        ("::ffff:127.0.0.1", "127.0.0.1", False),
        ("", "", False),
    ],
)
def test_the_door_counts_addresses(first: str, second: str, same: bool) -> None:
    door = Door(per_address=1)
    door.enter(first)
    assert (door.refuses(second) is not None) is same
    door.leave(first)
    assert door.refuses(second) is None


def test_loopback_counts_if_asked() -> None:
    door = Door(per_address=1, spare_loopback=False)
    door.enter("127.0.0.1")
    assert door.refuses("127.0.0.1") == "too many connections from your address"


def test_the_door_forgets() -> None:
    door = Door(per_address=1)
    for number in range(1000):
        door.enter(f"10.0.{number // 256}.{number % 256}")
        door.leave(f"10.0.{number // 256}.{number % 256}")
    assert not door._by_address
    assert len(door) == 0


# -- who hangs up and comes back ------------------------------------------------------------------------------------


def emptied(now: float, tokens: float = 10) -> TokenBucket:
    bucket = TokenBucket(2, 10, now)
    bucket.spend(tokens, now)
    return bucket


def test_a_bucket_that_was_left_is_taken_up_as_it_is() -> None:
    kept_buckets = KeptBuckets()
    bucket = emptied(0.0)
    kept_buckets.leave("a", bucket, 0.0)
    assert kept_buckets.take("b", 1.0) is None
    assert kept_buckets.take("a", 1.0) is bucket
    assert kept_buckets.take("a", 1.0) is None, "each is taken by one"


def test_a_bucket_that_is_full_again_is_forgotten() -> None:
    kept_buckets = KeptBuckets()
    kept_buckets.leave("a", emptied(0.0), 0.0)
    assert kept_buckets.take("a", 5.0) is None
    kept_buckets.leave("a", TokenBucket(2, 10, 0.0), 0.0)
    kept_buckets.leave("", emptied(0.0), 0.0)
    assert len(kept_buckets) == 0


def test_what_is_kept_is_bounded() -> None:
    kept_buckets = KeptBuckets()
    for _ in range(200):
        kept_buckets.leave("a", emptied(0.0), 0.0)
    assert sum(kept_buckets.take("a", 0.0) is not None for _ in range(200)) == KEPT_PER_ADDRESS + 1
    for number in range(KEPT_ADDRESSES + 10):
        kept_buckets.leave(f"{number}", emptied(0.0), 0.0)
    assert len(kept_buckets) == KEPT_ADDRESSES
    assert kept_buckets.take("0", 0.0) is None
    assert kept_buckets.take(f"{KEPT_ADDRESSES}", 0.0) is not None
    kept_buckets.leave("late", emptied(9.0), 9.0)
    kept_buckets.leave("later", emptied(9.0), 9.0)
    assert len(kept_buckets) == 2, "those that are full by now go first"


@pytest.mark.parametrize("address", ["192.168.1.5", "10.0.0.1", "100.64.0.1", "169.254.1.1", "fe80::1%eth0", "fd00::1"])
def test_a_class_behind_one_private_address_comes_in(address: str) -> None:
    door = Door(per_address=16, per_shared=128)
    for _ in range(128):
        assert door.refuses(address) is None
        door.enter(address)
    assert door.refuses(address) == "too many connections from your address"


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_public_address_keeps_its_bound(address: str) -> None:
    door = Door(per_address=16, per_shared=128)
    for _ in range(16):
        door.enter(address)
    assert door.refuses(address) == "too many connections from your address"
