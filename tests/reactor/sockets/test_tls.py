"""TLS: the handshake and what fails in it, the bytes at every cut, ends with and without close_notify."""

from __future__ import annotations

import gc
import logging
import socket
import ssl
import tracemalloc
import weakref

import pytest

from reactor import BufferedProtocol, HandshakeTimeout, Limits, Protocol, Timeouts
from reactor.errors import CloseTimeout, ConnectTimeout, ReactorClosed
from reactor.sockets.tls import ANSWERS
from reactor.testing import MemoryReactor, Recorder, connected_pair
from tests.kit.tls import Echo, Peer, client_context, connect, server_context

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(params=VERSIONS, ids=lambda version: version.name)
def version(request):
    return request.param


def serve(stage, protocol, **options):
    """A TLS listener, and a raw socket connected to it."""
    listener = stage.serve(lambda: protocol, tls=server_context(), **options)
    return listener, stage.dial(listener)


def shaken(stage, protocol, context=None, **options):
    """A peer that has done its handshake with `protocol`."""
    _, sock = serve(stage, protocol, **options)
    peer = Peer(stage, sock, context or client_context()).shake()
    peer.flush()
    return peer


# -- the handshake ----------------------------------------------------------------------------------------------------


def test_both_ends_speak_tls(stage):
    client = Recorder()
    transport, protocol = connect(stage, client)
    assert protocol is client
    transport.write(b"hello")
    stage.reactor.settle()
    assert client.data == b"hello"
    assert client.events == ["connection_made", "data_received"]
    transport.close()
    stage.reactor.settle()
    assert client.lost is None
    assert client.events[-1] == "connection_lost"


def test_the_certificate_and_what_was_agreed_on_can_be_asked_for(stage):
    client = Recorder()
    transport, _ = connect(
        stage, client, server_context(alpn=["chat", "echo"]), tls=client_context(alpn=["echo", "smtp"])
    )
    for name in ("alpn_protocol", "alpn", "selected_alpn_protocol"):
        assert transport.get_extra_info(name) == "echo"
    assert ("DNS", "localhost") in transport.get_extra_info("peercert")["subjectAltName"]
    assert transport.get_extra_info("cipher")[0].startswith("TLS_")
    assert transport.get_extra_info("tls_version") == "TLSv1.3"
    assert isinstance(transport.get_extra_info("ssl_object"), ssl.SSLObject)
    assert isinstance(transport.get_extra_info("sslcontext"), ssl.SSLContext)
    assert transport.get_extra_info("compression", "none") == "none"
    assert isinstance(transport.get_extra_info("socket"), socket.socket)
    assert transport.get_extra_info("sockname")[0] == "127.0.0.1"
    assert transport.get_extra_info("unheard of", 7) == 7


def test_connection_made_waits_for_the_handshake(stage):
    server = Recorder()
    listener, sock = serve(stage, server)
    peer = Peer(stage, sock, client_context())
    assert server.events == []
    assert len(listener.connections) == 1  # it counts from its accept
    peer.shake()
    assert server.events == []
    peer.flush()
    assert server.events == ["connection_made"]


def test_a_handshake_in_single_bytes_is_a_handshake(stage, version):
    server = Echo()
    _, sock = serve(stage, server)
    peer = Peer(stage, sock, client_context(version=version)).shake(cut=1)
    peer.flush(cut=1)
    peer.say(b"hello")
    assert peer.hear() == b"hello"


def test_what_comes_with_the_last_flight_is_delivered(stage, version):
    server = Echo()
    _, sock = serve(stage, server)
    peer = Peer(stage, sock, client_context(version=version))
    peer.shake()
    peer.say(b"early")  # in one segment with the last flight (TLS 1.3)
    assert server.events[:2] == ["connection_made", "data_received"]
    assert peer.hear() == b"early"


@pytest.mark.parametrize(
    "said", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"hello\n", bytes(100), b"\x16\x03\x01\xff\xff" * 99]
)
def test_something_else_on_a_tls_port_ends_cleanly(stage, said, caplog):
    server = Recorder()
    listener, sock = serve(stage, server, limits=Limits(per_peer=1, count_loopback=True))
    sock.sendall(said)
    stage.reactor.settle()
    if listener.connections:
        stage.reactor.advance(11)  # it looks like the beginning of something: the deadline ends it
    assert server.events == []
    assert not listener.connections
    assert len([record for record in caplog.records if " lost: " in record.getMessage()]) == 1
    assert stage.dial(listener).recv(0) == b""  # per_peer was given back
    assert len(listener.connections) == 1


