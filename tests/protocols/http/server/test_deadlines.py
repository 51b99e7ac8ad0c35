"""Nobody holds a connection for longer than its state allows, whatever is sent in between; time is moved."""

from __future__ import annotations

import pytest

from protocols.http.server import TIMEOUTS, Bounds
from protocols.http.server.limits import LOOK, STALLED

from .kit import Stage, answers, has_ended
from .rows import CHUNKED, GET, PLAIN, POST, ask

BOUNDS = Bounds()
BODY = ask(POST, "Content-Length: 100000")


def drip(stage, client, data, seconds, every=1.0):
    """A byte now and then, for as long as that takes or the server bears it."""
    sent = 0
    for at in range(int(seconds / every)):
        client.write(data[at % len(data) : at % len(data) + 1])
        sent += 1
        stage.reactor.advance(every)
        if has_ended(client):
            break
    return sent * every


def test_who_connects_and_says_nothing(stage):
    client = stage.dial()
    stage.reactor.advance(BOUNDS.first_byte - 2 * LOOK)
    assert not has_ended(client)
    stage.reactor.advance(2 * LOOK)
    assert has_ended(client)
    assert client.data == b""


def test_a_head_that_drips(stage):
    """It is the whole head that has ten seconds: a byte now and then does not renew them (CVE-2007-6750)."""
    client = stage.dial()
    assert BOUNDS.head - LOOK <= drip(stage, client, ask(GET, "X: " + "y" * 100), 60) <= BOUNDS.head
    assert [answer.status for answer in answers(client.data)] == [408]
    assert has_ended(client)


def test_a_head_that_drips_behind_an_answer(stage):
    client = stage.says(PLAIN + PLAIN[:10])
    drip(stage, client, b"x", 60)
    assert [answer.status for answer in answers(client.data)] == [200, 408]


def test_a_slow_head_that_is_in_time(stage):
    client = stage.dial()
    for at in range(0, len(PLAIN), 8):
        client.write(PLAIN[at : at + 8])
        stage.reactor.advance(1.0)
    assert [answer.status for answer in answers(client.data)] == [200]


def test_a_kept_connection_that_is_idle(stage):
    client = stage.says(PLAIN, advance=BOUNDS.idle - 2 * LOOK)
    assert not has_ended(client)
    client.write(PLAIN)
    stage.reactor.advance(BOUNDS.idle - 2 * LOOK)
    assert not has_ended(client)
    stage.reactor.advance(2 * LOOK)
    assert has_ended(client)
    assert [answer.status for answer in answers(client.data)] == [200, 200]


@pytest.mark.parametrize("request_", [BODY, ask("POST /count HTTP/1.1", CHUNKED)], ids=["whole", "upload"])
def test_a_body_that_stalls(stage, request_):
    client = stage.says(request_, b"7000\r\n" + bytes(20_000))
    stage.reactor.advance(BOUNDS.body_gap - 2 * LOOK)
    assert not has_ended(client)
    stage.reactor.advance(2 * LOOK)
    assert [answer.status for answer in answers(client.data)] == [408]
    assert has_ended(client)
    assert all(isinstance(upload.lost, TimeoutError) for upload in stage.reactor.uploads)


def test_a_body_that_drips(stage):
    """A byte a second is never a gap, and is under every rate."""
    client = stage.says(BODY)
    assert BOUNDS.body_start - LOOK <= drip(stage, client, b"x", 60) <= BOUNDS.body_start + LOOK
    assert [answer.status for answer in answers(client.data)] == [408]


def test_a_slow_body_that_is_fast_enough(stage):
    client = stage.says(BODY)
    for _ in range(100):
        client.write(bytes(1000))
        stage.reactor.advance(1.0)
    assert [(answer.status, len(answer.body)) for answer in answers(client.data)] == [(200, 100_000)]


def test_the_time_in_which_the_handler_holds_the_body_back_is_not_the_clients(stage):
    client = stage.says(ask("POST /count HTTP/1.1", "Content-Length: 3"), b"a")
    (upload,) = stage.reactor.uploads
    upload.request.pause()
    client.write(b"bc")
    stage.reactor.advance(10 * BOUNDS.body_gap)
    assert not has_ended(client)
    assert upload.size == 1
    upload.request.resume()
    stage.reactor.settle()
    assert answers(client.data)[0].body == b"3 bytes"


def test_a_refused_body_that_does_not_come(stage):
    client = stage.says(ask("POST /none HTTP/1.1", "Content-Length: 10"), b"a")
    assert [answer.status for answer in answers(client.data)] == [404]
    assert not has_ended(client)
    stage.reactor.advance(BOUNDS.body_gap)
    assert has_ended(client)


def test_a_handler_may_take_its_time(stage):
    client = stage.says(ask("GET /later HTTP/1.1"), advance=3600)
    stage.futures[0].set_result("at last")
    stage.reactor.settle()
    assert answers(client.data)[0].body == b"at last"


