"""The life of a connection: drains, upgrades, many from one address, TLS, and what the site forgets."""

from __future__ import annotations

import contextlib

import pytest

from protocols.admission.rounds import ROUND_TIME
from protocols.http import Headers
from protocols.http.server import Bounds, EventStream, Request, Response, Server, Upgrade
from protocols.http.server.connection import HTTPConnection
from protocols.http.server.limits import LINES_AT_ONCE, LINES_LATE, TURN_TIME
from protocols.http.server.peers import refusing
from protocols.http.wire import RequestWire
from protocols.http.wire.chunked import ChunkedDecoder
from reactor import Limits, Protocol
from reactor.testing import MemoryReactor, Recorder
from tests.kit.guards import instances
from tests.kit.tls import client_context, server_context

from .kit import Stage, answers, has_ended
from .rows import CHUNKED, GET, PLAIN, ask

# -- drains -------------------------------------------------------------------------------------------------------


def test_a_drain_finishes_what_is_being_answered(stage):
    idle, half = stage.says(PLAIN), stage.says(PLAIN[:10])
    busy = stage.says(ask("GET /later HTTP/1.1") + PLAIN)
    drain = stage.listener.drain(5.0)
    stage.reactor.advance(1.0)
    assert has_ended(idle)
    assert has_ended(half)
    assert not has_ended(busy)
    stage.futures[0].set_result("last")
    stage.reactor.advance(1.0)
    (answer,) = answers(busy.data)
    assert (answer.body, answer.headers["connection"]) == (b"last", "close")
    assert drain.done()
    assert drain.result().cut == []


def test_a_drain_waits_for_a_body_that_is_coming(stage):
    client = stage.says(ask("POST /echo HTTP/1.1", "Content-Length: 4"), b"ab")
    stage.listener.drain(5.0)
    stage.reactor.advance(1.0)
    client.write(b"cd")
    stage.reactor.advance(1.0)
    assert answers(client.data)[0].body == b"abcd"
    assert has_ended(client)


def test_a_drain_waits_for_a_slow_reader(stage):
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ask("GET /large HTTP/1.1"))
    stage.reactor.settle()
    stage.listener.drain(5.0)
    stage.reactor.advance(3.0)
    client.transport.resume_reading()
    stage.reactor.advance(1.0)
    assert len(answers(client.data)[0].body) == 3 << 20


def test_a_drain_ends_streams_of_events_at_once(stage):
    """They have no last event: five seconds of waiting would change nothing."""
    stage.site.route("GET", "/events", EventStream)
    client = stage.says(ask("GET /events HTTP/1.1"))
    drain = stage.listener.drain(5.0)
    stage.reactor.advance(1.0)
    assert answers(client.data)[0].complete
    assert drain.result().cut == []


# -- upgrades -----------------------------------------------------------------------------------------------------


class Shout(Protocol):
    """Another protocol: everything comes back in capitals."""

    upgrades = 0

    @classmethod
    def upgrade(cls, request):
        assert isinstance(request, Request)
        cls.upgrades += 1
        if "upgrade" not in request.headers:
            return Response(426, "shout\n", {"Upgrade": "shout"})
        return Upgrade(Response(101, None, {"Upgrade": "shout", "X-Loud": "yes"}), cls())

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data.upper())


SHOUT = ask("GET /shout HTTP/1.1", "Connection: Upgrade", "Upgrade: shout")


@pytest.fixture
def shout(stage):
    stage.site.route("GET", "/shout", Shout)
    return stage


@pytest.mark.parametrize("pieces", [[SHOUT, b"hi"], [SHOUT + b"hi"], [bytes([byte]) for byte in SHOUT + b"hi"]])
def test_an_upgrade(shout, pieces):
    """What comes behind the request is the new protocol's, also where it comes with it."""
    client = shout.says(PLAIN, *pieces)
    assert answers(client.data[: client.data.index(b"HTTP/1.1 101")])[0].status == 200
    head, _, rest = client.data[client.data.index(b"HTTP/1.1 101") :].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 101 Switching Protocols"
    assert {"Upgrade: shout", "X-Loud: yes", "Connection: Upgrade"} < set(lines)
    assert not any(line.startswith("Content-Length") for line in lines)
    assert rest == b"HI"
    assert shout.site._connections == {}
    shout.reactor.advance(3600)
    client.write(b"still")
    shout.reactor.settle()
    assert client.data.endswith(b"HISTILL")


