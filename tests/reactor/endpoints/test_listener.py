"""Listening, and the contract of a connection, point 7: counts, and running out of descriptors. Over real TCP."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import sys
import threading

import pytest

from reactor import Limits, ListenError, Reactor
from reactor.endpoints.listener import ACCEPT_BUDGET
from reactor.sockets.addresses import peer_key, show
from reactor.testing import MemoryReactor, Recorder


class Echo(Recorder):
    def data_received(self, data):
        self.transport.write(data)


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def call(stage, address, data=b"hello"):
    """A new client's dialogue."""
    with socket.create_connection(address[:2], timeout=10) as peer:
        peer.sendall(data)
        return stage.received(peer)


# -- addresses ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_listening_on_one_address(stage, host):
    listener = stage.reactor.listen_tcp(Echo, host, 0)
    (address,) = listener.addresses
    assert address[:2] == (host, listener.port)
    assert listener.port > 0
    assert call(stage, address) == b"hello"
    assert show(address) in repr(listener)


@needs_ipv6
@pytest.mark.parametrize("host", [None, ""])
def test_every_interface_is_both_families_on_one_port(stage, host):
    listener = stage.reactor.listen_tcp(Echo, host, 0)
    assert {address[0] for address in listener.addresses} == {"0.0.0.0", "::"}
    assert {address[1] for address in listener.addresses} == {listener.port}
    for local in ("127.0.0.1", "::1"):
        assert call(stage, (local, listener.port)) == b"hello"


def test_every_interface_draws_again_where_a_port_is_free_in_one_family_only(stage, monkeypatch):
    from reactor.sockets import listening

    real, failures = listening._listen_on, [3]

    def unlucky(family, address, *args):
        if address[1] and failures[0]:
            failures[0] -= 1
            raise OSError(errno.EADDRINUSE, "taken")
        return real(family, address, *args)

    monkeypatch.setattr(listening, "_listen_on", unlucky)
    listener = stage.reactor.listen_tcp(Echo, None, 0)
    assert failures == [0]
    assert len({address[1] for address in listener.addresses}) == 1


def test_every_interface_with_no_port_free_in_both_families(stage, monkeypatch):
    from reactor.sockets import listening

    real = listening._listen_on

    def taken(family, address, *args):
        if address[1]:
            raise OSError(errno.EADDRINUSE, "taken")
        return real(family, address, *args)

    monkeypatch.setattr(listening, "_listen_on", taken)
    monkeypatch.setattr(listening, "_addresses", lambda *_: [(socket.AF_INET, ("127.0.0.1", 0))] * 2)
    with pytest.raises(ListenError, match="no port is free"):
        stage.reactor.listen_tcp(Echo, None, 0)


def test_every_interface_makes_do_without_ipv6(stage, monkeypatch):
    from reactor.sockets import listening

    real = listening._listen_on

    def no_ipv6(family, *args):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no such family")
        return real(family, *args)

    monkeypatch.setattr(listening, "_listen_on", no_ipv6)
    listener = stage.reactor.listen_tcp(Echo, None, 0)
    assert [address[0] for address in listener.addresses] == ["0.0.0.0"]


def test_a_name_is_looked_up(stage):
    listener = stage.reactor.listen_tcp(Echo, "localhost", 0)
    assert all(address[0] in {"127.0.0.1", "::1"} for address in listener.addresses)
    assert call(stage, listener.addresses[0]) == b"hello"


def test_a_port_in_use_is_named_in_the_error(stage):
    taken = stage.serve(Echo)
    with pytest.raises(ListenError, match=rf"cannot listen on 127\.0\.0\.1:{taken.port}: ") as caught:
        stage.reactor.listen_tcp(Echo, "127.0.0.1", taken.port)
    assert caught.value.errno == errno.EADDRINUSE
    assert isinstance(caught.value, OSError)


