"""Fetching, as scenes: a scripted server in memory, time that is moved, and the connection cut anywhere."""

from __future__ import annotations

import gc
import gzip
import io
import itertools
import threading
from concurrent.futures import Future

import pytest

from protocols.http import (
    BodyTooLarge,
    CallbackFailed,
    Client,
    ClientClosed,
    ConnectionFailed,
    DecodingError,
    FetchTimeout,
    FetchTimeouts,
    HTTPError,
    ProtocolError,
    RedirectError,
    Truncated,
    fetch as real_fetch,
)
from protocols.http.client.connection import LINES_AT_ONCE
from protocols.http.wire import ResponseWire
from reactor import ReactorError

from .scenes import CLOSE, HANG, RESET, Server, answer, redirect, stage

reactor = pytest.fixture(stage)


def fetch(reactor, url, **options):
    """Without the proxies of whoever runs the tests."""
    return real_fetch(reactor, url, **{"proxy": False, **options})


@pytest.fixture
def server(reactor):
    return Server(reactor)


def failure(reactor, future, kind=HTTPError):
    with pytest.raises(kind) as caught:
        reactor.run_until(future, timeout=1000)
    reactor.settle()
    return caught.value


def test_a_response(reactor, server):
    server.answers = [[answer(b"hello", Content_Type="text/plain", X_A="1"), CLOSE]]
    response = reactor.run_until(fetch(reactor, f"{server.url}/a?b#c"))
    assert (response.status, response.reason, response.body, response.text) == (200, "OK", b"hello", "hello")
    assert response.headers["x-a"] == "1"
    assert response.headers.get_all("x-b") == []
    assert response.url == f"{server.url}/a?b"
    assert response.history == []
    (seen,) = server.requests
    assert (seen.method, seen.target, seen.headers["host"]) == ("GET", "/a?b", f"localhost:{server.port}")
    assert seen.headers["connection"] == "close"
    reactor.settle()
    assert not server.alive()


def test_the_connection_is_closed_also_where_the_server_keeps_it(reactor, server):
    server.answers = [answer(b"x")]
    reactor.run_until(fetch(reactor, server.url))
    reactor.advance(10)
    assert not server.alive()
    assert reactor.stats()["connections"] == 0


RESPONSES = [
    answer(b"hello, world", keep=False),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nhello, \r\n5;x=y\r\nworld\r\n0\r\nT: r\r\n\r\n",
    b"HTTP/1.0 200\r\n\r\nhello, world",
    answer(gzip.compress(b"hello, world"), Content_Encoding="gzip"),
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + answer(b"hello, world"),
]


@pytest.mark.parametrize("data", RESPONSES)
def test_a_response_is_the_same_at_every_cut(reactor, server, data):
    server.answers = [[data[:cut], data[cut:], CLOSE] for cut in range(1, len(data))]
    for _ in server.answers:
        response = reactor.run_until(fetch(reactor, server.url))
        assert (response.status, response.body) == (200, b"hello, world")


@pytest.mark.parametrize("data", RESPONSES)
def test_a_response_is_the_same_byte_by_byte(reactor, server, data):
    server.answers = [[*(bytes([byte]) for byte in data), CLOSE]]
    assert reactor.run_until(fetch(reactor, server.url)).body == b"hello, world"


@pytest.mark.parametrize("ending", [CLOSE, RESET])
@pytest.mark.parametrize("data", [data for data in RESPONSES if not data.startswith(b"HTTP/1.0")])
def test_a_response_that_is_cut_is_never_a_response(reactor, server, data, ending):
    server.answers = [[data[:cut], ending] if cut else [ending] for cut in range(len(data))]
    for cut, _ in enumerate(server.answers):
        error = failure(reactor, fetch(reactor, server.url))
        assert isinstance(error, Truncated | DecodingError if ending == CLOSE else ConnectionFailed), (cut, error)
        assert b"hello, world".startswith(error.partial)
        assert error.received == len(error.partial)


def test_the_partial_body_is_exactly_what_came(reactor, server):
    server.answers = [[answer(b"0123456789")[:-4], CLOSE], [answer(b"0123456789")[:-4], RESET]]
    for kind in (Truncated, ConnectionFailed):
        error = failure(reactor, fetch(reactor, server.url), kind)
        assert (error.partial, error.received) == (b"012345", 6)


