"""Kept connections, TLS, proxies and the guard, as scenes."""

from __future__ import annotations

import ssl
from concurrent.futures import Future

import pytest

from protocols.http import (
    AddressForbidden,
    Client,
    ClientClosed,
    ConnectionFailed,
    FetchTimeout,
    FetchTimeouts,
    Guard,
    HTTPError,
    NoResponse,
    ProxyError,
    Truncated,
    fetch,
)
from protocols.http.client.proxies.choice import make_proxy
from reactor import Protocol
from tests.kit.tls import client_context, server_context

from .scenes import CLOSE, HANG, RESET, Peer, Server, answer, redirect, stage

reactor = pytest.fixture(stage)


@pytest.fixture
def server(reactor):
    return Server(reactor)


@pytest.fixture
def client(reactor):
    with Client(reactor, proxy=False) as client:
        yield client


def failure(reactor, future, kind=HTTPError):
    with pytest.raises(kind) as caught:
        reactor.run_until(future, timeout=1000)
    reactor.settle()
    return caught.value


# -- kept connections --------------------------------------------------------------------------------------------------


def test_a_connection_is_used_again(reactor, server, client):
    server.answers = [answer(b"x")]
    for _ in range(5):
        assert reactor.run_until(client.fetch(server.url)).body == b"x"
    assert len(server.peers) == 1
    assert server.requests[0].headers["connection"] == "keep-alive"


