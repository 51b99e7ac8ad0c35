"""Answers that the program writes when it has something to say, and server-sent events."""

from __future__ import annotations

import pytest

from protocols.http.server import EventStream, Response, event
from protocols.http.server.events import SILENCE

from .kit import answers, has_ended, reset
from .rows import PLAIN, ask

ASK = ask("GET /x HTTP/1.1")


@pytest.fixture
def streams(stage):
    """The streams of /x, and of /events."""
    found = []
    stage.site.route("GET", "/x", lambda request: found.append(request.respond(200, {"X": "y"})))
    stage.site.route("GET", "/events", lambda request: found.append(EventStream(request)))
    return found


def test_a_stream(stage, streams):
    client = stage.says(ASK + PLAIN)
    (answer,) = answers(client.data, ended=False)
    assert (answer.headers["x"], answer.headers["transfer-encoding"], answer.complete) == ("y", "chunked", False)
    (stream,) = streams
    assert stream.write("ü")
    assert stream.write(b"")
    stage.reactor.advance(3600)
    stream.write(b"x")
    stream.end()
    stream.end()
    assert not stream.write("ignored")
    stage.reactor.settle()
    assert [answer.body for answer in answers(client.data)] == ["üx".encode(), b"hello you"]


def test_a_stream_for_head_and_for_http_1_0(stage, streams):
    for request, method in ((ask("HEAD /x HTTP/1.1"), "HEAD"), (ask("GET /x HTTP/1.0"), "GET")):
        client = stage.says(request)
        streams[-1].write("abc")
        streams[-1].end()
        stage.reactor.settle()
        (answer,) = answers(client.data, method, ended=has_ended(client))
        assert answer.body == (b"" if method == "HEAD" else b"abc")
        assert answer.complete
        assert has_ended(client) == (method == "GET")


def test_a_stream_presses_back(stage, streams):
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ASK)
    stage.reactor.settle()
    drained = []
    streams[0].on_drain = lambda: drained.append(streams[0].waiting())
    while streams[0].write(bytes(10_000)):
        pass
    assert 50_000 < streams[0].waiting() < 500_000
    client.transport.resume_reading()
    stage.reactor.settle()
    assert len(drained) == 1
    streams[0].end()


def test_a_stream_whose_client_goes(stage, streams):
    gone = []
    stage.site.route("GET", "/y", lambda request: (streams.append(request.respond()), request.on_close(gone.append))[0])
    stage.site.route("GET", "/z", lambda request: request.on_close(lambda: gone.append(request)) or "kept")
    client = stage.says(ask("GET /z HTTP/1.1") + ASK)
    reset(client)
    stage.reactor.settle()
    assert streams[0].ended
    streams[0].write("nobody reads it")
    streams[0].end()
    assert gone == [], "the first request had its answer"


def test_on_close(stage):
    gone, requests = [], []

    def handler(request):
        requests.append(request)
        request.on_close(lambda: gone.append(1))
        request.on_close(lambda: gone.append(2))
        request.respond()

    stage.site.route("GET", "/x", handler)
    client = stage.says(ASK)
    reset(client)
    stage.reactor.settle()
    assert gone == [1, 2]
    requests[0].on_close(lambda: gone.append(3))
    assert gone == [1, 2, 3]
    assert requests[0].cancelled
    assert requests[0].respond().ended


@pytest.mark.loud
def test_on_close_that_raises(stage, caplog):
    stage.site.route("GET", "/x", lambda request: (request.on_close(lambda: 1 / 0), request.respond())[1])
    client = stage.says(ASK)
    reset(client)
    stage.reactor.settle()
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [ZeroDivisionError]


@pytest.mark.loud
def test_an_exception_behind_respond_cuts_the_answer_off(stage, caplog):
    stage.site.route("GET", "/x", lambda request: (request.respond().write("a"), 1 / 0))
    client = stage.says(ASK)
    assert not answers(client.data, ended=False)[0].complete
    assert has_ended(client)