def test_a_reset_ends_a_body_that_lasts_until_the_end(reactor, server):
    server.answers = [[b"HTTP/1.0 200 OK\r\n\r\nsome", RESET]]
    error = failure(reactor, fetch(reactor, server.url), ConnectionFailed)
    assert str(error) == "the server has reset the connection"
    assert error.partial == b"some"


def test_nonsense_is_an_error_at_once(reactor, server):
    server.answers = [[b"SSH-2.0-OpenSSH\r\n", HANG]]
    failure(reactor, fetch(reactor, server.url), ProtocolError)
    assert not server.alive()


def test_heads_without_a_body(reactor, server):
    server.answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    ]
    for method, status in (("HEAD", 200), ("GET", 204), ("GET", 304)):
        response = reactor.run_until(fetch(reactor, server.url, method=method))
        assert (response.status, response.body) == (status, b"")


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops", "599 ", "999 Odd"])
def test_an_error_status_is_an_answer(reactor, server, status):
    server.answers = [answer(b"sorry", status=status)]
    response = reactor.run_until(fetch(reactor, server.url))
    assert (response.status, response.body) == (int(status[:3]), b"sorry")


# -- what goes wrong on the way ----------------------------------------------------------------------------------------


def test_nobody_listens(reactor):
    error = failure(reactor, fetch(reactor, "http://localhost:9/"), ConnectionFailed)
    assert "Connection refused" in str(error)
    assert isinstance(error.__cause__, ConnectionRefusedError)


def test_a_name_that_is_none(reactor):
    error = failure(reactor, fetch(reactor, "http://nowhere.example/"), ConnectionFailed)
    assert str(error) == "cannot resolve 'nowhere.example': Name or service not known"


@pytest.mark.parametrize(
    "options",
    [
        {"method": "G T"},
        {"headers": {"A": "\n"}},
        {"max_redirects": -1},
        {"max_body": -1},
        {"timeout": 0},
        {"timeout": -1},
    ],
)
def test_bad_arguments_are_refused_before_anything_is_done(reactor, server, options):
    with pytest.raises(ValueError, match=r"."):
        fetch(reactor, server.url, **options)
    reactor.settle()
    assert not server.peers


@pytest.mark.parametrize("options", [{"tls": True}, {"tls": "x"}, {"body": 5}, {"timeout": "5"}, {"proxy": 5},
                                     {"file": io.BytesIO(), "on_data": print}])  # fmt: skip
def test_arguments_of_a_wrong_kind(reactor, server, options):
    with pytest.raises(TypeError, match=r"."):
        fetch(reactor, server.url, **options)


@pytest.mark.parametrize(
    "parts",
    [
        [HANG],
        [b"HTTP/1.1 200 OK\r\n", HANG],
        [answer(b"0123456789")[:-4], HANG],
        [b"HTTP/1.1 100 Continue\r\n\r\n", HANG],
    ],
)
def test_the_timeout_covers_every_silence(reactor, server, parts):
    server.answers = [parts]
    future = fetch(reactor, server.url, timeout=7)
    reactor.advance(6.9)
    assert not future.done()
    assert server.alive()
    reactor.advance(0.2)
    error = failure(reactor, future, FetchTimeout)
    assert isinstance(error, TimeoutError)
    assert "not done within 7 s" in str(error)
    assert error.partial == (b"012345" if len(parts[0]) > 30 and b"0123" in parts[0] else b"")
    assert not server.alive()


@pytest.mark.parametrize(
    "drip", [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200, answer(b"x" * 200), b"HTTP/1.1 100\r\n\r\n" * 50]
)
def test_the_timeout_covers_a_drip(reactor, server, drip):
    server.answers = [[lambda peer: drip_on(peer, iter(drip))]]
    future = fetch(reactor, server.url, timeout=20)
    reactor.advance(19)
    assert not future.done()
    reactor.advance(2)
    failure(reactor, future, FetchTimeout)


def drip_on(peer, data):
    peer.transport.write(bytes(itertools.islice(data, 1)))
    peer.server.reactor.call_later(0.5, drip_on, peer, data)