@pytest.mark.parametrize("host", ["no.such.host.invalid", "a" * 70 + ".b", "192.0.2.1"])
def test_an_address_that_is_not_ours_is_named_in_the_error(stage, host):
    with pytest.raises(ListenError, match=host[:70]):
        stage.reactor.listen_tcp(Echo, host, 0)


@pytest.mark.parametrize("port", [-1, 65536, 70000])
@pytest.mark.parametrize("host", ["127.0.0.1", None])
def test_a_port_out_of_range_is_a_listen_error(stage, host, port):
    with pytest.raises(ListenError, match=str(port)):
        stage.reactor.listen_tcp(Echo, host, port)


@pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="no SO_REUSEPORT here")
def test_reuse_port_shares_a_port(stage):
    first = stage.serve(Echo, reuse_port=True)
    second = stage.reactor.listen_tcp(Echo, "127.0.0.1", first.port, reuse_port=True)
    assert second.port == first.port
    with pytest.raises(ListenError):
        stage.reactor.listen_tcp(Echo, "127.0.0.1", first.port)


def test_a_port_can_be_had_again_at_once(stage):
    listener = stage.serve(Echo)
    peer = stage.dial(listener)
    (transport,) = listener.connections
    listener.close()
    transport.close()
    peer.close()
    stage.reactor.settle()
    again = stage.reactor.listen_tcp(Echo, "127.0.0.1", listener.port)
    assert call(stage, again.addresses[0]) == b"hello"


def test_an_adopted_socket_is_served_and_closed(stage):
    sock = socket.create_server(("127.0.0.1", 0))
    listener = stage.reactor.listen_socket(Echo, sock)
    assert listener.addresses == [sock.getsockname()]
    assert call(stage, listener.addresses[0]) == b"hello"
    listener.close()
    assert sock.fileno() == -1


def test_a_socket_that_cannot_be_listened_on_is_refused(stage):
    with (
        socket.socket(type=socket.SOCK_DGRAM) as sock,
        pytest.raises(ValueError, match="not a stream socket"),
    ):
        stage.reactor.listen_socket(Echo, sock)


def test_accepted_connections_are_tuned(stage):
    _, transport = stage.connect(Recorder())
    sock = transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert not sock.getblocking()


# -- life --------------------------------------------------------------------------------------------------------


def test_closing_a_listener_leaves_its_connections(stage):
    listener = stage.serve(Echo)
    peer = stage.dial(listener)
    listener.close()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(listener.addresses[0])
    peer.sendall(b"still here")
    assert stage.received(peer) == b"still here"
    assert "closed 1 connections" in repr(listener)
    assert stage.reactor.stats()["listeners"] == 1
    peer.close()
    stage.reactor.settle()
    assert stage.reactor.stats()["listeners"] == 0


def test_a_listener_that_was_closed_without_connections_is_forgotten(stage):
    listener = stage.serve(Echo)
    assert stage.reactor.stats()["listeners"] == 1
    listener.close()
    assert stage.reactor.stats()["listeners"] == 0


def test_connections_are_counted(stage):
    listener = stage.serve(Echo)
    assert len(listener.connections) == 0
    peers = [stage.dial(listener) for _ in range(3)]
    assert len(listener.connections) == 3
    assert stage.reactor.stats()["connections"] == 3
    assert stage.reactor.stats()["accepted"] == 3
    for transport in listener.connections:
        assert transport in listener.connections
    peers[0].close()
    stage.reset(peers[1])
    assert len(listener.connections) == 1


def test_a_listener_closed_by_its_own_factory_serves_that_one(stage):
    protocols = []

    def only_one():
        listener.close()
        protocols.append(Echo())
        return protocols[-1]

    listener = stage.serve(only_one)
    late = stage.own(socket.create_connection(listener.addresses[0]))
    peer = stage.dial(listener)
    stage.reactor.settle()
    assert len(protocols) == 1
    first = late if protocols[0].transport.get_extra_info("peername") == late.getsockname() else peer
    first.sendall(b"hello")
    assert stage.received(first) == b"hello"
    assert stage.reactor.stats()["connections"] == 1
    stage.reactor.close()
    assert protocols[0].events[-1] == "connection_lost"


