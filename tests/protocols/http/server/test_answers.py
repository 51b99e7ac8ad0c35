"""What a handler may give, and what becomes of it: whole, in pieces, later, or not at all."""

from __future__ import annotations

import asyncio
import gzip
import io
import threading
from concurrent.futures import Future

import pytest

from protocols.admission.quiet import LINES
from protocols.http import Client
from protocols.http.server import Refusal, Response
from protocols.http.server.answers import Framing, content, prepare
from protocols.http.server.limits import TURN
from protocols.http.server.response import Clock
from protocols.http.server.sending import Pull, Stream

from .kit import answers, has_ended, reset
from .rows import PLAIN, POST, ask

ASK = ask("GET /x HTTP/1.1")


def one(stage, handler, request=ASK, advance=0.0, method="GET"):
    """The one answer of a handler on /x."""
    stage.site.route(request.split()[0].decode() if method == "GET" else "GET", "/x", handler)
    (answer,) = answers(stage.says(request, advance=advance).data, method)
    assert answer.complete
    return answer


@pytest.mark.parametrize(
    ("result", "status", "body", "kind"),
    [
        (b"bytes", 200, b"bytes", "application/octet-stream"),
        (bytearray(b"bytes"), 200, b"bytes", "application/octet-stream"),
        (memoryview(b"bytes"), 200, b"bytes", "application/octet-stream"),
        ("tëxt", 200, "tëxt".encode(), "text/plain; charset=utf-8"),
        ("", 200, b"", "text/plain; charset=utf-8"),
        (None, 204, b"", None),
        (Response(201, "made"), 201, b"made", "text/plain; charset=utf-8"),
        (Response(200, "<p>", {"Content-Type": "text/html"}), 200, b"<p>", "text/html"),
        (Response(200), 200, b"", None),
        (Response.json({"a": "ü"}), 200, '{"a": "ü"}'.encode(), "application/json"),
        (Response.json({"\ud800": "ü\udfff"}), 200, '{"\\ud800": "ü\\udfff"}'.encode(), "application/json"),
        (Response.redirect("/y"), 307, b"", None),
        (["a", b"b", ""], 200, b"ab", "application/octet-stream"),
        (Response(200, iter(["a", "b"]), {"Content-Type": "text/csv"}), 200, b"ab", "text/csv"),
        (Response(599, "?"), 599, b"?", "text/plain; charset=utf-8"),
    ],
    ids=repr,
)
def test_what_a_handler_gives(stage, result, status, body, kind):
    answer = one(stage, lambda request: result)
    assert (answer.status, answer.body, answer.headers.get("content-type")) == (status, body, kind)
    assert "date" in answer.headers


def test_no_length_with_204_and_304(stage):
    assert "content-length" not in one(stage, lambda request: None).headers
    stage.site.route("GET", "/same", lambda request: Response(304, None, {"ETag": '"a"'}))
    (answer,) = answers(stage.says(ask("GET /same HTTP/1.1")).data)
    assert (answer.status, answer.headers["etag"], "content-length" in answer.headers) == (304, '"a"', False)


@pytest.mark.parametrize("body", ["abc", iter(["a", "bc"]), None], ids=["text", "pieces", "nothing"])
def test_the_length_of_what_head_does_not_send(stage, body):
    fields = {"Content-Length": "3"} if body is not None and not isinstance(body, str) else {}
    answer = one(stage, lambda request: Response(200, body, fields), ask("HEAD /x HTTP/1.1"), method="HEAD")
    assert (answer.body, answer.headers["content-length"]) == (b"", "0" if body is None else "3")


@pytest.mark.loud
@pytest.mark.parametrize("result", [5, object(), {"a": 1}, io.StringIO("text"), 1.5])
def test_what_is_no_answer(stage, caplog, result):
    assert one(stage, lambda request: result).status == 500
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [TypeError]


@pytest.mark.loud
def test_an_exception_is_one_traceback_and_says_nothing_outside(stage, caplog):
    client = stage.says(ask("GET /broken HTTP/1.1") + PLAIN)
    (answer,) = answers(client.data)
    assert (answer.status, answer.body, answer.headers["connection"]) == (500, b"500 Internal Server Error\n", "close")
    assert has_ended(client)
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [ZeroDivisionError]


