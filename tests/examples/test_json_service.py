"""The JSON service and the live page, in memory: the site that the program serves, and no port, process or waiting."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from protocols.http import Client
from reactor.testing import MemoryReactor
from tests.kit.program import ROOT


@pytest.fixture
def reactor() -> Iterator[MemoryReactor]:
    reactor = MemoryReactor()
    yield reactor
    reactor.close()


@pytest.fixture
def make_site(request: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The function of that name of an example."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "examples"), *sys.path])
    return importlib.import_module(request.param).make_site


@pytest.mark.parametrize("make_site", ["json_service"], indirect=True)
def test_notes(reactor: MemoryReactor, make_site: Any) -> None:
    make_site(reactor).listen("localhost", 80)
    client = Client(reactor, proxy=False)

    def ask(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        response = reactor.run_until(client.fetch(f"http://localhost{path}", method=method, body=data))
        is_json = response.headers["content-type"] == "application/json"
        return response.status, response.json() if is_json else response.text

    assert ask("GET", "/notes") == (200, {})
    assert ask("POST", "/notes", {"text": "tëa"}) == (201, {"number": "1"})
    assert ask("GET", "/notes/1") == (200, "tëa")
    assert ask("GET", "/notes") == (200, {"1": "tëa"})
    assert ask("GET", "/notes/2") == (404, "404 Not Found: no such note\n")
    assert ask("POST", "/notes", b"{") == (400, "400 Bad Request: the body is no JSON\n")
    assert ask("POST", "/notes", {"title": "x"})[0] == 422
    assert ask("POST", "/notes", {"text": "x" * 10_000})[0] == 413
    assert ask("DELETE", "/notes")[0] == 405
    client.close()


@pytest.mark.parametrize("make_site", ["live_page"], indirect=True)
def test_the_live_page(reactor: MemoryReactor, make_site: Any) -> None:
    make_site(reactor).listen("localhost", 80)
    client = Client(reactor, proxy=False)
    page = reactor.run_until(client.fetch("http://localhost/"))
    assert "live.js" in page.text
    assert "EventSource" in reactor.run_until(client.fetch("http://localhost/live.js")).text
    seen = [b"", b""]

    def look(number: int) -> Any:
        def take(piece: bytes) -> None:
            seen[number] += piece

        return client.fetch("http://localhost/events", on_data=take, timeout=60)

    first = look(0)
    reactor.advance(2.5)
    assert seen[0].startswith(b"event: seen\ndata: 1\n\n")
    assert seen[0].count(b"event: now") == 2
    second = look(1)
    reactor.advance(1.0)
    assert seen[1].startswith(b"event: seen\ndata: 2\n\n")
    first.cancel()
    reactor.advance(5.0)
    assert b"data: 2" in seen[0]
    second.cancel()
    client.close()