def test_a_peer_that_says_nothing_is_lost_at_the_handshake_timeout(stage, caplog):
    server = Recorder()
    listener, sock = serve(stage, server, timeouts=Timeouts(handshake=5))
    stage.reactor.advance(4.9)
    assert listener.connections
    stage.reactor.advance(0.3)
    assert not listener.connections
    assert sock.recv(10) == b""
    assert server.events == []
    assert "no handshake within 5 s" in caplog.text


def test_a_peer_that_leaves_in_the_handshake_is_one_quiet_line(stage, caplog):
    server = Recorder()
    listener, sock = serve(stage, server)
    sock.close()
    stage.reactor.settle()
    assert not listener.connections
    assert server.events == []
    assert "the peer left during the handshake" in caplog.text


FAULTS = {
    "expired": ("expired", "localhost", "certificate has expired"),
    "self-signed": ("selfsigned", "localhost", "self-signed certificate"),
    "other-host": ("elsewhere", "localhost", "not valid for 'localhost'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_certificate_fault_is_a_clear_error_of_the_connect(stage, fault):
    certificate, host, says = FAULTS[fault]
    client, servers = Recorder(), []
    listener = stage.serve(lambda: servers.append(Recorder()) or servers[-1], tls=server_context(certificate))
    future = stage.reactor.connect_tcp(
        lambda: client, "127.0.0.1", listener.port, tls=client_context(), server_hostname=host
    )
    with pytest.raises(ssl.SSLCertVerificationError, match=f"TLS with {host}: .*{says}"):
        stage.reactor.run_until(future)
    stage.reactor.settle()
    assert client.events == []
    assert servers[0].events == []
    assert not listener.connections
    assert not stage.reactor.stats()["connections"]


def test_the_name_verified_is_the_host_unless_given(stage):
    listener = stage.serve(Echo, tls=server_context())
    transport, _ = stage.reactor.run_until(
        stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, tls=client_context())
    )
    assert ("IP Address", "127.0.0.1") in transport.get_extra_info("peercert")["subjectAltName"]


def test_the_dot_of_the_root_is_part_of_no_certificate(stage):
    transport, _ = connect(stage, Recorder(), server_hostname="localhost.")
    assert transport.get_extra_info("ssl_object").server_hostname == "localhost"


def test_true_trusts_the_systems_roots_only(stage):
    listener = stage.serve(Echo, tls=server_context())
    with pytest.raises(ssl.SSLCertVerificationError):
        stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, tls=True))


def test_a_server_may_ask_for_a_certificate(stage, version):
    listener = stage.serve(Echo, tls=server_context(ask_client=True))

    def dial(context):
        return stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, tls=context)

    stage.reactor.run_until(dial(client_context("client", version=version)))
    stage.reactor.settle()
    server = next(iter(listener.connections))
    assert ("DNS", "client.example") in server.get_extra_info("peercert")["subjectAltName"]
    if version is ssl.TLSVersion.TLSv1_2:
        with pytest.raises(ssl.SSLError, match="alert"):
            stage.reactor.run_until(dial(client_context(version=version)))
    else:  # in TLS 1.3 the client is done before the server has looked
        _, without = stage.reactor.run_until(dial(client_context(version=version)))
        stage.reactor.settle()
        assert isinstance(without.lost, ssl.SSLError)
        assert without.events == ["connection_made", "connection_lost"]
    assert list(listener.connections) == [server]


@pytest.mark.loud
def test_a_context_that_fails_turns_the_newcomer_away_and_nobody_else(stage, caplog, monkeypatch):
    context = server_context()
    listener = stage.serve(Echo, tls=context, limits=Limits(per_peer=1, count_loopback=True))

    def fail(*args):
        raise MemoryError("no session")

    monkeypatch.setattr(ssl.SSLContext, "wrap_bio", fail)
    assert stage.dial(listener).recv(1) == b""
    assert "is turned away" in caplog.text
    monkeypatch.undo()
    stage.dial(listener)
    assert len(listener.connections) == 1