@pytest.mark.loud
def test_a_request_that_makes_a_handler_raise_fills_no_log(stage, caplog):
    for _ in range(LINES + 5):
        assert answers(stage.says(ask("GET /broken HTTP/1.1")).data)[0].status == 500
    assert len([record for record in caplog.records if record.exc_info]) == LINES


def test_a_refusal_is_an_answer(stage):
    def refuse(request):
        raise Refusal(409, "taken", {"Retry-After": "5"})

    answer = one(stage, refuse)
    assert (answer.status, answer.body, answer.headers["retry-after"]) == (409, b"409 Conflict: taken\n", "5")
    assert "close" not in answer.headers.get("connection", "")


@pytest.mark.parametrize(("text", "body"), [("", b"499\n"), ("too late", b"499: too late\n")])
def test_a_refusal_may_have_a_status_without_a_name(stage, text, body):
    def refuse(request):
        raise Refusal(499, text)

    answer = one(stage, refuse)
    assert (answer.status, answer.body) == (499, body)


def test_a_body_that_is_no_json_is_the_clients_fault(stage):
    stage.site.route("POST", "/json", lambda request: request.json()["a"])
    client = stage.says(ask("POST /json HTTP/1.1", "Content-Length: 1", body="{"))
    assert answers(client.data)[0].status == 400
    client = stage.says(ask("POST /json HTTP/1.1", "Content-Length: 7", body='{"a":""}'[:7] + ""))
    assert answers(client.data)[0].status == 400


@pytest.mark.parametrize(
    "fields",
    [{"X": "a\r\nSet-Cookie: b"}, {"X\r\nY": "a"}, {"": "a"}, {"X": "a\0"}, {"Xü": "a"}],
)
def test_a_field_that_would_be_two(fields):
    with pytest.raises(ValueError, match="header"):
        Response(200, None, fields)


@pytest.mark.parametrize("status", [0, 100, 199, 600, 1000])
def test_a_status_that_is_not_final(status):
    with pytest.raises(ValueError, match="final status"):
        Response(status)


def test_what_the_server_says_itself_is_not_said_twice():
    fields = {"Content-Length": "9", "Transfer-Encoding": "gzip", "Connection": "x", "Date": "never", "Keep-Alive": "1"}
    head = prepare(Response(200, b"abc", fields), keep=True).head.lower()
    assert head.count(b"content-length") == 1
    assert b"content-length: 3\r\n" in head
    assert not any(name in head for name in (b"transfer-encoding", b"connection", b"never", b"keep-alive"))


def test_a_handler_may_end_the_connection(stage):
    stage.site.route("GET", "/bye", lambda request: Response(200, "bye", {"Connection": "close"}))
    client = stage.says(ask("GET /bye HTTP/1.1") + PLAIN)
    assert [answer.status for answer in answers(client.data)] == [200]
    assert has_ended(client)