@pytest.mark.loud
def test_to_respond_twice(stage, caplog):
    stage.site.route("GET", "/x", lambda request: (request.respond(), request.respond()))
    stage.says(ASK)
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [RuntimeError]


def test_a_stream_of_a_known_length(stage, streams):
    stage.site.route("GET", "/y", lambda request: streams.append(request.respond(200, {"Content-Length": "3"})))
    client = stage.says(ask("GET /y HTTP/1.1"))
    streams[0].write("ab")
    with pytest.raises(ValueError, match="shorter"):
        streams[0].end()
    with pytest.raises(ValueError, match="longer"):
        streams[0].write("cd")
    reset(client)
    stage.reactor.settle()


def test_events(stage, streams):
    client = stage.says(ask("GET /events HTTP/1.1", "Last-Event-ID: 7"))
    (stream,) = streams
    stream.send("hello", name="greeting", id="8")
    stream.send("two\r\nlines")
    stream.comment("still here")
    stage.reactor.settle()
    (answer,) = answers(client.data, ended=False)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.body.decode() == ("event: greeting\nid: 8\ndata: hello\n\ndata: two\ndata: lines\n\n: still here\n\n")
    stream.close()
    stage.reactor.settle()
    assert answers(client.data)[0].complete
    assert stream.closed


def test_a_reader_of_events_that_does_not_read_is_given_up(stage, streams):
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ask("GET /events HTTP/1.1"))
    stage.reactor.settle()
    for _ in range(3000):
        streams[0].send("x" * 1000)
    stage.reactor.settle()
    assert streams[0].closed
    assert not stage.listener.connections


def test_an_event_of_an_iterator(stage):
    stage.site.route("GET", "/y", lambda request: Response(200, (event(str(n)) for n in range(3))))
    assert answers(stage.says(ask("GET /y HTTP/1.1")).data)[0].body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_an_event_says_when_to_come_back():
    assert event("", retry=1.5) == "retry: 1500\ndata: \n\n"


@pytest.mark.parametrize("bad", [{"name": "a\nb"}, {"id": "a\r"}, {"id": "a\0"}])
def test_an_event_that_would_be_two(bad):
    with pytest.raises(ValueError, match="line end"):
        event("x", **bad)


def test_a_silent_stream_sends_a_comment_and_finds_out_who_has_gone(stage):
    """A client that ends its side is as `nc -N`, which waits for its answer: only what is sent to it tells."""
    found, gone = [], []

    def events(request):
        found.append(EventStream(request))
        request.on_close(lambda: gone.append(1))

    stage.site.route("GET", "/events", events)
    client = stage.says(ask("GET /events HTTP/1.1"))
    stage.reactor.advance(SILENCE - 0.5)
    found[0].send("news")
    stage.reactor.advance(SILENCE - 0.5)
    assert b": \n" not in client.data, "it was not silent for so long"
    stage.reactor.advance(1)
    assert client.data.count(b": \n") == 1
    stage.reactor.advance(SILENCE)
    assert client.data.count(b": \n") == 2
    reset(client)
    stage.reactor.advance(2 * SILENCE)
    assert (gone, found[0].closed) == ([1], True)


@pytest.mark.parametrize("end", ["close", "gone", "drain"])
def test_nothing_is_left_of_a_stream_that_ended(stage, streams, end):
    client = stage.says(ask("GET /events HTTP/1.1"))
    (stream,) = streams
    timer = stream.stream.timer
    assert timer.active
    if end == "close":
        stream.close()
    elif end == "gone":
        reset(client)
    else:
        stage.reactor.drain(1)
    stage.reactor.settle()
    assert stream.closed
    assert not timer.active


def test_silence_may_be_allowed_and_must_be_a_time(stage):
    stage.site.route("GET", "/events", lambda request: EventStream(request, silence=None) and None)
    client = stage.says(ask("GET /events HTTP/1.1"))
    stage.reactor.advance(10 * SILENCE)
    assert b": \n" not in client.data
    with pytest.raises(ValueError, match="silence"):
        EventStream(None, silence=0)
