"""The last step of a way through a proxy: whoever is given the connection may fail, or not be wanted any more."""

from __future__ import annotations

from concurrent.futures import Future
from typing import ClassVar

import pytest

from protocols.http import parse_url
from protocols.http.client.pool import LIMITS, TIMEOUTS
from protocols.http.client.proxies.choice import make_proxy
from protocols.http.client.proxies.tunnel import Tunnel, open_tunnel
from reactor import Protocol
from reactor.testing import MemoryReactor, Recorder


class Agreeing(Protocol):
    """A proxy that lets everybody through."""

    made: ClassVar[list] = []

    def connection_made(self, transport):
        self.transport, self.lost = transport, False
        self.made.append(self)

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")

    def connection_lost(self, exc):
        self.lost = True


@pytest.fixture
def reactor():
    Agreeing.made = []
    with MemoryReactor() as reactor:
        reactor.listen_tcp(Agreeing, "localhost", 3128)
        yield reactor


def way(reactor, make):
    proxy = make_proxy("http://localhost:3128")
    return open_tunnel(reactor, make, parse_url("http://far.example/"), proxy, None, 30.0, LIMITS, TIMEOUTS)


def test_cancelled_in_the_very_moment_it_leaves_nothing_open(reactor):
    def make():
        future.cancel()
        return Recorder()  # any protocol: a WebSocket's opening goes this way too

    future = way(reactor, make)
    reactor.settle()
    assert future.cancelled()
    assert Agreeing.made[0].lost


@pytest.mark.loud
def test_what_the_new_protocol_raises_as_it_begins_is_the_outcome():
    class Broken(Recorder):
        def connection_made(self, transport):
            raise KeyError("bug")

    with MemoryReactor(raise_bugs=False) as reactor:
        reactor.listen_tcp(Agreeing, "localhost", 3128)
        future = way(reactor, Broken)
        reactor.settle()
        assert isinstance(future.exception(0), KeyError)


def test_a_factory_that_raises_after_the_handshake_fails_the_future_at_once(reactor):
    class Shaken:
        def exception(self):
            return None

        def result(self):
            return None  # nobody is given it

    def make():
        raise KeyError("bug")

    future = Future()
    proxy = make_proxy("http://localhost:3128")
    Tunnel(reactor, make, parse_url("https://far.example/"), proxy, None, future)._on_secure(Shaken())
    assert isinstance(future.exception(0), KeyError)
