"""The comparison of HTTP servers, on our own server alone."""

import os

import pytest

import web
from runs import procs, turns


@pytest.fixture
def server(tmp_path):
    (tmp_path / "k1.bin").write_bytes(b"x" * 1024)
    os.utime(tmp_path / "k1.bin", (1_700_000_000, 1_700_000_000))
    with procs.Server("reactor", [web.PROGRAMS["reactor"], f"--root={tmp_path}"]) as server:
        yield server


def test_every_case_runs(server, monkeypatch):
    monkeypatch.setattr(web, "ROUND", dict.fromkeys(web.CASES, 40))
    monkeypatch.setattr(web, "CONNECTIONS", 3)
    for case in web.CASES:
        assert len(web.costs(case, {"reactor": server}, 1)["reactor"]) == 1


def test_an_answer_that_is_another_is_told(server, monkeypatch):
    monkeypatch.setattr(web, "HEAD", "GET /none HTTP/1.1\r\nHost: here\r\n\r\n")
    with pytest.raises(procs.BenchError, match="404 Not Found"):
        web.Load(server, "file")


def test_goals_are_judged():
    found = {"reactor": [1.0, 2.0], "nginx": [2.0, 4.0], "uvicorn": [1.0, 2.0], "aiohttp": [1.0, 1.0]}
    assert turns.verdicts(found, web.GOALS["file"]) == [
        "goal: at most 0.60 of aiohttp: 1.50, MISSED",
        "goal: at most 2.00 of nginx: 0.500, met",
        "goal: at most 0.75 of uvicorn: 1.00, MISSED",
    ]
    assert turns.verdicts(found, {})[1] == "0.500 of nginx"
