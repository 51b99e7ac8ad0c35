"""STARTTLS: an open connection that is encrypted in place, and everything that may come in between."""

from __future__ import annotations

import io
import socket
import ssl

import pytest

from reactor import BufferedProtocol, HandshakeTimeout, IdleTimeout, LineProtocol, Timeouts
from reactor.testing import Recorder
from tests.kit.tls import Peer, client_context, connect, server_context


class Upgrading(LineProtocol):
    """Answers STARTTLS as a mail server does, and writes down what happens."""

    def __init__(self, **options):
        self.options, self.log, self.lost = {"timeout": 10, **options}, [], "not yet"

    def line_received(self, line):
        self.log.append(line)
        if line == b"STARTTLS":
            self.send_line(b"220 go ahead")
            self.future = self.transport.start_tls(server_context(), server_side=True, **self.options)
            self.future.add_done_callback(lambda future: self.log.append(future.exception() or "encrypted"))
            self.send_line(b"220 encrypted")

    def connection_lost(self, exc):
        self.lost = exc


def test_a_server_starts_tls_in_place(stage):
    server = Upgrading()
    sock, transport = stage.connect(server)
    sock.sendall(b"EHLO\nSTARTTLS\n")
    assert stage.received(sock) == b"220 go ahead\n"  # in the clear; the line after it waits
    peer = Peer(stage, sock, client_context()).shake()
    peer.flush()
    assert server.log == [b"EHLO", b"STARTTLS", "encrypted"]
    assert peer.hear() == b"220 encrypted\n"
    peer.say(b"MAIL\n")
    assert server.log[-1] == b"MAIL"
    assert server.future.result(0) is transport
    assert transport.get_extra_info("tls_version") == "TLSv1.3"
    peer.end()
    assert server.lost is None


def test_a_client_starts_tls_in_place(stage):
    client = Recorder()
    sock, transport = stage.connect(client)  # who accepted does not matter to TLS
    transport.write(b"STARTTLS\n" * 1000)
    future = transport.start_tls(client_context(), server_hostname="localhost")
    transport.write(b"secret")
    peer = Peer(stage, sock, server_context(), server_side=True)
    stage.reactor.settle()
    said = sock.recv(9000, socket.MSG_WAITALL)
    assert said == b"STARTTLS\n" * 1000
    peer.shake()
    peer.flush()
    assert stage.reactor.run_until(future) is transport
    assert peer.hear() == b"secret"
    peer.say(b"answer")
    assert client.data == b"answer"


def test_much_that_was_written_before_leaves_in_the_clear(stage):
    server = Recorder()
    sock, transport = stage.connect(server)
    written = stage.clog(transport)
    transport.start_tls(server_context(), server_side=True)
    transport.write(b"secret")
    clear = stage.received(sock)
    assert clear == bytes(written)
    peer = Peer(stage, sock, client_context()).shake()
    peer.flush()
    assert peer.hear() == b"secret"


def test_what_was_slipped_in_behind_starttls_is_never_taken_as_said(stage):
    server = Upgrading()
    sock, _ = stage.connect(server)
    sock.sendall(b"STARTTLS\nRCPT TO:<me>\nhalf a li")
    stage.reactor.settle()
    assert server.log[0] == b"STARTTLS"
    assert isinstance(server.log[1], ssl.SSLError)
    assert len(server.log) == 2
    assert isinstance(server.lost, ssl.SSLError)


def test_a_start_tls_that_gets_no_answer_ends_at_its_timeout(stage):
    server = Upgrading(timeout=4)
    sock, _ = stage.connect(server)
    sock.sendall(b"STARTTLS\n")
    stage.reactor.advance(5)
    assert isinstance(server.lost, HandshakeTimeout)
    assert server.log[-1] is server.lost


def test_a_certificate_fault_in_start_tls_ends_the_connection(stage):
    client = Recorder()
    sock, transport = stage.connect(client)
    future = transport.start_tls(client_context(), server_hostname="other.example")
    peer = Peer(stage, sock, server_context(), server_side=True)
    with pytest.raises(ssl.SSLError, match="alert"):
        peer.shake()
    with pytest.raises(ssl.SSLCertVerificationError, match=r"TLS with other\.example"):
        future.result(0)
    assert isinstance(client.lost, ssl.SSLCertVerificationError)


def test_a_connection_that_ends_in_start_tls_fails_its_future(stage):
    for end in ("abort", "close"):
        client = Recorder()
        _, transport = stage.connect(client)
        future = transport.start_tls(client_context(), server_hostname="localhost")
        stage.reactor.settle()
        getattr(transport, end)()
        assert not future.done()  # nobody is called from inside
        stage.reactor.advance(40)
        with pytest.raises(ConnectionAbortedError):
            future.result(0)
        assert client.lost is None


def test_start_tls_twice_is_a_bug_and_after_the_end_harmless(stage):
    client = Recorder()
    _, transport = stage.connect(client)
    transport.start_tls(client_context(), server_hostname="localhost")
    with pytest.raises(RuntimeError, match="under way"):
        transport.start_tls(client_context(), server_hostname="localhost")
    transport.abort()
    stage.reactor.settle()
    other = Recorder()
    _, transport = stage.connect(other)
    transport.close()
    with pytest.raises(ConnectionAbortedError):
        transport.start_tls(client_context(), server_hostname="localhost").result(0)


@pytest.mark.parametrize("clear", [b"", b"220 go ahead"])
def test_our_end_waits_for_the_handshake_of_start_tls(stage, clear):
    server = Recorder(keep_open=True)
    sock, transport = stage.connect(server)
    transport.write(clear)
    future = transport.start_tls(server_context(), server_side=True)
    transport.write_eof()
    stage.reactor.settle()
    assert sock.recv(len(clear)) == clear
    peer = Peer(stage, sock, client_context()).shake()
    peer.say(b"still heard")
    assert future.result(0) is transport
    assert peer.hear() == (b"", None)
    assert server.data == b"still heard"