@pytest.mark.loud
def test_a_listener_closed_by_a_factory_that_raises_is_forgotten(stage):
    def factory():
        listener.close()
        raise ValueError

    listener = stage.serve(factory)
    stage.dial(listener)
    assert stage.reactor.stats()["listeners"] == 0


def test_a_listener_closed_while_newcomers_wait_in_the_same_batch(stage):
    """Two listeners are ready in one poll; the first to be served closes both."""
    listeners = []

    def factory():
        for listener in listeners:
            listener.close()
        return Echo()

    listeners += [stage.serve(factory), stage.serve(factory)]
    peers = [stage.own(socket.create_connection(listener.addresses[0])) for listener in listeners]
    stage.reactor.settle()
    assert stage.reactor.stats()["accepted"] == 1
    assert len(peers) == 2


def test_a_flood_of_newcomers_does_not_starve_the_seated(stage):
    listener = stage.serve(Echo)
    peer = stage.dial(listener)
    crowd = [stage.own(socket.create_connection(listener.addresses[0])) for _ in range(150)]
    peer.sendall(b"me too")
    stage.reactor._tick()
    assert stage.reactor.stats()["accepted"] == 1 + 64
    peer.settimeout(1)
    assert peer.recv(10) == b"me too"
    stage.reactor.settle()
    assert stage.reactor.stats()["accepted"] == 1 + len(crowd)


def test_a_newcomer_that_the_network_took_back_is_skipped(stage, caplog):
    class Unlucky(socket.socket):
        errors = iter([errno.ECONNABORTED, errno.EPERM, errno.ENETDOWN])

        def accept(self):
            for error in self.errors:
                raise OSError(error, "taken back")
            return super().accept()

    sock = Unlucky()
    sock.bind(("127.0.0.1", 0))
    listener = stage.reactor.listen_socket(Echo, sock)
    assert call(stage, listener.addresses[0]) == b"hello"
    assert list(sock.errors) == []
    assert warnings(caplog) == []


# -- limits ------------------------------------------------------------------------------------------------------


def test_at_the_limit_newcomers_wait_in_the_backlog(stage):
    listener = stage.serve(Echo, limits=Limits(connections=2))
    first, second, third = (stage.dial(listener) for _ in range(3))
    third.sendall(b"may I?")
    stage.reactor.settle()
    assert len(listener.connections) == 2
    assert "paused" in repr(listener)
    before = stage.reactor.stats()["ticks"]
    stage.reactor.settle()
    assert stage.reactor.stats()["ticks"] == before + 1  # who waits costs nothing
    first.close()
    assert stage.received(third) == b"may I?"
    assert len(listener.connections) == 2
    second.close()
    stage.reactor.settle()
    assert "accepting" in repr(listener)


def test_a_limit_of_nobody_seats_nobody(stage):
    listener = stage.serve(Echo, limits=Limits(connections=0))
    stage.dial(listener)
    assert len(listener.connections) == 0


def test_a_crowd_beyond_the_limit_in_one_batch(stage):
    listener = stage.serve(Echo, limits=Limits(connections=3))
    crowd = [stage.own(socket.create_connection(listener.addresses[0])) for _ in range(10)]
    for served in range(len(crowd)):
        stage.reactor.settle()
        assert len(listener.connections) == min(3, 10 - served)
        next(iter(listener.connections)).abort()
    stage.reactor.settle()
    assert stage.reactor.stats()["accepted"] == 10


