"""Bodies that come: leave to send them, backpressure, early answers, and clients that go."""

from __future__ import annotations

import pytest

from protocols.http.server import Refusal, Response, Upload

from .kit import Count, Stage, answers, has_ended, reset
from .rows import CHUNKED, PLAIN, ask

EXPECT = "Expect: 100-continue"
UPLOAD = "POST /upload HTTP/1.1"


def serve(stage, **callbacks):
    """An Upload whose callbacks are these."""
    stage.site.route("POST", "/upload", type("Scripted", (Count,), callbacks))


def test_leave_is_given_when_the_body_is_wanted(stage):
    client = stage.says(ask("POST /count HTTP/1.1", EXPECT, "Content-Length: 2"))
    assert client.data == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.write(b"hi")
    stage.reactor.settle()
    (answer,) = answers(client.data)
    assert (answer.interims, answer.body) == (1, b"2 bytes")


def test_leave_waits_for_a_handler_that_pauses(stage):
    serve(stage, head_received=lambda self, request: (Count.head_received(self, request), request.pause())[1])
    client = stage.says(ask(UPLOAD, EXPECT, "Content-Length: 2"))
    assert client.data == b""
    stage.reactor.uploads[0].request.resume()
    stage.reactor.settle()
    assert client.data == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize("how", ["given", "raised"])
def test_a_refusal_costs_no_upload(stage, how):
    def refuse(self, request):
        if how == "raised":
            raise Refusal(403, "not you")
        return Response(403, "not you")

    serve(stage, head_received=refuse)
    client = stage.says(ask(UPLOAD, EXPECT, "Content-Length: 2"))
    (answer,) = answers(client.data)
    assert (answer.status, answer.interims) == (403, 0)
    assert has_ended(client), "a client that waits for leave may never send the body: it could be the next request"


def test_a_refusal_of_what_comes_at_once_can_be_read(stage):
    """The client sends all of it before it reads: no reset takes the answer away (9112 9.6)."""
    serve(stage, head_received=lambda self, request: Response(403))
    client = stage.says(ask(UPLOAD, "Content-Length: 9000000"), bytes(1 << 20), bytes(1 << 20))
    assert answers(client.data)[0].status == 403
    assert has_ended(client)


def test_pause_holds_back_exactly(stage):
    """Not a byte more, not the end either, however much has come."""
    serve(stage, data_received=lambda self, data: (Count.data_received(self, data), self.request.pause())[0])
    body = b"5\r\nhello\r\n"
    client = stage.says(ask(UPLOAD, CHUNKED), body)
    (upload,) = stage.reactor.uploads
    client.write(body * 3)
    client.write(b"0\r\n\r\n")
    stage.reactor.settle()
    assert upload.size == 5
    upload.request.resume()
    assert upload.size == 5, "nothing is delivered from inside resume()"
    stage.reactor.settle()
    assert (upload.size, client.data) == (20, b"")
    upload.request.resume()
    stage.reactor.settle()
    assert answers(client.data)[0].body == b"20 bytes"


def test_a_client_is_held_back(stage):
    """A handler that takes nothing: the connection holds one read, and the client keeps the rest."""
    serve(stage, head_received=lambda self, request: (Count.head_received(self, request), request.pause())[1])
    client = stage.says(ask(UPLOAD, "Content-Length: 100000000"))
    for _ in range(50):
        client.write(bytes(1 << 20))
    stage.reactor.settle()
    assert client.transport.get_write_buffer_size() > 49 << 20
    assert stage.reactor.uploads[0].size == 0


def test_an_answer_before_the_end(stage):
    serve(stage, data_received=lambda self, data: "enough")
    client = stage.says(ask(UPLOAD, "Content-Length: 9000000"), b"x")
    assert answers(client.data)[0].body == b"enough"
    assert has_ended(client)


def test_an_answer_before_the_end_of_a_small_body_keeps_the_connection(stage):
    serve(stage, data_received=lambda self, data: "enough")
    client = stage.says(ask(UPLOAD, "Content-Length: 10"), b"x", b"y" * 9 + PLAIN)
    assert [answer.status for answer in answers(client.data)] == [200, 200]


def test_a_client_that_goes(stage):
    client = stage.says(ask("POST /count HTTP/1.1", "Content-Length: 10"), b"x")
    reset(client)
    stage.reactor.settle()
    (upload,) = stage.reactor.uploads
    assert upload.request.cancelled
    assert not stage.listener.connections