def test_the_date_is_made_once_a_second(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("time.time", lambda: 784111777.9)
    first = clock.date()
    assert first == b"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    assert clock.date() is first
    monkeypatch.setattr("time.time", lambda: 784111778.0)
    assert clock.date() == b"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
    monkeypatch.setattr("time.time", lambda: 784111779.0)
    assert clock.head_end("1.0", True) == b"Date: Sun, 06 Nov 1994 08:49:39 GMT\r\nConnection: keep-alive\r\n\r\n"


# -- later --------------------------------------------------------------------------------------------------------


def test_a_future(stage):
    client = stage.says(ask("GET /later HTTP/1.1") + PLAIN)
    assert client.data == b""
    stage.futures[0].set_result("now")
    stage.reactor.settle()
    assert [answer.body for answer in answers(client.data)] == [b"now", b"hello you"]


def test_a_future_of_any_answer(stage):
    for result in (Response(201), b"", None, iter(["a"])):
        client = stage.says(ask("GET /later HTTP/1.1"))
        stage.futures[-1].set_result(result)
        stage.reactor.settle()
        assert answers(client.data)[0].complete


def test_a_future_that_is_done_already(stage):
    future = Future()
    future.set_result("at once")
    assert one(stage, lambda request: future).body == b"at once"


def test_a_future_from_a_thread(stage):
    assert one(stage, lambda request: request.reactor.run_in_thread(lambda: "from afar")).body == b"from afar"


def test_a_future_that_another_thread_completes(stage):
    client = stage.says(ask("GET /later HTTP/1.1"))
    thread = threading.Thread(target=stage.futures[0].set_result, args=["there"])
    thread.start()
    thread.join()
    stage.reactor.settle()
    assert answers(client.data)[0].body == b"there"


def test_a_future_is_cancelled_when_its_client_goes(stage):
    client = stage.says(ask("GET /later HTTP/1.1"))
    reset(client)
    stage.reactor.settle()
    assert stage.futures[0].cancelled()


def test_a_future_that_is_not_cancelled_in_time_is_nobodys(stage):
    client = stage.says(ask("GET /later HTTP/1.1"))
    stage.futures[0].set_running_or_notify_cancel()
    reset(client)
    stage.reactor.settle()
    stage.futures[0].set_result("too late")
    stage.reactor.settle()


@pytest.mark.loud
def test_a_future_that_fails(stage, caplog):
    client = stage.says(ask("GET /later HTTP/1.1"))
    stage.futures[0].set_exception(KeyError("secret"))
    stage.reactor.settle()
    assert answers(client.data)[0].body == b"500 Internal Server Error\n"
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [KeyError]


def test_a_future_that_fails_with_a_refusal(stage):
    client = stage.says(ask("GET /later HTTP/1.1"))
    stage.futures[0].set_exception(Refusal(503))
    stage.reactor.settle()
    assert answers(client.data)[0].status == 503


def test_half_closed_clients_get_their_answer(stage):
    """`nc -N`: the slow one as well, and those that were asked for behind it."""
    client = stage.says(ask("GET /later HTTP/1.1") + PLAIN)
    client.transport.write_eof()
    stage.reactor.advance(20)
    stage.futures[0].set_result("now")
    stage.reactor.settle()
    assert [answer.body for answer in answers(client.data)] == [b"now", b"hello you"]
    assert has_ended(client)


def test_one_after_the_other(stage):
    """Never two handlers at a time on a connection, and what waits is bounded by one read."""
    client = stage.says(ask("GET /later HTTP/1.1") * 5)
    client.write(PLAIN * 5000)
    stage.reactor.settle()
    assert len(stage.futures) == 1
    assert client.transport.get_write_buffer_size() > 50_000
    for number in range(5):
        assert len(stage.futures) == number + 1
        stage.futures[-1].set_result("")
        stage.reactor.settle()
    assert len(answers(client.data, *["GET"] * 5005)) == 5005


def test_the_others_have_their_turn(stage):
    """A thousand requests in one read are not answered in one go."""
    order = []
    stage.site.route("GET", "/x", lambda request: order.append(request.raw_query))
    many, one = stage.dial(), stage.dial()
    many.write(ask("GET /x?many HTTP/1.1") * 1000)
    one.write(ask("GET /x?one HTTP/1.1"))
    stage.reactor.settle()
    assert len(order) == 1001
    assert 0 < order.index("one") < 100


# -- in pieces ----------------------------------------------------------------------------------------------------


class Pieces:
    """An iterator that writes down what happens to it."""

    def __init__(self, count=10**9, size=1000):
        self.count, self.size = count, size
        self.pulled = 0
        self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        if self.pulled == self.count:
            raise StopIteration
        self.pulled += 1
        return bytes(self.size)

    def close(self):
        self.closed = True


def test_an_iterator_is_pulled_as_its_client_reads(stage):
    pieces = Pieces()
    stage.site.route("GET", "/x", lambda request: pieces)
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ASK)
    stage.reactor.settle()
    before = pieces.pulled
    assert 0 < before < 1000, "the watermark and what the kernel holds, not more"
    stage.reactor.settle()
    assert pieces.pulled == before
    client.transport.resume_reading()
    for _ in range(20):
        stage.reactor._tick()
    assert pieces.pulled > before
    reset(client)
    stage.reactor.settle()
    assert pieces.closed


def test_an_iterator_that_never_ends_leaves_turns_to_others(stage):
    stage.site.route("GET", "/x", lambda request: Pieces())
    endless = stage.dial()
    endless.write(ASK)
    other = stage.dial()
    other.write(PLAIN)
    for _ in range(10):
        stage.reactor._tick()
    assert answers(other.data)[0].status == 200
    reset(endless)
    stage.reactor.settle()


def test_an_iterator_is_closed_at_its_end_and_for_head(stage):
    pieces = Pieces(3)
    assert len(one(stage, lambda request: pieces).body) == 3000
    assert pieces.closed
    head = Pieces()
    stage.site.route("GET", "/y", lambda request: head)
    stage.says(ask("HEAD /y HTTP/1.1"))
    assert (head.pulled, head.closed) == (0, True)