def test_an_upgrade_that_is_refused(shout):
    client = shout.says(ask("GET /shout HTTP/1.1") + PLAIN)
    refusal, after = answers(client.data)
    assert (refusal.status, refusal.headers["upgrade"], after.status) == (426, "shout", 200)


def test_an_upgrade_is_for_get_only(shout):
    before = Shout.upgrades
    for method in ("HEAD", "POST", "OPTIONS"):
        client = shout.says(ask(f"{method} /shout HTTP/1.1", "Upgrade: shout", "Connection: upgrade"))
        (answer,) = answers(client.data, method)
        assert (answer.status, answer.headers["allow"]) == (204 if method == "OPTIONS" else 405, "GET, OPTIONS")
    assert Shout.upgrades == before
    with pytest.raises(ValueError, match="GET"):
        shout.site.route("POST", "/shout", Shout)


def test_an_upgrade_behind_a_body(shout):
    client = shout.says(SHOUT.replace(b"\r\n\r\n", b"\r\nContent-Length: 2\r\n\r\nab") + b"hi")
    assert client.data.endswith(b"\r\n\r\nHI")


@pytest.mark.loud
def test_what_the_other_protocol_raises_as_it_begins_ends_the_connection(stage, caplog):
    class Broken(Shout):
        lost = 0

        def connection_made(self, transport):
            raise ZeroDivisionError

        def connection_lost(self, exc):
            Broken.lost += 1

    stage.site.route("GET", "/broken-shout", Broken)
    client = stage.says(ask("GET /broken-shout HTTP/1.1", "Connection: Upgrade", "Upgrade: shout") + b"hi")
    assert "connection_lost" in client.events
    assert not stage.listener.connections
    assert Broken.lost == 1
    (record,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert record.exc_info[0] is ZeroDivisionError
    assert "Broken.connection_made, which ends" in record.getMessage()


def test_an_upgrade_that_takes_time(stage):
    """The handler may give a future of it; bytes that come meanwhile wait."""
    stage.site.route("GET", "/shout", type("Later", (), {"upgrade": staticmethod(stage.later)}))
    client = stage.says(SHOUT, b"one ", b"two")
    assert client.data == b""
    stage.futures[0].set_result(Upgrade(Response(101, None, {"Upgrade": "shout"}), Shout()))
    stage.reactor.settle()
    assert client.data.endswith(b"\r\n\r\nONE TWO")


def test_an_upgrade_of_a_client_that_says_its_end_at_once(shout):
    client = shout.dial()
    client.write(SHOUT + b"hi")
    client.transport.write_eof()
    shout.reactor.settle()
    assert client.data.endswith(b"\r\n\r\nHI")
    assert has_ended(client)


# -- turns --------------------------------------------------------------------------------------------------------

TINY = b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n"


@pytest.mark.parametrize("line", ["POST /echo HTTP/1.1", "POST /nowhere HTTP/1.1"])
@pytest.mark.parametrize("first", [b"", PLAIN])
def test_a_flood_of_tiny_chunks_gives_the_others_their_turn(stage, monkeypatch, line, first):
    fed = []
    feed = ChunkedDecoder.feed

    def counted(decoder, data, start, pieces):
        fed.append(data.count(b"\n", start))
        return feed(decoder, data, start, pieces)

    monkeypatch.setattr(ChunkedDecoder, "feed", counted)
    client = stage.says(first + ask(line, CHUNKED) + TINY)
    assert answers(client.data)[-1].complete
    assert max(fed) <= LINES_AT_ONCE
    if "echo" in line:
        assert answers(client.data)[-1].body == b"x" * 30_000


def test_what_stands_behind_a_flood_is_the_next_request(stage):
    client = stage.says(ask("POST /echo HTTP/1.1", CHUNKED) + TINY + PLAIN)
    assert [answer.status for answer in answers(client.data)] == [200, 200]


def test_answers_that_take_long_leave_others_their_turn(stage):
    """Thirty-two in a row would hold the loop for as many times what one takes."""
    order = []

    def slow(request):
        order.append(request.path)
        stage.reactor.world.clock.advance(TURN_TIME)
        return "done"

    stage.site.route("GET", "/slow/{name}", slow)
    one, other = stage.dial(), stage.dial()
    one.write(ask("GET /slow/one HTTP/1.1") * 10)
    other.write(ask("GET /slow/other HTTP/1.1"))
    stage.reactor.settle()
    assert len(answers(one.data)) == 10
    assert order.index("/slow/other") <= 1


def test_many_that_ask_ahead_share_one_round(stage):
    """Each has a share of its own, and so a newcomer would wait for as many shares as there are connections."""
    order, cost = [], TURN_TIME / 32  # thirty-two of them are no more than one's own share

    def quick(request):
        order.append(request.path)
        stage.reactor.world.clock.advance(cost)
        return "done"

    stage.site.route("GET", "/quick/{name}", quick)
    crowd = [stage.dial() for _ in range(50)]
    newcomer = stage.dial()
    for one in crowd:
        one.write(ask("GET /quick/crowd HTTP/1.1") * 40)
    newcomer.write(ask("GET /quick/newcomer HTTP/1.1"))
    stage.reactor.settle()
    assert order.index("/quick/newcomer") <= ROUND_TIME / cost + len(crowd)
    assert [len(answers(one.data)) for one in crowd] == [40] * 50


def test_many_floods_of_tiny_chunks_share_one_round(stage, monkeypatch):
    fed, feed = [], ChunkedDecoder.feed

    def counted(decoder, data, start, pieces):
        fed.append(data.count(b"\n", start))
        stage.reactor.world.clock.advance(TURN_TIME)
        return feed(decoder, data, start, pieces)

    monkeypatch.setattr(ChunkedDecoder, "feed", counted)
    crowd = [stage.dial() for _ in range(20)]
    for one in crowd:
        one.write(ask("POST /echo HTTP/1.1", CHUNKED) + TINY[: 20 * LINES_AT_ONCE])
    stage.reactor.settle()
    assert sum(fed[:20]) <= 5 * LINES_AT_ONCE + 20 * LINES_LATE


# -- addresses ----------------------------------------------------------------------------------------------------


class Elsewhere:
    """A transport of a far client."""

    def __init__(self, host):
        self.host, self.protocol = host, object()

    def get_extra_info(self, name):
        return (self.host, 1) if name == "peername" else None

    def get_protocol(self):
        return self.protocol


def test_many_connections_of_one_address():
    site = Server(MemoryReactor())
    peers = site._peers
    many = [Elsewhere("192.0.2.1") for _ in range(256)]
    assert all(map(peers.admit, many))
    assert not peers.admit(Elsewhere("192.0.2.1"))
    other = Elsewhere("192.0.2.2")
    assert peers.admit(other)
    many.pop().protocol = None
    late = Elsewhere("192.0.2.1")
    assert peers.admit(late)
    many.clear()
    del other, late
    peers.sweep()
    assert peers._transports == {}
    site.reactor.close()


def test_many_connections_of_one_customer_and_of_loopback():
    site = Server(MemoryReactor())
    many = [Elsewhere(f"2001:db8::{number:x}") for number in range(256)]
    assert all(map(site._peers.admit, many))
    assert not site._peers.admit(Elsewhere("2001:db8::ffff"))
    near = [Elsewhere("127.0.0.1") for _ in range(1000)] + [Elsewhere("::1") for _ in range(1000)]
    assert all(map(site._peers.admit, near))
    site.reactor.close()


def test_loopback_is_counted_where_the_limits_say_so():
    limits = Limits(count_loopback=True)
    site = Server(MemoryReactor(), limits=limits, bounds=Bounds(per_peer=1))
    near = Elsewhere("127.0.0.1")
    assert site._peers.admit(near)
    assert not site._peers.admit(Elsewhere("127.0.0.1"))
    assert [refusing(limits, 1).refuse(("127.0.0.1", 5), held) for held in (0, 1)] == [None, b""]
    site.reactor.close()


def test_an_address_that_has_too_many_is_turned_away_at_accept():
    """Before any handshake: a silent client of TLS counts as well. What the listener's own limits say is asked too."""
    asked = []
    limits = refusing(Limits(refuse=lambda peername, held: asked.append(held)), 3)
    assert [limits.refuse(("192.0.2.1", 5), held) for held in (0, 2, 3, 400)] == [None, None, b"", b""]
    assert asked == [0, 2]
    assert refusing(Limits(refuse=lambda *_: b"no"), 3).refuse(("192.0.2.1", 5), 0) == b"no"
    for host in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert refusing(Limits(), 3).refuse((host, 5), 400) is None
    assert refusing(Limits(), 3).refuse("", 400) is None  # the peers of a Unix socket have no address


def test_the_listener_of_a_site_asks_so():
    with MemoryReactor() as reactor:
        listener = Server(reactor).listen("localhost", 80)
        assert listener._limits.refuse(("192.0.2.1", 5), 256) == b""
        assert listener._limits.refuse(("192.0.2.1", 5), 255) is None


def test_who_is_one_too_many_is_closed():
    stage = Stage(per_peer=0)
    stage.site._peers.admit = lambda transport: False
    client = stage.dial()
    stage.reactor.settle()
    assert has_ended(client)
    assert client.data == b""
    stage.close()


# -- the site -----------------------------------------------------------------------------------------------------


def test_the_request_as_a_handler_sees_it(stage):
    seen = []
    stage.site.route("GET", "/a/{b}/*", lambda request: seen.append(request))
    client = stage.says(ask("GET /a/%C3%BC/c%2Fd/?e=1&e=2&f HTTP/1.1", "X: y"))
    (request,) = seen
    assert (request.method, request.version, request.target) == ("GET", "1.1", "/a/%C3%BC/c%2Fd/?e=1&e=2&f")
    assert (request.path, request.segments) == ("/a/ü/c%2Fd/", ("a", "ü", "c/d", ""))
    assert (dict(request.parameters), request.rest) == ({"b": "ü"}, ("c/d", ""))
    assert (request.query["e"], request.query.get_all("e"), request.query["f"]) == ("2", ["1", "2"], "")
    assert (request.headers["x"], request.body, request.secure) == ("y", b"", False)
    assert isinstance(request.headers, Headers)
    assert request.peer == client.transport.get_extra_info("sockname")
    assert request.reactor is stage.reactor
    assert repr(request) == "<Request GET /a/%C3%BC/c%2Fd/?e=1&e=2&f>"


def test_too_many_parameters(stage):
    stage.site.route("GET", "/x", lambda request: str(len(request.query)))
    good, bad = "&".join(f"{n}" for n in range(1000)), "&".join(f"{n}" for n in range(1001))
    assert answers(stage.says(ask(f"GET /x?{good} HTTP/1.1")).data)[0].body == b"1000"
    assert answers(stage.says(ask(f"GET /x?{bad} HTTP/1.1")).data)[0].status == 400


def test_a_site_with_tls():
    """`secure`, and all the rest, over TLS; the file goes through it too."""
    reactor = MemoryReactor()
    site = Server(reactor)
    site.route("GET", "/x", lambda request: f"{request.secure}")
    site.listen("localhost", 443, tls=server_context())
    future = reactor.connect_tcp(
        lambda: Recorder(True),
        "localhost",
        443,
        tls=client_context(),
        server_hostname="localhost",
    )
    transport, client = reactor.run_until(future)
    transport.write(ask("GET /x HTTP/1.1"))
    reactor.settle()
    assert answers(client.data)[0].body == b"True"
    reactor.close()


def test_nothing_of_an_ended_connection_is_kept(stage):
    for request in (PLAIN, PLAIN[:5], ask("GET /later HTTP/1.1"), ask(GET, "Connection: close")):
        client = stage.says(request)
        client.transport.abort()
    stage.reactor.advance(60)
    assert stage.site._connections == {}
    assert repr(stage.site) == "<Server 0 connections>"


def test_a_closed_reactor_ends_what_is_under_way():
    stage = Stage()
    stage.says(ask("GET /later HTTP/1.1"))
    stage.says(ask("GET /large HTTP/1.1"))
    with contextlib.suppress(Exception):
        stage.reactor.close()
    assert stage.futures[0].cancelled()
    assert stage.site._connections == {}


def test_an_upgrade_that_takes_time_for_a_client_that_has_ended(stage):
    """The new protocol is told of the end that came before it was there."""
    stage.site.route("GET", "/shout", type("Later", (), {"upgrade": staticmethod(stage.later)}))
    client = stage.says(SHOUT)
    client.transport.write_eof()
    stage.reactor.settle()
    stage.futures[0].set_result(Upgrade(Response(101, None, {"Upgrade": "shout"}), Shout()))
    stage.reactor.settle()
    assert client.data.startswith(b"HTTP/1.1 101 ")
    assert has_ended(client)


@pytest.mark.parametrize(
    "said", [PLAIN, PLAIN[:10], b"nonsense\r\n\r\n", ask("POST /echo HTTP/1.1", CHUNKED) + b"x\r\n"]
)
def test_nothing_of_a_connection_waits_for_the_garbage_collector(no_gc, stage, said):
    client = stage.says(said)
    client.transport.abort()
    stage.reactor.settle()
    assert instances(HTTPConnection, RequestWire) == []


def test_addresses_are_forgotten_in_time(stage):
    far = Elsewhere("192.0.2.1")
    stage.site._peers.admit(far)
    del far
    stage.says(PLAIN, advance=2.0)
    assert stage.site._peers._transports == {}
