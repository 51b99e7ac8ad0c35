"""The server and our client on a network that misbehaves, by seeds: each answer is right, or a named failure."""

from __future__ import annotations

import pytest

from protocols.http import Client, HTTPError
from protocols.http.server import Response, Server
from reactor.testing import Faults, Simulator, checked

from .kit import Count


def serve(host):
    host.uploads = []
    site = Server(host)
    site.route("POST", "/echo", lambda request: request.body)
    site.route("POST", "/count", Count)
    site.route("GET", "/stream", lambda request: (b"%06d" % n for n in range(2000)))
    site.route("GET", "/large", lambda request: bytes(300_000))
    site.route("GET", "/later", lambda request: host.run_in_thread(lambda: "later"))
    site.route("GET", "/bye", lambda request: Response(200, "bye", {"Connection": "close"}))
    host.listen_tcp(checked(site.connection), None, 80, limits=site.limits, timeouts=site.timeouts)
    return site


def ask(sim, reactor, client):
    """A fetch, and what it has to give."""
    size = sim.random.choice((0, 1, 1000, 100_000))
    body = bytes(sim.random.randbytes(size))
    method, path, expected = sim.random.choice([
        ("POST", "/echo", body), ("POST", "/count", b"%d bytes" % size), ("GET", "/later", b"later"),
        ("GET", "/bye", b"bye"),
        ("GET", "/stream", b"".join(b"%06d" % n for n in range(2000))), ("GET", "/large", bytes(300_000)),
    ])  # fmt: skip
    future = client.fetch("http://site" + path, method=method, body=body if method == "POST" else None, timeout=120)
    if sim.random.random() < 0.1:
        reactor.call_later(sim.random.random(), future.cancel)
    return future, expected


def play(seed, faults):
    """Some fetches at a time by three hosts; gives how many came to something."""
    good = 0
    with Simulator(seed, faults=faults) as sim:
        site = serve(sim.host("site"))
        hosts = [sim.host(f"client{n}") for n in range(3)]
        clients = [(host, Client(host, proxy=False)) for host in hosts]
        waiting = [ask(sim, host, client) for host, client in clients for _ in range(6)]
        sim.run_until(lambda: all(future.done() for future, _ in waiting), seconds=600)
        for future, expected in waiting:
            if future.cancelled():
                continue
            error = future.exception()
            if error is None and future.result().status == 200:
                assert future.result().body == expected
                good += 1
            elif error is None:
                assert (future.result().status, faults) == (408, Faults.harsh()), "a request that stalls is given up"
            else:
                assert isinstance(error, HTTPError)
                assert faults != Faults.gentle(), error
        for _, client in clients:
            client.close()
        sim.run(120)
        assert site._connections == {}
        assert site.bodies.held == 0
    return good


def test_a_gentle_network(request):
    """Everything is late and in pieces, and nothing is lost."""
    for seed in range(request.config.getoption("--seeds") // 3):
        assert play(seed, Faults.gentle()) > 0


@pytest.mark.loud
def test_a_harsh_network(request):
    """Connections break at any byte."""
    for seed in range(request.config.getoption("--seeds") // 3):
        play(seed, Faults.harsh())