@pytest.mark.parametrize(
    "parts",
    [
        [answer(b"x", keep=False)],
        [b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"],
        [b"HTTP/1.0 200 OK\r\n\r\nx", CLOSE],
        [answer(b"x") + b"HTTP/1.1 200 OK\r\n"],
    ],
)
def test_a_connection_that_is_not_to_be_used_again_is_not(reactor, server, client, parts):
    server.answers = [parts]
    for _ in range(2):
        assert reactor.run_until(client.fetch(server.url)).body == b"x"
    assert len(server.peers) == 2
    reactor.advance(6)
    assert not server.alive()


def test_who_asks_for_close_gets_it(reactor, server, client):
    server.answers = [answer(b"x")]
    for _ in range(2):
        reactor.run_until(client.fetch(server.url, headers={"Connection": "close"}))
    assert len(server.peers) == 2


def test_no_more_than_six_at_a_time_and_the_rest_in_order(reactor, server, client):
    server.answers = [[HANG]]
    futures = [client.fetch(f"{server.url}/{n}") for n in range(20)]
    reactor.advance(1)
    assert len(server.peers) == 6
    assert [seen.target for seen in server.requests] == [f"/{n}" for n in range(6)]
    server.answers = [answer(b"x")]
    futures[1].cancel()
    futures[7].cancel()  # its turn has not come
    server.peers[0].do(answer(b"first"))
    reactor.advance(1)
    assert futures[0].result(timeout=0).body == b"first"
    assert [futures[n].done() for n in range(2, 20)] == [False] * 4 + [True] * 14
    assert len(server.requests) == 19
    assert len(server.alive()) <= 6


def test_what_is_idle_is_closed_after_thirty_seconds(reactor, server, client):
    server.answers = [answer(b"x")]
    for _ in range(2):
        reactor.run_until(client.fetch(server.url))
        reactor.advance(29)
    assert len(server.alive()) == 1
    reactor.advance(2)
    assert not server.alive()
    reactor.advance(60)
    assert reactor.stats()["timers"] == 0
    reactor.run_until(client.fetch(server.url))
    assert len(server.peers) == 2


def test_a_stale_connection_is_tried_once_more(reactor, server, client):
    server.answers = [answer(b"x"), [CLOSE], answer(b"again")]
    reactor.run_until(client.fetch(server.url))
    assert reactor.run_until(client.fetch(server.url)).body == b"again"
    server.answers = [*[answer()] * 3, [RESET], answer(b"again")]
    assert reactor.run_until(client.fetch(server.url)).body == b"again"
    assert len(server.requests) == 5


def test_it_is_tried_once_more_behind_a_redirect(reactor, server, client):
    server.answers = [answer(b"x"), [CLOSE], redirect("/x"), [CLOSE], answer(b"there")]
    reactor.run_until(client.fetch(server.url))
    assert reactor.run_until(client.fetch(server.url)).body == b"there"


def test_it_is_tried_once_only_and_on_a_new_connection(reactor, server, client):
    server.answers = [[HANG]]
    both = [client.fetch(server.url) for _ in range(2)]
    reactor.advance(1)
    server.answers = [[CLOSE]]
    for peer in server.peers:
        peer.do(answer(b"x"))
    for future in both:
        reactor.run_until(future)
    failure(reactor, client.fetch(server.url), NoResponse)
    assert len(server.requests) == 4
    assert len(server.peers) == 3


def test_who_needs_a_new_connection_is_given_no_used_one_though_it_has_to_wait(reactor, server, client):
    """A server that closes after each answer and does not say so: who waits is handed a dying connection."""

    def answer_and_close(peer):
        peer.transport.write(answer(b"x"))
        peer.transport.close()

    server.answers = [[answer_and_close]]
    futures = [client.fetch(server.url) for _ in range(30)]
    assert {reactor.run_until(future).body for future in futures} == {b"x"}


@pytest.mark.parametrize("method", ["POST", "PATCH", "BREW"])
def test_what_may_not_be_said_twice_is_not(reactor, server, client, method):
    server.answers = [answer(b"x"), [CLOSE]]
    reactor.run_until(client.fetch(server.url))
    failure(reactor, client.fetch(server.url, method=method, body=b"pay"), NoResponse)
    assert len(server.requests) == 2


def test_who_knows_better_has_a_post_said_again(reactor, server, client):
    server.answers = [answer(b"x"), [CLOSE], answer(b"again")]
    reactor.run_until(client.fetch(server.url))
    asked = client.fetch(server.url, method="POST", body=b"what is it?", repeatable=True)
    assert reactor.run_until(asked).body == b"again"
    assert [seen.body for seen in server.requests[1:]] == [b"what is it?"] * 2
    assert len(server.peers) == 2


def test_what_may_be_said_again_is_so_once_and_unless_an_answer_has_begun(reactor, server, client):
    server.answers = [answer(b"x"), [RESET], [CLOSE], answer(b"x"), [b"HTTP/1.1 20", CLOSE]]
    for error, requests in ((NoResponse, 3), (Truncated, 5)):
        reactor.run_until(client.fetch(server.url))
        failure(reactor, client.fetch(server.url, method="POST", repeatable=True), error)
        assert len(server.requests) == requests


def test_what_has_begun_to_be_answered_is_not_asked_again(reactor, server, client):
    server.answers = [answer(b"x"), [b"HTTP/1.1 20", CLOSE], [b"x"]]
    reactor.run_until(client.fetch(server.url))
    failure(reactor, client.fetch(server.url), Truncated)
    server.answers = [*server.answers[:1] * 3, [b"HTTP/1.1 20", RESET]]
    reactor.run_until(client.fetch(server.url))
    failure(reactor, client.fetch(server.url), ConnectionFailed)
    assert len(server.requests) == 4


def test_a_new_connection_that_closes_is_no_stale_one(reactor, server, client):
    server.answers = [[CLOSE]]
    failure(reactor, client.fetch(server.url), NoResponse)
    assert len(server.requests) == 1


def test_an_end_or_a_word_between_two_requests_ends_the_connection(reactor, server, client):
    server.answers = [answer(b"x")]
    for what in (CLOSE, b"HTTP/1.1 408 Timeout\r\n\r\n"):
        reactor.run_until(client.fetch(server.url))
        server.peers[-1].do(what)
        reactor.advance(0.1)
        assert not server.alive()
    reactor.run_until(client.fetch(server.url))
    assert len(server.peers) == 3


def test_a_redirect_stays_on_its_connection(reactor, server, client):
    server.answers = [redirect("/x"), answer(b"there")]
    reactor.run_until(client.fetch(server.url))
    assert len(server.peers) == 1


def test_a_failure_makes_room_for_who_waits(reactor, server):
    with Client(reactor, per_host=1, proxy=False) as client:
        server.answers = [[b"nonsense\r\n\r\n", HANG], [HANG], answer(b"x")]
        bad, slow, good = client.fetch(server.url), client.fetch(server.url, timeout=2), client.fetch(server.url)
        failure(reactor, bad)
        failure(reactor, slow, FetchTimeout)
        assert reactor.run_until(good).body == b"x"


def test_a_cancelled_attempt_makes_room_and_a_cancelled_wait_takes_none(reactor, server):
    with Client(reactor, per_host=1, proxy=False) as client:
        server.answers = [[HANG]]
        assert client.fetch(server.url).cancel()  # before there is a connection
        reactor.settle()
        under_way, waiting = client.fetch(server.url), client.fetch(server.url)
        reactor.settle()
        made = len(server.peers)
        assert len(server.requests) == 1
        waiting.cancel()
        under_way.cancel()
        reactor.advance(1)
        assert (len(server.peers), len(server.requests)) == (made, 1)


def test_a_connection_on_which_a_request_is_still_going_out_is_not_used_again(reactor, server, client):
    def early(data):
        server.peers[0].transport.write(answer(b"enough"))
        server.peers[0].transport.pause_reading()

    server.answers = [answer(b"x")]
    future = client.fetch(server.url, method="PUT", body=bytes(5_000_000))
    while not server.peers:
        reactor.world._round()
    server.peers[0].data_received = early
    reactor.advance(0.1)
    assert future.result(timeout=0).body == b"enough"
    assert reactor.run_until(client.fetch(server.url)).body == b"x"
    assert len(server.peers) == 2
    server.peers[0].transport.resume_reading()
    reactor.advance(1)
    assert server.peers[0].lost
    assert server.peers[0].transport.bytes_in < 5_000_000


def test_hundreds_that_wait_for_nobody_fail_one_by_one(reactor, client):
    futures = [client.fetch("http://localhost:9/") for _ in range(500)]
    reactor.advance(1)
    assert all(isinstance(future.exception(timeout=0), ConnectionFailed) for future in futures)


def test_closing_the_client_fails_what_is_under_way(reactor, server, client):
    server.answers = [answer(b"x"), [HANG]]
    reactor.run_until(client.fetch(server.url))
    futures = [client.fetch(server.url) for _ in range(9)]
    reactor.advance(0.1)
    client.close()
    client.close()
    for future in [*futures, client.fetch(server.url)]:
        assert isinstance(future.exception(timeout=0), ClientClosed)
    reactor.advance(6)
    assert not server.alive()


@pytest.mark.parametrize("where", ["on_head", "on_data"])
def test_closing_the_client_in_a_callback(reactor, server, where):
    client = Client(reactor, proxy=False)
    server.answers = [answer(b"x")]

    def close(what):
        client.close()
        return Future()  # what nobody waits for any more

    failure(reactor, client.fetch(server.url, **{where: close}), ClientClosed)
    assert not server.alive()


def test_nothing_of_a_fetch_is_left_for_the_garbage_collector(reactor, server):
    import gc

    from protocols.http.client.connection import HTTPConnection
    from protocols.http.client.fetching import Fetch

    server.answers = [answer(b"x"), redirect("/x"), answer(b"x"), [HANG]]
    gc.collect()
    gc.disable()
    try:
        for _ in range(2):
            reactor.run_until(fetch(reactor, server.url, proxy=False))
        cancelled = fetch(reactor, server.url, proxy=False)
        cancelled.cancel()
        del cancelled
        reactor.advance(10)
        left = [found for found in gc.get_objects() if type(found) in (Fetch, HTTPConnection)]
        assert left == []
    finally:
        gc.enable()


def test_closing_the_reactor_fails_what_is_under_way(reactor, server, client):
    server.answers = [[HANG]]
    futures = [client.fetch(server.url) for _ in range(50)]
    reactor.advance(0.1)
    reactor.close()
    assert all(isinstance(future.exception(timeout=0), HTTPError) for future in futures)
    assert isinstance(client.fetch(server.url).exception(timeout=0), HTTPError)


def test_to_wait_for_a_turn_is_not_to_wait_for_the_server(reactor, server):
    busy = Server(reactor)
    busy.answers = [[lambda peer: reactor.call_later(20, peer.do, answer(b"slow"))], answer(b"there")]
    server.answers = [redirect(f"{busy.url}/x")]
    with Client(reactor, per_host=1, proxy=False) as client:
        first = client.fetch(busy.url)
        reactor.advance(0.1)
        second = client.fetch(server.url, timeout=FetchTimeouts(total=60, first_byte=5))
        reactor.advance(25)
        assert [future.result(timeout=0).body for future in (first, second)] == [b"slow", b"there"]


def test_a_retry_that_gets_a_used_connection_is_the_last_all_the_same(reactor, server):
    with Client(reactor, per_host=1, proxy=False) as client:
        server.answers = [answer(), [CLOSE], answer(), [CLOSE], answer(b"never")]
        reactor.run_until(client.fetch(server.url))
        futures = [client.fetch(f"{server.url}/{name}") for name in "abc"]
        reactor.advance(1)
        assert [future.done() for future in futures] == [True] * 3
        assert len(server.requests) <= 6


def test_a_retry_by_another_way_that_is_full_takes_the_place_of_what_is_kept(reactor, server):
    ways = [make_proxy(f"http://{name}:{server.port}") for name in ("localhost", "127.0.0.1")]
    turns = iter([0, 1, 0, 1])
    with Client(reactor, per_host=1, proxy=lambda url: ways[next(turns)]) as client:
        server.answers = [answer(b"x"), answer(b"x"), [CLOSE], answer(b"again")]
        bodies = [reactor.run_until(client.fetch("http://a/")).body for _ in range(3)]
        assert bodies == [b"x", b"x", b"again"]
        reactor.settle()
        assert len(server.alive()) == 1
    reactor.advance(1)
    assert not server.alive()


def test_connecting_has_a_bound_of_its_own(reactor, client):
    listener = Server(reactor, factory=lambda: None).listener
    listener.close()
    assert failure(reactor, client.fetch("http://localhost:9/", timeout=FetchTimeouts(connect=1)), ConnectionFailed)


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(reactor):
    return Server(reactor, tls=server_context())


def test_https(reactor, secure):
    secure.answers = [answer(b"secret")]
    response = reactor.run_until(fetch(reactor, secure.url, tls=client_context(), proxy=False))
    assert response.body == b"secret"
    assert response.url.startswith("https://localhost")


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ("selfsigned", "self-signed certificate"),
        ("expired", "certificate has expired"),
        ("elsewhere", "Hostname mismatch"),
    ],
)
def test_a_certificate_that_is_not_good(reactor, certificate, reason):
    server = Server(reactor, tls=server_context(certificate))
    error = failure(reactor, fetch(reactor, server.url, tls=client_context(), proxy=False), ConnectionFailed)
    assert "the server's certificate is not good" in str(error)
    assert reason in str(error)
    assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


