"""The mistakes of a first program: each speaks at once, names the class that has it, and says what to do."""

from __future__ import annotations

import gc
import logging
import threading

import pytest

from protocols.websocket import WebSocket
from reactor import (
    LengthPrefixedProtocol,
    Limits,
    LineProtocol,
    NetstringProtocol,
    Promise,
    Protocol,
    Reactor,
    Timeouts,
)
from reactor.testing import MemoryReactor, Recorder

pytestmark = pytest.mark.loud

FRAMERS = [
    (LineProtocol, "line_received", "send_line", b"hello\n"),
    (NetstringProtocol, "string_received", "send_string", b"5:hello,"),
    (LengthPrefixedProtocol, "message_received", "send_message", b"\0\0\0\5hello"),
]


@pytest.fixture
def reactor():
    with MemoryReactor() as reactor:
        yield reactor


def hear(reactor, factory, data=b""):
    """What a client hears that says `data`; the server is made by `factory`."""
    reactor.listen_tcp(factory, "localhost", 7)
    transport, client = reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))
    transport.write(data)
    reactor.settle()
    return client


def said(caplog):
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    return f"{record.getMessage()}: {record.exc_info[1]}"


@pytest.mark.parametrize(("kind", "received", "send", "data"), FRAMERS)
def test_a_framer_that_keeps_no_transport(reactor, caplog, kind, received, send, data):
    class ScoreBoard(kind):
        def connection_made(self, transport):
            self.greeted = True  # and no super().connection_made(transport)

    setattr(ScoreBoard, received, lambda self, frame: None)
    hear(reactor, ScoreBoard, data)
    assert "ScoreBoard.connection_made does not call super().connection_made(transport)" in said(caplog)


@pytest.mark.parametrize(("kind", "received", "send", "data"), FRAMERS)
def test_a_framer_that_keeps_no_transport_and_sends(reactor, caplog, kind, received, send, data):
    class ScoreBoard(kind):
        def connection_made(self, transport):
            getattr(self, send)(b"welcome")

    setattr(ScoreBoard, received, lambda self, frame: None)
    hear(reactor, ScoreBoard)
    assert "ScoreBoard.connection_made does not call super" in said(caplog)


@pytest.mark.parametrize(("kind", "received", "send", "data"), FRAMERS)
@pytest.mark.parametrize("twisted", [True, False])
def test_a_framer_whose_frames_would_go_nowhere(reactor, caplog, kind, received, send, data, twisted):
    class ScoreBoard(kind):
        pass

    first, second = received.split("_")
    misspelt = first + second.capitalize()
    if twisted:
        setattr(ScoreBoard, misspelt, lambda self, frame: None)
    hear(reactor, ScoreBoard, data)
    text = said(caplog)
    assert f"ScoreBoard defines no {received}" in text
    assert (f"it has {misspelt}" in text) == twisted


@pytest.mark.parametrize(("kind", "received", "send", "data"), FRAMERS)
def test_a_callback_that_is_set_on_the_object_counts(reactor, kind, received, send, data):
    got = []

    def factory():
        framer = kind()
        setattr(framer, received, got.append)
        return framer

    hear(reactor, factory, data)
    assert got == [b"hello"]


def test_lines_that_come_together_are_lines(reactor):
    got = []

    class Batch(LineProtocol):
        def lines_received(self, lines):
            got.extend(lines)

    hear(reactor, Batch, b"one\ntwo\n")
    assert got == [b"one", b"two"]


@pytest.mark.parametrize(("kind", "received", "send", "data"), FRAMERS)
@pytest.mark.parametrize("wrong", ["text", None, 7])
def test_what_is_sent_is_bytes(reactor, caplog, kind, received, send, data, wrong):
    class ScoreBoard(kind):
        def connection_made(self, transport):
            super().connection_made(transport)
            getattr(self, send)(wrong)

    setattr(ScoreBoard, received, lambda self, frame: None)
    hear(reactor, ScoreBoard)
    text = said(caplog)
    assert f"{send}() takes bytes, bytearray or memoryview, not {type(wrong).__name__}" in text
    assert "ScoreBoard.connection_made" in text


@pytest.mark.parametrize(("kind", "received", "send", "data"), FRAMERS)
@pytest.mark.parametrize("kind_of_bytes", [bytes, bytearray, memoryview])
def test_bytes_of_every_kind_are_sent(reactor, kind, received, send, data, kind_of_bytes):
    class ScoreBoard(kind):
        def connection_made(self, transport):
            super().connection_made(transport)
            getattr(self, send)(kind_of_bytes(b"hello"))

    setattr(ScoreBoard, received, lambda self, frame: None)
    assert hear(reactor, ScoreBoard).data == data


def test_a_line_with_a_line_end_inside_is_refused(reactor, caplog):
    class ScoreBoard(LineProtocol):
        def line_received(self, line):
            self.send_line(b"two\nlines")

    hear(reactor, ScoreBoard, b"x\n")
    assert "a line cannot have a line end inside: send_line(b'two\\nlines')" in said(caplog)


@pytest.mark.parametrize("wrong", [None, 7, "print"])
def test_a_timer_of_what_cannot_be_called(reactor, wrong):
    for arm in (reactor.call_later, reactor.call_at, reactor.call_every):
        with pytest.raises(TypeError, match="a timer calls a function"):
            arm(1, wrong)


