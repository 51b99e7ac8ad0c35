"""Outgoing connections over real sockets: refused, lost in a black hole, cancelled, side by side."""

from __future__ import annotations

import errno
import socket
import threading
import weakref
from concurrent.futures import CancelledError, Future

import pytest

from reactor import (
    ConnectError,
    ConnectionTimeout,
    ConnectRefused,
    ConnectTimeout,
    Reactor,
    ReactorClosed,
    ResolveError,
    Timeouts,
)
from reactor.endpoints.connector import interleave
from reactor.loop.kernel import default_poller
from reactor.testing import Recorder, SteppedReactor
from tests.kit.tls import client_context, server_context

V4, V6 = socket.AF_INET, socket.AF_INET6


class Echo(Recorder):
    def data_received(self, data):
        self.transport.write(data)


@pytest.fixture
def free_port():
    """A port on which nobody listens."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


@pytest.fixture
def black_hole(stage):
    """The address of a listener that answers nobody: its backlog is full, so the kernel drops every SYN."""
    listener = stage.own(socket.socket())
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    for _ in range(3):
        filler = stage.own(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(listener.getsockname())
    return listener.getsockname()


@pytest.fixture
def names(monkeypatch):
    """`names["host"] = [(family, address), ...]`: what the resolver finds, in this order and at once."""
    from reactor.endpoints import connector

    known = {}

    def resolve(loop, host, port, family=0):
        future = loop.promise()
        future.set_result(known[host])
        return future

    monkeypatch.setattr(connector, "resolve", resolve)
    return known


def test_a_connection_is_a_transport_and_its_protocol(stage):
    listener = stage.serve(Echo)
    protocol = Recorder()
    future = stage.reactor.connect_tcp(lambda: protocol, "127.0.0.1", listener.port)
    assert not future.done()
    transport, made = stage.reactor.run_until(future, timeout=5)
    assert made is protocol
    assert transport is protocol.transport
    assert transport.get_extra_info("peername") == ("127.0.0.1", listener.port)
    transport.write(b"hello")
    stage.reactor.settle()
    assert protocol.data == b"hello"
    assert stage.reactor.stats()["connections"] == 2


def test_connection_made_comes_before_the_future_is_done(stage):
    order = []

    class Noting(Recorder):
        def connection_made(self, transport):
            order.append("made")

    future = stage.reactor.connect_tcp(Noting, "127.0.0.1", stage.serve(Echo).port)
    future.add_done_callback(lambda _: order.append("done"))
    stage.reactor.settle()
    assert order == ["made", "done"]


def test_nobody_listens(stage, free_port):
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", free_port)
    with pytest.raises(ConnectRefused) as caught:
        stage.reactor.run_until(future, timeout=5)
    assert isinstance(caught.value, ConnectionRefusedError)
    assert caught.value.errno == errno.ECONNREFUSED
    assert str(caught.value) == f"cannot connect to 127.0.0.1:{free_port}: Connection refused"
    ((address, error),) = caught.value.attempts
    assert address == f"127.0.0.1:{free_port}"
    assert error.errno == errno.ECONNREFUSED
    assert stage.reactor.stats()["timers"] == 0


def test_an_address_that_is_not_allowed_is_never_connected_to(stage, names):
    good = stage.serve(Echo)
    bad = stage.serve(Echo)
    addresses = [("127.0.0.1", bad.port), ("127.0.0.1", good.port)]
    names["host"] = [(V4, address) for address in addresses]
    asked = []

    def allow(address):
        asked.append(address)
        if address[1] == bad.port:
            raise PermissionError(errno.EPERM, "not there")

    transport, _ = stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "host", 80, allow=allow), timeout=5)
    assert asked == addresses
    assert transport.get_extra_info("peername") == ("127.0.0.1", good.port)
    assert not bad.connections
    names["host"].pop()
    with pytest.raises(ConnectError, match=f"cannot connect to host:80: 127.0.0.1:{bad.port}: not there"):
        stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "host", 80, allow=allow), timeout=5)


def test_a_bug_in_allow_is_in_the_future(stage):
    def allow(address):
        raise KeyError("bug")

    with pytest.raises(KeyError):
        stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "127.0.0.1", 9, allow=allow), timeout=5)


def test_nobody_answers(stage, black_hole):
    future = stage.reactor.connect_tcp(Recorder, *black_hole, timeout=7)
    stage.reactor.advance(6.9)
    assert not future.done()
    stage.reactor.advance(0.1)
    error = future.exception(timeout=0)
    assert isinstance(error, ConnectTimeout)
    assert isinstance(error, ConnectionTimeout)
    assert isinstance(error, TimeoutError)
    assert f"127.0.0.1:{black_hole[1]} within 7 s" in str(error)
    assert stage.reactor.stats()["timers"] == 0


def test_nobody_answers_and_there_is_no_timeout(stage, black_hole):
    future = stage.reactor.connect_tcp(Recorder, *black_hole, timeout=None)
    stage.reactor.advance(1000)
    assert not future.done()
    stage.reactor.close()
    assert isinstance(future.exception(timeout=0), ReactorClosed)


def test_cancelling_on_the_loop(stage, black_hole):
    future = stage.reactor.connect_tcp(Recorder, *black_hole)
    stage.reactor.settle()
    assert future.cancel()
    stage.reactor.settle()
    assert stage.reactor.stats()["timers"] == 0
    with pytest.raises(CancelledError):
        stage.reactor.run_until(future)


def test_cancelling_from_another_thread(stage, black_hole):
    future = stage.reactor.connect_tcp(Recorder, *black_hole)
    thread = threading.Thread(target=future.cancel)
    thread.start()
    thread.join()
    stage.reactor.settle()
    assert future.cancelled()
    assert stage.reactor.stats()["timers"] == 0


def test_cancelled_just_before_it_stands_makes_no_protocol(stage):
    made = []
    future = stage.reactor.connect_tcp(lambda: made.append(1), "127.0.0.1", stage.serve(Echo).port)
    future.cancel()
    stage.reactor.settle()
    assert made == []
    assert stage.reactor.stats()["connections"] == 0


def test_cancelled_in_the_factory(stage):
    class Regrets(Recorder):
        pass

    def factory():
        future.cancel()
        protocols.append(Regrets())
        return protocols[-1]

    protocols = []
    future = stage.reactor.connect_tcp(factory, "127.0.0.1", stage.serve(Echo).port)
    stage.reactor.settle()
    for protocol in protocols:
        assert protocol.events in ([], ["connection_made", "connection_lost"], ["connection_made"])
        if protocol.events == ["connection_made"]:
            assert future.result(timeout=0)[1] is protocol


def test_an_established_connection_is_not_cancelled(stage):
    protocol = Recorder()
    future = stage.reactor.connect_tcp(lambda: protocol, "127.0.0.1", stage.serve(Echo).port)
    stage.reactor.settle()
    assert not future.cancel()
    stage.reactor.settle()
    assert protocol.events == ["connection_made"]


def test_a_raising_factory_is_in_the_future(stage):
    listener = stage.serve(Echo)
    future = stage.reactor.connect_tcp(lambda: 1 / 0, "127.0.0.1", listener.port)
    stage.reactor.settle()
    assert isinstance(future.exception(timeout=0), ZeroDivisionError)
    assert len(listener.connections) == 0
    assert stage.reactor.stats()["connections"] == 0


@pytest.mark.loud
def test_a_raising_connection_made_ends_that_connection(stage):
    class Bomb(Recorder):
        def connection_made(self, transport):
            raise ValueError

    protocol = Bomb()
    future = stage.reactor.connect_tcp(lambda: protocol, "127.0.0.1", stage.serve(Echo).port)
    stage.reactor.settle()
    assert isinstance(protocol.lost, ValueError)
    assert future.done()
    assert stage.reactor.stats()["connections"] == 0


def test_connecting_from_a_chosen_address(stage):
    listener = stage.serve(Echo)
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, local=("127.0.0.9", 0))
    stage.reactor.settle()
    assert future.result(timeout=0)[0].get_extra_info("sockname")[0] == "127.0.0.9"
    (accepted,) = listener.connections
    assert accepted.get_extra_info("peername")[0] == "127.0.0.9"


def test_connecting_from_an_address_that_is_not_ours(stage):
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", stage.serve(Echo).port, local=("192.0.2.1", 0))
    stage.reactor.settle()
    error = future.exception(timeout=0)
    assert isinstance(error, ConnectError)
    assert error.errno == errno.EADDRNOTAVAIL
    assert not isinstance(error, ConnectRefused)
    assert "cannot connect from 192.0.2.1:0: Cannot assign requested address" in str(error)


def test_connecting_from_an_address_of_another_family(stage, names):
    names["both"] = [(V6, ("::1", 80, 0, 0)), (V4, ("127.0.0.1", stage.serve(Echo).port))]
    future = stage.reactor.connect_tcp(Recorder, "both", 80, local=("127.0.0.1", 0))
    stage.reactor.settle()
    assert future.result(timeout=0)[0].get_extra_info("peername")[0] == "127.0.0.1"
    names["six"] = [(V6, ("::1", 80, 0, 0)), (V6, ("::2", 80, 0, 0))]
    future = stage.reactor.connect_tcp(Recorder, "six", 80, local=("127.0.0.1", 0))
    stage.reactor.settle()
    error = future.exception(timeout=0)
    text = "cannot be reached from 127.0.0.1:0, which is of another family"
    assert str(error) == f"cannot connect to six:80: [::1]:80: {text}; [::2]:80: {text}"
    assert error.errno == errno.EADDRNOTAVAIL


def test_connecting_again_from_the_same_port(stage, port):
    """The first connection is in TIME_WAIT by then."""
    local = ("127.0.0.1", port)
    for listener in (stage.serve(Echo), stage.serve(Echo)):
        future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, local=("", local[1]))
        stage.reactor.settle()
        transport, _ = future.result(timeout=0)
        assert transport.get_extra_info("sockname") == local
        transport.close()
        stage.reactor.settle()


@pytest.mark.parametrize(
    ("local", "kind"),
    [
        ("127.0.0.1", TypeError),
        (("127.0.0.1",), TypeError),
        (("127.0.0.1", "0"), TypeError),
        ((7, 0), TypeError),
        (("localhost", 0), ValueError),
        (("\udcff", 0), ValueError),
    ],
)
def test_what_is_no_address_to_connect_from_is_refused_at_once(stage, local, kind):
    with pytest.raises(kind, match=r"local|port"):
        stage.reactor.connect_tcp(Recorder, "127.0.0.1", 80, local=local)
    assert stage.reactor.stats()["timers"] == 0
    assert not stage.reactor._promises._open


def test_a_name_without_an_address(stage):
    future = stage.reactor.connect_tcp(Recorder, "a" * 70, 80)
    with pytest.raises(ResolveError, match="cannot resolve 'aaa"):
        future.result(timeout=5) if future.done() else stage.reactor.run_until(future)


def test_a_name_that_takes_too_long(stage, monkeypatch):
    from reactor.endpoints import resolver

    release = threading.Event()

    def slow(kernel, host, port, family, flags):
        if flags:
            raise ResolveError(1, "not a literal")
        release.wait(10)
        return [(V4, ("127.0.0.1", 1))]

    monkeypatch.setattr(resolver, "_lookup", slow)
    future = stage.reactor.connect_tcp(Recorder, "slow.example", 80, timeout=3)
    stage.reactor.advance(3)
    error = future.exception(timeout=0)
    release.set()
    assert isinstance(error, ConnectTimeout)
    assert str(error) == "no connection to slow.example:80 within 3 s: the name is not resolved yet"


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_a_port_out_of_range_is_refused_and_never_wrapped_around(stage, port):
    with pytest.raises((ValueError, OSError)) as caught:
        stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "127.0.0.1", port), timeout=5)
    assert str(port) in str(caught.value)
    assert not isinstance(caught.value, ConnectRefused)
    assert stage.reactor.stats()["timers"] == 0


@pytest.mark.parametrize("port", ["80", None, 80.0])
def test_a_port_that_is_no_number_is_refused_at_once(stage, port):
    with pytest.raises(TypeError, match="a port is a number, not"):
        stage.reactor.connect_tcp(Recorder, "127.0.0.1", port)
    with pytest.raises(TypeError, match="a port is a number, not"):
        stage.reactor.listen_tcp(Recorder, "127.0.0.1", port)


@pytest.mark.parametrize("host", [None, b"localhost", 7, ("127.0.0.1", 80)])
def test_a_host_that_is_no_text_is_refused_at_once(stage, host):
    with pytest.raises(TypeError, match="a host is a name or an address, not"):
        stage.reactor.connect_tcp(Recorder, host, 80)
    assert not stage.reactor._promises._open


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EADDRNOTAVAIL, errno.ENETUNREACH, errno.EACCES])
def test_an_attempt_that_fails_at_once(stage, monkeypatch, number):
    """EAGAIN too: TCP found no room in a table of the kernel, and does not go on."""
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: number)
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", 80)
    stage.reactor.settle()
    assert future.exception(timeout=0).errno == number
    assert stage.reactor.stats()["timers"] == 0


def test_a_poller_that_can_watch_no_more(stage, monkeypatch):
    listener = stage.serve(Echo)

    def refuse(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stage.reactor.poller, "register", refuse)
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port)
    error = future.exception(timeout=0)
    assert isinstance(error, ConnectError)
    assert error.errno == errno.ENOSPC


def test_a_socket_that_reached_itself_is_refused(stage, port):
    """Nobody listens, and the kernel gives the socket the very port it connects to."""
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", port, local=("127.0.0.1", port))
    stage.reactor.settle()
    assert isinstance(future.exception(timeout=0), ConnectRefused)


# -- several addresses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("families", "order"),
    [
        ([], []),
        ([V4, V4], [0, 1]),
        ([V6, V6, V4, V4], [0, 2, 1, 3]),
        ([V4, V6, V6, V6], [0, 1, 2, 3]),
        ([V6, V4, V6, V4, V4], [0, 1, 2, 3, 4]),
    ],
)
def test_the_families_take_turns(families, order):
    addresses = [(family, number) for number, family in enumerate(families)]
    assert [number for _, number in interleave(addresses)] == order


def test_the_second_address_is_tried_at_once_where_the_first_refuses(stage, names, free_port):
    listener = stage.serve(Echo)
    names["two"] = [(V4, ("127.0.0.1", free_port)), (V4, ("127.0.0.1", listener.port))]
    future = stage.reactor.connect_tcp(Recorder, "two", 80)
    before = stage.reactor.time()
    stage.reactor.settle()
    assert future.result(timeout=0)[0].get_extra_info("peername")[1] == listener.port
    assert stage.reactor.time() == before


def test_the_second_address_is_tried_beside_a_silent_first(stage, names, black_hole):
    listener = stage.serve(Echo)
    names["two"] = [(V4, black_hole), (V4, ("127.0.0.1", listener.port))]
    future = stage.reactor.connect_tcp(Recorder, "two", 80)
    stage.reactor.advance(0.24)
    assert not future.done()
    assert stage.reactor.stats()["accepted"] == 0
    stage.reactor.advance(0.02)
    assert future.result(timeout=0)[0].get_extra_info("peername")[1] == listener.port
    assert stage.reactor.stats()["timers"] == 0


def test_all_that_fail_are_listed(stage, names, free_port):
    names["three"] = [(V4, (f"127.0.0.{host}", free_port)) for host in (1, 2, 3)]
    future = stage.reactor.connect_tcp(Recorder, "three", 80)
    stage.reactor.settle()
    error = future.exception(timeout=0)
    assert isinstance(error, ConnectRefused)
    assert [address for address, _ in error.attempts] == [f"127.0.0.{host}:{free_port}" for host in (1, 2, 3)]


def test_different_failures_are_no_refusal(stage, names, free_port):
    names["two"] = [(V4, ("127.0.0.1", free_port)), (V4, ("255.255.255.255", 80))]
    future = stage.reactor.connect_tcp(Recorder, "two", 80)
    stage.reactor.settle()
    error = future.exception(timeout=0)
    assert type(error) is ConnectError
    assert len(error.attempts) == 2


def test_a_timeout_lists_all_attempts_as_well(stage, names, free_port, black_hole):
    names["three"] = [(V4, ("127.0.0.1", free_port)), (V4, black_hole), (V4, black_hole), (V4, ("127.0.0.9", 9))]
    future = stage.reactor.connect_tcp(Recorder, "three", 80, timeout=0.3)
    stage.reactor.advance(0.3)
    error = future.exception(timeout=0)
    hole = f"127.0.0.1:{black_hole[1]}"
    reasons = (
        f"127.0.0.1:{free_port}: Connection refused; {hole}: no answer; {hole}: no answer; 127.0.0.9:9: not tried yet"
    )
    assert str(error) == f"no connection to three:80 within 0.3 s: {reasons}"
    assert len(error.attempts) == 4


def test_the_stagger_ends_with_the_connection(stage, names):
    listener = stage.serve(Echo)
    names["many"] = [(V4, ("127.0.0.1", listener.port))] * 4
    future = stage.reactor.connect_tcp(Recorder, "many", 80)
    stage.reactor.advance(10)
    assert future.done()
    assert stage.reactor.stats()["accepted"] == 1


class Holding:
    """A poller that may be told to keep what it has seen for later, so that much comes in one batch."""

    def __init__(self):
        self.poller = default_poller()
        self.register, self.unregister = self.poller.register, self.poller.unregister
        self.modify, self.close, self.tell = self.poller.modify, self.poller.close, self.poller.tell
        self.holding = False

    def poll(self, timeout):
        return [] if self.holding else self.poller.poll(timeout)


@pytest.fixture
def one_batch(names):
    """`one_batch(factory, ports, **options)`: all attempts are under way and their outcomes come in one poll."""
    holding = Holding()
    reactor = SteppedReactor(holding)

    def connect(factory, ports, **options):
        names["several"] = [(V4, ("127.0.0.1", port)) for port in ports]
        holding.holding = True
        future = reactor.connect_tcp(factory, "several", 80, **options)
        reactor.advance(len(ports) * 0.25)
        holding.holding = False
        return future

    connect.reactor, connect.holding = reactor, holding
    yield connect
    reactor.close()


@pytest.mark.parametrize("count", [2, 4])
def test_several_addresses_answer_in_one_batch(one_batch, count):
    made = []

    def factory():
        made.append(Recorder())
        return made[-1]

    listener = one_batch.reactor.listen_tcp(Echo, "127.0.0.1", 0)
    future = one_batch(factory, [listener.port] * count)
    assert not future.done()
    one_batch.reactor.settle()
    assert len(made) == 1
    assert future.result(timeout=0)[1] is made[0]
    assert len(listener.connections) == 1
    assert one_batch.reactor.stats()["timers"] == 0
    assert made[0].events == ["connection_made"]


@pytest.mark.parametrize("refused_first", [False, True])
def test_one_answers_and_one_refuses_in_one_batch(one_batch, free_port, refused_first):
    listener = one_batch.reactor.listen_tcp(Echo, "127.0.0.1", 0)
    ports = [listener.port, free_port]
    future = one_batch(Recorder, ports[::-1] if refused_first else ports)
    one_batch.reactor.settle()
    assert future.result(timeout=0)[0].get_extra_info("peername")[1] == listener.port


def test_a_timeout_and_an_answer_in_one_tick(one_batch):
    made = []
    listener = one_batch.reactor.listen_tcp(Echo, "127.0.0.1", 0)
    future = one_batch(lambda: made.append(1) or Recorder(), [listener.port], timeout=1)
    one_batch.reactor._fake.advance(2)
    one_batch.reactor.settle()
    assert future.done()
    assert len(made) == (future.exception() is None)
    assert len(listener.connections) == len(made)


@pytest.mark.loud
def test_a_raising_factory_in_a_batch_of_answers_is_asked_once(one_batch):
    asked = []

    def factory():
        asked.append(1)
        raise ValueError

    listener = one_batch.reactor.listen_tcp(Echo, "127.0.0.1", 0)
    future = one_batch(factory, [listener.port] * 2)
    one_batch.reactor.settle()
    assert isinstance(future.exception(timeout=0), ValueError)
    assert asked == [1]


# -- nothing is held ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_gc")
def test_an_ended_client_is_released_at_once(stage):
    listener = stage.serve(Recorder)
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port)
    stage.reactor.settle()
    transport, protocol = future.result()
    references = weakref.ref(transport), weakref.ref(protocol)
    transport.close()
    stage.reactor.settle()
    assert protocol.events[-1] == "connection_lost"
    del transport, protocol, future
    assert [reference() for reference in references] == [None, None]


def test_closing_the_reactor_while_connecting(stage, black_hole, free_port):
    futures = [stage.reactor.connect_tcp(Recorder, *black_hole) for _ in range(3)]
    futures.append(stage.reactor.connect_tcp(Recorder, "127.0.0.1", free_port))
    stage.reactor.close()
    for future in futures:
        assert future.done()


def test_the_connect_timeout_of_timeouts_counts_as_well(stage, monkeypatch):
    """The lesser of `timeout` and `timeouts.connect`: here a name that is never resolved."""
    monkeypatch.setattr("reactor.endpoints.connector.resolve", lambda *_: Future())
    future = stage.reactor.connect_tcp(Recorder, "host.invalid", 80, timeouts=Timeouts(connect=2))
    stage.reactor.advance(1.9)
    assert not future.done()
    stage.reactor.advance(0.2)
    assert isinstance(future.exception(), ConnectTimeout)


NEAR = 20  # connections to a server that answers at once: four of five were cut


def test_a_server_that_shakes_hands_while_the_transport_is_being_started():
    """As one on the same machine may: the connection is given to who asked for it, and not taken for one too many."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = server_context()

    def serve():
        for _ in range(NEAR):
            sock, _ = listener.accept()
            with context.wrap_socket(sock, server_side=True) as secure:
                while data := secure.recv(100):
                    secure.sendall(data)

    class Asker(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.close()

        def connection_lost(self, exc):
            super().connection_lost(exc)
            reactor.stop()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    host, port = listener.getsockname()
    with Reactor() as reactor, listener:
        for _ in range(NEAR):
            connecting = reactor.connect_tcp(Asker, host, port, tls=client_context(), server_hostname="localhost")
            transport, asker = reactor.run_until(connecting, timeout=10)
            transport.write(b"hello")
            reactor.run()
            assert asker.data == b"hello"
    thread.join(10)