def test_the_roots_of_the_system_do_not_know_our_certificate(reactor, secure):
    failure(reactor, fetch(reactor, secure.url, proxy=False), ConnectionFailed)


def test_a_server_without_tls(reactor, server):
    server.listener.close()
    plain = Server(reactor, factory=Protocol)
    failure(reactor, fetch(reactor, f"https://localhost:{plain.port}", timeout=5, proxy=False))


def test_an_end_without_close_notify_is_no_end(reactor, secure):
    head = b"HTTP/1.0 200 OK\r\n\r\npart"
    secure.answers = [[head, CLOSE], [head, RESET]]
    options = {"tls": client_context(), "proxy": False}
    assert reactor.run_until(fetch(reactor, secure.url, **options)).body == b"part"
    error = failure(reactor, fetch(reactor, secure.url, **options), ConnectionFailed)
    assert error.partial == b"part"


def test_contexts_do_not_share_connections(reactor, secure, client):
    secure.answers = [answer(b"x")]
    one, two = client_context(), client_context()
    for context in (one, two, one, two):
        reactor.run_until(client.fetch(secure.url, tls=context))
    assert len(secure.peers) == 2
    failure(reactor, client.fetch(secure.url), ConnectionFailed)  # nor does the one that does not trust it


def test_http_spoken_to_a_tls_port_and_the_other_way(reactor, server):
    for alert in (b"\x15\x03\x01\x00\x02\x02\x28", b"\x15"):
        server.answers = [[alert, CLOSE]]
        assert "is it an https:// address?" in str(failure(reactor, fetch(reactor, server.url, proxy=False)))
    other = Server(reactor, factory=lambda: Plain())
    url = f"https://localhost:{other.port}"
    assert "is it an http:// address?" in str(failure(reactor, fetch(reactor, url, proxy=False)))


