"""A connection that is made again. The real reactor and real sockets; time is moved."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import weakref
from concurrent.futures import Future

import pytest

from reactor import (
    ConnectError,
    ConnectRefused,
    ConnectTimeout,
    ReactorClosed,
    ReactorError,
    ReconnectingClient,
    ResolveError,
)
from reactor.testing import Recorder
from tests.kit.tls import client_context, server_context


class Server:
    """A port that is open or not."""

    def __init__(self, stage, port):
        self.stage = stage
        self.listener = None
        self.port = port

    def up(self):
        self.listener = self.stage.reactor.listen_tcp(Recorder, "127.0.0.1", self.port)

    def down(self):
        self.listener.abort()

    def hang_up(self):
        for transport in self.listener.connections:
            transport.close()
        self.stage.reactor.settle()


@pytest.fixture
def server(stage, port):
    return Server(stage, port)


@pytest.fixture
def keep(stage, server):
    """`keep(**options)`: a client that keeps a connection to `server`, and always draws the longest delay."""

    def keep(factory=Recorder, **options):
        options.setdefault("random", lambda: 1.0)
        return ReconnectingClient(stage.reactor, connect, factory, **options)

    def connect(factory):
        keep.times.append(stage.reactor.time() - start)
        return stage.reactor.connect_tcp(factory, "127.0.0.1", server.port, timeout=5)

    start = stage.reactor.time()
    keep.times = []  # of the attempts
    return keep


def rounded(numbers):
    return [round(number, 3) for number in numbers]


def test_a_server_that_is_there(stage, server, keep):
    server.up()
    client = keep()
    assert client.transport is None
    assert client.protocol is None
    stage.reactor.settle()
    assert client.protocol.events == ["connection_made"]
    assert client.protocol.transport is client.transport
    assert not client.finished.done()
    stage.reactor.advance(1000)
    assert keep.times == [0]


def test_a_server_that_comes_later(stage, server, keep):
    client = keep()
    stage.reactor.advance(10)
    server.up()
    stage.reactor.advance(10)
    assert client.protocol.events == ["connection_made"]
    assert len(server.listener.connections) == 1


def test_the_interval_doubles_up_to_the_most(stage, keep):
    keep()
    stage.reactor.advance(300)
    assert rounded(keep.times) == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_own_bounds(stage, keep):
    keep(initial_delay=10, max_delay=25)
    stage.reactor.advance(100)
    assert rounded(keep.times) == [0, 10, 30, 55, 80]


def test_the_most_is_never_passed(stage, keep):
    keep(max_delay=0.25)
    stage.reactor.advance(1)
    assert rounded(keep.times) == [0, 0.25, 0.5, 0.75, 1]


def test_a_delay_is_drawn_from_the_whole_interval(stage, keep):
    """Full jitter: random between 0 and min(cap, base * 2 ** attempt)."""
    fractions = iter([0.5, 0.0, 0.25, 1.0])
    keep(random=lambda: next(fractions, 1.0))
    stage.reactor.advance(10)
    assert rounded(keep.times) == [0, 0.5, 0.5, 1.5, 9.5]


def test_the_random_source_of_the_system_is_one(stage, server):
    delays = []
    client = ReconnectingClient(
        stage.reactor,
        lambda factory: stage.reactor.connect_tcp(factory, "127.0.0.1", server.port),
        Recorder,
        on_retry=lambda error, delay: delays.append(delay),
        max_delay=1,
    )
    stage.reactor.advance(20)
    client.stop()
    assert len(set(delays)) == len(delays) > 10
    assert all(0 <= delay < 1 for delay in delays)


def test_years_without_a_server(stage, keep):
    client = keep(initial_delay=1e-3, max_delay=1e-3)
    client._connect = lambda factory: failed(OSError("no"))
    stage.reactor.advance(1.5)
    assert client.attempts > 1100  # two to the power of which is no float


def failed(error):
    future = Future()
    future.set_exception(error)
    return future


def test_a_connection_that_is_lost_is_made_again(stage, server, keep):
    protocols = []

    def factory():
        protocols.append(Recorder())
        return protocols[-1]

    server.up()
    client = keep(factory)
    stage.reactor.settle()
    server.hang_up()
    assert protocols[0].events[-1] == "connection_lost"
    assert client.transport is None
    stage.reactor.advance(1)
    assert client.protocol is protocols[1]
    assert rounded(keep.times) == [0, 1]


def test_a_connection_that_we_abort_is_made_again_as_well(stage, server, keep):
    server.up()
    client = keep()
    stage.reactor.settle()
    client.transport.abort()
    stage.reactor.advance(1)
    assert client.protocol.events == ["connection_made"]
    assert len(server.listener.connections) == 1


def test_one_that_hangs_up_at_once_is_called_more_and_more_seldom(stage, server, keep):
    """To have connected proves nothing."""
    server.up()
    keep(lambda: Closing())
    stage.reactor.advance(40)
    assert rounded(keep.times) == [0, 1, 3, 7, 15, 31]


class Closing(Recorder):
    def connection_made(self, transport):
        transport.abort()


def test_a_connection_that_has_lasted_sets_the_delay_back(stage, server, keep):
    stage.reactor.call_later(20, server.up)
    client = keep()
    stage.reactor.advance(31)
    assert client.attempts == 6
    stage.reactor.advance(60)
    server.hang_up()
    assert client.attempts == 0
    stage.reactor.advance(1)
    assert rounded(keep.times)[-2:] == [31, 92]


def test_a_connection_that_has_not_lasted_does_not(stage, server, keep):
    stage.reactor.call_later(20, server.up)
    client = keep()
    stage.reactor.advance(31)
    stage.reactor.advance(59)
    server.hang_up()
    assert client.attempts == 6
    stage.reactor.advance(31)
    assert rounded(keep.times)[-1] == 31
    stage.reactor.advance(1)
    assert rounded(keep.times)[-1] == 122


def test_the_protocol_may_change(stage, server, keep):
    """Whoever the protocol is at the end, the end is noticed."""
    server.up()
    client = keep()
    stage.reactor.settle()
    other = Recorder()
    client.transport.set_protocol(other)
    assert client.protocol is other
    server.hang_up()
    assert other.events[-1] == "connection_lost"
    stage.reactor.advance(1)
    assert client.protocol is not other


def test_retries_are_told(stage, server, keep, caplog):
    told = []
    client = keep(on_retry=lambda error, delay: told.append((error, delay)))
    stage.reactor.settle()
    ((error, delay),) = told
    assert isinstance(error, ConnectRefused)
    assert delay == 1
    assert f"{error}; next attempt in 1.0 s" in caplog.text
    server.up()
    stage.reactor.advance(1)
    assert client.transport is not None
    server.hang_up()
    assert told[1:] == [(None, 2)]
    assert f"the connection to 127.0.0.1:{server.port} is lost; next attempt in 2.0 s" in caplog.text


@pytest.mark.loud
def test_a_raising_on_retry_harms_nothing(stage, server, keep, caplog):
    client = keep(on_retry=lambda error, delay: 1 / 0)
    stage.reactor.settle()
    server.up()
    stage.reactor.advance(1)
    assert client.transport is not None
    assert "ZeroDivisionError" in caplog.text


# -- ending ------------------------------------------------------------------------------------------------------


def test_stopping_closes_the_connection(stage, server, keep):
    server.up()
    client = keep()
    stage.reactor.settle()
    protocol = client.protocol
    protocol.transport.write(b"goodbye")
    client.stop()
    client.stop()
    assert not client.finished.done()
    stage.reactor.settle()
    assert protocol.events[-1] == "connection_lost"
    assert client.finished.result(timeout=0) is None
    stage.reactor.advance(1000)
    assert keep.times == [0]
    assert stage.reactor.stats()["timers"] == 0


def test_stopping_while_waiting(stage, keep):
    client = keep()
    stage.reactor.settle()
    client.stop()
    assert client.finished.result(timeout=0) is None
    assert stage.reactor.stats()["timers"] == 0
    assert "finished" in repr(client)
    client.stop()


def test_stopping_while_connecting(stage, server, keep):
    server.up()
    client = keep()
    client.stop()
    assert client.finished.result(timeout=0) is None
    stage.reactor.settle()
    assert stage.reactor.stats()["timers"] == stage.reactor.stats()["connections"] == 0


@pytest.mark.parametrize("where", ["factory", "connection_made", "connection_lost", "on_retry"])
def test_stopping_in_a_callback(stage, server, keep, where):
    class Stopping(Recorder):
        def __init__(self):
            super().__init__()
            self.stop_in("factory")

        def stop_in(self, place):
            if place == where:
                client.stop()

        def connection_made(self, transport):
            self.stop_in("connection_made")

        def connection_lost(self, exc):
            self.stop_in("connection_lost")

    server.up()
    client = keep(Stopping, on_retry=lambda *_: client.stop() if where == "on_retry" else None)
    stage.reactor.settle()
    assert client.finished.done() == (where in ("factory", "connection_made"))
    server.hang_up()
    assert client.finished.result(timeout=0) is None
    stage.reactor.advance(100)
    assert keep.times == [0]
    assert stage.reactor.stats()["connections"] == stage.reactor.stats()["timers"] == 0


@pytest.mark.parametrize("state", ["waiting", "connecting", "connected"])
def test_a_drain_stops_it(stage, server, keep, state):
    if state != "waiting":
        server.up()
    client = keep()
    if state != "connecting":
        stage.reactor.settle()
    stage.reactor.run_until(stage.reactor.drain(), timeout=1)
    assert client.finished.result(timeout=0) is None
    stage.reactor.advance(1000)
    assert keep.times == [0]


def test_a_drain_leaves_its_protocol_the_time_it_asks_for(stage, server, keep):
    class Finishing(Recorder):
        def draining(self, grace):
            self.events.append("draining")
            stage.reactor.call_later(2, self.transport.close)
            return True

    server.up()
    server.listener._factory = Finishing
    client = keep(Finishing)
    stage.reactor.settle()
    protocol = client.protocol
    drain = stage.reactor.drain(5)
    assert client.transport is not None
    stage.reactor.advance(1)
    assert protocol.events == ["connection_made", "draining"]
    stage.reactor.advance(2)
    assert drain.result(timeout=0).cut == []
    assert client.finished.done()


@pytest.mark.parametrize("state", ["waiting", "connecting", "connected"])
def test_the_end_of_the_reactor_stops_it(stage, server, keep, state):
    if state != "waiting":
        server.up()
    client = keep()
    if state != "connecting":
        stage.reactor.settle()
    stage.reactor.close()
    assert client.finished.result(timeout=0) is None
    assert client.transport is None


def test_a_closed_reactor(stage, keep):
    stage.reactor.close()
    with pytest.raises(ReactorClosed):
        keep()


@pytest.mark.usefixtures("no_gc")
def test_nothing_is_held_afterwards(stage, server, keep):
    server.up()
    client = keep()
    stage.reactor.settle()
    references = [weakref.ref(each) for each in (client, client.transport, client.protocol)]
    client.stop()
    stage.reactor.settle()
    del client
    assert [reference() for reference in references] == [None, None, None]


# -- giving up ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        ConnectError("host:1", [("host:1", OSError(errno.EHOSTUNREACH, "No route to host"))]),
        ConnectTimeout("no connection"),
        ResolveError(socket.EAI_AGAIN, "cannot resolve"),
        ssl.SSLCertVerificationError(1, "certificate has expired"),
        OSError(errno.EMFILE, "Too many open files"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_network_does_may_heal(stage, server, keep, error):
    outcomes = [failed(error)]
    real = keep(max_attempts=1)
    real.stop()
    server.up()

    def connect(factory):
        return outcomes.pop() if outcomes else stage.reactor.connect_tcp(factory, "127.0.0.1", server.port)

    client = ReconnectingClient(stage.reactor, connect, Recorder)
    stage.reactor.advance(1)
    assert client.transport is not None


@pytest.mark.loud
@pytest.mark.parametrize("error", [ValueError("bug"), FileNotFoundError(2, "no configuration")])
def test_a_raising_factory_does_not_heal(stage, server, keep, caplog, error):
    def factory():
        raise error

    server.up()
    client = keep(factory)
    stage.reactor.advance(100)
    assert client.finished.exception(timeout=0) is error
    assert keep.times == [0]
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.exc_info[1] is error
    assert stage.reactor._inventory.keepers == {}


def test_a_connect_that_raises_does_so_where_the_client_is_made(stage):
    with pytest.raises(TypeError):
        ReconnectingClient(stage.reactor, lambda: None, Recorder)
    with pytest.raises(ValueError, match="port"):
        ReconnectingClient(stage.reactor, lambda f: stage.reactor.connect_tcp(f, "127.0.0.1", 0), Recorder)
    assert stage.reactor._inventory.keepers == {}
    assert not stage.reactor._promises._open


@pytest.mark.loud
def test_a_connect_that_raises_later_does_not_heal(stage, caplog):
    outcomes = [failed(OSError("no"))]
    client = ReconnectingClient(stage.reactor, lambda factory: outcomes.pop(), Recorder)
    stage.reactor.advance(100)
    assert isinstance(client.finished.exception(timeout=0), IndexError)
    assert "IndexError" in caplog.text


@pytest.mark.loud
def test_after_so_many_attempts_it_gives_up(stage, keep, caplog):
    client = keep(max_attempts=3)
    stage.reactor.advance(100)
    assert rounded(keep.times) == [0, 1, 3]
    assert isinstance(client.finished.exception(timeout=0), ConnectRefused)
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "no more attempts to connect: cannot connect to 127.0.0.1" in record.getMessage()
    assert not record.exc_info
    assert stage.reactor.stats()["timers"] == 0


@pytest.mark.loud
def test_connections_that_do_not_last_are_attempts_that_failed(stage, server, keep):
    server.up()
    client = keep(Closing, max_attempts=3)
    stage.reactor.advance(100)
    assert rounded(keep.times) == [0, 1, 3]
    error = client.finished.exception(timeout=0)
    assert isinstance(error, ReactorError)
    assert "3 connections in a row were lost within 60.0 s" in str(error)


def test_a_stable_connection_gives_all_attempts_back(stage, server, keep):
    server.up()
    client = keep(max_attempts=1)
    for _ in range(5):
        stage.reactor.advance(61)
        server.hang_up()
        assert not client.finished.done()
    stage.reactor.advance(1)
    assert client.transport is not None


@pytest.mark.loud
def test_an_attempt_that_somebody_else_cancels_ends_it(stage, server):
    attempts = []

    def connect(factory):
        attempts.append(stage.reactor.connect_tcp(factory, "127.0.0.1", server.port))
        return attempts[-1]

    client = ReconnectingClient(stage.reactor, connect, Recorder)
    attempts[0].cancel()
    stage.reactor.settle()
    assert client.finished.done()
    assert len(attempts) == 1


@pytest.mark.parametrize(
    "wrong", [{"initial_delay": 0}, {"max_delay": -1}, {"stable_after": float("nan")}, {"max_attempts": 0}]
)
def test_bounds_that_make_no_sense_are_refused(keep, wrong):
    with pytest.raises(ValueError, match="must be"):
        keep(**wrong)
    assert keep.times == []


def test_what_it_does_is_in_its_repr(stage, server, keep):
    client = keep()
    assert "connecting, attempt 1" in repr(client)
    stage.reactor.settle()
    assert "next attempt in 1.0 s" in repr(client)
    server.up()
    stage.reactor.advance(1)
    assert "OPEN" in repr(client)


def test_over_a_unix_socket(stage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def connect(factory):
        return stage.reactor.connect_unix(factory, "door")

    client = ReconnectingClient(stage.reactor, connect, Recorder, random=lambda: 0.1)
    stage.reactor.advance(5)
    for _ in range(2):
        listener = stage.reactor.listen_unix(Recorder, "door")
        stage.reactor.advance(20)
        assert client.protocol.events == ["connection_made"]
        listener.abort()
        stage.reactor.settle()
        assert client.transport is None


def test_over_tls(stage, server):
    """A certificate that does not fit may be replaced by one that does."""

    def connect(factory):
        return stage.reactor.connect_tcp(factory, "localhost", server.port, family=socket.AF_INET, tls=context)

    context, told = client_context(), []
    client = ReconnectingClient(stage.reactor, connect, Recorder, on_retry=lambda error, delay: told.append(error))
    wrong = stage.reactor.listen_tcp(Recorder, "127.0.0.1", server.port, tls=server_context("expired"))
    while not told:
        stage.reactor.advance(0.1)
    assert isinstance(told[0], ssl.SSLCertVerificationError)
    assert client.transport is None
    wrong.abort()
    right = stage.reactor.listen_tcp(Recorder, "127.0.0.1", server.port, tls=server_context())
    while client.transport is None:
        stage.reactor.advance(1)
    client.protocol.transport.write(b"hello")
    stage.reactor.settle()
    (accepted,) = right.connections
    assert accepted.get_protocol().data == b"hello"
    right.abort()
    stage.reactor.settle()
    assert client.transport is None
    client.stop()
    assert client.finished.done()


def test_stopping_in_the_middle_of_a_handshake(stage, server):
    def connect(factory):
        return stage.reactor.connect_tcp(factory, "127.0.0.1", server.port, tls=client_context())

    server.up()  # it never answers
    client = ReconnectingClient(stage.reactor, connect, Recorder)
    stage.reactor.settle()
    assert len(server.listener.connections) == 1
    client.stop()
    stage.reactor.settle()
    assert client.finished.result(timeout=0) is None
    assert stage.reactor.stats()["connections"] == 0