@pytest.mark.loud
def test_an_iterator_that_fails_cuts_the_answer_off(stage, caplog):
    def pieces(request):
        yield "a"
        raise KeyError

    stage.site.route("GET", "/x", pieces)
    client = stage.says(ASK)
    (answer,) = answers(client.data, ended=False)
    assert (answer.body, answer.complete) == (b"a", False)
    assert has_ended(client)
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [KeyError]


@pytest.mark.loud
@pytest.mark.parametrize("count", [2, 4])
def test_a_length_that_is_not_kept(stage, caplog, count):
    stage.site.route("GET", "/x", lambda request: Response(200, ["a"] * count, {"Content-Length": "3"}))
    (answer,) = answers(stage.says(ASK).data, ended=False)
    assert not answer.complete or count == 4
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [ValueError]


def test_a_length_that_is_kept(stage):
    answer = one(stage, lambda request: Response(200, ["a"] * 3, {"Content-Length": "3"}))
    assert (answer.body, answer.headers.get("transfer-encoding")) == (b"aaa", None)


def test_a_large_body_is_handed_over_in_slices(stage):
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ask("GET /large HTTP/1.1"))
    stage.reactor.settle()
    (transport,) = stage.listener.connections
    assert transport.get_write_buffer_size() < 300_000
    client.transport.resume_reading()
    stage.reactor.settle()
    assert len(answers(client.data)[0].body) == 3 << 20


# -- files --------------------------------------------------------------------------------------------------------


def test_an_open_file_from_where_it_stands(stage, tmp_path):
    (tmp_path / "f").write_bytes(b"0123456789")
    opened = []

    def handler(request):
        opened.append((tmp_path / "f").open("rb"))
        opened[-1].seek(4)
        return opened[-1]

    answer = one(stage, handler)
    assert (answer.body, answer.headers["content-length"]) == (b"456789", "6")
    assert opened[0].closed


def test_a_path(stage, tmp_path):
    (tmp_path / "f").write_bytes(bytes(200_000))
    assert len(one(stage, lambda request: tmp_path / "f").body) == 200_000


def test_a_file_in_memory(stage):
    assert one(stage, lambda request: io.BytesIO(b"abc")).body == b"abc"


@pytest.mark.loud
def test_a_path_that_is_none(stage, caplog, tmp_path):
    assert one(stage, lambda request: tmp_path).status == 500
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [IsADirectoryError]


@pytest.mark.loud
def test_a_file_that_becomes_shorter_ends_the_connection(stage, tmp_path):
    (tmp_path / "f").write_bytes(bytes(10 << 20))
    stage.site.route("GET", "/x", lambda request: tmp_path / "f")
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ASK)
    stage.reactor.settle()
    (tmp_path / "f").write_bytes(b"short")
    client.transport.resume_reading()
    stage.reactor.settle()
    assert not answers(client.data, ended=False)[0].complete
    assert not stage.listener.connections


def test_content_knows_what_it_has():
    assert content("ü") == ("ü".encode(), 2, "text/plain; charset=utf-8")
    payload, length, _ = content(bytes(2 << 20))
    assert (length, sum(map(len, payload))) == (2 << 20, 2 << 20)


def test_answers_of_posts_are_no_other(stage):
    client = stage.says(ask(POST, "Content-Length: 3", body="abc"))
    assert answers(client.data)[0].body == b"abc"


def test_who_asks_and_never_reads_is_not_answered_without_end(stage):
    """Requests of forty bytes for answers of ten thousand: what waits is bounded by the watermark."""
    stage.site.route("GET", "/x", lambda request: bytes(10_000))
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ASK * 600)
    stage.reactor.settle()
    (transport,) = stage.listener.connections
    assert transport.get_write_buffer_size() < 100_000
    client.transport.resume_reading()
    stage.reactor.settle()
    assert len(answers(client.data, *["GET"] * 600)) == 600


def test_the_last_answer_says_so(stage):
    """The client has said its end: there is nothing to keep the connection for, and it is told."""
    client = stage.says(ask("GET /later HTTP/1.1"))
    client.transport.write_eof()
    stage.reactor.settle()
    stage.futures[0].set_result("now")
    stage.reactor.settle()
    assert answers(client.data)[0].headers["connection"] == "close"