def test_wrong_contexts_are_refused_at_the_call(stage):
    with pytest.raises(TypeError, match="certificate"):
        stage.serve(Echo, tls=True)
    with pytest.raises(ssl.SSLError):
        stage.serve(Echo, tls=client_context())
    with pytest.raises(TypeError, match=r"ssl\.SSLContext"):
        stage.reactor.connect_tcp(Echo, "127.0.0.1", 1, tls="yes")


def test_connecting_in_the_clear_to_a_server_that_speaks_first_is_a_named_error(stage):
    class Greeter(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"220 hello\r\n")

    listener = stage.serve(Greeter)
    with pytest.raises(ssl.SSLError, match=r"TLS with localhost: .*"):
        stage.reactor.run_until(
            stage.reactor.connect_tcp(
                Recorder, "127.0.0.1", listener.port, tls=client_context(), server_hostname="localhost"
            )
        )


def silent_listener(stage):
    listener = stage.serve(Recorder)  # accepts, and never says a word
    return listener.port


def test_the_connect_timeout_covers_the_handshake(stage):
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", silent_listener(stage), tls=client_context(), timeout=3)
    with pytest.raises(ConnectTimeout):
        stage.reactor.run_until(future)
    stage.reactor.settle()
    assert not stage.reactor.stats()["connections"]


def test_the_handshake_timeout_is_an_error_of_the_connect(stage):
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", silent_listener(stage), tls=client_context())
    with pytest.raises(HandshakeTimeout, match="no handshake within"):
        stage.reactor.run_until(future)


def test_cancelling_a_connect_in_its_handshake_closes_it(stage):
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", silent_listener(stage), tls=client_context())
    stage.reactor.settle()
    assert stage.reactor.stats()["connections"] == 2
    assert future.cancel()
    stage.reactor.settle()
    assert stage.reactor.stats()["connections"] == 0


def test_closing_the_reactor_fails_a_connect_in_its_handshake(stage):
    client = Recorder()
    future = stage.reactor.connect_tcp(lambda: client, "127.0.0.1", silent_listener(stage), tls=client_context())
    stage.reactor.settle()
    stage.reactor.close()
    with pytest.raises((ReactorClosed, ConnectionAbortedError)):
        future.result(0)
    assert client.events == []


def test_a_drain_does_not_wait_for_handshakes(stage):
    listener, _ = serve(stage, Recorder())
    report = stage.reactor.run_until(listener.drain(5))
    assert report.closed == 1
    assert not report.cut


def test_a_factory_that_raises_before_a_handshake_fails_the_connect(stage):
    def factory():
        raise LookupError("no protocol")

    listener = stage.serve(Recorder, tls=server_context())
    with pytest.raises(LookupError):
        stage.reactor.run_until(stage.reactor.connect_tcp(factory, "127.0.0.1", listener.port, tls=client_context()))


# -- bytes ------------------------------------------------------------------------------------------------------------


def test_large_data_comes_back_whole(stage, version):
    client = Recorder()
    transport, _ = connect(stage, client, tls=client_context(version=version))
    data = bytes(range(256)) * 20_000  # 5 MB: more than any buffer on the way
    transport.write(data)
    stage.reactor.settle()
    assert client.data == data
    assert "pause_writing" in client.events
    assert client.events.count("pause_writing") == client.events.count("resume_writing")
    assert transport.bytes_out == transport.bytes_in == len(data)