class Plain(Protocol):
    """Answers in HTTP, whatever it is asked."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.transport.close()


# -- proxies -----------------------------------------------------------------------------------------------------------


class ProxyPeer(Peer):
    """A proxy for CONNECT: answers with the first answer, and then speaks TLS as the server behind it."""

    def do(self, part):
        super().do(part)
        if isinstance(part, bytes) and part.startswith(b"HTTP/1.1 200 Go") and part.endswith(b"\r\n\r\n"):
            self.transport.start_tls(server_context(), server_side=True)


@pytest.fixture
def proxy(reactor):
    proxy = Server(reactor)
    proxy.listener.close()
    proxy = Server(reactor, factory=lambda: ProxyPeer(proxy))
    return proxy


def test_http_through_a_proxy(reactor, server):
    server.answers = [answer(b"via")]
    url = server.url.replace("://", "://ada:secret@")
    response = reactor.run_until(fetch(reactor, "http://far.example/p?q", proxy=url))
    (seen,) = server.requests
    assert (seen.method, seen.target, seen.headers["host"]) == ("GET", "http://far.example/p?q", "far.example")
    assert seen.headers["proxy-authorization"] == "Basic YWRhOnNlY3JldA=="
    assert (response.body, response.url) == (b"via", "http://far.example/p?q")


def test_https_through_a_proxy_is_a_tunnel(reactor):
    holder = []
    proxy = Server(reactor, factory=lambda: ProxyPeer(holder[0]))
    holder.append(proxy)
    proxy.answers = [[b"HTTP/1.1 200 Go\r\n\r\n"], answer(b"inside")]
    with Client(reactor, proxy=proxy.url.replace("://", "://ada:secret@"), tls=client_context()) as client:
        for _ in range(2):
            assert reactor.run_until(client.fetch("https://localhost:444/x")).body == b"inside"
    connect, *inside = proxy.requests
    assert (connect.method, connect.target) == ("CONNECT", "localhost:444")
    assert connect.headers["proxy-authorization"] == "Basic YWRhOnNlY3JldA=="
    assert [(seen.method, seen.target) for seen in inside] == [("GET", "/x")] * 2
    assert all("proxy-authorization" not in seen.headers for seen in inside)
    assert len(proxy.peers) == 1


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([answer(status="407 Proxy Authentication Required")], "407: it wants a name and a password"),
        ([answer(status="502 Bad Gateway")], "refused the way to localhost:444: 502"),
        ([b"HTTP/1.1 200 OK\r\n\r\nGET"], "something of its own"),
        ([b"SSH-2.0\r\n"], "broke HTTP"),
        ([CLOSE], "closed the connection without an answer"),
    ],
)
def test_a_tunnel_that_is_none(reactor, server, parts, reason):
    server.answers = [parts]
    url = server.url.replace("://", "://ada:secret@")
    error = failure(reactor, fetch(reactor, "https://localhost:444/", proxy=url, timeout=5), ProxyError)
    assert reason in str(error)
    assert "secret" not in str(error)
    reactor.advance(6)
    assert not server.alive()


@pytest.mark.parametrize("ticks", range(8))
def test_cancelling_a_tunnel_at_any_moment_closes_it(reactor, server, ticks):
    server.answers = [[lambda peer: setattr(peer, "data_received", bytes), b"HTTP/1.1 200 OK\r\n\r\n", HANG]]
    with Client(reactor, proxy=f"http://localhost:{server.port}") as client:
        timeouts = FetchTimeouts(total=None, connect=500)
        future = client.fetch("https://a/", timeout=timeouts)
        for _ in range(ticks):
            reactor.world._round()
        assert future.cancel()
        reactor.advance(1)
        assert not server.alive()
        assert reactor.stats()["timers"] == 0


def test_a_proxy_that_says_nothing(reactor, server):
    server.answers = [[HANG]]
    future = fetch(reactor, "https://localhost:444/", proxy=server.url, timeout=5)
    reactor.advance(6)
    failure(reactor, future, FetchTimeout)
    assert not server.alive()
    assert reactor.stats()["timers"] == 0


def test_a_proxy_that_is_not_there(reactor):
    failure(reactor, fetch(reactor, "https://localhost:444/", proxy="http://localhost:9"), ConnectionFailed)


def test_a_proxy_of_the_environment_that_cannot_be_used(reactor, monkeypatch):
    monkeypatch.setenv("http_proxy", "socks5://localhost:1")
    monkeypatch.setenv("no_proxy", "")
    failure(reactor, fetch(reactor, "http://localhost:9/"), ProxyError)


# -- the guard ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "memory"])
def test_the_guard_looks_at_what_a_name_comes_to(reactor, host):
    server = Server(reactor, host=None)
    error = failure(
        reactor, fetch(reactor, f"http://{host}:{server.port}/", guard=Guard(), proxy=False), AddressForbidden
    )
    assert "refused by the guard" in str(error)
    assert not server.peers


def test_the_guard_looks_again_after_a_redirect(reactor):
    server = Server(reactor, host=None)
    server.answers = [redirect(f"http://[::1]:{server.port}/latest/meta-data/")]
    guard = Guard(allow=["127.0.0.0/8"])
    url = f"http://127.0.0.1:{server.port}/"
    failure(reactor, fetch(reactor, url, guard=guard, proxy=False), AddressForbidden)
    assert len(server.requests) == 1


def test_the_guard_and_a_proxy(reactor, server):
    server.answers = [answer(b"x")]
    failure(reactor, fetch(reactor, "http://far.example/", guard=Guard(), proxy=server.url), AddressForbidden)
    failure(
        reactor, fetch(reactor, "http://10.0.0.1/", guard=Guard(trust_proxy=True), proxy=server.url), AddressForbidden
    )
    assert not server.requests
    trusting = Guard(trust_proxy=True)
    assert reactor.run_until(fetch(reactor, "http://far.example/", guard=trusting, proxy=server.url)).body == b"x"


@pytest.mark.parametrize(
    ("script", "kind", "reason"),
    [
        ([HANG], FetchTimeout, "not done within 5 s, and no answer has begun"),
        ([RESET], ConnectionFailed, "the server has reset the connection"),
        ([CLOSE], NoResponse, ""),
    ],
)
def test_what_fails_on_the_way_through_a_proxy_names_it(reactor, server, script, kind, reason):
    server.answers = [script]
    error = failure(reactor, fetch(reactor, "http://far.example/", proxy=server.url, timeout=5), kind)
    assert str(error).startswith(reason)
    assert str(error).endswith(f" (through the proxy {server.url})")


@pytest.fixture
def secure_proxy(reactor):
    """A proxy that is spoken to by TLS."""
    holder = []
    holder.append(Server(reactor, tls=server_context(), factory=lambda: ProxyPeer(holder[0])))
    return holder[0]


@pytest.mark.parametrize("url", ["http://localhost:444/", "https://localhost:444/"])
def test_the_context_of_a_fetch_counts_for_a_proxy_on_tls_too(reactor, secure_proxy, url):
    secure_proxy.answers = [[b"HTTP/1.1 200 Go\r\n\r\n"]] * url.startswith("https") + [answer(b"x")]
    options = {"proxy": secure_proxy.url, "timeout": 5}
    assert reactor.run_until(fetch(reactor, url, tls=client_context(), **options)).body == b"x"
    error = failure(reactor, fetch(reactor, url, **options), ConnectionFailed)
    assert str(error).startswith(f"no TLS with the proxy {secure_proxy.url}: its certificate is not good")


@pytest.mark.parametrize("url", ["http://localhost:444/", "https://localhost:444/"])
def test_a_proxy_has_its_own_context_where_one_is_given(reactor, secure_proxy, url):
    """And the context of the fetch is still the one for the server."""
    secure_proxy.answers = [[b"HTTP/1.1 200 Go\r\n\r\n"]] * url.startswith("https") + [answer(b"x")]
    good = make_proxy(secure_proxy.url, client_context())
    bad = make_proxy(secure_proxy.url, ssl.create_default_context())
    options = {"tls": client_context(), "timeout": 5}
    assert reactor.run_until(fetch(reactor, url, proxy=lambda _: good, **options)).body == b"x"
    error = failure(reactor, fetch(reactor, url, proxy=lambda _: bad, **options), ConnectionFailed)
    assert "no TLS with the proxy" in str(error)
    if url.startswith("https"):
        secure_proxy.requests.clear()
        error = failure(reactor, fetch(reactor, url, proxy=lambda _: good, timeout=5), ConnectionFailed)
        assert str(error).startswith("the server's certificate is not good")