@pytest.mark.loud
def test_an_answer_until_the_end_that_fails_is_reset(stage):
    """For HTTP/1.0 the end of the connection is the end of the body: it must not look like one."""

    def pieces(request):
        yield "a"
        raise KeyError

    stage.site.route("GET", "/x", pieces)
    client = stage.says(ask("GET /x HTTP/1.0"))
    assert not has_ended(client)
    assert not stage.listener.connections


def test_a_stream_has_no_more_than_its_turn():
    """Into a transport that takes everything."""

    class Everything:
        full = False

        def __init__(self):
            self.transport = self.reactor = self
            self.written = 0
            self.soon = []

        def write(self, data):
            self.written += len(data)

        def call_soon(self, fn):
            self.soon.append(fn)

    out = Everything()
    stream = Stream(out, Framing(chunked=True, length=None, silent=False))
    Pull(out, iter(Pieces()), stream).begin()
    assert TURN <= out.written < TURN + 10_000
    out.soon.pop()()
    assert out.written < 2 * TURN + 20_000


def test_what_a_fetch_gave(stage):
    """A site may ask another one, and pass the answer on: the coding is undone by then, and the connection another."""
    packed = gzip.compress(b"from afar")
    fields = {"Content-Encoding": "gzip", "Content-Type": "text/x", "Connection": "close", "X-Name": "y"}
    stage.site.route("GET", "/far", lambda request: Response(203, packed, fields))
    client = Client(stage.reactor, proxy=False)
    stage.site.route("GET", "/near", lambda request: client.fetch("http://localhost/far"))
    (answer,) = answers(stage.says(ask("GET /near HTTP/1.1")).data)
    assert (answer.status, answer.body) == (203, b"from afar")
    assert (answer.headers["content-type"], answer.headers["x-name"]) == ("text/x", "y")
    assert not {"content-encoding", "connection"} & {name.lower() for name in answer.headers}
    client.close()


@pytest.mark.loud
def test_a_future_that_holds_a_cancellation_of_asyncios_is_answered(stage, caplog):
    """It is no Exception; unanswered, its client would wait for ever."""
    stage.site.route("GET", "/x", stage.later)
    client = stage.says(ASK)
    stage.futures[0].set_exception(asyncio.CancelledError())
    stage.reactor.settle()
    assert answers(client.data)[0].status == 500
    assert has_ended(client)
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [asyncio.CancelledError]


@pytest.mark.loud
def test_a_cancellation_out_of_an_iterator_in_a_later_turn_cuts_the_answer_off(stage, caplog):
    def pieces(request):
        yield bytes(TURN)
        raise asyncio.CancelledError

    stage.site.route("GET", "/x", pieces)
    client = stage.says(ASK)
    assert not answers(client.data, ended=False)[0].complete
    assert has_ended(client)
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [asyncio.CancelledError]


@pytest.mark.loud
@pytest.mark.parametrize("later", [False, True])
def test_an_access_log_that_fails_fails_no_answer(stage, caplog, later):
    def fail(request, status):
        raise ZeroDivisionError

    stage.site.on_answer = fail
    stage.site.route("GET", "/x", stage.later if later else lambda request: "well")
    client = stage.says(ASK)
    for future in stage.futures:
        future.set_result("well")
    stage.reactor.settle()
    assert [(answer.status, answer.body) for answer in answers(client.data)] == [(200, b"well")]
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [ZeroDivisionError]


async def hasty(request):
    return b""


def test_a_coroutine_is_refused_where_it_is_routed(stage):
    with pytest.raises(TypeError, match=r"no handler is a coroutine, such as hasty.*reactor\.aio"):
        stage.site.route("GET", "/x", hasty)


@pytest.mark.loud
@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (lambda request: {"a": 1}, "Response.json(value)"),
        (lambda request: 7, "Response.json(value)"),
        (lambda request: hasty(request), "no handler is a coroutine"),
        (lambda request: [7], "a piece of a body is bytes or str, not int"),
        (lambda request: request.respond().write(7), "a piece of a body is bytes or str, not int"),
    ],
)
def test_what_is_no_answer_is_told_with_what_is_one(stage, caplog, handler, said):
    stage.site.route("GET", "/x", handler)
    stage.says(ASK)
    (record,) = [each for each in caplog.records if each.levelno >= 40]
    assert said in str(record.exc_info[1])