def test_close_gives_up_the_handshake_and_not_what_was_written(stage):
    """A reset would take from the peer what it has not read yet."""
    server = Recorder()
    sock, transport = stage.connect(server)
    transport.write(b"220 go ahead")
    future = transport.start_tls(server_context(), server_side=True)
    transport.close()
    peer = Peer(stage, sock, client_context())
    with pytest.raises(ssl.SSLWantReadError):
        peer.tls.do_handshake()
    for _ in range(3):
        peer.flush()
        sock.sendall(b"and more")
        stage.reactor.settle()
    assert server.lost is None
    assert "connection_lost" not in server.events
    assert stage.received(sock) == b"220 go ahead"
    sock.close()
    stage.reactor.settle()
    assert server.events[-1] == "connection_lost"
    assert server.lost is None
    assert isinstance(future.exception(0), ConnectionAbortedError)


class TakesFour(BufferedProtocol):
    """Starts TLS after four bytes, its whole buffer."""

    def __init__(self, transport):
        self.transport, self.buffer, self.got = transport, bytearray(4), []

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.got.append(bytes(self.buffer[:nbytes]))
        self.transport.start_tls(server_context(), server_side=True)


def test_nothing_is_slipped_into_the_buffer_behind_start_tls(stage):
    class Line(LineProtocol):
        def line_received(self, line):
            self.transport.set_protocol(TakesFour(self.transport))

    sock, transport = stage.connect(Line())
    sock.sendall(b"switch\nSTLSslipped in")
    while transport.get_protocol() is None or not isinstance(transport.get_protocol(), TakesFour):
        stage.reactor._tick()
    taker = transport.get_protocol()
    stage.reactor.settle()
    assert taker.got == [b"STLS"]
    assert transport.get_protocol() is None  # what was slipped in is no handshake


def test_input_stays_paused_through_start_tls(stage):
    server = Upgrading()
    sock, transport = stage.connect(server)
    sock.sendall(b"STARTTLS\n")
    stage.received(sock)
    transport.pause_reading()
    peer = Peer(stage, sock, client_context()).shake()  # OpenSSL reads what it needs all the same
    peer.say(b"MAIL\n")
    assert server.log == [b"STARTTLS", "encrypted"]
    transport.resume_reading()
    stage.reactor.settle()
    assert server.log[-1] == b"MAIL"


def test_tls_runs_inside_tls(stage):
    client = Recorder()
    transport, _ = connect(stage, client)
    stage.reactor.settle()
    inner = next(t for listener in stage.reactor._inventory.listeners for t in listener.connections)
    server = Recorder()
    inner.set_protocol(server)
    server.connection_made(inner)
    inside = inner.start_tls(server_context(), server_side=True)
    outside = transport.start_tls(client_context(), server_hostname="localhost")
    stage.reactor.run_until(outside)
    stage.reactor.run_until(inside)
    transport.write(b"x" * 300_000)
    stage.reactor.settle()
    assert server.data == b"x" * 300_000
    transport.close()
    stage.reactor.settle()
    assert (client.lost, server.lost) == (None, None)
    assert client.events[-1] == server.events[-1] == "connection_lost"


@pytest.fixture
def nested(stage):
    """The transports at both ends of TLS inside TLS, the client's first."""
    client = Recorder()
    outside, _ = connect(stage, client, server_context(alpn=["outer"]), tls=client_context(alpn=["outer"]))
    stage.reactor.settle()
    (inside,) = next(iter(stage.reactor._inventory.listeners)).connections
    shaking = inside.start_tls(server_context(), server_side=True)
    stage.reactor.run_until(outside.start_tls(client_context(), server_hostname="localhost"))
    stage.reactor.run_until(shaking)
    return outside, inside


def test_inside_tls_nothing_is_told_of_the_outer_sessions_peer(nested):
    """Nobody there must pass for the one whose certificate the outer session saw."""
    for transport in nested:
        assert transport.get_extra_info("alpn_protocol") is None
    assert nested[1].get_extra_info("peercert", "nobody's") == "nobody's"
    assert isinstance(nested[1].get_extra_info("socket"), socket.socket)


class Eager(Recorder):
    """Begins something in connection_made, and keeps its future."""

    def __init__(self, begin):
        super().__init__()
        self.begin = begin

    def connection_made(self, transport):
        super().connection_made(transport)
        self.begun = self.begin(transport)


def test_what_connection_made_begins_is_not_done_when_the_handshake_is(stage):
    client = Eager(lambda transport: transport.sendfile(io.BytesIO(b"a file")))
    connect(stage, client)
    assert not client.begun.done()
    stage.reactor.settle()
    assert client.begun.result(0) == 6
    assert client.data == b"a file"
    client = Eager(lambda transport: transport.start_tls(client_context(), server_hostname="localhost"))
    connect(stage, client)
    assert not client.begun.done()


def test_a_long_handshake_is_not_time_spent_idle(stage):
    server = Recorder()
    sock = stage.dial(stage.serve(lambda: server, tls=server_context(), timeouts=Timeouts(idle=5, handshake=10)))
    peer = Peer(stage, sock, client_context())
    stage.reactor.advance(7)
    peer.shake()
    peer.flush()
    stage.reactor.advance(4)
    assert server.events == ["connection_made"]
    stage.reactor.advance(2)
    assert isinstance(server.lost, IdleTimeout)