def test_the_timeout_covers_redirects(reactor, server):
    server.answers = [
        [lambda peer, n=n: peer.server.reactor.call_later(3, peer.do, redirect(f"/{n}"))] for n in range(9)
    ]
    future = fetch(reactor, server.url, timeout=7)
    reactor.advance(8)
    failure(reactor, future, FetchTimeout)
    assert len(server.requests) == 3


def test_the_parts_have_bounds_of_their_own(reactor, server):
    server.answers = [[HANG]]
    future = fetch(reactor, server.url, timeout=FetchTimeouts(total=None, first_byte=5))
    reactor.advance(4.9)
    assert not future.done()
    reactor.advance(0.2)
    assert str(failure(reactor, future, FetchTimeout)) == "no answer has begun for 5 s"
    server.answers = [[lambda peer: drip_on(peer, iter(answer(b"ab") + b"")), HANG]]
    future = fetch(reactor, server.url, timeout=FetchTimeouts(total=None, idle=2, first_byte=60))
    reactor.advance(30)  # it comes slowly, but it comes
    assert reactor.run_until(future).body == b"ab"
    server.answers = [[answer(b"ab")[:-1], HANG]]
    future = fetch(reactor, server.url, timeout=FetchTimeouts(total=None, idle=2, first_byte=60))
    reactor.advance(2.1)
    assert str(failure(reactor, future, FetchTimeout)) == "the rest of the answer has not come for 2 s"
    assert reactor.stats()["timers"] == 0 or not server.alive()


def test_the_deadline_comes_first_whatever_the_parts_may_take(reactor, server):
    server.answers = [[HANG]]
    future = fetch(reactor, server.url, timeout=FetchTimeouts(total=5, first_byte=60))
    reactor.advance(5.1)
    assert future.done()
    assert str(failure(reactor, future, FetchTimeout)) == "not done within 5 s, and no answer has begun"
    server.answers = [[answer(b"ab")[:-2], lambda peer: peer.server.reactor.call_later(4, peer.do, b"a"), HANG]]
    future = fetch(reactor, server.url, timeout=FetchTimeouts(total=10, idle=7))
    reactor.advance(10.1)
    assert future.done()
    assert str(failure(reactor, future, FetchTimeout)) == "not done within 10 s"


def test_a_number_is_the_only_bound(reactor, server):
    server.answers = [[lambda peer: peer.server.reactor.call_later(100, peer.do, answer(b"late"))]]
    assert reactor.run_until(fetch(reactor, server.url, timeout=120)).body == b"late"


# -- cancelling --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticks", range(12))
def test_cancelling_at_any_moment_closes_the_connection(reactor, server, ticks):
    server.answers = [[answer(b"0123456789")[:-4], HANG]]
    future = fetch(reactor, server.url)
    for _ in range(ticks):
        reactor.world._round()
    assert future.cancel()
    reactor.advance(0.1)
    assert not server.alive()
    assert future.cancelled()
    assert reactor.stats()["connections"] == 0


def test_cancelling_from_another_thread(reactor, server):
    server.answers = [[answer(b"0123456789")[:-4], HANG]]
    future = fetch(reactor, server.url)
    reactor.advance(0.1)
    thread = threading.Thread(target=future.cancel)
    thread.start()
    thread.join()
    reactor.advance(0.1)
    assert not server.alive()


def test_nothing_is_delivered_after_a_cancel(reactor, server):
    seen = []
    server.answers = [[answer(b"a" * 10, Content_Encoding="identity")[:-5], b"a" * 5]]

    def on_data(data):
        seen.append(data)
        future.cancel()

    future = fetch(reactor, server.url, on_data=on_data)
    reactor.advance(1)
    assert seen == [b"a" * 5]
    assert not server.alive()


def test_a_cancel_in_on_head_is_the_last_that_is_heard(reactor, server):
    seen = []
    server.answers = [answer(b"content")]
    future = fetch(reactor, server.url, on_head=lambda head: future.cancel(), on_data=seen.append)
    reactor.advance(1)
    assert seen == []
    assert not server.alive()


def test_whoever_waits_for_it_without_a_loop_is_told(server, reactor):
    """The habit of other futures: it hung for ever."""
    server.answers = [[HANG]]
    future = fetch(reactor, server.url)
    with pytest.raises(RuntimeError, match=r"use reactor\.run_until\(future\)"):
        future.result()
    assert hasattr(future, "__await__"), "as every future of the reactor's"
    future.cancel()