def test_records_in_single_bytes_are_delivered_whole(stage, version):
    server = Recorder()
    peer = shaken(stage, server, client_context(version=version))
    for message in (b"one", b"two" * 2000):
        peer.tls.write(message)
        peer.flush(cut=max(1, len(message) // 40))
    assert server.data == b"one" + b"two" * 2000


def test_small_writes_of_a_tick_are_one_record(stage):
    server = Recorder()
    peer = shaken(stage, server)
    peer.hear()  # session tickets
    for _ in range(16):
        server.transport.write(b"x" * 10)
    raw = stage.received(peer.sock)
    assert len(raw) == 5 + 160 + 1 + 16  # header, text, its type, tag (RFC 8446, 5.2)


def test_a_broken_record_ends_the_connection_with_an_error_and_an_alert(stage):
    server = Recorder()
    peer = shaken(stage, server)
    peer.hear()
    peer.tls.write(b"hello")
    broken = bytearray(peer.outgoing.read())
    broken[-1] ^= 1
    peer.sock.sendall(broken)
    stage.reactor.settle()
    assert isinstance(server.lost, ssl.SSLError)
    assert server.data == b""
    with pytest.raises(ssl.SSLError, match="alert"):
        peer.hear()


class Buffered(BufferedProtocol):
    def __init__(self, size):
        self.buffer, self.data, self.ended = bytearray(size), b"", False

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.data += self.buffer[:nbytes]

    def eof_received(self):
        self.ended = True


@pytest.mark.parametrize("size", [1, 7, 16 * 1024, 1 << 20])
def test_a_buffered_protocol_gets_every_byte_and_the_end(stage, size):
    server = Buffered(size)
    peer = shaken(stage, server)
    data = bytes(range(256)) * (8 if size < 100 else 400)
    peer.tls.write(data)
    peer.tls.write(b"end")
    peer.end()
    assert server.data == data + b"end"
    assert server.ended


def test_pausing_holds_what_is_decrypted_and_resuming_delivers_it(stage):
    class Pauser(Buffered):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            self.transport.pause_reading()

    server = Pauser(3)
    peer = shaken(stage, server)
    peer.say(b"abcdefgh")
    assert server.data == b"abc"
    stage.reactor.advance(1)
    assert server.data == b"abc"
    server.transport.resume_reading()
    stage.reactor.settle()
    assert server.data == b"abcdef"
    recorder = Recorder()
    server.transport.set_protocol(recorder)  # a stream protocol takes over what is left
    server.transport.resume_reading()
    stage.reactor.settle()
    assert recorder.data == b"gh"


def test_a_peer_that_reads_nothing_is_evicted(stage):
    server = Recorder()
    shaken(stage, server, timeouts=Timeouts(write=20))
    stage.clog(server.transport)
    stage.reactor.advance(25)
    assert "bytes waiting and none taken for 20 s" in str(server.lost)


# -- ends -------------------------------------------------------------------------------------------------------------


def test_close_sends_everything_then_close_notify(stage, version):
    server = Recorder()
    peer = shaken(stage, server, client_context(version=version))
    server.transport.write(b"x" * 300_000)
    server.transport.close()
    heard = b""
    while isinstance(part := peer.hear(), bytes):
        heard += part
    assert heard + part[0] == b"x" * 300_000
    assert server.events[-1] != "connection_lost"  # it waits for the peer's own end
    peer.end()
    assert peer.sock.recv(10) == b""
    peer.sock.close()
    stage.reactor.settle()
    assert server.lost is None
    assert server.events[-1] == "connection_lost"


def test_close_does_not_hang_on_a_peer_that_never_answers(stage):
    server = Recorder()
    shaken(stage, server, timeouts=Timeouts(close=7))
    server.transport.close()
    stage.reactor.advance(8)
    assert server.events == ["connection_made", "connection_lost"]
    assert server.lost is None


def test_a_peer_that_leaves_without_close_notify_after_ours_is_no_fault(stage):
    server = Recorder()
    peer = shaken(stage, server)
    server.transport.close()
    stage.reactor.settle()
    peer.sock.shutdown(socket.SHUT_WR)
    stage.reactor.settle()
    assert server.events == ["connection_made", "connection_lost"]
    assert server.lost is None


def test_an_end_without_close_notify_is_no_clean_end(stage):
    server = Recorder()
    peer = shaken(stage, server)
    peer.say(b"half of the")
    peer.sock.shutdown(socket.SHUT_WR)
    stage.reactor.settle()
    assert server.events == ["connection_made", "data_received", "connection_lost"]
    assert isinstance(server.lost, ssl.SSLEOFError)
    assert "without close_notify" in str(server.lost)


def test_the_peers_close_notify_is_an_end_and_our_half_stays_open(stage, version):
    server = Recorder(keep_open=True)
    peer = shaken(stage, server, client_context(version=version))
    peer.tls.write(b"question")
    peer.end()  # data and close_notify in one segment
    assert server.events == ["connection_made", "data_received", "eof_received"]
    if version is ssl.TLSVersion.TLSv1_3:  # in TLS 1.2 the end of one side is the end of both (RFC 5246, 7.2.1)
        server.transport.write(b"answer")
        assert peer.hear() == b"answer"
    server.transport.close()
    stage.reactor.settle()
    assert server.events[-1] == "connection_lost"
    assert server.lost is None


def test_who_takes_the_connection_after_close_notify_is_told_of_it_again(stage, version):
    class Late(Recorder):
        def eof_received(self):
            super().eof_received()
            return self.transport.switch_protocol(new, b"what it left") is None

    new = Recorder(keep_open=True)
    peer = shaken(stage, Late(), client_context(version=version))
    peer.tls.write(b"question")
    peer.end()
    stage.reactor.settle()
    assert new.events == ["connection_made", "data_received", "eof_received"]
    new.transport.close()
    stage.reactor.settle()
    assert new.lost is None


def test_write_eof_says_our_end_and_reading_goes_on(stage):
    server = Recorder()
    peer = shaken(stage, server)
    server.transport.write(b"all")
    assert server.transport.can_write_eof()
    server.transport.write_eof()
    assert peer.hear() == (b"all", None)
    peer.say(b"more")
    assert server.data == b"more"
    peer.end()
    assert server.events[-2:] == ["eof_received", "connection_lost"]


def test_what_came_before_a_fault_is_delivered_before_it(stage, no_gc, caplog):
    """However the kernel cuts the stream."""
    caplog.set_level(logging.WARNING, logger="reactor")  # a log record holds the transport
    server = Recorder()
    peer = shaken(stage, server)
    gone = weakref.ref(server.transport)
    peer.tls.write(b"last words")
    peer.outgoing.write(b"\x17\x03\x03\x00\x20" + bytes(32))
    peer.flush()
    assert server.data == b"last words"
    assert isinstance(server.lost, ssl.SSLError)
    server.transport = server.lost = None
    assert gone() is None


class Renegotiating:
    """An SSLObject that sends nothing until it has read, as in a TLS 1.2 renegotiation that the peer asked for."""

    def __init__(self, tls):
        self.tls, self.waiting = tls, True

    def __getattr__(self, name):
        return getattr(self.tls, name)

    def write(self, data):
        if self.waiting:
            raise ssl.SSLWantReadError
        return self.tls.write(data)

    def read(self, size):
        self.waiting = False
        return self.tls.read(size)


def test_what_is_written_in_a_renegotiation_waits_for_its_end(stage):
    server = Recorder()
    peer = shaken(stage, server)
    records = server.transport._sock._records
    records._engine = Renegotiating(records._engine)
    server.transport.write(b"patience")
    ticks = stage.reactor.stats()["ticks"]
    stage.reactor.settle()
    assert stage.reactor.stats()["ticks"] - ticks < 10
    assert peer.hear() == b""
    peer.say(b"go on")
    assert peer.hear() == b"patience"
    assert server.data == b"go on"
    assert server.lost is None


class Gate:
    """A carrier that takes nothing `times` times."""

    def __init__(self, below, times):
        self.below, self.times = below, times

    def __getattr__(self, name):
        return getattr(self.below, name)

    def send(self, data):
        if self.times:
            self.times -= 1
            raise BlockingIOError
        return self.below.send(data)


def test_a_peer_that_does_not_read_what_openssl_answers_is_lost(stage):
    server = Recorder()
    peer = shaken(stage, server)
    tls = server.transport._sock
    tls._below = Gate(tls._below, 2)
    tls._records.outgoing.write(bytes(1000))  # as if it had refused many renegotiations
    peer.say(b"x")
    assert server.lost is None
    assert len(peer.sock.recv(2000, socket.MSG_PEEK)) >= 1000
    tls._below = Gate(tls._below, -1)
    tls._records.outgoing.write(bytes(ANSWERS + 1))
    peer.say(b"x")
    assert "does not read the answers" in str(server.lost)


def test_abort_is_immediate_and_no_clean_end_for_the_peer(stage):
    server = Recorder()
    peer = shaken(stage, server)
    peer.hear()
    server.transport.abort()
    stage.reactor.settle()
    assert server.events[-1] == "connection_lost"
    assert peer.hear() == b""  # no close_notify
    assert peer.sock.recv(1) == b""


def test_a_reset_is_a_named_error(stage):
    server = Recorder()
    peer = shaken(stage, server)
    stage.reset(peer.sock)
    assert isinstance(server.lost, ConnectionResetError)


# -- memory -----------------------------------------------------------------------------------------------------------


def test_an_ended_connection_is_released_at_once(stage, no_gc):
    server = Recorder()
    peer = shaken(stage, server)
    transport = server.transport
    gone = weakref.ref(transport)
    peer.end()
    peer.sock.close()
    stage.reactor.settle()
    del transport
    server.transport = None
    assert gone() is None


def test_log_lines_are_quiet(stage, caplog):
    shaken(stage, Recorder())
    assert all(record.levelno < logging.WARNING for record in caplog.records)
    assert isinstance(Protocol(), Protocol)


@pytest.mark.parametrize("name", [None, ""])
def test_start_tls_without_a_name_does_not_trust_anybody(stage, name):
    """`wrap_bio` checks no host name where none is given, whatever the context says."""
    _, transport = stage.connect(Recorder())
    with pytest.raises(ValueError, match="server_hostname"):
        transport.start_tls(client_context(), server_hostname=name)
    transport.write(b"still in the clear")
    assert not transport.is_closing()


def test_connecting_without_a_name_does_not_trust_anybody(stage):
    listener = stage.serve(Recorder, tls=server_context())
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, tls=client_context(), server_hostname="")
    stage.reactor.settle()
    with pytest.raises(ValueError, match="server_hostname"):
        future.result(timeout=0)
    assert stage.reactor.stats()["connections"] == 0


# -- in memory, with buffers of a few bytes ------------------------------------------------------------------------


def over_tls():
    """What makes a pair in memory speak TLS."""
    return {"connect": {"tls": client_context(), "server_hostname": "localhost"}, "listen": {"tls": server_context()}}


@pytest.mark.parametrize("capacity", [*range(1, 80, 3), 200])
def test_an_end_that_the_peer_takes_byte_by_byte_is_said_whole(capacity):
    """The last bytes fit, and of the close_notify behind them only a part: the peer must not think itself cut off."""

    class Answer(Recorder):
        def eof_received(self):
            self.transport.write(bytes(100))

    client = Recorder(keep_open=True)
    with connected_pair(client, Answer(), capacity=capacity, **over_tls()) as pair:
        pair.a.write_eof()
        pair.settle()
        assert client.data == bytes(100)
        assert client.events[-2:] == ["eof_received", "connection_lost"]
        assert client.lost is None
        assert pair.reactor.leftovers() == []


def test_an_end_that_the_peer_does_not_take_has_its_time_as_all_else_has():
    client, server = Recorder(), Recorder()
    with connected_pair(client, server, capacity=10, timeouts=Timeouts(close=5), **over_tls()) as pair:
        pair.settle()
        pair.a.pause_reading()
        pair.settle()
        pair.b.close()
        pair.advance(6)
        assert isinstance(server.lost, CloseTimeout)


def test_a_handshake_whose_flight_is_not_taken_spins_over_nothing(monkeypatch):
    """The peer sends on and takes nothing: to be told so again and again would cost a processor."""
    monkeypatch.setattr("reactor.testing.world.ROUNDS", 1000)
    with MemoryReactor(capacity=300) as reactor:
        listener = reactor.listen_tcp(Recorder, "127.0.0.1", 0, tls=server_context())
        sock = reactor._kernel.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.connect_ex(("127.0.0.1", listener.port))
        outgoing = ssl.MemoryBIO()
        tls = client_context().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
        with pytest.raises(ssl.SSLWantReadError):
            tls.do_handshake()
        for data in (outgoing.read(), b"more"):
            while data:
                data = data[sock.send(data) :]
                reactor.settle()
        assert len(listener.connections) == 1
        reactor.advance(11)
        assert len(listener.connections) == 0
        sock.close()


class Sink(Protocol):
    """Keeps nothing of what comes."""

    received = 0

    def data_received(self, data):
        self.received += len(data)


def test_a_connection_that_carried_bulk_keeps_none_of_it():
    """Of Python's own memory; OpenSSL's two buffers stay as large as a slice has made them, 22 KiB each."""
    a, b = Sink(), Sink()
    tls = {"connect": {"tls": client_context(), "server_hostname": "localhost"}, "listen": {"tls": server_context()}}
    with connected_pair(a, b, **tls) as pair:

        def carry(size):
            pair.a.write(bytes(size))
            pair.b.write(bytes(size))
            pair.settle()

        carry(100)
        tracemalloc.start()
        try:
            carry(100)
            before = tracemalloc.get_traced_memory()[0]
            carry(4 << 20)
            gc.collect()
            kept = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert a.received == b.received == (4 << 20) + 200
    assert kept < 8 * 1024
