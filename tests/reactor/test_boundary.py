"""The boundary to the program's code: whatever it raises, and wherever, harms one connection, one call, one record."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import socket
import ssl

import pytest

from reactor import BufferedProtocol, DatagramProtocol, Limits, LineProtocol, Protocol, ReconnectingClient
from reactor.boundary import ECHOES, LINES, MINUTE, Quota, log
from reactor.testing import MemoryReactor, Recorder
from tests.kit.tls import Peer, client_context, server_context

pytestmark = pytest.mark.loud


class Panic(BaseException):
    """As an extension module's."""


WORST = [Panic, asyncio.CancelledError, GeneratorExit, MemoryError]


@pytest.fixture
def errors(caplog):
    """The records above INFO so far, with the exceptions in them."""

    def read():
        return [record for record in caplog.records if record.levelno >= logging.WARNING]

    return read


class Echo(Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


def works(stage, listener):
    """Somebody else is served as before."""
    sock = stage.dial(listener)
    sock.sendall(b"hello")
    return stage.received(sock) == b"hello"


def raising(callback, error):
    """A class whose `callback` raises, and that asks for everything to be called."""

    class Raising(Echo):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.set_write_buffer_limits(1000)

    def fuse(self, *args):
        if callback == "connection_made":
            self.transport = args[0]
        raise error("index out of bounds")

    setattr(Raising, callback, fuse)
    return Raising


def provoke(stage, callback, sock):
    if callback == "data_received":
        sock.sendall(b"x")
    elif callback == "eof_received":
        sock.shutdown(socket.SHUT_WR)
    elif callback == "connection_lost":
        sock.close()
    stage.reactor.settle()


@pytest.mark.parametrize("error", WORST)
@pytest.mark.parametrize("callback", ["connection_made", "data_received", "eof_received", "connection_lost"])
def test_a_callback_that_raises_anything_ends_its_connection_alone(stage, errors, callback, error):
    bad = raising(callback, error)
    kinds = iter([bad])
    listener = stage.serve(lambda: next(kinds, Echo)())
    provoke(stage, callback, stage.dial(listener))
    (record,) = errors()
    assert record.exc_info[0] is error
    assert f"Raising.{callback}" in record.getMessage()
    assert not listener.connections
    assert works(stage, listener)


@pytest.mark.parametrize("callback", ["pause_writing", "resume_writing"])
def test_a_callback_of_pressure_that_raises_anything(stage, errors, callback):
    bad = raising(callback, Panic)()
    sock, transport = stage.connect(bad)
    stage.clog(transport) if callback == "pause_writing" else None
    if callback == "resume_writing":
        written = stage.clog(transport)
        while written and not transport.is_closing():
            try:
                written -= len(stage.received(sock))
            except OSError:
                break
    stage.reactor.settle()
    assert transport.is_closing()
    assert [record.exc_info[0] for record in errors()] == [Panic]


def test_a_buffer_that_raises_anything(stage, errors):
    class Buffered(BufferedProtocol):
        def get_buffer(self, sizehint):
            raise Panic

    listener = stage.serve(Buffered)
    stage.dial(listener).sendall(b"x")
    stage.reactor.settle()
    assert [record.exc_info[0] for record in errors()] == [Panic]
    assert not listener.connections


@pytest.mark.parametrize("name", ["get_buffer", "draining"])
def test_an_attribute_that_raises_is_one_that_is_not_there(stage, errors, name):
    class Odd(Echo):
        pass

    def look(self):
        raise Panic

    setattr(Odd, name, property(look))
    listener = stage.serve(Odd)
    assert works(stage, listener)
    stage.reactor.drain(1)
    stage.reactor.advance(2)
    assert {record.exc_info[0] for record in errors()} == {Panic}


@pytest.mark.parametrize("error", WORST)
def test_a_factory_that_raises_anything_costs_one_newcomer(stage, errors, error):
    kinds = iter([error])

    def factory():
        for kind in kinds:
            raise kind
        return Echo()

    listener = stage.serve(factory)
    stage.dial(listener)
    assert [record.exc_info[0] for record in errors()] == [error]
    assert works(stage, listener)


@pytest.mark.parametrize("tls", [False, True])
def test_a_connect_whose_factory_raises_anything_says_so(stage, tls):
    listener = stage.serve(Echo, **({"tls": server_context()} if tls else {}))

    def factory():
        raise Panic

    options = {"tls": client_context(), "server_hostname": "localhost"} if tls else {}
    future = stage.reactor.connect_tcp(factory, "127.0.0.1", listener.port, **options)
    with pytest.raises(Panic):
        stage.reactor.run_until(future, timeout=5)


def test_a_connect_whose_connection_made_raises_anything_is_done(stage, errors):
    listener = stage.serve(Echo)
    future = stage.reactor.connect_tcp(raising("connection_made", Panic), "127.0.0.1", listener.port)
    transport, _ = stage.reactor.run_until(future, timeout=5)
    assert transport.is_closing()
    assert [record.exc_info[0] for record in errors()] == [Panic]


def test_an_address_check_that_raises_anything_fails_its_connect(stage):
    def allow(address):
        raise Panic

    with pytest.raises(Panic):
        stage.reactor.run_until(stage.reactor.connect_tcp(Echo, "127.0.0.1", 9, allow=allow), timeout=5)


@pytest.mark.parametrize("exit", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("tls", [False, True])
def test_an_interrupt_in_connection_made_leaves_the_connection_ended_and_the_future_done(stage, exit, tls):
    listener = stage.serve(Echo, **({"tls": server_context()} if tls else {}))
    client = raising("connection_made", exit)
    options = {"tls": client_context(), "server_hostname": "localhost"} if tls else {}
    future = stage.reactor.connect_tcp(client, "127.0.0.1", listener.port, **options)
    with pytest.raises(exit):
        stage.reactor.run_until(future, timeout=5)
    stage.reactor.settle()
    assert future.done()
    assert future.exception(0) is not None
    assert [each for each in stage.reactor.connections() if each not in listener.connections] == []


def test_an_interrupt_in_the_connection_made_of_a_newcomer_ends_that_one(stage):
    kinds = iter([raising("connection_made", KeyboardInterrupt)])
    listener = stage.serve(lambda: next(kinds, Echo)())
    sock = socket.create_connection(("127.0.0.1", listener.port))
    with sock, pytest.raises(KeyboardInterrupt):
        stage.reactor.settle()
    stage.reactor.settle()
    assert not listener.connections
    assert works(stage, listener)


# -- calls ----------------------------------------------------------------------------------------------------------


def panic(*args):
    raise Panic


@pytest.mark.parametrize("error", WORST)
def test_calls_and_timers_that_raise_anything_are_logged_and_the_loop_goes_on(stage, errors, error):
    reactor, after = stage.reactor, []

    def bad(*args):
        raise error

    reactor.call_soon(bad)
    reactor.call_soon_threadsafe(bad)
    reactor.call_later(1, bad)
    reactor.call_later(1, after.append, "timer")
    reactor.call_soon(after.append, "call")
    reactor.advance(2)
    assert after == ["call", "timer"]
    assert [record.exc_info[0] for record in errors()] == [error] * 3


def test_a_series_that_raises_anything_goes_on(stage, errors):
    timer = stage.reactor.call_every(1, panic)
    stage.reactor.advance(3.5)
    timer.cancel()
    assert len(errors()) == 3


def test_a_watcher_that_raises_anything_is_removed(stage, errors):
    reading, writing = os.pipe()
    stage.reactor.add_reader(reading, panic)
    os.write(writing, b"x")
    stage.reactor.settle()
    assert not stage.reactor.remove_reader(reading)
    os.close(reading), os.close(writing)
    assert [record.exc_info[0] for record in errors()] == [Panic]


@pytest.mark.parametrize("already", [True, False])
def test_a_callback_of_a_future_that_raises_anything_keeps_none_from_the_others(stage, errors, already):
    told = []
    future = stage.reactor.promise()
    if already:
        future.set_result(1)
    future.add_done_callback(panic)
    future.add_done_callback(lambda done: told.append(done.result()))
    if not already:
        stage.reactor.call_soon(future.set_result, 1)
        stage.reactor.settle()
    assert told == [1]
    assert [record.exc_info[0] for record in errors()] == [Panic]


def test_what_a_client_is_told_of_a_retry_may_raise_anything(errors):
    reactor = MemoryReactor()

    def connect(factory):
        return reactor.connect_tcp(factory, "localhost", 9)  # nobody listens

    client = ReconnectingClient(reactor, connect, Echo, on_retry=panic)
    reactor.advance(5)
    client.stop()
    reactor.close()
    assert {record.exc_info[0] for record in errors()} == {Panic}


def test_a_callable_whose_name_raises_is_still_named(stage, errors):
    class Nameless:
        def __getattr__(self, name):
            raise Panic

        def __repr__(self):
            raise Panic

        def __call__(self):
            raise ZeroDivisionError

    stage.reactor.call_soon(Nameless())
    stage.reactor.call_later(1, Nameless())
    stage.reactor.dump()
    stage.reactor.advance(2)
    assert [record.exc_info[0] for record in errors()] == [ZeroDivisionError] * 2
    assert all("Nameless" in record.getMessage() for record in errors())


def test_a_datagram_that_raises_anything_costs_nobody_else(stage, errors):
    class Bad(DatagramProtocol):
        def datagram_received(self, data, addr):
            raise Panic

    transport = stage.reactor.open_udp(Bad, local=("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b"x", transport.get_extra_info("sockname"))
        stage.reactor.settle()
    assert not transport.is_closing()
    (record,) = errors()
    assert "Bad.datagram_received" in record.getMessage()


@pytest.mark.parametrize("method", ["do_handshake", "read", "write"])
def test_a_tls_session_of_the_program_s_that_raises_anything_ends_that_connection(stage, errors, method):
    class Session(ssl.SSLObject):
        pass

    context = server_context()
    context.sslobject_class = Session
    setattr(Session, method, panic)
    listener = stage.serve(Echo, tls=context)
    sock = stage.dial(listener)
    peer = Peer(stage, sock, client_context())
    try:
        if method != "do_handshake":
            peer.shake().say(b"hello")
    except OSError:
        pass  # it has ended
    stage.reactor.settle()
    assert not listener.connections
    assert [record.exc_info[0] for record in errors()] == [Panic]
    delattr(Session, method)
    other = Peer(stage, stage.dial(listener), client_context()).shake()
    other.say(b"hello")
    assert other.hear() == b"hello"


# -- the log --------------------------------------------------------------------------------------------------------


@pytest.fixture
def logger():
    logger = logging.getLogger("reactor")
    level, filters, handlers, propagate = logger.level, logger.filters[:], logger.handlers[:], logger.propagate
    logger.setLevel("INFO")
    yield logger
    logger.setLevel(level)
    logger.filters[:], logger.handlers[:], logger.propagate = filters, handlers, propagate


class Raising(logging.Handler):
    def emit(self, record):
        raise Panic


def broken_filter(logger):
    logger.addFilter(lambda record: record.args["user"] != "probe")


def broken_handler(logger):
    logger.addHandler(Raising())


@pytest.mark.parametrize("breaks", [broken_filter, broken_handler])
def test_a_log_that_raises_harms_nobody(stage, logger, breaks, capfd):
    breaks(logger)
    lost = []

    class Peer(Echo):
        def connection_lost(self, exc):
            lost.append(exc)

    listener = stage.serve(Peer, limits=Limits(per_peer=2, count_loopback=True))
    stage.reset(stage.dial(listener))
    sock = stage.dial(listener)
    stage.reactor.settle()
    assert isinstance(lost[0], ConnectionResetError)
    sock.sendall(b"hello")
    assert stage.received(sock) == b"hello"
    over = [stage.dial(listener) for _ in range(2)]  # the second is turned away
    assert stage.received(over[1]) == b""
    stage.reactor.call_soon(panic)
    stage.reactor.settle()
    assert "Error" in (said := capfd.readouterr().err) or "Panic" in said


def test_a_handler_that_causes_a_record_with_each_does_not_hold_the_loop(stage, logger, capfd):
    seen = []

    class Endless(logging.Handler):
        def emit(self, record):
            seen.append(record)
            log.info("and another one")

    logger.addHandler(Endless())
    log.info("the first")
    assert len(seen) == ECHOES
    assert "a log handler causes another record with each" in capfd.readouterr().err
    log.info("it is not silent for ever")
    assert len(seen) == 2 * ECHOES


@pytest.mark.parametrize("viewers", [1, 30])
def test_a_log_viewer_on_the_same_reactor_does_not_recurse(stage, logger, viewers):
    """Each viewer that is over its limit is ended, which is logged, which is written to the viewers."""
    seen, depth, deepest = [], [0], [0]

    class Viewer(Protocol):
        def connection_made(self, transport):
            self.transport = transport
            seen.append(transport)

    class ToViewers(logging.Handler):
        def emit(self, record):
            depth[0] += 1
            deepest[0] = max(deepest[0], depth[0])
            for transport in seen:
                transport.write(self.format(record).encode() + b"\n")
            depth[0] -= 1

    logger.propagate = False
    logger.addHandler(ToViewers())
    listener = stage.serve(Viewer, limits=Limits(output=100_000))
    for _ in range(viewers):
        stage.dial(listener, receive_buffer=4096)
    for transport in seen:
        stage.reactor.call_soon(transport.write, bytes(50_000))
    for _ in range(400):
        logging.getLogger("program").info("x")
        logger.info("x" * 10_000)
        stage.reactor.settle()
        if not listener.connections:
            break
    assert not listener.connections
    assert deepest[0] <= 2  # the program's own record, and within it none of ours


def test_the_record_of_a_loss_names_the_caller_of_the_log(stage, caplog):
    caplog.set_level("INFO", "reactor")
    listener = stage.serve(Recorder)
    stage.reset(stage.dial(listener))
    stage.reactor.settle()
    (record,) = [each for each in caplog.records if "lost" in each.getMessage()]
    assert record.filename == "connection.py"


# -- after each call of the program its state is looked at again ------------------------------------------------------


@pytest.mark.parametrize("does", ["abort", "close", "pause_reading", "set_protocol"])
def test_get_buffer_may_end_pause_or_hand_over(stage, does):
    told = []

    class Other(Recorder):
        pass

    other = Other(keep_open=True)

    class Full(BufferedProtocol):
        def connection_made(self, transport):
            self.transport, self.buffer = transport, bytearray(10)

        def get_buffer(self, sizehint):
            getattr(self.transport, does)(*([other] if does == "set_protocol" else []))
            return self.buffer

        def buffer_updated(self, count):
            told.append(count)

    listener = stage.serve(Full)
    sock = stage.dial(listener)
    sock.sendall(b"hello")
    stage.reactor.settle()
    assert told == []
    assert other.data == (b"hello" if does == "set_protocol" else b"")


@pytest.mark.parametrize("does", ["abort", "close", "pause_reading", "set_protocol"])
def test_get_buffer_may_do_so_when_something_is_given_back(stage, does):
    told, other = [], Recorder(keep_open=True)

    class Full(BufferedProtocol):
        def __init__(self, transport):
            self.transport, self.buffer = transport, bytearray(10)

        def get_buffer(self, sizehint):
            getattr(self.transport, does)(*([other] if does == "set_protocol" else []))
            return self.buffer

        def buffer_updated(self, count):
            told.append(count)

    class First(LineProtocol):
        def line_received(self, line):
            self.transport.set_protocol(Full(self.transport))

    sock = stage.dial(stage.serve(First))
    sock.sendall(b"first\nrest")
    stage.reactor.settle()
    stage.reactor.settle()
    assert told == []
    assert other.data == (b"rest" if does == "set_protocol" else b"")


# -- futures --------------------------------------------------------------------------------------------------------


def test_a_failed_future_that_nobody_asked_is_told_once(stage, errors):
    stage.reactor.run_in_thread(lambda: 1 / 0)
    while stage.reactor._jobs.pending:
        stage.reactor.settle()
    stage.reactor.settle()
    gc.collect()
    (record,) = errors()
    assert record.exc_info[0] is ZeroDivisionError
    assert "nobody asked" in record.getMessage()


def test_a_failed_connect_that_nobody_asked_is_told_once(errors):
    reactor = MemoryReactor()
    reactor.connect_tcp(Echo, "localhost", 9)
    reactor.settle()
    gc.collect()
    (record,) = errors()
    assert "refused" in record.getMessage()
    reactor.close()


def test_futures_that_were_asked_or_cancelled_or_ended_by_close_are_quiet(errors):
    reactor = MemoryReactor()
    asked = reactor.connect_tcp(Echo, "localhost", 9)
    listened = reactor.connect_tcp(Echo, "localhost", 9)
    listened.add_done_callback(lambda future: future.exception())
    cancelled = reactor.connect_tcp(Echo, "localhost", 9)
    cancelled.cancel()
    reactor.settle()
    assert asked.exception() is not None
    closed = reactor.promise()
    reactor.close()
    del asked, listened, cancelled, closed
    gc.collect()
    assert errors() == []


def test_in_debug_mode_a_failed_future_says_where_it_was_made(errors):
    reactor = MemoryReactor()
    reactor.close()
    os.environ["REACTOR_DEBUG"] = "1"
    try:
        reactor = MemoryReactor()
    finally:
        del os.environ["REACTOR_DEBUG"]
    reactor.connect_tcp(Echo, "localhost", 9)  # this line
    reactor.settle()
    gc.collect()
    assert "# this line" in errors()[0].getMessage()
    reactor.close()


def test_to_wait_for_a_future_on_the_loop_s_own_thread_is_refused_at_once(stage):
    future, raised = stage.reactor.promise(), []

    def wait():
        for ask in (future.result, future.exception, lambda: future.result(5)):
            try:
                ask()
            except RuntimeError as exc:
                raised.append(str(exc))
        stage.reactor.stop()

    stage.reactor.call_soon(wait)
    stage.reactor.run()
    assert len(raised) == 3
    assert "add_done_callback" in raised[0]
    with pytest.raises(TimeoutError):
        future.result(0)
    future.set_result(1)
    assert future.result() == 1


def test_another_thread_may_wait_for_a_future(stage):
    future = stage.reactor.promise()
    waiting = stage.reactor.run_in_thread(future.result)
    stage.reactor.call_soon(future.set_result, 7)
    assert stage.reactor.run_until(waiting) == 7


def test_a_bug_that_strangers_have_found_fills_no_log(stage, errors):
    """Of one: a hundred tracebacks a minute, and their number; another one has its own."""

    class Fragile(Echo):
        def data_received(self, data):
            if data == b"a":
                raise ValueError("a")
            raise ValueError("another line")

    listener = stage.reactor.listen_tcp(Fragile, "127.0.0.1", 0)

    def meet(data):
        sock = stage.dial(listener)
        sock.sendall(data)
        stage.reactor.settle()
        sock.close()

    for _ in range(LINES + 5):
        meet(b"a")
    assert len(errors()) == LINES
    assert all(record.exc_info for record in errors())
    assert errors()[0].filename == "connection.py", "a record says where it is from"
    meet(b"b")
    assert len(errors()) == LINES + 1, "one bug hides no other"
    log._quota._told = {kind: (began - MINUTE, count) for kind, (began, count) in log._quota._told.items()}
    meet(b"a")
    assert errors()[-1].getMessage().endswith(" (and 5 like it since)")


def test_the_test_kit_sees_each_bug_whatever_the_log_is_told():
    bugs = []
    log.catch(bugs)
    for number in range(LINES + 5):
        log.error("exception", exc_info=ValueError(number))
    log.catch(None)
    assert len(bugs) == LINES + 5


def test_of_what_strangers_cause_a_hundred_lines_a_minute_are_told():
    quota = Quota()
    said = [quota.ask("a kind", 5.0 + number / 10) for number in range(LINES + 50)]
    assert said == [""] * LINES + [None] * 50
    assert quota.ask("another kind", 30.0) == ""
    assert quota.ask("a kind", 65.0) == " (and 50 like it since)"
    assert quota.ask("a kind", 65.1) == ""
    again = [quota.ask("another kind", 90.0 + number / 10) for number in range(LINES + 1)]
    assert again == [""] * LINES + [None], "a minute later, and none of it was left untold"