def test_a_body_that_breaks_off(stage):
    client = stage.says(ask("POST /count HTTP/1.1", "Content-Length: 10"), b"x")
    client.transport.write_eof()
    stage.reactor.settle()
    assert answers(client.data)[0].status == 400
    (upload,) = stage.reactor.uploads
    assert "after 1 of 10 bytes" in str(upload.lost)
    assert upload.request.cancelled


def test_a_body_that_is_broken(stage):
    client = stage.says(ask("POST /count HTTP/1.1", CHUNKED), b"5\r\nhello\r\n", b"x\r\n")
    assert answers(client.data)[0].status == 400
    assert stage.reactor.uploads[0].lost is not None
    assert has_ended(client)


@pytest.mark.loud
@pytest.mark.parametrize("name", ["head_received", "data_received", "end_received"])
def test_a_handler_that_raises(stage, caplog, name):
    def fail(self, *args):
        raise KeyError("secret")

    serve(stage, **{name: fail})
    client = stage.says(ask(UPLOAD, "Content-Length: 2"), b"hi")
    (answer,) = answers(client.data)
    assert (answer.status, answer.body) == (500, b"500 Internal Server Error\n")
    assert has_ended(client)
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [KeyError]


@pytest.mark.loud
def test_a_handler_that_raises_when_its_client_is_gone(stage, caplog):
    serve(stage, connection_lost=lambda self, exc: 1 / 0)
    client = stage.says(ask(UPLOAD, "Content-Length: 2"))
    reset(client)
    stage.reactor.settle()
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [ZeroDivisionError]


def test_a_body_in_a_million_bytes(stage):
    """A segment for each byte costs no object for each."""
    client = stage.says(ask("POST /echo HTTP/1.1", "Content-Length: 5000"))
    for _ in range(5000):
        client.write(b"x")
        stage.reactor.settle()
    assert answers(client.data)[0].body == b"x" * 5000


def test_trailers(stage):
    got = []
    serve(stage, end_received=lambda self, trailers: got.append(trailers["x"]))
    client = stage.says(ask(UPLOAD, CHUNKED, body="0\r\nX: y\r\n\r\n"))
    assert answers(client.data)[0].status == 204
    assert got == ["y"]


def test_an_upload_by_itself():
    """Every callback has a default, which takes what comes and gives nothing."""
    upload = Upload()
    assert upload.head_received(None) is None
    assert upload.data_received(b"") is None
    assert upload.end_received(None) is None
    upload.connection_lost(None)


def test_bodies_have_a_bound_together():
    """Ten clients of a hundred bytes each: there is room for five at a time, and it is given back."""
    stage = Stage(max_bodies=500)
    clients = [stage.says(ask("POST /echo HTTP/1.1", "Content-Length: 200"), b"x" * 100) for _ in range(10)]
    assert [bool(client.data) for client in clients] == [False] * 5 + [True] * 5
    (refused,) = answers(clients[-1].data)
    assert (refused.status, refused.headers["retry-after"], has_ended(clients[-1])) == (503, "10", True)
    assert stage.site.bodies.held == 500
    clients[0].transport.write_eof()
    reset(clients[1])
    stage.reactor.settle()
    assert stage.site.bodies.held == 300
    late = stage.says(ask("POST /echo HTTP/1.1", "Content-Length: 200"), b"x" * 200)
    assert answers(late.data)[0].status == 200
    stage.reactor.advance(60)
    assert stage.site.bodies.held == 0
    large = stage.says(ask("POST /count HTTP/1.1", "Content-Length: 5000"), b"x" * 5000)
    assert answers(large.data)[0].body == b"5000 bytes", "what a handler takes in pieces is its own business"
    stage.close()


def test_an_early_answer_that_takes_its_time(stage):
    """The body is no longer waited for, so it is not late; and a client that ends its side has as long as any."""
    serve(stage, head_received=lambda self, request: stage.later(request))
    silent = stage.says(ask(UPLOAD, "Content-Length: 5"), advance=120)
    done = stage.says(ask(UPLOAD, "Content-Length: 5", body="hello"))
    done.transport.write_eof()
    stage.reactor.advance(20)
    assert (silent.data, done.data) == (b"", b"")
    stage.futures[0].set_result("at last")
    stage.reactor.settle()
    assert answers(silent.data)[0].body == b"at last"
    stage.reactor.advance(20)
    assert stage.futures[1].cancelled()
    assert "connection_lost" in done.events