def test_over_the_limit_for_one_address_the_newcomer_is_turned_away(stage, caplog):
    listener = stage.serve(Echo, limits=Limits(per_peer=2, count_loopback=True))
    first, _second, third = (stage.dial(listener) for _ in range(3))
    assert third.recv(1) == b""
    assert len(listener.connections) == 2
    assert len([record for record in caplog.records if "turned away" in record.getMessage()]) == 1
    assert warnings(caplog) == []
    elsewhere = stage.own(socket.socket())
    elsewhere.bind(("127.0.0.2", 0))
    elsewhere.connect(listener.addresses[0])
    elsewhere.sendall(b"another address")
    assert stage.received(elsewhere) == b"another address"
    first.close()
    stage.reactor.settle()
    assert call(stage, listener.addresses[0]) == b"hello"
    elsewhere.close()
    stage.reactor.settle()
    assert set(listener._peers.held) == {"127.0.0.1"}  # who is gone takes no memory


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_proxy_on_this_machine_is_everybody_and_not_cut_off(host):
    with MemoryReactor() as reactor:
        listener = reactor.listen_tcp(Echo, host, 80, limits=Limits(per_peer=1))
        for _ in range(5):
            reactor.run_until(reactor.connect_tcp(Recorder, host, 80))
        assert len(listener.connections) == 5


def test_to_whom_a_refusal_is_asked_loopback_is_counted(stage):
    held = []
    limits = Limits(per_peer=1, refuse=lambda peername, count: held.append(count))
    listener = stage.serve(Echo, limits=limits)
    socks = [stage.dial(listener) for _ in range(3)]
    assert held == [0, 1, 2]
    assert len(socks) == len(listener.connections)


@pytest.mark.loud
def test_a_failed_factory_gives_its_seat_back(stage):
    fail = [True]

    def factory():
        if fail[0]:
            raise ValueError
        return Echo()

    listener = stage.serve(factory, limits=Limits(per_peer=1, count_loopback=True, connections=1))
    for _ in range(3):
        stage.dial(listener)
    fail[0] = False
    assert call(stage, listener.addresses[0]) == b"hello"


@pytest.mark.loud
def test_a_factory_that_makes_nothing_gives_its_seat_back(stage):
    made = [None, None, None]
    listener = stage.serve(lambda: made.pop() if made else Echo(), limits=Limits(per_peer=1, count_loopback=True))
    for _ in range(3):
        stage.dial(listener)
    assert call(stage, listener.addresses[0]) == b"hello"