@pytest.mark.loud
def test_a_failure_that_nobody_asks_for_is_told(reactor, caplog):
    fetch(reactor, "http://127.0.0.1:1/")
    reactor.advance(1)
    gc.collect()
    (told,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert told.startswith("a future has failed, and nobody asked for its outcome: ")
    assert "127.0.0.1:1" in told


def test_the_end_of_the_reactor_is_an_http_error(server, reactor):
    server.answers = [[HANG]]
    connected = fetch(reactor, server.url)
    reactor.advance(0.1)
    connecting = fetch(reactor, server.url)
    reactor.close()
    for future in (connected, connecting):
        assert isinstance(future.exception(timeout=0), ClientClosed)
    with pytest.raises((HTTPError, ReactorError)):
        fetch(reactor, server.url).result(timeout=0)


def test_a_drain_lets_an_answer_come_in(server, reactor):
    server.answers = [[lambda peer: peer.server.reactor.call_later(2, peer.do, answer(b"late"))]]
    server.listener.close()
    other = Server(reactor)
    other.answers = server.answers
    future = fetch(reactor, other.url)
    reactor.advance(1)
    reactor._inventory.clients.drain(5.0)
    reactor.advance(3)
    assert future.result(timeout=0).body == b"late"


# -- redirects ---------------------------------------------------------------------------------------------------------


def test_redirects_are_followed_and_remembered(reactor, server):
    server.answers = [redirect("/one", status="301 Moved"), redirect("two?x"), answer(b"there")]
    response = reactor.run_until(fetch(reactor, f"{server.url}/zero"))
    assert (response.status, response.body, response.url) == (200, b"there", f"{server.url}/two?x")
    assert [(past.status, past.url, past.body) for past in response.history] == [
        (301, f"{server.url}/zero", b""),
        (302, f"{server.url}/one", b""),
    ]
    assert response.history[0].headers["location"] == "/one"
    assert [past.history for past in response.history] == [[], []]


def test_no_redirects_gives_the_redirect(reactor, server):
    server.answers = [redirect("/x")]
    response = reactor.run_until(fetch(reactor, server.url, max_redirects=0))
    assert (response.status, response.headers["location"], response.history) == (302, "/x", [])


def test_too_many_redirects(reactor, server):
    server.answers = [redirect(f"/{n}") for n in range(20)]
    error = failure(reactor, fetch(reactor, server.url), RedirectError)
    assert "more than 10 redirects" in str(error)
    assert len(server.requests) == 11


def test_a_loop_is_noticed(reactor, server):
    server.answers = [redirect("/b"), redirect("/"), redirect("/b"), redirect("/")]
    assert "loop" in str(failure(reactor, fetch(reactor, server.url), RedirectError))
    assert [request.target for request in server.requests] == ["/", "/b", "/", "/b"]


@pytest.mark.parametrize("way", [["/"], ["/b", "/"], ["/b", "/b", "/"]])
def test_one_more_try_of_the_same_url_is_no_loop(reactor, server, way):
    """A server that was not ready, another one behind the same name."""
    server.answers = [*map(redirect, way), answer(b"ready")]
    response = reactor.run_until(fetch(reactor, server.url))
    assert (response.body, len(response.history)) == (b"ready", len(way))


def test_only_few_words_of_a_server_are_in_a_message(reactor, server):
    for location in ("/" + "q" * 60_000, "http://" + "é." * 20_000, "x" * 60_000 + "://a", "http://[" + "1" * 60_000):
        server.answers = [redirect(location), redirect(location), redirect(location)]
        for most in (2, 5):
            error = failure(reactor, fetch(reactor, server.url, max_redirects=most), RedirectError)
            assert len(str(error)) < 400


@pytest.mark.parametrize("location", ["ftp://x/", "http://", "http://a:0/", "//", "http://[::1/"])
def test_a_bad_location_is_an_http_error(reactor, server, location):
    server.answers = [redirect(location)]
    failure(reactor, fetch(reactor, server.url), RedirectError)
    assert not server.alive()


def test_secrets_do_not_cross_origins(reactor, server):
    other = Server(reactor)
    server.answers = [redirect("/again"), redirect(f"{other.url}/there")]
    other.answers = [redirect(f"{server.url}/back")]
    server.answers.append(answer(b"done"))
    url = server.url.replace("://", "://ada:secret@")
    headers = {"Cookie": "c", "Proxy-Authorization": "p", "Host": "mine", "X-Other": "o"}
    response = reactor.run_until(fetch(reactor, url, headers=headers))
    first, again, back = server.requests
    (there,) = other.requests
    for seen in (first, again):
        assert seen.headers["authorization"] == "Basic YWRhOnNlY3JldA=="
        assert (seen.headers["cookie"], seen.headers["host"]) == ("c", "mine")
    for seen in (there, back):
        assert {"authorization", "cookie", "proxy-authorization"}.isdisjoint(map(str.lower, seen.headers))
        assert seen.headers["host"].startswith("localhost:")
        assert seen.headers["x-other"] == "o"
    assert "secret" not in f"{response!r}{response.url}{response.history}"


def test_a_post_becomes_a_get_or_stays(reactor, server):
    server.answers = [redirect("/b"), answer(b"1"), redirect("/b", status="307 Again"), answer(b"2")]
    for _ in range(2):
        reactor.run_until(fetch(reactor, server.url, method="POST", body=b"data", headers={"Content-Type": "t"}))
    assert [(seen.method, seen.body, "content-type" in seen.headers) for seen in server.requests] == [
        ("POST", b"data", True),
        ("GET", b"", False),
        ("POST", b"data", True),
        ("POST", b"data", True),
    ]


def test_a_redirect_whose_body_never_ends_is_followed_all_the_same(reactor, server):
    head = b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1000000\r\n\r\nsome"
    server.answers = [[head, HANG], answer(b"there")]
    future = fetch(reactor, server.url)
    reactor.advance(0.1)
    assert future.result(timeout=0).body == b"there"


# -- how much ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 9, 10])
def test_as_much_as_is_allowed_is_accepted(reactor, server, size):
    body = b"x" * size
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (
        b"%x\r\n%b\r\n" % (size, body) if size else b""
    )
    server.answers = [
        answer(body),
        chunked + b"0\r\n\r\n",
        [b"HTTP/1.0 200 OK\r\n\r\n" + body, CLOSE],
        answer(gzip.compress(body), Content_Encoding="gzip"),
    ]
    for _ in range(4):
        assert reactor.run_until(fetch(reactor, server.url, max_body=10)).body == body


@pytest.mark.parametrize(
    "parts",
    [
        [answer(b"x" * 11)], [b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n", HANG],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nxxxxxxxxxxx\r\n", HANG],
        [b"HTTP/1.0 200 OK\r\n\r\nxxxxxxxxxxx", HANG],
        [answer(gzip.compress(b"x" * 11), Content_Encoding="gzip")],
        [answer(gzip.compress(gzip.compress(bytes(1 << 22))), Content_Encoding="gzip, gzip")],
    ],
)  # fmt: skip
def test_more_is_refused_at_once(reactor, server, parts):
    server.answers = [parts]
    future = fetch(reactor, server.url, max_body=10)
    reactor.advance(0.1)
    failure(reactor, future, BodyTooLarge)
    assert not server.alive()


def test_a_bomb_is_not_held(reactor, server):
    server.answers = [answer(gzip.compress(bytes(80 << 20), 9), Content_Encoding="gzip")]
    error = failure(reactor, fetch(reactor, server.url), BodyTooLarge)
    assert error.received <= 64 << 20


def test_nothing_bounds_what_is_streamed_but_what_is_given(reactor, server):
    server.answers = [answer(gzip.compress(bytes(80 << 20), 1), Content_Encoding="gzip")]
    total = 0

    def on_data(data):
        nonlocal total
        assert len(data) <= 128 << 10
        total += len(data)

    response = reactor.run_until(fetch(reactor, server.url, on_data=on_data))
    assert (total, response.body) == (80 << 20, b"")
    assert (
        failure(reactor, fetch(reactor, server.url, on_data=lambda data: None, max_body=1000), BodyTooLarge).partial
        == b""
    )


# -- streaming ---------------------------------------------------------------------------------------------------------


def test_the_head_comes_first_then_the_content_then_the_future(reactor, server):
    told = []
    server.answers = [redirect("/x"), [answer(b"0123456789")[:-4], b"6789"]]
    future = fetch(
        reactor,
        server.url,
        on_head=lambda response: told.append((response.status, response.body)),
        on_data=told.append,
    )
    future.add_done_callback(lambda done: told.append(done.result().body))
    reactor.run_until(future)
    assert told == [(200, b""), b"012345", b"6789", b""]


def test_a_head_may_be_looked_at_and_the_body_be_kept(reactor, server):
    told = []
    server.answers = [answer(b"body")]
    assert reactor.run_until(fetch(reactor, server.url, on_head=told.append)).body == b"body"
    assert [head.status for head in told] == [200]


def test_nothing_more_comes_while_the_caller_is_busy(reactor, server):
    from concurrent.futures import Future

    body = gzip.compress(bytes(300_000))
    server.answers = [[answer(body, Content_Encoding="gzip")]]
    pieces, busy = [], []

    def on_data(data):
        pieces.append(data)
        busy.append(Future())
        return busy[-1]

    future = fetch(reactor, server.url, on_data=on_data, timeout=FetchTimeouts(total=None, idle=1))
    reactor.advance(30)  # our own slowness is not the server's
    assert len(pieces) == 1
    assert not future.done()
    while not future.done():
        busy[-1].set_result(None)
        reactor.settle()
    assert sum(map(len, pieces)) == 300_000
    assert len(pieces) >= 5
    future.result()


def test_a_busy_caller_holds_the_server_back(reactor, server):
    from concurrent.futures import Future

    server.answers = [answer(bytes(3_000_000))]
    busy, come = Future(), []

    def on_data(data):
        come.append(len(data))
        return busy

    future = fetch(reactor, server.url, on_data=on_data)
    reactor.advance(1)
    assert sum(come) < 200_000
    assert server.peers[0].transport.get_write_buffer_size() > 2_000_000
    busy.set_result(None)
    reactor.run_until(future)
    assert sum(come) == 3_000_000


def test_waiting_for_what_fails_fails(reactor, server):
    from concurrent.futures import Future

    server.answers = [answer(b"abc")]
    for settle in (lambda future: future.set_exception(KeyError("no")), Future.cancel):
        busy = Future()
        future = fetch(reactor, server.url, on_data=lambda data, busy=busy: busy)
        reactor.advance(1)
        settle(busy)
        failure(reactor, future, CallbackFailed)
        assert not server.alive()


class Boom:
    def __init__(self, error):
        self.error = error

    def __call__(self, *args):
        raise self.error

    write = __call__


FULL = OSError(28, "No space left on device")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_head": Boom(KeyError("x"))}, "on_head failed: 'x'"),
        ({"on_data": Boom(ZeroDivisionError("division"))}, "on_data failed: division"),
        ({"on_data": Boom(FULL)}, "on_data failed: No space left on device"),
        ({"file": Boom(FULL)}, "the file of the body failed: No space left on device"),
    ],
)
def test_what_the_caller_raises_ends_the_fetch(reactor, server, options, message):
    server.answers = [[answer(b"0123456789")[:-4], HANG]]
    future = fetch(reactor, server.url, **options)
    reactor.advance(0.1)
    error = failure(reactor, future, CallbackFailed)
    assert str(error) == message
    assert error.__cause__ is not None
    assert not server.alive()


