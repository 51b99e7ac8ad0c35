"""wsproto as the other end, where it is installed: what it sends we read, and the other way round."""

from __future__ import annotations

import random

import pytest

wsproto = pytest.importorskip("wsproto", reason="wsproto is not installed")

from wsproto.connection import Connection, ConnectionType  # noqa: E402
from wsproto.events import (  # noqa: E402
    BytesMessage,
    CloseConnection,
    Ping as TheirPing,
    Pong as TheirPong,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate  # noqa: E402

from protocols.websocket.closing import close_payload  # noqa: E402
from protocols.websocket.deflate import agree, frame  # noqa: E402
from protocols.websocket.frames import BINARY, CLOSE, PING, PONG, TEXT, pack  # noqa: E402
from protocols.websocket.wire import Close, Ping, Pong, Wire  # noqa: E402


def messages(rng):
    """A conversation at random, as our events."""
    for _ in range(rng.randrange(1, 30)):
        kind = rng.randrange(5)
        if kind == 0:
            yield "".join(rng.choice("abc äö 日本 😀") for _ in range(rng.choice([0, 1, 125, 126, 3000, 70_000])))
        elif kind == 1:
            yield rng.randbytes(rng.choice([0, 1, 125, 126, 65535, 65536]))
        elif kind == 2:
            yield bytes(rng.randrange(70_000))
        else:
            yield (Ping, Pong)[kind - 3](rng.randbytes(rng.randrange(126)))


def theirs(event):
    """Our event as theirs."""
    if isinstance(event, str):
        return TextMessage(event)
    if isinstance(event, bytes):
        return BytesMessage(event)
    return TheirPing(event.payload) if isinstance(event, Ping) else TheirPong(event.payload)


def deflate():
    extension = PerMessageDeflate()
    window, answer = agree(f"{extension.name}; {extension.offer()}")
    extension.finalize(answer)
    assert window == 15
    return [extension]


@pytest.mark.parametrize("compressed", [False, True])
def test_what_it_sends_we_read(compressed):
    for seed in range(20):
        rng = random.Random(seed)
        client = Connection(ConnectionType.CLIENT, deflate() if compressed else [])
        said = list(messages(rng))
        data = b"".join(client.send(theirs(event)) for event in said) + client.send(CloseConnection(1001, "gone"))
        wire, heard = Wire(inflates=compressed), []
        while data:
            cut = rng.randrange(1, 100_000)
            wire.feed(data[:cut])
            data = data[cut:]
            while (event := wire.next_event()) is not None or wire.busy:
                heard += [] if event is None else [event]
        assert heard == [*said, Close(1001, "gone")], f"seed {seed}"


@pytest.mark.parametrize("compressed", [False, True])
def test_what_we_send_it_reads(compressed):
    for seed in range(20):
        said = list(messages(random.Random(seed)))
        client = Connection(ConnectionType.CLIENT, deflate() if compressed else [])
        window = 15 if compressed else None
        for event in said:
            if isinstance(event, str):
                client.receive_data(frame(TEXT, event.encode(), window))
            elif isinstance(event, bytes):
                client.receive_data(frame(BINARY, event, window))
            else:
                client.receive_data(pack(PING if isinstance(event, Ping) else PONG, event.payload))
        client.receive_data(pack(CLOSE, close_payload(1000, "bye")))
        heard, pieces = [], []
        for event in client.events():
            if isinstance(event, (TextMessage, BytesMessage)):
                pieces.append(event.data if isinstance(event.data, str) else bytes(event.data))
                if event.message_finished:
                    heard.append(pieces[0][:0].join(pieces))
                    pieces = []
            elif isinstance(event, TheirPing):
                heard.append(Ping(bytes(event.payload)))
            elif isinstance(event, TheirPong):
                heard.append(Pong(bytes(event.payload)))
        assert heard == said, f"seed {seed}"
