#!/usr/bin/env python3
"""A page that changes while it is looked at: the time, once a second. Open http://127.0.0.1:8002/ in two windows."""

from __future__ import annotations

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.http.server import LIMITS, TIMEOUTS, EventStream, Request, Response, Server
from reactor import Reactor
from reactor.serving import run

PAGE = """<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Live</title>
<p>It is <b id="now">not known yet</b>, and <b id="seen">nobody</b> looks at this page.
<script src="live.js"></script></html>"""
SCRIPT = """const show = id => event => document.getElementById(id).textContent = event.data;
const events = new EventSource("events");  // it comes back by itself when the connection is lost
events.addEventListener("now", show("now"));
events.addEventListener("seen", show("seen"));"""


def make_site(reactor: Reactor) -> Server:
    site, streams = Server(reactor), dict[EventStream, None]()

    def events(request: Request) -> None:
        stream = EventStream(request)
        streams[stream] = None
        request.on_close(lambda: streams.pop(stream))
        tell("seen", str(len(streams)))

    def tell(name: str, text: str) -> None:
        for stream in list(streams):
            stream.send(text, name=name)

    site.route("GET", "/", lambda request: Response(200, PAGE, {"Content-Type": "text/html; charset=utf-8"}))
    site.route("GET", "/live.js", lambda request: Response(200, SCRIPT, {"Content-Type": "text/javascript"}))
    site.route("GET", "/events", events)
    reactor.call_every(1.0, lambda: tell("now", time.strftime("%H:%M:%S")))
    return site


if __name__ == "__main__":
    sys.exit(run(lambda reactor: make_site(reactor).connection, port=8002, limits=LIMITS, timeouts=TIMEOUTS))
