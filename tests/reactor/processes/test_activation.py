"""Sockets that whoever started us has opened: what is taken over, what is refused, and who is told."""

from __future__ import annotations

import os
import socket
import threading

import pytest

from reactor import ActivationError, ListenError, Protocol, activated_sockets, notify, say_ready
from reactor.processes import activation
from reactor.testing import Recorder

FIRST = 200  # where the tests put what a service manager puts at 3: nobody else's descriptors are there


@pytest.fixture
def started(monkeypatch):
    """Call it with descriptors to be a program that was started with them."""
    taken = []

    def started(*files, **variables):
        monkeypatch.setattr(activation, "FIRST", FIRST)
        for fd, file in enumerate(files, FIRST):
            os.dup2(file.fileno(), fd)
            taken.append(fd)
        given = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(files)), **variables}
        for name, value in given.items():
            monkeypatch.setenv(name, value)

    yield started
    for fd in taken:
        try:
            os.close(fd)
        except OSError:
            pass  # the test has closed the socket


@pytest.fixture
def listening():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def close(sockets):
    for group in sockets.values():
        for sock in group:
            sock.close()


# -- taking over ----------------------------------------------------------------------------------------------------


def test_started_by_hand_there_are_none(monkeypatch):
    for name in activation.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert activated_sockets() == {}


def test_a_socket_is_given_as_it_is(started, listening):
    started(listening)
    sockets = activated_sockets()
    assert list(sockets) == ["unknown"]
    (sock,) = sockets["unknown"]
    assert sock.fileno() == FIRST
    assert sock.getsockname() == listening.getsockname()
    assert sock.family == socket.AF_INET
    assert not os.get_inheritable(FIRST)
    close(sockets)


def test_sockets_have_names_and_several_may_share_one(started, listening, stage):
    other = stage.own(socket.create_server(("127.0.0.1", 0)))
    started(listening, other, listening, LISTEN_FDNAMES="http:admin:http")
    sockets = activated_sockets()
    assert {name: [sock.fileno() for sock in group] for name, group in sockets.items()} == {
        "http": [FIRST, FIRST + 2],
        "admin": [FIRST + 1],
    }
    close(sockets)


def test_the_variables_are_taken_out_so_that_nobody_adopts_twice(started, listening):
    started(listening, LISTEN_FDNAMES="http")
    close(activated_sockets())
    assert not {*activation.VARIABLES} & {*os.environ}
    assert activated_sockets() == {}


def test_the_variables_can_be_left_where_they_are(started, listening):
    started(listening)
    close(activated_sockets(unset=False))
    assert os.environ["LISTEN_FDS"] == "1"


def test_sockets_for_another_process_are_not_ours(started, listening):
    started(listening, LISTEN_PID=str(os.getppid()))
    assert activated_sockets() == {}
    os.fstat(FIRST)


@pytest.mark.parametrize("missing", ["LISTEN_PID", "LISTEN_FDS"])
def test_without_one_of_the_variables_there_are_none(started, listening, monkeypatch, missing):
    started(listening)
    monkeypatch.delenv(missing)
    assert activated_sockets() == {}


def test_a_listener_serves_on_an_activated_socket(started, listening, stage):
    started(listening)
    protocol = Recorder()
    (sock,) = activated_sockets()["unknown"]
    listener = stage.reactor.listen_socket(lambda: protocol, sock)
    stage.dial(listener).sendall(b"hello")
    stage.reactor.settle()
    assert protocol.data == b"hello"
    assert listener.sockets == [sock]
    listener.close()
    assert listener.sockets == []
    # What is closed is our copy; whoever holds another still accepts.
    with socket.create_connection(listening.getsockname()):
        pass


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"LISTEN_FDS": "x"}, "LISTEN_FDS is 'x', not a number"),
        ({"LISTEN_FDS": "-1"}, "LISTEN_FDS is '-1', not a number"),
        ({"LISTEN_FDS": ""}, "LISTEN_FDS is '', not a number"),
        ({"LISTEN_FDS": "²"}, "LISTEN_FDS is '²', not a number"),
        ({"LISTEN_PID": "me"}, "LISTEN_PID is 'me', not a number"),
        ({"LISTEN_FDS": "2"}, f"descriptor {FIRST + 1}, which LISTEN_FDS announces, is not open"),
        ({"LISTEN_FDS": "999999999999"}, f"descriptor {FIRST + 1}, which LISTEN_FDS announces, is not open"),
        ({"LISTEN_FDNAMES": "a:b"}, "LISTEN_FDNAMES has 2 names for 1 sockets: 'a:b'"),
    ],
)
def test_variables_that_are_wrong(started, listening, variables, message):
    started(listening, **variables)
    with pytest.raises(ActivationError) as caught:
        activated_sockets()
    assert str(caught.value) == message
    assert "LISTEN_FDS" not in os.environ  # as in sd_listen_fds(3): whether or not it succeeds
    os.fstat(FIRST)  # nothing was taken