def test_an_exception_names_the_class_and_the_callback(reactor, caplog):
    class ScoreBoard(LineProtocol):
        def line_received(self, line):
            raise KeyError("score")

    hear(reactor, ScoreBoard, b"x\n")
    assert "ScoreBoard.data_received" in said(caplog)


@pytest.mark.parametrize("given", [None, "5", [1]])
@pytest.mark.parametrize(
    ("verb", "call"),
    [
        ("call_later()", lambda reactor, given: reactor.call_later(given, print)),
        ("call_at()", lambda reactor, given: reactor.call_at(given, print)),
        ("call_every()", lambda reactor, given: reactor.call_every(given, print)),
        ("reset()", lambda reactor, given: reactor.call_later(1, print).reset(given)),
    ],
)
def test_a_time_is_a_number(reactor, verb, call, given):
    with pytest.raises(TypeError) as refused:
        call(reactor, given)
    assert str(refused.value) == f"{verb} takes seconds, not {given!r}"


@pytest.mark.parametrize("ask", ["result", "exception"])
def test_a_future_that_was_asked_too_early_has_been_asked(caplog, ask):
    future = Promise(lambda: "add_done_callback")  # of a loop that runs in this thread
    with pytest.raises(RuntimeError, match="add_done_callback"):
        getattr(future, ask)()
    future.set_exception(OSError("no such thing"))
    del future
    gc.collect()
    assert not caplog.records


def test_a_future_is_waited_for_before_anybody_runs_the_loop():
    with Reactor(watchdog=0) as reactor:
        future = reactor.run_in_thread(int)  # a thread of the reactor's own, which runs no loop
        with pytest.raises(RuntimeError, match=r"nobody runs its loop: use reactor\.run_until\(future\)"):
            future.result(timeout=60)
        assert reactor.run_until(future) == 0


def test_another_thread_may_be_about_to_run_it():
    with Reactor(watchdog=0) as reactor:
        future, go = reactor.promise(), threading.Event()

        def work():
            go.wait(60)
            reactor.call_soon(future.set_result, "done")
            reactor.run_until(future)

        thread = threading.Thread(target=work)
        thread.start()
        reactor_thread_may_begin = threading.Timer(0.05, go.set)
        reactor_thread_may_begin.start()
        assert future.result(timeout=60) == "done"
        thread.join(), reactor_thread_may_begin.join()


@pytest.mark.parametrize(("kind", "field"), [(Timeouts, "close"), (Limits, "output_soft_seconds")])
def test_bounds_are_given_by_name(kind, field):
    with pytest.raises(TypeError) as refused:
        kind(300)
    assert str(refused.value).startswith(
        f"{kind.__name__}(300): say which by its name, {kind.__name__}({field}=...). It has "
    )


@pytest.mark.parametrize("debug", [False, True])
def test_a_server_that_never_ran_is_told_so(caplog, debug):
    with Reactor(debug=debug) as reactor:
        port = reactor.listen_tcp(Protocol, "127.0.0.1", 0).port
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "run() was never called" in record.getMessage()
    assert debug or str(port) in record.getMessage()


def test_one_that_ran_or_failed_is_not(caplog):
    with Reactor() as reactor:
        reactor.listen_tcp(Protocol, "127.0.0.1", 0)
        reactor.call_soon(reactor.stop)
        reactor.run()
    with Reactor():
        pass
    reactor = Reactor()
    reactor.listen_tcp(Protocol, "127.0.0.1", 0)
    reactor.__exit__(KeyError, KeyError(), None)  # what the program says then is louder
    assert not caplog.records


def test_a_callback_that_nobody_awaits_is_refused_with_its_class():
    with pytest.raises(TypeError, match=r"Hasty.line_received is a coroutine, which nobody awaits.*reactor\.aio"):

        class Hasty(LineProtocol):
            async def line_received(self, line):
                pass

    class Patient(LineProtocol):
        async def answer(self, line):
            """Of its own: a task."""

        def line_received(self, line):
            pass


@pytest.mark.parametrize(
    ("base", "name", "meant"),
    [
        (Protocol, "dataReceived", "data_received"),
        (Protocol, "conection_made", "connection_made"),
        (LineProtocol, "line_recieved", "line_received"),
        (WebSocket, "text_recieved", "text_received"),
        (WebSocket, "binary_recived", "binary_received"),
    ],
)
def test_a_misspelt_callback_is_refused_with_its_class(base, name, meant):
    with pytest.raises(TypeError, match=f"Odd.{name} is never called: the name is {meant}"):
        type("Odd", (base,), {name: lambda self: None, "__qualname__": "Odd"})
    type("Both", (base,), {name: lambda self: None, meant: lambda self: None})
    type("Other", (base,), {"received_text": lambda self: None, "lost_connection": lambda self: None})


@pytest.mark.loud
@pytest.mark.parametrize("verb", ["call_soon", "call_soon_threadsafe", "call_later", "call_every"])
def test_a_coroutine_that_is_called_is_told_so(verb, caplog):
    async def hasty():
        pass

    with MemoryReactor() as reactor:
        delay = () if "soon" in verb else (1,)
        getattr(reactor, verb)(*delay, hasty)
        reactor.advance(1.5)
    (record,) = [each for each in caplog.records if each.levelno >= logging.WARNING]
    assert "hasty" in record.getMessage()
    assert "it is a coroutine, which nobody awaits" in str(record.exc_info[1])
