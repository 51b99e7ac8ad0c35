"""A newcomer's socket is one of C until somebody asks for it: every way on which it is seen, or handed on."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading

import pytest

from reactor import Limits, Protocol
from reactor.sockets.carrier import as_python_socket
from reactor.testing import Recorder
from tests.kit.tls import Peer, client_context, server_context


class Echo(Recorder):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


@pytest.fixture
def echo():
    return Echo()


def shown(transport):
    """What the program gets; never a bare one while it is open."""
    sock = transport.get_extra_info("socket")
    assert type(sock) is socket.socket
    assert not sock.getblocking()
    return sock


def test_nobody_asks_and_it_stays_bare(stage, echo):
    peer, transport = stage.connect(echo)
    peer.sendall(b"hello")
    assert stage.received(peer) == b"hello"
    assert transport.get_extra_info("peername") == peer.getsockname()
    assert transport.get_extra_info("sockname") == peer.getpeername()
    assert transport.get_extra_info("no such thing", 7) == 7
    assert type(transport._sock) is socket.SocketType


def test_who_asks_gets_the_one_socket_and_the_connection_goes_on(stage, echo):
    peer, transport = stage.connect(echo)
    number = transport._sock.fileno()
    sock = shown(transport)
    assert shown(transport) is sock
    assert sock.fileno() == number
    assert (sock.family, sock.type, sock.proto) == (peer.family, peer.type, transport._sock.proto)
    assert isinstance(sock.family, socket.AddressFamily)
    assert sock.getpeername() == peer.getsockname()
    assert sock.get_inheritable() is False
    with sock.dup() as copy:
        assert copy.getpeername() == peer.getsockname()
    peer.sendall(b"hello")
    assert stage.received(peer) == b"hello"


def test_of_a_unix_socket_too_and_who_is_there_needs_no_whole_one(stage, tmp_path, echo):
    stage.reactor.listen_unix(lambda: echo, tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(tmp_path / "socket"))
        stage.reactor.settle()
        expected = (os.getpid(), os.getuid(), os.getgid()) if os.uname().sysname == "Linux" else None
        assert echo.transport.get_extra_info("peercred") == expected
        assert type(echo.transport._sock) is socket.SocketType
        assert shown(echo.transport).family is socket.AF_UNIX
        assert echo.transport.get_extra_info("peercred") == expected


@pytest.mark.parametrize("asked_in", ["connection_made", "data_received", "eof_received", "connection_lost"])
@pytest.mark.parametrize("end", ["the peer's end", "a reset", "close", "abort", "write_eof"])
def test_it_may_be_asked_for_in_each_callback_whatever_the_end(stage, asked_in, end):
    asked = []

    class Asking(Echo):
        def connection_made(self, transport):
            super().connection_made(transport)
            self._ask("connection_made")

        def data_received(self, data):
            super().data_received(data)
            self._ask("data_received")

        def eof_received(self):
            super().eof_received()
            self._ask("eof_received")

        def connection_lost(self, exc):
            self._ask("connection_lost")
            super().connection_lost(exc)

        def _ask(self, callback):
            if callback == asked_in:
                asked.append((shown(self.transport), shown(self.transport).fileno()))

    peer, transport = stage.connect(Asking())
    peer.sendall(b"hello")
    assert stage.received(peer) == b"hello"
    if end == "a reset":
        stage.reset(peer)
    elif end != "the peer's end":
        getattr(transport, end)()
        assert stage.received(peer) == b""
    peer.close()
    stage.reactor.settle()
    told = asked_in != "eof_received" or end in ("the peer's end", "write_eof")
    assert [number > 2 for _, number in asked] == [True] * told
    assert all(sock.fileno() == -1 for sock, _ in asked)
    assert transport.get_extra_info("socket").fileno() == -1
    assert transport.get_extra_info("socket", "default") is not None


@pytest.mark.parametrize("asked", [True, False])
def test_its_number_is_closed_once(stage, echo, asked):
    peer, transport = stage.connect(echo)
    bare = transport._sock
    number = shown(transport).fileno() if asked else bare.fileno()
    transport.abort()
    peer.close()
    stage.reactor.settle()
    taken = [os.open(os.devnull, os.O_RDONLY)]
    while taken[-1] < number:
        taken.append(os.open(os.devnull, os.O_RDONLY))
    assert taken[-1] == number  # whoever closed it again would close this one
    bare.close()
    del bare, transport, echo.transport
    stage.reactor.settle()
    for fd in taken:
        os.close(fd)  # EBADF, if it was


def test_a_loss_of_bytes_is_a_reset_all_the_same(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    stage.clog(transport)
    transport.abort()
    stage.reactor.settle()
    assert type(transport._sock) is socket.SocketType
    with pytest.raises(ConnectionResetError):
        stage.received(peer)


def test_a_peer_that_reset_before_it_was_accepted(stage, echo):
    listener = stage.serve(lambda: echo)
    peer = stage.own(socket.create_connection(("127.0.0.1", listener.port)))
    stage.reset(peer)
    assert echo.events == ["connection_made", "connection_lost"]
    assert isinstance(echo.lost, ConnectionResetError)
    assert not listener.connections


def test_a_file_goes_through_the_kernel(stage, tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"of a file")
    copied = []
    kernel = os.sendfile
    monkeypatch.setattr(os, "sendfile", lambda *args: copied.append(args[0]) or kernel(*args))
    peer, transport = stage.connect(Recorder())
    with open(tmp_path / "file", "rb") as file:
        future = transport.sendfile(file)
        sock = shown(transport)  # while the file waits
        assert stage.received(peer) == b"of a file"
        assert future.result(0) == 9
    assert copied == [sock.fileno()]
    assert shown(transport) is sock


def test_a_file_in_memory_and_nobody_asked_before(stage):
    peer, transport = stage.connect(Recorder())
    transport.sendfile(io.BytesIO(b"of a file"))
    transport.close()
    assert stage.received(peer) == b"of a file"


def test_under_tls_that_starts_in_place(stage, echo):
    peer, transport = stage.connect(echo)
    future = transport.start_tls(server_context(), server_side=True)
    sock = shown(transport)  # while they shake hands
    talk = Peer(stage, peer, client_context()).shake()
    talk.flush()
    assert future.result(0) is transport
    assert shown(transport) is sock
    talk.say(b"hello")
    assert talk.hear() == b"hello"


def test_a_start_of_tls_that_is_refused_leaves_the_connection(stage, echo):
    peer, transport = stage.connect(echo)
    with pytest.raises((TypeError, ValueError)):
        transport.start_tls(client_context(), server_hostname="")
    peer.sendall(b"hello")
    assert stage.received(peer) == b"hello"
    shown(transport)


def test_a_listener_with_tls_hands_whole_ones_down(stage, echo):
    listener = stage.serve(lambda: echo, tls=server_context())
    Peer(stage, stage.dial(listener), client_context()).shake().flush()
    shown(echo.transport)


def test_a_default_timeout_of_the_program_changes_nothing(stage, echo):
    listener = stage.serve(lambda: echo)
    socket.setdefaulttimeout(5)
    try:
        peer = stage.dial(listener)
        assert echo.transport._sock.gettimeout() == 0
        assert shown(echo.transport).gettimeout() == 0
    finally:
        socket.setdefaulttimeout(None)
    peer.sendall(b"hello")
    assert stage.received(peer) == b"hello"


def test_a_number_that_was_closed_behind_its_back(stage, echo):
    _, transport = stage.connect(echo)
    os.close(transport._sock.fileno())
    sock = transport.get_extra_info("socket")
    with pytest.raises(OSError, match="Bad file descriptor"):
        sock.getpeername()
    transport.abort()
    stage.reactor.settle()
    assert echo.events[-1] == "connection_lost"


def test_who_is_refused_has_its_word(stage):
    listener = stage.serve(Protocol, limits=Limits(refuse=lambda address, held: b"no\n"))
    assert stage.received(stage.dial(listener)) == b"no\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_that_asks_does_nothing_to_the_parent(stage, echo):
    peer, transport = stage.connect(echo)
    child = os.fork()
    if not child:
        try:
            transport.get_extra_info("socket").close()
            stage.reactor.close()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    peer.sendall(b"hello")
    assert stage.received(peer) == b"hello"
    shown(transport)


def test_another_thread_is_told_to_ask_the_loops_for_it(stage, echo):
    """Two threads that made a socket of one descriptor would close it twice."""
    peer, transport = stage.connect(echo)
    raised = []

    def ask():
        with pytest.raises(
            RuntimeError, match=r"get_extra_info\(\) in the thread .* use call_soon_threadsafe"
        ) as found:
            transport.get_extra_info("socket")
        raised.append(found.value)
        assert transport.get_extra_info("peername") == peer.getsockname()  # this changes nothing

    stage.reactor.runner.begin()
    try:
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()
    finally:
        stage.reactor.runner.end()
    assert len(raised) == 1
    assert type(transport._sock) is socket.SocketType
    shown(transport)


def test_what_is_no_socket_of_c_stays_what_it_is():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert as_python_socket(ours) is ours
    carrier = object()
    assert as_python_socket(carrier) is carrier


def test_without_the_memory_for_a_whole_one_the_bare_one_keeps_the_number(monkeypatch):
    ours, theirs = socket.socketpair()
    bare = socket.SocketType(ours.family, ours.type, ours.proto, ours.detach())

    def full(*args):
        raise MemoryError

    monkeypatch.setattr(socket, "socket", full)
    with theirs:
        with pytest.raises(MemoryError):
            as_python_socket(bare)
        assert theirs.send(struct.pack("i", 7)) == 4
        assert bare.recv(4) == struct.pack("i", 7)
        bare.close()
