#!/usr/bin/env python3
"""Notes over HTTP, in JSON. Try it: `curl -d '{"text": "tea"}' 127.0.0.1:8001/notes`, `curl 127.0.0.1:8001/notes/1`.

Its test needs no port and no waiting: tests/examples/test_json_service.py.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.http.server import LIMITS, TIMEOUTS, Refusal, Request, Response, Server
from reactor import Reactor
from reactor.serving import run


class Notes:
    """Handlers are methods: what they share is in the object. One thread, so nothing needs a lock."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def all(self, request: Request) -> Response:
        return Response.json(self.texts)

    def one(self, request: Request) -> Response:
        number = request.parameters["number"]
        if number not in self.texts:
            raise Refusal(404, "no such note")
        return Response.json(self.texts[number])

    def add(self, request: Request) -> Response:
        note = request.json()  # a body that is no JSON is answered with 400
        if not isinstance(note, dict) or not isinstance(note.get("text"), str):
            raise Refusal(422, 'a note is {"text": "..."}')
        number = str(len(self.texts) + 1)
        self.texts[number] = note["text"]
        return Response.json({"number": number}, 201, {"Location": f"/notes/{number}"})


def make_site(reactor: Reactor) -> Server:
    site, notes = Server(reactor), Notes()
    site.route("GET", "/notes", notes.all)
    site.route("POST", "/notes", notes.add, max_body=10_000)
    site.route("GET", "/notes/{number}", notes.one)
    return site


if __name__ == "__main__":
    sys.exit(run(lambda reactor: make_site(reactor).connection, port=8001, limits=LIMITS, timeouts=TIMEOUTS))