@pytest.mark.parametrize(
    ("address", "key"),
    [
        (("192.0.2.1", 5), "192.0.2.1"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::/64"),
        (("2001:db8::ffff:1:2:3", 5, 0, 0), "2001:db8::/64"),
        (("2001:db8:0:1::1", 5, 0, 0), "2001:db8:0:1::/64"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::/64"),
        ("", ""),
    ],
)
def test_whose_an_address_is(address, key):
    assert peer_key(address) == key


@pytest.mark.parametrize(
    ("address", "text"),
    [
        (("192.0.2.1", 80), "192.0.2.1:80"),
        (("::1", 80, 0, 0), "[::1]:80"),
        ("/run/x.sock", "/run/x.sock"),
        (b"\0abstract", "@abstract"),
        ("", "unnamed"),
    ],
)
def test_how_an_address_is_written(address, text):
    assert show(address) == text


# -- 7: out of descriptors ---------------------------------------------------------------------------------------


class Exhausted(socket.socket):
    """A listening socket in a process that may be out of descriptors."""

    error: int | None = errno.EMFILE
    spare: int | None = None  # with this many more it is out of them
    refusals = 0
    patience = 10

    def accept(self):
        error = errno.EMFILE if self.spare == 0 else self.error  # the kernel takes a number before it looks who waits
        if error is not None:
            self.refusals += 1
            if self.refusals > self.patience:
                raise KeyboardInterrupt("the loop spins on accept")
            raise OSError(error, os.strerror(error))
        newcomer = super().accept()
        if self.spare is not None:
            self.spare -= 1
        return newcomer


@pytest.fixture
def exhausted():
    sock = Exhausted()  # the listener closes it
    sock.bind(("127.0.0.1", 0))
    return sock


@pytest.mark.loud
@pytest.mark.parametrize("error", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EIO, 4321], ids=str)
def test_out_of_descriptors_accepting_pauses_and_resumes_by_itself(stage, caplog, exhausted, error):
    exhausted.error = None
    listener = stage.reactor.listen_socket(Echo, exhausted)
    seated = stage.dial(listener)
    exhausted.error = error
    waiting = stage.dial(listener)
    waiting.sendall(b"let me in")
    stage.reactor.settle()
    assert exhausted.refusals == 1
    assert len(warnings(caplog)) == 1
    assert show(listener.addresses[0]) in warnings(caplog)[0]
    assert os.strerror(error) in warnings(caplog)[0]

    stage.reactor.advance(5)  # tried again now and then, and said only once
    assert 2 <= exhausted.refusals <= 6
    assert len(warnings(caplog)) == 1
    seated.sendall(b"still here")
    assert stage.received(seated) == b"still here"

    exhausted.error = None
    stage.reactor.advance(1)
    assert stage.received(waiting) == b"let me in"


@pytest.mark.loud
def test_each_shortage_is_said_once(stage, caplog, exhausted):
    listener = stage.reactor.listen_socket(Echo, exhausted)
    for shortages in (1, 2):
        exhausted.error, exhausted.refusals = errno.EMFILE, 0
        stage.dial(listener)
        stage.reactor.advance(3)
        assert len(warnings(caplog)) == shortages
        exhausted.error = None
        stage.reactor.advance(1)
        assert len(listener.connections) == shortages


@pytest.mark.loud
def test_a_leaving_connection_resumes_accepting_at_once(stage, exhausted):
    exhausted.error = None
    listener = stage.reactor.listen_socket(Echo, exhausted)
    leaving = stage.dial(listener)
    exhausted.error = errno.EMFILE
    waiting = stage.dial(listener)
    waiting.sendall(b"let me in")
    stage.reactor.settle()
    exhausted.error = None
    stage.reactor.settle()
    assert len(listener.connections) == 1
    leaving.close()
    assert stage.received(waiting) == b"let me in"


@pytest.mark.loud
def test_closing_a_starved_listener_ends_its_retries(stage, exhausted):
    listener = stage.reactor.listen_socket(Echo, exhausted)
    stage.dial(listener)
    listener.close()
    stage.reactor.advance(10)
    assert exhausted.refusals == 1
    assert stage.reactor.stats()["timers"] == 0


@pytest.mark.loud
def test_a_shortage_that_lets_one_in_now_and_then_is_one_shortage(stage, caplog, exhausted):
    """At the limit each descriptor that is given back lets one newcomer in, and the next runs short again."""
    exhausted.error = None
    listener = stage.reactor.listen_socket(Echo, exhausted)
    seated = [stage.dial(listener) for _ in range(5)]
    exhausted.spare = 0
    waiting = [stage.own(socket.create_connection(listener.addresses[0])) for _ in range(5)]
    stage.reactor.settle()
    for number, peer in enumerate(seated):
        exhausted.refusals = 0
        exhausted.spare += 1
        peer.close()
        stage.reactor.advance(0.3)
        assert stage.reactor.stats()["accepted"] == 5 + number + 1
    assert len(waiting) == len(listener.connections)
    assert [message.partition(" pauses: ")[2] for message in warnings(caplog)] == [os.strerror(errno.EMFILE)]
    assert "resumes" not in caplog.text


@pytest.mark.loud
def test_the_end_of_a_shortage_is_said_once(stage, caplog, exhausted):
    listener = stage.reactor.listen_socket(Echo, exhausted)
    stage.dial(listener)
    stage.reactor.advance(3)
    exhausted.error = None
    stage.reactor.advance(1)
    for _ in range(3):
        stage.dial(listener)
    ends = [record for record in caplog.records if "resumes" in record.getMessage()]
    assert [record.getMessage() for record in ends] == [f"accepting on {show(listener.addresses[0])} resumes"]
    assert ends[0].levelno == logging.INFO
    assert len(warnings(caplog)) == 1


@pytest.mark.loud
def test_a_descriptor_that_frees_for_a_moment_does_not_end_a_shortage(stage, caplog, exhausted):
    """The same errno again within half a second is the same shortage, however it was interrupted."""
    listener = stage.reactor.listen_socket(Echo, exhausted)
    for _ in range(5):
        exhausted.error, exhausted.refusals = errno.EMFILE, 0
        stage.dial(listener)
        exhausted.error = None
        listener._resume()
        stage.reactor.settle()
        stage.reactor.advance(0.2)
    assert len(listener.connections) == 5
    assert len(warnings(caplog)) == 1


# -- faults of the listening socket ------------------------------------------------------------------------------


@pytest.mark.loud
@pytest.mark.parametrize("error", [errno.EINVAL, errno.EFAULT], ids=lambda n: errno.errorcode.get(n, n))
def test_a_socket_that_cannot_accept_any_more_is_given_up(stage, caplog, exhausted, error):
    exhausted.error = None
    listener = stage.reactor.listen_socket(Echo, exhausted)
    seated = stage.dial(listener)
    exhausted.error = error
    stage.own(socket.create_connection(listener.addresses[0]))
    stage.reactor.advance(100)
    assert exhausted.refusals == 1
    assert exhausted.fileno() == -1
    (message,) = warnings(caplog)
    assert message.startswith(f"accepting on {show(listener.addresses[0])} ends: {os.strerror(error)} (")
    assert errno.errorcode.get(error, "no errno") in message
    assert "closed 1 connections" in repr(listener)
    seated.sendall(b"still here")
    assert stage.received(seated) == b"still here"
    assert stage.reactor.stats()["timers"] == 0
    seated.close()
    stage.reactor.settle()
    assert stage.reactor.stats()["listeners"] == 0


@pytest.mark.loud
@pytest.mark.parametrize("error", [errno.EBADF, errno.ENOTSOCK], ids=errno.errorcode.get)
def test_a_number_that_is_somebody_elses_by_now_is_not_closed(stage, exhausted, error):
    listener = stage.reactor.listen_socket(Echo, exhausted)
    exhausted.error = error
    number = exhausted.fileno()
    stage.own(socket.create_connection(listener.addresses[0]))
    stage.reactor.settle()
    assert exhausted.fileno() == -1
    os.close(number)  # it was still open
    assert stage.reactor.stats()["listeners"] == 0


@pytest.mark.loud
def test_one_of_several_sockets_is_given_up(stage, exhausted):
    other = socket.create_server(("127.0.0.1", 0))
    listener = stage.reactor._inventory.listen(Echo, [exhausted, other], None, None, None)
    exhausted.listen()
    other.setblocking(False)
    exhausted.error = errno.EINVAL
    stage.own(socket.create_connection(exhausted.getsockname()))
    stage.reactor.settle()
    assert exhausted.fileno() == -1
    assert call(stage, other.getsockname()) == b"hello"
    listener.close()
    stage.reactor.settle()
    assert stage.reactor.stats()["listeners"] == 0


@pytest.mark.loud
@pytest.mark.skipif(sys.platform != "linux", reason="as Linux does it")
def test_a_listening_socket_that_was_shut_down(stage, caplog):
    listener = stage.serve(Echo)
    listener._acceptors[0].sock.shutdown(socket.SHUT_RDWR)
    stage.reactor.settle()
    assert "(EINVAL)" in warnings(caplog)[0]
    assert "closed" in repr(listener)


@pytest.mark.loud
def test_losses_without_end_do_not_spin(stage, caplog, exhausted):
    exhausted.error, exhausted.patience = errno.EPROTO, 1000
    listener = stage.reactor.listen_socket(Echo, exhausted)
    stage.own(socket.create_connection(listener.addresses[0]))
    stage.reactor.advance(3.5)
    assert exhausted.refusals == 4 * 64
    assert len(warnings(caplog)) == 1
    assert os.strerror(errno.EPROTO) in warnings(caplog)[0]


@pytest.fixture
def few_descriptors():
    """`few_descriptors(n)`: from now on this process may open only `n` more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fillers = []

    def limit(count):
        highest = max(map(int, os.listdir("/proc/self/fd")))
        while (number := os.dup(0)) <= highest:
            fillers.append(number)
        os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (number + count, hard))

    yield limit
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    for number in fillers:
        os.close(number)


@pytest.mark.loud
@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_really_out_of_descriptors(stage, caplog, few_descriptors):
    listener = stage.serve(Echo)
    seated = stage.dial(listener)
    crowd = [stage.own(socket.create_connection(listener.addresses[0])) for _ in range(6)]
    few_descriptors(2)

    stage.reactor.settle()

    assert len(listener.connections) == 3
    assert len(warnings(caplog)) == 1
    before = stage.reactor.stats()["ticks"]
    stage.reactor.settle()
    assert stage.reactor.stats()["ticks"] == before + 1
    seated.sendall(b"still here")
    assert stage.received(seated) == b"still here"
    next(iter(listener.connections)).abort()
    stage.reactor.settle()
    assert stage.reactor.stats()["accepted"] == 4
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft + 20, hard), hard))
    stage.reactor.advance(1)
    assert stage.reactor.stats()["accepted"] == 1 + len(crowd)


def test_a_reactor_listens_on_the_thread_it_runs_on():
    """A reactor of a second thread serves like one of the first."""
    ready, port = threading.Event(), []

    def serve():
        with Reactor() as reactor:
            port.append((reactor.listen_tcp(Echo, "127.0.0.1", 0).port, reactor))
            ready.set()
            reactor.run()

    thread = threading.Thread(target=serve)
    thread.start()
    assert ready.wait(5)
    number, reactor = port[0]
    with socket.create_connection(("127.0.0.1", number), timeout=5) as peer:
        peer.sendall(b"hello")
        assert peer.recv(10) == b"hello"
    reactor.call_soon_threadsafe(reactor.stop)
    thread.join(5)
    assert not thread.is_alive()


@pytest.mark.parametrize("wrong", [{"limits": {"connections": 5}}, {"timeouts": 30}])
def test_bounds_of_the_wrong_type_are_refused_at_once(stage, wrong):
    with pytest.raises(TypeError):
        stage.serve(Recorder, **wrong)


def test_a_protocol_instead_of_a_factory_is_refused_at_once(stage):
    with pytest.raises(TypeError, match="class or function"):
        stage.serve(Recorder())


# -- a storm of newcomers ------------------------------------------------------------------------------------------


def test_a_storm_of_newcomers_holds_up_nobody_who_is_in(stage):
    """Of a thousand who wait a tick takes so many, and whoever is in has an answer in that same tick."""
    listener = stage.serve(Echo, backlog=1024)
    seated = stage.dial(listener)
    for _ in range(5 * ACCEPT_BUDGET):
        stage.own(socket.create_connection(("127.0.0.1", listener.port), timeout=10))
    reactor, accepted = stage.reactor, []
    while len(listener.connections) <= 5 * ACCEPT_BUDGET:
        before = reactor.stats().accepted
        seated.sendall(b"still there?")
        reactor._tick()
        accepted.append(reactor.stats().accepted - before)
        assert seated.recv(100, socket.MSG_DONTWAIT) == b"still there?"
    assert accepted == [ACCEPT_BUDGET] * 5
