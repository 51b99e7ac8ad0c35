"""What the options of the chat server come to, before there is a server."""

from __future__ import annotations

from argparse import Namespace

from protocols.chat.command import door


def refusals(given: int | None, address: str, inside: int) -> bool:
    counted = door(Namespace(max_clients=1000, max_per_ip=given))
    for _ in range(inside):
        counted.enter(address)
    return counted.refuses(address) is not None


def test_loopback_and_a_school_count_only_where_the_operator_gave_the_number() -> None:
    assert not refusals(None, "127.0.0.1", 500)
    assert refusals(3, "127.0.0.1", 3)
    assert not refusals(3, "127.0.0.1", 2)
    assert refusals(None, "198.51.100.7", 500)
    assert not refusals(None, "192.168.1.7", 40)
    assert refusals(3, "192.168.1.7", 3)
    assert not refusals(0, "198.51.100.7", 500), "0 is no limit"