def test_who_half_closes_and_vanishes(stage):
    """It could be `nc -N`, which waits, or a browser's closed tab: nothing that is sent tells which."""
    client = stage.says(ask("GET /later HTTP/1.1"))
    client.transport.write_eof()
    stage.reactor.advance(BOUNDS.half_closed + LOOK)
    assert stage.futures[0].cancelled()
    assert not stage.listener.connections


def test_a_client_that_takes_nothing(stage):
    """It has asked for 3 MiB and reads none of it."""
    client = stage.dial()
    client.transport.pause_reading()
    client.write(ask("GET /large HTTP/1.1"))
    stage.reactor.settle()
    assert len(stage.listener.connections) == 1
    stage.reactor.advance(TIMEOUTS.write * 1.1)
    assert not stage.listener.connections


def test_a_client_that_takes_an_answer_slowly_gets_all_of_it(stage):
    """With `Connection: close` too: a close that began at once would cut it off after `Timeouts.close`."""
    stage.site.route("GET", "/piece", lambda request: bytes(900_000))  # written at once, all of it
    for path, size in (("/large", 3 << 20), ("/piece", 900_000)):
        client = stage.dial()
        client.transport.pause_reading()
        client.write(ask(f"GET {path} HTTP/1.1", "Connection: close"))
        for _ in range(100):
            stage.reactor.advance(2.0)
            client.transport.resume_reading()
            stage.reactor._tick()  # one read
            client.transport.pause_reading()
        client.transport.resume_reading()
        stage.reactor.settle()
        (answer,) = answers(client.data)
        assert len(answer.body) == size
        assert has_ended(client)


def test_nobody_pays_for_them(stage):
    """Sixty of each bad kind, and one who is served all the while."""
    others = [stage.dial() for _ in range(60)]
    others += [stage.says(BODY) for _ in range(60)]
    drippers = [stage.dial() for _ in range(60)]
    for second in range(31):
        for dripper in drippers:
            if not has_ended(dripper):
                dripper.write(b"GET /x HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyy"[second : second + 1] or b"y")
        stage.reactor.advance(1.0)
        good = stage.says(PLAIN)
        assert answers(good.data)[0].status == 200
        good.transport.abort()
    assert all(map(has_ended, others + drippers))


def test_looks_end_with_the_last_connection(stage):
    client = stage.says(PLAIN)
    client.transport.close()
    stage.reactor.advance(5)
    assert not [timer for timer in stage.reactor.timers.armed.values() if timer.name == "Server._look"]


@pytest.mark.parametrize("bounds", [{"head": -1}, {"idle": float("nan")}, {"max_body": "1"}])
def test_bounds_that_are_none(bounds):
    with pytest.raises(ValueError, match="Bounds"):
        Bounds(**bounds)


def test_other_bounds():
    stage = Stage(head=3.0, max_body=4)
    assert answers(stage.says(PLAIN[:5], advance=3).data)[0].status == 408
    assert answers(stage.says(ask(POST, "Content-Length: 5", body="hello")).data)[0].status == 413
    stage.close()


def test_who_gives_way_where_places_run_out(stage):
    """Who has not asked anything goes first, then who has been answered; never who waits for an answer."""
    waiting = stage.says(ask("GET /later HTTP/1.1"))
    kept, silent, dripping = stage.says(PLAIN), stage.dial(), stage.says(PLAIN[:10])
    kept_dripping = stage.says(PLAIN + PLAIN[:10])
    kinds = [connection.giving_way() for connection in stage.site._connections]
    assert kinds == [0, 1, 2, 2, 1]
    assert not any(has_ended(client) for client in (waiting, kept, silent, dripping, kept_dripping))


@pytest.mark.parametrize("request_", [BODY, ask("POST /count HTTP/1.1", CHUNKED), ask(GET, "Content-Length: 9")])
def test_who_does_not_go_on_with_a_body_gives_way(stage, request_):
    """The last of these is answered already, and its body dropped."""
    client = stage.says(request_, b"7\r\n")
    (connection,) = stage.site._connections
    stage.reactor.advance(STALLED - LOOK)
    assert connection.giving_way() == 0
    stage.reactor.advance(2 * LOOK)
    assert connection.giving_way() == 1
    if "Content-Length: 9" not in str(request_):
        client.write(bytes(20_000))
        stage.reactor.advance(LOOK)
        assert connection.giving_way() == 0


def test_who_is_held_back_by_the_handler_does_not_give_way(stage):
    stage.says(ask("POST /count HTTP/1.1", "Content-Length: 3"), b"a")
    stage.reactor.uploads[0].request.pause()
    stage.reactor.advance(3 * STALLED)
    (connection,) = stage.site._connections
    assert connection.giving_way() == 0
