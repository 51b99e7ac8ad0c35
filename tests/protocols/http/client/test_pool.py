"""Kept connections, and those who wait for one."""

from __future__ import annotations

import gc
import io
import socket
import weakref

import pytest

from protocols.http import Client, FetchTimeout, HTTPError, NoResponse
from protocols.http.client.fetching import Fetch
from tests.kit.tls import client_context, server_context
from tests.protocols.http.client.scenes import CLOSE, HANG, Server, answer, stage

reactor = pytest.fixture(stage)


@pytest.fixture
def server(reactor):
    return Server(reactor)


@pytest.fixture
def client(reactor):
    with Client(reactor, proxy=False) as client:
        yield client


def post(reactor, client, url, **options):
    return reactor.run_until(client.fetch(url, method="POST", body=b"1", **options))


@pytest.mark.parametrize("what", ["its end", "something that nobody asked for"])
@pytest.mark.parametrize("secure", [False, True])
def test_a_request_is_not_risked_on_a_connection_that_the_server_has_closed(reactor, what, secure):
    """RFC 9112, 9.3.1: a POST must not be repeated, so the look before it is the only remedy."""
    server = Server(reactor, tls=server_context() if secure else None)
    with Client(reactor, proxy=False, tls=client_context()) as client:
        server.answers = [answer(b"x")]
        assert post(reactor, client, server.url).body == b"x"
        reactor.advance(1)
        (peer,) = server.peers
        sock = peer.transport.get_extra_info("socket")  # as if the kernel of the server did it: our loop does not run
        if what == "its end":
            sock.shutdown(socket.SHUT_WR)
        else:
            sock.send(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        assert post(reactor, client, server.url).body == b"x"
        assert [request.method for request in server.requests] == ["POST", "POST"]
        assert len(server.peers) == 2


def test_a_connection_is_looked_at_before_it_goes_to_who_waits_for_it(reactor, server):
    server.answers = [answer(b"x")]
    with Client(reactor, proxy=False, per_host=1) as client:
        first = client.fetch(server.url)
        second = client.fetch(server.url, method="POST", body=b"1")
        sockets = []

        def answer_and_close(peer):
            peer.transport.get_extra_info("socket").send(answer(b"x"))
            peer.transport.get_extra_info("socket").shutdown(socket.SHUT_WR)
            sockets.append(peer)

        server.answers = [[answer_and_close], answer(b"y")]
        assert reactor.run_until(first).body == b"x"
        assert reactor.run_until(second).body == b"y"
        assert len(server.peers) == 2


def test_age_is_judged_when_a_connection_is_taken(reactor, server):
    server.answers = [answer(b"x")]
    with Client(reactor, proxy=False, idle=5.0) as client:
        reactor.run_until(client.fetch(server.url))
        (host,) = client._pool._hosts.values()
        client._pool._sweeper.cancel()  # the timer of a loop that does not run
        reactor.advance(4.9)
        reactor.run_until(client.fetch(server.url))
        assert len(server.peers) == 1
        client._pool._sweeper.cancel()
        reactor.advance(5.1)
        assert len(host.idle) == 1
        reactor.run_until(client.fetch(server.url))
        assert len(server.peers) == 2


def test_who_gives_up_leaves_the_queue_with_its_body(reactor, server):
    """However it ends: a timeout, a cancelled future, a closed client."""
    server.answers = [[b"HTTP/1.1 200 OK\r\n\r\n", HANG]]

    with Client(reactor, proxy=False, per_host=1) as client:
        stream = client.fetch(server.url, timeout=None, on_data=print)
        reactor.settle()
        (host,) = client._pool._hosts.values()
        for _ in range(10):
            with pytest.raises(FetchTimeout):
                reactor.run_until(client.fetch(server.url, method="POST", body=b"x" * 1000, timeout=0.01))
            assert not host._waiting
        files = [io.BytesIO(b"x" * 1000) for _ in range(10)]
        bodies = [weakref.ref(file) for file in files]
        futures = [client.fetch(server.url, method="POST", body=files.pop()) for _ in range(10)]
        assert len(host._waiting) == 10
        for future in futures[1:]:
            future.cancel()
        reactor.settle()
        assert len(host._waiting) == 1
        assert len(client._fetches) == 2
        client.close()
        assert not host._waiting
        assert stream.done()
        reactor.settle()
        del stream
        gc.collect()
        assert [body for body in bodies if body() is not None] == []  # though their futures are still here
    del futures, future
    gc.collect()
    assert not [one for one in gc.get_objects() if type(one) is Fetch]


def test_those_who_wait_are_served_in_order_also_when_some_have_left(reactor, server):
    server.answers = [answer(b"x")]
    with Client(reactor, proxy=False, per_host=1) as client:
        futures = [client.fetch(f"{server.url}/{number}") for number in range(8)]
        for number in (2, 3, 6):
            futures[number].cancel()
        for number in (0, 1, 4, 5, 7):
            reactor.run_until(futures[number])
    assert [request.target for request in server.requests] == ["/0", "/1", "/4", "/5", "/7"]


def test_a_connection_that_is_lost_is_not_counted_twice(reactor, server):
    server.answers = [[HANG], [CLOSE], answer(b"x")]
    with Client(reactor, proxy=False, per_host=2) as client:
        first = client.fetch(server.url)
        reactor.settle()
        second = client.fetch(server.url, method="POST", body=b"1")
        with pytest.raises(NoResponse):
            reactor.run_until(second)
        first.cancel()
        reactor.settle()
        reactor.advance(6)
        assert client._pool._hosts == {}
        assert reactor.run_until(client.fetch(server.url)).body == b"x"


def test_an_unknown_option_is_named(reactor, client):
    with pytest.raises(TypeError, match="'followredirects'"):
        client.fetch("http://a/", followredirects=True)
    with pytest.raises(HTTPError):
        reactor.run_until(client.fetch("http://127.0.0.1:1/"))