def test_an_http_error_of_the_caller_is_its_own(reactor, server):
    server.answers = [answer(b"abc")]
    mine = HTTPError("not what I want")
    assert failure(reactor, fetch(reactor, server.url, on_head=Boom(mine))) is mine
    assert failure(reactor, fetch(reactor, server.url, on_data=Boom(mine))) is mine
    assert mine.received == 3


def test_a_file_gets_the_content(reactor, server, tmp_path):
    server.answers = [answer(gzip.compress(b"0123456789" * 50_000), Content_Encoding="gzip")]
    with open(tmp_path / "raw", "wb", buffering=0) as file:
        response = reactor.run_until(fetch(reactor, server.url, file=file))
    assert (tmp_path / "raw").read_bytes() == b"0123456789" * 50_000
    assert response.body == b""


def test_a_raw_file_that_takes_little_at_a_time(reactor, server):
    taken = bytearray()

    class Small(io.RawIOBase):
        def write(self, data):
            taken.extend(data[:3])
            return min(3, len(data))

    server.answers = [answer(b"0123456789")]
    reactor.run_until(fetch(reactor, server.url, file=Small()))
    assert taken == b"0123456789"


# -- sending -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 100, 300_000, 3_000_000])
def test_bodies_are_sent_whole(reactor, server, size):
    body = bytes(range(256)) * (size // 256) + bytes(size % 256)
    server.answers = [redirect("/x", status="307 Again"), answer(b"ok")]
    for kind in (bytes, bytearray, io.BytesIO):
        server.requests.clear()
        reactor.run_until(fetch(reactor, server.url, method="PUT", body=kind(body)))
        assert [seen.body == body for seen in server.requests] == [True, True]


def test_an_answer_may_come_before_all_is_sent(reactor, server):
    def early(data):
        peer = server.peers[-1]
        peer.transport.write(answer(b"too large", status="413 Too Large", keep=False))

    server.answers = [answer()]
    future = fetch(reactor, server.url, method="POST", body=bytes(5_000_000))
    while not server.peers:
        reactor.world._round()
    server.peers[-1].data_received = early
    reactor.advance(0.1)
    assert future.result(timeout=0).status == 413


def test_a_server_that_does_not_read_is_given_up(reactor, server):
    future = fetch(reactor, server.url, method="POST", body=bytes(5_000_000), timeout=600)
    while not server.peers:
        reactor.world._round()
    server.peers[-1].transport.pause_reading()
    reactor.advance(70)
    failure(reactor, future, FetchTimeout)


def test_the_first_byte_is_waited_for_from_when_all_is_sent(reactor, server):
    server.answers = [[lambda peer: peer.server.reactor.call_later(9, peer.do, answer(b"thanks"))]]
    body = bytes(5_000_000)
    future = fetch(reactor, server.url, method="PUT", body=body, timeout=FetchTimeouts(total=None, first_byte=10))
    while not server.peers:
        reactor.world._round()
    server.peers[0].transport.pause_reading()
    reactor.advance(14)
    server.peers[0].transport.resume_reading()
    reactor.advance(10)
    assert future.result(timeout=0).body == b"thanks"


# -- what an answer costs ----------------------------------------------------------------------------------------------

TINY = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n"


def test_a_flood_of_tiny_chunks_leaves_others_their_turns(reactor, server, monkeypatch):
    fed = []
    feed = ResponseWire.feed
    monkeypatch.setattr(ResponseWire, "feed", lambda wire, data: fed.append(data.count(b"\n")) or feed(wire, data))
    server.answers = [[TINY, CLOSE]]
    assert reactor.run_until(fetch(reactor, server.url)).body == b"x" * 30_000
    assert max(fed) <= LINES_AT_ONCE + 1


def test_what_stands_behind_a_flood_never_becomes_the_answer_to_another_request(reactor, server):
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged" + b"\n" * 4000
    server.answers = [[TINY + forged], answer(b"honest")]
    with Client(reactor, proxy=False) as client:
        assert reactor.run_until(client.fetch(server.url)).body == b"x" * 30_000
        assert reactor.run_until(client.fetch(server.url)).body == b"honest"
        assert len(server.peers) == 2


def test_many_lines_in_other_content_are_read_at_once(reactor, server):
    lines = b"\n" * 60_000
    server.answers = [answer(lines), [b"HTTP/1.0 200 OK\r\n\r\n" + lines, CLOSE]]
    for _ in range(2):
        assert reactor.run_until(fetch(reactor, server.url)).body == lines


def test_a_flood_may_be_cut_and_may_be_waited_for(reactor, server):
    waits = []

    def on_data(data):
        waits.append(Future())
        reactor.call_later(0.001, waits[-1].set_result, None)
        return waits[-1]

    server.answers = [[TINY], [TINY[:100_000], CLOSE], [TINY[:100_000], RESET]]
    assert reactor.run_until(fetch(reactor, server.url, on_data=on_data)).status == 200
    assert len(waits) >= 30
    assert failure(reactor, fetch(reactor, server.url), Truncated).received == 16_659
    failure(reactor, fetch(reactor, server.url), HTTPError)
