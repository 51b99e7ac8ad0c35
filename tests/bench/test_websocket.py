"""The WebSocket comparison, on our own server alone; and its floor, which takes what RFC 6455 demands."""

import contextlib

import pytest

import websocket
from peers.web import on_promises
from protocols.websocket.frames import BINARY, CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, apply_mask, pack
from runs import procs, turns


@pytest.fixture
def server():
    with procs.Server("reactor", [websocket.PROGRAMS["reactor"]]) as server:
        yield server


def test_every_case_runs(server, monkeypatch):
    monkeypatch.setattr(websocket, "ROUND", {"echo": 2, "room": 1})
    monkeypatch.setattr(websocket, "MEMBERS", 30)
    monkeypatch.setattr(websocket, "IDLE", 20)
    monkeypatch.setattr(websocket, "LARGE", 1 << 20)
    for case in ("echo", "room"):
        found = websocket.costs(case, {"reactor": server}, 2)
        assert len(found["reactor"]) == 2
        assert all(cost > 0 for cost in found["reactor"])
    assert websocket.memory(server) >= 0
    assert websocket.large(server)[0] >= 0


def test_the_chat_is_measured_with_browsers_and_without(monkeypatch):
    monkeypatch.setattr(websocket, "ROUND", {"room": 2})
    monkeypatch.setattr(websocket, "MEMBERS", 12)
    monkeypatch.setattr(websocket, "TALKERS", 3)
    monkeypatch.setattr(websocket, "QUIET", 0.1)
    monkeypatch.setattr(websocket, "NEWS", 0.5)
    found = websocket.chat_costs(1)
    assert list(found) == ["browsers", "TCP"]
    assert all(costs[0] >= 0 for costs in found.values())


def test_what_is_no_websocket_is_told(server):
    with (
        pytest.raises(procs.BenchError, match="opens no WebSocket"),
        contextlib.closing(websocket.dial(server, "/nowhere")),
    ):
        pass


def test_goals_are_judged():
    found = {"reactor": [1.0, 2.0], "websockets": [10.0, 20.0]}
    assert turns.verdicts(found, websocket.GOALS["echo"]) == ["goal: at most 0.40 of websockets: 0.100, met"]


def test_both_floors_stand_below_a_goal():
    found = {"reactor": [5.0], "aiohttp": [10.0], "bare": [2.0], "promises": [4.0]}
    assert turns.verdicts(found, {"aiohttp": 0.4})[:2] == [
        "goal: at most 0.40 of aiohttp: 0.500, MISSED",
        "floor: 0.200 of aiohttp in bare Python, 0.400 of aiohttp with a server's promises",
    ]


class Written(bytearray):
    """A transport that keeps what is written."""

    write, state = bytearray.extend, "open"

    def close(self):
        self.state = "closed"

    def abort(self):
        self.state = "aborted"


def written(*pieces):
    floor, transport = on_promises.Echo(), Written()
    floor.connection_made(transport)
    for piece in pieces:
        floor.data_received(piece)
    return transport


REQUEST = websocket.REQUEST.format("/echo", "").encode()
OPENED = bytes(written(REQUEST))
KEY = websocket.KEY


def piece(first, payload):
    return bytes((first, 0x80 + len(payload))) + KEY + apply_mask(payload, KEY)


def test_the_floor_shakes_hands_and_refuses_what_is_no_websocket():
    assert OPENED.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in OPENED
    assert all(written(REQUEST[:cut], REQUEST[cut:]) == OPENED for cut in range(len(REQUEST)))
    for wrong in (REQUEST.replace(b"13", b"12"), REQUEST.replace(b": websocket", b": h2c"), b"x\r\n\r\n"):
        refused = written(wrong)
        assert (refused.startswith(b"HTTP/1.1 400 "), refused.state) == (True, "closed")
    assert written(bytes(20_000)).state == "aborted"


def test_the_floor_sends_back_whatever_form_a_text_comes_in_however_it_is_cut():
    texts = [b"", b"short", "h\u00e9".encode() * 30, b"x" * 125, b"y" * 300]
    came = b"".join(pack(TEXT, text, key=KEY) for text in texts)
    came += piece(TEXT, b"in ") + pack(PING, b"?", key=KEY) + piece(FIN | CONTINUATION, b"two")
    came += pack(BINARY, b"dropped", key=KEY) + pack(CLOSE, b"\x03\xe8", key=KEY) + b"not looked at"
    told = b"".join(pack(TEXT, text) for text in texts)
    told += pack(PONG, b"?") + pack(TEXT, b"in two") + pack(CLOSE, b"\x03\xe8")
    for cut in range(len(came)):
        transport = written(REQUEST, came[:cut], came[cut:])
        assert (transport.removeprefix(OPENED), transport.state) == (told, "closed")
    assert written(*(bytes((byte,)) for byte in REQUEST + came)).removeprefix(OPENED) == told


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (pack(TEXT, b"without a mask"), 1002),
        (piece(0x83, b"opcode"), 1002),
        (piece(0xC1, b"reserved bit"), 1002),
        (piece(FIN | CONTINUATION, b"of nothing"), 1002),
        (piece(PING, b"in pieces"), 1002),
        (pack(TEXT, b"\xff", key=KEY), 1007),
        (b"\x81\xff" + (1 << 30).to_bytes(8, "big") + KEY, 1009),
    ],
)
def test_the_floor_says_what_is_wrong_and_ends(frame, code):
    ended = written(REQUEST, frame, pack(TEXT, b"more", key=KEY))
    said = ended.removeprefix(OPENED)
    assert (said[0], int.from_bytes(said[2:4], "big"), ended.state) == (0x88, code, "closed")