def unfit():
    yield "a file", lambda: open(os.devnull, "rb"), "is not a socket"  # noqa: SIM115
    yield "a datagram socket", lambda: socket.socket(type=socket.SOCK_DGRAM), "is not a listening stream socket"
    yield "a socket that does not listen", socket.socket, "is not a listening stream socket"


@pytest.mark.parametrize(("make", "message"), [case[1:] for case in unfit()], ids=[case[0] for case in unfit()])
def test_a_descriptor_that_nobody_can_accept_from(started, listening, make, message):
    with make() as file:
        started(listening, file)
        with pytest.raises(ActivationError, match=message):
            activated_sockets()


# -- telling who started us -----------------------------------------------------------------------------------------


@pytest.fixture
def manager(tmp_path, monkeypatch):
    """The service manager's end of sd_notify(3)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield sock


def test_ready_is_told_to_the_service_manager(manager):
    say_ready()
    assert manager.recv(100) == b"READY=1"
    assert notify("STOPPING=1")
    assert manager.recv(100) == b"STOPPING=1"


@pytest.mark.skipif(not os.path.exists("/proc/net/unix"), reason="abstract addresses are Linux's")
def test_an_abstract_address_begins_with_an_at(monkeypatch):
    name = f"reactor-test-{os.getpid()}-{threading.get_ident()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0{name}")
        sock.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        assert notify("READY=1")
        assert sock.recv(100) == b"READY=1"


@pytest.mark.parametrize("path", ["", "@", "relative", "/nowhere/at/all"])
def test_a_service_manager_that_is_not_there_is_no_fault(monkeypatch, path):
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    assert not notify("READY=1")
    say_ready()


def test_ready_is_told_to_the_predecessor_once(monkeypatch):
    read, write = os.pipe()
    monkeypatch.setenv(activation.READY_FD, str(write))
    say_ready()
    say_ready()
    assert activation.READY_FD not in os.environ
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"\n"  # and its end: we hold no copy


@pytest.mark.parametrize("fd", ["x", "-1", "199"])
def test_a_predecessor_that_is_not_there_is_no_fault(monkeypatch, fd):
    monkeypatch.setenv(activation.READY_FD, fd)
    say_ready()


# -- adopting: listen_socket ----------------------------------------------------------------------------------------


def bad_sockets():
    def closed():
        sock = socket.socket()
        sock.close()
        return sock

    yield "datagram", lambda: socket.socket(type=socket.SOCK_DGRAM), "not a stream socket"
    yield "unbound", socket.socket, "not bound to an address"
    yield "unbound Unix", lambda: socket.socket(socket.AF_UNIX), "not bound to an address"
    yield "closed", closed, "it is closed"


@pytest.mark.parametrize(("make", "message"), [case[1:] for case in bad_sockets()], ids=[c[0] for c in bad_sockets()])
def test_a_socket_that_cannot_listen_is_refused_at_the_call(stage, make, message):
    with make() as sock, pytest.raises(ValueError, match=message):
        stage.reactor.listen_socket(Protocol, sock)
    assert stage.reactor.stats()["listeners"] == 0


def test_a_connection_is_not_listened_on(stage, listening):
    with (
        socket.create_connection(listening.getsockname()) as sock,
        pytest.raises(ValueError, match=r"it is a connection, to 127\.0\.0\.1"),
    ):
        stage.reactor.listen_socket(Protocol, sock)
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ValueError, match="it is a connection"):
        stage.reactor.listen_socket(Protocol, ours)


@pytest.mark.parametrize("thing", [3, "127.0.0.1", None])
def test_what_is_no_socket_is_refused_at_the_call(stage, thing):
    with pytest.raises(TypeError, match="not a socket"):
        stage.reactor.listen_socket(Protocol, thing)


def test_a_socket_in_tls_is_refused_because_its_accept_blocks(stage, listening):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with context.wrap_socket(listening.dup(), server_side=True) as sock, pytest.raises(TypeError, match="plain socket"):
        stage.reactor.listen_socket(Protocol, sock)


def test_where_the_system_refuses_the_socket_stays_the_callers(stage, listening):
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("127.0.0.1", 0))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 0)
        with socket.socket() as other:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            other.bind(sock.getsockname())
            other.listen()
            with pytest.raises(ListenError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use"):
                stage.reactor.listen_socket(Protocol, sock)
        assert sock.fileno() >= 0


def test_a_blocking_socket_is_made_fit(stage):
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    protocol = Recorder()
    listener = stage.reactor.listen_socket(lambda: protocol, sock)
    assert not sock.getblocking()
    stage.dial(listener)
    assert protocol.events == ["connection_made"]
