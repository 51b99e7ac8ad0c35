"""Who may not come into the chat is told so at accept, and costs nothing afterwards."""

from __future__ import annotations

import pytest

from protocols.chat import TIMEOUTS, Chat, Door
from protocols.chat.rooms.authority import Authority
from tests.kit.tls import server_context


class Strict(Authority):
    """Bans whom it is told to."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = set(addresses)

    def refuses(self, address: str) -> str | None:
        return "you are banned here" if address in self.addresses else None


def serve(stage, chat, **options):
    return stage.serve(chat.session, limits=chat.limits, timeouts=TIMEOUTS, **options)


def test_who_is_banned_hears_it_once_and_no_descriptor_is_kept(stage):
    chat = Chat(stage.reactor)
    chat.authority = Strict("127.0.0.1")
    listener = serve(stage, chat)
    banned = [stage.dial(listener) for _ in range(20)]
    assert {sock.recv(100) for sock in banned} == {b"* goodbye: you are banned here\n"}
    assert {sock.recv(100) for sock in banned} == {b""}
    assert not listener.connections
    assert chat.counts["refused"] == 20


def test_a_banned_address_is_not_shaken_hands_with(stage):
    chat = Chat(stage.reactor)
    chat.authority = Strict("127.0.0.1")
    listener = serve(stage, chat, tls=server_context())
    assert stage.dial(listener).recv(100) == b""
    assert not listener.connections


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_who_says_nothing_or_lingers_counts_for_its_address(stage, secure):
    """Plain: dismissed, and its peer keeps its end open. TLS: the handshake has not begun."""
    chat = Chat(stage.reactor, door=Door(per_address=2, spare_loopback=False))
    listener = serve(stage, chat, tls=server_context() if secure else None)
    for sock in (stage.dial(listener), stage.dial(listener)):
        if not secure:
            sock.sendall(b"exit\n")
    stage.reactor.settle()
    assert len(chat.door) == 0
    word = b"" if secure else b"* goodbye: too many connections from your address\n"
    assert stage.dial(listener).recv(100) == word
    stage.reactor.advance(11)  # Timeouts.close of the chat, and the handshake's
    assert not listener.connections
    stage.dial(listener)
    assert len(listener.connections) == 1
