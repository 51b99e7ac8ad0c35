"""The comparison of HTTP servers, on our own server alone."""

import itertools
import os
import socket
from types import SimpleNamespace

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


def test_a_server_that_does_not_listen_yet_is_dialled_again(monkeypatch):
    waited = []
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))

        def sleep(seconds):
            waited.append(seconds)
            late.listen()

        monkeypatch.setattr(procs, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
        with procs.connected(late.getsockname(), 60.0) as sock:
            assert sock.getpeername() == late.getsockname()
    assert waited == [procs.POLL]


def test_one_that_never_listens_is_told(monkeypatch):
    now = itertools.count(0.0, 0.75 * procs.START_TIMEOUT)
    monkeypatch.setattr(procs, "time", SimpleNamespace(monotonic=now.__next__, sleep=lambda seconds: None))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(procs.BenchError, match=r"^nobody listens on 127.0.0.1:\d+ within 20 s$"):
            procs.connected(nobody.getsockname(), 60.0)
