"""The WebSocket comparison, on our own server alone."""

import contextlib

import pytest

import websocket
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
