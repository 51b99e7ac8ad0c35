"""Datagrams: each whole, in order, and whatever goes wrong with one ends nothing."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import random
import signal
import socket
import weakref
from collections import deque
from concurrent.futures import Future

import pytest

from reactor import (
    CloseTimeout,
    DatagramDropped,
    DatagramProtocol,
    DrainTimeout,
    IdleTimeout,
    Limits,
    PeerError,
    Reactor,
    ReactorError,
    Timeouts,
    WriteTimeout,
)
from reactor.loop.kernel import SelectorPoller
from reactor.loop.poller import WRITE
from reactor.sockets.addresses import show
from reactor.testing import SteppedReactor
from reactor.transports.datagram import COST, READ_BATCH, UNTOLD

LOCALHOST = ("127.0.0.1", 0)


class Diary(DatagramProtocol):
    """Writes down every callback; runs what a test puts in its place."""

    def __init__(self, **plans):
        self.events = []
        self.data = []
        self.addresses = []
        self.errors = []
        self.lost = "not yet"
        self.plans = plans

    def note(self, name, *args):
        self.events.append(name)
        if name in self.plans:
            self.plans[name](self, *args)

    def connection_made(self, transport):
        self.transport = transport
        self.note("made")

    def datagram_received(self, data, addr):
        self.data.append(data)
        self.addresses.append(addr)
        self.note("received", data, addr)

    def error_received(self, exc):
        self.errors.append(exc)
        self.note("error", exc)

    def pause_writing(self):
        self.note("pause")

    def resume_writing(self):
        self.note("resume")

    def connection_lost(self, exc):
        self.lost = exc
        self.note("lost", exc)


class Wire:
    """A datagram socket in memory: it takes `room` datagrams and is not writable then, and fails as told."""

    def __init__(self, room=0, peer=None):
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)  # for something to poll
        self.ours.setblocking(False)
        self.theirs.setblocking(False)
        self.fileno = self.ours.fileno
        self.peer = peer
        self.sent = []
        self.send_faults = deque()
        self.receive_faults = deque()
        self.room = room

    @property
    def room(self):
        return self._room

    @room.setter
    def room(self, room):
        self._room = room
        try:
            while True:  # full or empty, so that the poller sees the same as we say
                self.theirs.recv(1) if room else self.ours.send(b"-")
        except BlockingIOError:
            pass

    def getpeername(self):
        if self.peer is None:
            raise OSError(errno.ENOTCONN, "not connected")
        return self.peer

    def recvfrom(self, size):
        if self.receive_faults:
            raise self.receive_faults.popleft()
        return self.ours.recv(size), ("wire", 1)

    def send(self, data):
        return self.sendto(data, self.peer)

    def sendto(self, data, addr):
        if self.send_faults:
            raise self.send_faults.popleft()
        if not self.room:
            raise BlockingIOError
        self.sent.append((bytes(data), addr))
        self.room -= 1
        return len(data)

    def close(self):
        self.ours.close()
        self.theirs.close()


A, B = ("192.0.2.1", 1), ("192.0.2.2", 2)  # RFC 5737: addresses for documentation


@pytest.fixture
def reactor(stage):
    return stage.reactor


@pytest.fixture
def plain(stage):
    """A raw UDP socket on loopback."""
    sock = stage.own(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.bind(LOCALHOST)
    sock.settimeout(10)
    return sock


def address(transport):
    return transport.get_extra_info("sockname")


def open_bound(reactor, diary=None, **options):
    diary = diary or Diary()
    reactor.open_udp(lambda: diary, local=LOCALHOST, **options)
    return diary


def open_wire(reactor, wire, diary=None, **options):
    diary = diary or Diary()
    reactor.open_udp(lambda: diary, sock=wire, **options)
    return diary


# -- receiving and sending ----------------------------------------------------------------------------------------


def test_an_echo(reactor, plain):
    diary = open_bound(reactor, Diary(received=lambda self, data, addr: self.transport.sendto(data, addr)))
    assert diary.events == ["made"]  # before open_udp returned
    for text in (b"one", b"two"):
        plain.sendto(text, address(diary.transport))
    reactor.settle()
    assert [plain.recv(100), plain.recv(100)] == [b"one", b"two"]
    assert diary.data == [b"one", b"two"]
    assert diary.addresses == [plain.getsockname()] * 2
    transport = diary.transport
    assert (transport.datagrams_in, transport.bytes_in, transport.datagrams_out, transport.bytes_out) == (2, 6, 2, 6)


def test_an_echo_and_a_refusal_on_a_system_without_epoll(refused_udp):
    reactor = SteppedReactor(SelectorPoller())
    echo, ask, lonely = Diary(received=lambda self, *args: self.transport.sendto(*args)), Diary(), Diary()
    server = reactor.open_udp(lambda: echo, local=LOCALHOST)
    reactor.open_udp(lambda: ask, remote=address(server)).sendto(b"x")
    reactor.open_udp(lambda: lonely, remote=refused_udp).sendto(b"x")
    reactor.settle()
    reactor.close()
    assert ask.data == [b"x"]
    assert lonely.events == ["made", "error", "lost"]


@pytest.mark.parametrize("size", [0, 1, 65507])
def test_a_datagram_of_any_size_is_delivered_whole(reactor, size):
    receiver, sender = open_bound(reactor), open_bound(reactor)
    sender.transport.sendto(bytes(size), address(receiver.transport))
    reactor.settle()
    assert receiver.data == [bytes(size)]


def test_bytearrays_and_memoryviews_are_sent(reactor):
    receiver, sender = open_bound(reactor), open_bound(reactor)
    for data in (bytearray(b"x"), memoryview(b"y"), memoryview(b"four").cast("I")):
        sender.transport.sendto(data, address(receiver.transport))
    reactor.settle()
    assert receiver.data == [b"x", b"y", b"four"]
    assert sender.transport.bytes_out == receiver.transport.bytes_in == 6


def test_a_datagram_that_is_too_large_goes_to_error_received_and_not_from_inside_sendto(reactor, plain):
    diary = open_bound(reactor)
    diary.transport.sendto(bytes(65508), plain.getsockname())
    assert diary.events == ["made"]
    reactor.settle()
    assert [exc.errno for exc in diary.errors] == [errno.EMSGSIZE]
    assert diary.transport.dropped == reactor.stats()["dropped_datagrams"] == 1
    diary.transport.sendto(b"still here", plain.getsockname())
    assert plain.recv(100) == b"still here"


def test_a_burst_is_read_in_bounded_batches(reactor, plain):
    diary = open_bound(reactor)
    for number in range(READ_BATCH + 1):
        plain.sendto(b"%d" % number, address(diary.transport))
    reactor._tick()
    assert len(diary.data) == READ_BATCH
    reactor.settle()
    assert diary.data == [b"%d" % number for number in range(READ_BATCH + 1)]


def test_pausing_inside_a_batch_holds_back_the_rest_exactly(reactor, plain):
    diary = open_bound(reactor, Diary(received=lambda self, *_: self.transport.pause_reading()))
    for text in (b"1", b"2", b"3"):
        plain.sendto(text, address(diary.transport))
    reactor.settle()
    assert diary.data == [b"1"]
    assert not diary.transport.is_reading()
    diary.transport.resume_reading()
    assert diary.data == [b"1"]
    assert diary.transport.is_reading()
    reactor.settle()
    assert diary.data == [b"1", b"2"]


def test_pausing_another_that_is_ready_holds_back_its_datagrams_too(reactor, plain):
    def pause_the_other(self, *_):
        for diary in diaries:
            if diary is not self:
                diary.transport.pause_reading()

    diaries = [open_bound(reactor, Diary(received=pause_the_other)) for _ in range(2)]
    for diary in diaries:
        plain.sendto(b"x", address(diary.transport))
    reactor._tick()
    assert sorted(len(diary.data) for diary in diaries) == [0, 1]


def test_a_refusal_while_reading_is_paused_does_not_spin(reactor, refused_udp):
    diary = Diary()
    transport = reactor.open_udp(lambda: diary, remote=refused_udp)
    transport.pause_reading()
    transport.sendto(b"x")
    before = reactor.stats()["ticks"]
    reactor.settle()
    assert reactor.stats()["ticks"] - before < 5
    transport.resume_reading()
    reactor.settle()
    assert [type(exc) for exc in diary.errors] == [ConnectionRefusedError]


@pytest.mark.parametrize("ending", ["close", "abort"])
def test_nothing_is_delivered_after_an_end_inside_a_batch(reactor, plain, ending):
    diary = open_bound(reactor, Diary(received=lambda self, *_: getattr(self.transport, ending)()))
    for text in (b"1", b"2"):
        plain.sendto(text, address(diary.transport))
    reactor.settle()
    assert diary.events == ["made", "received", "lost"]
    assert diary.lost is None


def test_set_protocol_counts_from_the_next_datagram_on(reactor, plain):
    second = Diary()
    first = open_bound(reactor, Diary(received=lambda self, *_: self.transport.set_protocol(second)))
    for text in (b"1", b"2"):
        plain.sendto(text, address(first.transport))
    reactor.settle()
    assert (first.data, second.data) == ([b"1"], [b"2"])
    assert first.transport.get_protocol() is second


# -- connected, and addresses --------------------------------------------------------------------------------------


def test_a_connected_socket_sends_without_an_address_and_hears_only_its_peer(reactor, plain):
    diary = Diary()
    transport = reactor.open_udp(lambda: diary, remote=plain.getsockname())
    transport.sendto(b"without")
    transport.sendto(b"named", plain.getsockname())
    assert [plain.recv(100), plain.recv(100)] == [b"without", b"named"]
    stranger = open_bound(reactor)
    stranger.transport.sendto(b"from a stranger", address(transport))
    plain.sendto(b"from the peer", address(transport))
    reactor.settle()
    assert diary.data == [b"from the peer"]
    assert transport.get_extra_info("peername") == plain.getsockname()
    with pytest.raises(ValueError, match="connected to"):
        transport.sendto(b"x", ("127.0.0.1", 1))


def test_bound_and_connected(reactor, plain):
    transport = reactor.open_udp(Diary, local=("127.0.0.2", 0), remote=plain.getsockname())
    transport.sendto(b"x")
    assert plain.recvfrom(100) == (b"x", transport.get_extra_info("sockname"))
    assert transport.get_extra_info("sockname")[0] == "127.0.0.2"


def test_a_wrong_address_is_refused_at_the_call(reactor):
    transport = open_bound(reactor).transport
    with pytest.raises(ValueError, match="needs an address"):
        transport.sendto(b"x")
    with pytest.raises(ValueError, match="resolve 'localhost' once"):
        transport.sendto(b"x", ("localhost", 9))
    with pytest.raises(ValueError, match="a port is 0 to 65535"):
        transport.sendto(b"x", ("127.0.0.1", 70000))
    with pytest.raises(TypeError):
        transport.sendto("text", ("127.0.0.1", 9))


def test_names_that_the_socket_module_knows_by_itself_are_no_names(reactor):
    diary, receiver = open_bound(reactor), Diary()
    port = address(reactor.open_udp(lambda: receiver, local=("", 0)))[1]
    diary.transport.sendto(b"x", ("", port))
    diary.transport.sendto(b"x", ("<broadcast>", port))
    reactor.settle()
    assert receiver.data == [b"x"]
    assert [type(exc) for exc in diary.errors] == [PermissionError]  # nobody asked for broadcast


def test_an_address_of_the_other_family_goes_to_error_received(reactor):
    diary = open_bound(reactor)
    diary.transport.sendto(b"x", ("::1", 9))
    reactor.settle()
    assert len(diary.errors) == 1
    assert isinstance(diary.errors[0], OSError)


def test_without_addresses_a_socket_has_a_port_from_the_start(reactor, plain):
    transport = reactor.open_udp(Diary)
    host, port = address(transport)
    assert host == "0.0.0.0"
    transport.sendto(b"x", plain.getsockname())
    assert plain.recvfrom(100) == (b"x", ("127.0.0.1", port))


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")


@needs_ipv6
@pytest.mark.parametrize("local", [("::1", 0), (None, 0)])
def test_ipv6(reactor, local):
    receiver = Diary()
    transport = reactor.open_udp(lambda: receiver, local=local, family=socket.AF_INET6)
    asking = reactor.open_udp(Diary, remote=("::1", address(transport)[1]))
    asking.sendto(b"six")
    reactor.settle()
    assert receiver.data == [b"six"]
    transport.sendto(b"back", receiver.addresses[0])
    reactor.settle()
    assert asking.get_protocol().data == [b"back"]


@needs_ipv6
def test_every_interface_is_of_one_family(reactor, monkeypatch):
    port = address(reactor.open_udp(Diary, local=(None, 0), family=socket.AF_INET6))[1]
    assert address(reactor.open_udp(Diary, local=(None, port)))[0] == "0.0.0.0"
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: sorted(real(*args, **more), reverse=True))
    assert address(reactor.open_udp(Diary, local=(None, 0)))[0] == "0.0.0.0"


def test_a_running_loop_is_not_stopped_for_a_name(reactor):
    def open_both():
        for side in ("local", "remote"):
            with pytest.raises(ValueError, match=r"use an address, by run_in_thread\("):
                reactor.open_udp(Diary, **{side: ("localhost", 9999)})
        reactor.open_udp(Diary, local=("", 0))
        reactor.open_udp(Diary, local=("127.0.0.1", 0), remote=("127.0.0.1", 9))
        done.append(True)
        reactor.stop()

    done = []
    reactor.call_soon(open_both)
    reactor.run()
    assert done


def test_a_name_is_looked_up_when_the_socket_is_opened(reactor):
    receiver = Diary()
    transport = reactor.open_udp(lambda: receiver, local=("localhost", 0), family=socket.AF_INET)
    reactor.open_udp(Diary, remote=("localhost", address(transport)[1]), family=socket.AF_INET).sendto(b"x")
    reactor.settle()
    assert receiver.data == [b"x"]


def test_broadcast_needs_to_be_asked_for(reactor):
    receiver = Diary()
    port = address(reactor.open_udp(lambda: receiver, local=("", 0)))[1]
    shy, loud = open_bound(reactor), Diary()
    shy.transport.sendto(b"x", ("127.255.255.255", port))
    reactor.open_udp(lambda: loud, broadcast=True).sendto(b"hello, all", ("127.255.255.255", port))
    reactor.settle()
    assert [type(exc) for exc in shy.errors] == [PermissionError]
    assert receiver.data == [b"hello, all"]
    assert not loud.errors


def test_reuse_port(reactor):
    first = reactor.open_udp(Diary, local=LOCALHOST, reuse_port=True)
    second = reactor.open_udp(Diary, local=address(first), reuse_port=True)
    assert address(first) == address(second)


# -- multicast -----------------------------------------------------------------------------------------------------

GROUP = "239.255.43.21"  # administratively scoped (RFC 2365): it stays here


@pytest.mark.parametrize("interface", ["127.0.0.1", "lo", "index"])
def test_a_multicast_group_is_joined_and_left(reactor, interface):
    if interface == "index":
        interface = socket.if_nametoindex("lo")
    diary = Diary()
    transport = reactor.open_udp(lambda: diary, local=(None, 0))
    sender = open_bound(reactor).transport
    sender.get_extra_info("socket").setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
    transport.join(GROUP, interface)
    sender.sendto(b"to the group", (GROUP, address(transport)[1]))
    reactor.settle()
    assert diary.data == [b"to the group"]
    transport.leave(GROUP, interface)
    sender.sendto(b"to those who stayed", (GROUP, address(transport)[1]))
    reactor.settle()
    assert diary.data == [b"to the group"]


@needs_ipv6
def test_an_ipv6_multicast_group_is_joined_and_left(reactor):
    diary, group = Diary(), "ff01::4321"  # ff01: never leaves the machine (RFC 4291)
    transport = reactor.open_udp(lambda: diary, local=("::", 0))
    for index, name in socket.if_nameindex():
        try:
            transport.join(group, name)
        except OSError as exc:  # not every interface can
            diary.errors.append(exc)
            continue
        transport.sendto(b"x", (group, address(transport)[1], 0, index))
        reactor.settle()
        transport.leave(group, index)
        with pytest.raises(OSError, match=f"cannot leave {group} on {name}"):
            transport.leave(group, name)
    if len(diary.errors) == len(socket.if_nameindex()):
        pytest.skip(f"no IPv6 multicast on any interface here: {diary.errors[0]}")
    assert set(diary.data) == {b"x"}


def test_what_cannot_be_joined_is_said(reactor):
    transport = open_bound(reactor).transport
    with pytest.raises(ValueError, match=r"not a multicast group: '10\.0\.0\.1'"):
        transport.join("10.0.0.1")
    with pytest.raises(ValueError, match="does not appear to be"):
        transport.join("example.org")
    with pytest.raises(OSError, match=f"cannot leave {GROUP} on 127.0.0.1"):
        transport.leave(GROUP, "127.0.0.1")
    with pytest.raises(OSError, match=f"cannot join {GROUP} on nosuch0"):
        transport.join(GROUP, "nosuch0")


# -- errors --------------------------------------------------------------------------------------------------------


def test_a_refusal_goes_to_error_received_and_the_socket_lives_on(reactor, refused_udp):
    diary, port = Diary(), refused_udp[1]
    transport = reactor.open_udp(lambda: diary, remote=("127.0.0.1", port))
    transport.sendto(b"anybody?")
    reactor.settle()
    assert [type(exc) for exc in diary.errors] == [ConnectionRefusedError]
    listening = Diary()
    reactor.open_udp(lambda: listening, local=("127.0.0.1", port), reuse_port=True)
    transport.sendto(b"and now?")
    reactor.settle()
    assert listening.data == [b"and now?"]
    assert len(diary.errors) == 1


def test_a_refusal_that_the_next_send_finds_goes_to_error_received_too(reactor, refused_udp):
    diary = Diary()
    transport = reactor.open_udp(lambda: diary, remote=refused_udp)
    transport.sendto(b"refused by now")
    transport.sendto(b"this call is told")
    assert diary.events == ["made"]
    reactor.settle()
    assert {type(exc) for exc in diary.errors} == {ConnectionRefusedError}
    assert transport.dropped == 0  # the refusal was the first one's, and says nothing about the second


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="IP_RECVERR is Linux's")
@pytest.mark.parametrize("paused", [False, True])
def test_an_unconnected_socket_with_recverr_hears_of_refusals_and_does_not_spin(reactor, paused, refused_udp):
    diary, nobody = open_bound(reactor), refused_udp
    diary.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_IP, 11, 1)
    if paused:
        diary.transport.pause_reading()
    diary.transport.sendto(b"anybody?", nobody)
    before = reactor.stats()["ticks"]
    reactor.settle()
    assert reactor.stats()["ticks"] - before < 10
    if paused:
        diary.transport.resume_reading()
        reactor.settle()
    assert [exc.errno for exc in diary.errors] == [errno.ECONNREFUSED]
    assert str(nobody[1]) in str(diary.errors[0])


@pytest.mark.parametrize("number", [errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENOBUFS])
def test_an_error_of_recvfrom_does_not_keep_the_datagram_behind_it(reactor, number):
    wire = Wire()
    diary = open_wire(reactor, wire)
    wire.receive_faults.append(OSError(number, "fault"))
    wire.theirs.send(b"x")
    reactor.settle()
    assert diary.events == ["made", "error", "received"]


@pytest.mark.parametrize("where", ["receive_faults", "send_faults"])
def test_a_descriptor_that_is_no_socket_any_more_ends_the_transport(reactor, where):
    wire = Wire(room=1)
    diary = open_wire(reactor, wire)
    getattr(wire, where).append(OSError(errno.EBADF, "fault"))
    wire.theirs.send(b"x")
    diary.transport.sendto(b"x", A)
    reactor.settle()
    assert diary.lost.errno == errno.EBADF
    assert diary.events == ["made", "lost"]


def test_a_descriptor_that_breaks_under_those_who_wait_ends_the_transport(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire)
    for _ in range(2):
        diary.transport.sendto(b"x", A)
    wire.send_faults.append(OSError(errno.EBADF, "fault"))
    wire.room = 2
    reactor.settle()
    assert diary.lost.errno == errno.EBADF
    assert diary.events == ["made", "lost"]
    assert not wire.sent


@pytest.mark.loud
def test_after_an_exception_no_further_error_is_told(reactor, caplog):
    def fail(self, exc):
        raise RuntimeError("a bug")

    diary = open_bound(reactor, Diary(error=fail))
    for _ in range(2):
        diary.transport.sendto(bytes(65508), A)
    reactor.settle()
    assert diary.events == ["made", "error", "lost"]
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.loud
@pytest.mark.parametrize("name", ["made", "error", "pause", "lost"])
def test_an_exception_in_a_callback_is_logged_once_and_ends_only_that_transport(reactor, caplog, name):
    def fail(self, *args):
        raise RuntimeError("a bug")

    wire = Wire()
    diary = open_wire(reactor, wire, Diary(**{name: fail}))
    transport, other = diary.transport, open_bound(reactor)
    transport.set_write_buffer_limits(0)
    wire.receive_faults.append(OSError(errno.EHOSTUNREACH, "fault"))
    wire.theirs.send(b"1")
    wire.theirs.send(b"2")
    transport.sendto(b"x", A)  # finds no room: pause_writing
    reactor.settle()
    transport.abort()
    reactor.settle()
    assert diary.events[-1] == "lost"
    assert diary.events.count("lost") == diary.events.count(name) == 1
    assert [record.exc_info[1].args for record in caplog.records if record.exc_info] == [("a bug",)]
    assert isinstance(diary.lost, RuntimeError) is (name != "lost")
    assert not other.transport.is_closing()
    assert reactor.stats()["datagram_sockets"] == 1


def test_a_peer_error_is_quiet(reactor, plain):
    def refuse(self, *args):
        raise PeerError("not in this protocol")

    diary = open_bound(reactor, Diary(received=refuse))
    for _ in range(2):
        plain.sendto(b"x", address(diary.transport))
    reactor.settle()
    assert diary.events == ["made", "received", "received"]


@pytest.mark.loud
def test_a_datagram_that_the_program_fails_on_harms_nobody_but_its_sender(reactor, plain, caplog):
    """`data.decode()` is enough: one datagram must not end the service of all."""

    class Decoding(Diary):
        def datagram_received(self, data, addr):
            super().datagram_received(data.decode(), addr)

    diary = open_bound(reactor, Decoding())
    for data in (b"1", b"\xff", b"2"):
        plain.sendto(data, address(diary.transport))
    reactor.settle()
    assert diary.events == ["made", "received", "received"]
    (record,) = [record for record in caplog.records if record.exc_info]
    assert show(plain.getsockname()) in record.getMessage()


def test_errors_still_untold_come_before_the_end(reactor):
    def fail_and_close():
        diary.transport.sendto(bytes(65508), ("127.0.0.1", 9))
        diary.transport.close()
        assert diary.events == ["made"]

    diary = open_bound(reactor)
    reactor.call_soon(fail_and_close)  # the end is due in this tick, what is told by call_soon in the next
    reactor.settle()
    assert diary.events == ["made", "error", "lost"]


def test_a_flood_of_failures_is_told_in_bounded_number(reactor):
    diary = open_bound(reactor)
    for _ in range(UNTOLD + 36):
        diary.transport.sendto(bytes(65508), ("127.0.0.1", 9))
    reactor.settle()
    assert len(diary.errors) == UNTOLD + 1
    assert str(diary.errors[-1]) == f"[Errno {errno.ENOBUFS}] 36 more datagrams were not sent"
    diary.transport.sendto(bytes(65508), ("127.0.0.1", 9))
    reactor.settle()
    assert len(diary.errors) == UNTOLD + 2


# -- what the kernel does not take ---------------------------------------------------------------------------------


def test_what_must_wait_keeps_its_boundaries_and_its_order(reactor):
    wire = Wire(room=1)
    diary = open_wire(reactor, wire)
    changing = bytearray(b"two")
    diary.transport.sendto(b"one", A)
    diary.transport.sendto(changing, B)
    changing[:] = b"2.0"
    diary.transport.sendto(b"", A)
    assert wire.sent == [(b"one", A)]
    assert diary.transport.get_write_buffer_size() == 3 + 2 * COST
    wire.room = 10
    diary.transport.sendto(b"not past those who wait", B)
    assert len(wire.sent) == 1
    reactor.settle()
    assert wire.sent == [(b"one", A), (b"two", B), (b"", A), (b"not past those who wait", B)]
    assert diary.transport.get_write_buffer_size() == 0
    assert diary.transport.datagrams_out == 4
    ticks = reactor.stats()["ticks"]
    reactor.settle()
    assert reactor.stats()["ticks"] - ticks < 3  # a writable socket is not watched for nothing


def test_a_connected_socket_waits_as_well(reactor):
    wire = Wire(peer=A)
    diary = open_wire(reactor, wire)
    diary.transport.sendto(b"x")
    diary.transport.sendto(b"y", A)
    wire.room = 2
    reactor.settle()
    assert wire.sent == [(b"x", A), (b"y", A)]


def test_watermarks(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire)
    transport = diary.transport
    transport.set_write_buffer_limits(high=2 * COST, low=COST)
    assert transport.get_write_buffer_limits() == (COST, 2 * COST)
    for _ in range(2):
        transport.sendto(b"", A)
    assert diary.events == ["made"]
    for _ in range(2):
        transport.sendto(b"", A)
    assert diary.events == ["made", "pause"]
    wire.room = 2
    reactor.settle()
    assert diary.events == ["made", "pause"]
    wire.room = 1
    reactor.settle()
    assert diary.events == ["made", "pause", "resume"]
    assert len(wire.sent) == 3


def test_beyond_the_limit_a_datagram_is_dropped_counted_and_told(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire, limits=Limits(output=2 * COST + 10))
    for data in (b"12345", b"12345", b"", b""):
        diary.transport.sendto(data, A)
    assert diary.events == ["made"]
    wire.room = 10
    reactor.settle()
    assert [data for data, _ in wire.sent] == [b"12345", b"12345"]
    assert [type(exc) for exc in diary.errors] == [DatagramDropped] * 2
    assert {exc.errno for exc in diary.errors} == {errno.ENOBUFS}
    assert diary.transport.dropped == reactor.stats()["dropped_datagrams"] == 2
    assert not diary.transport.is_closing()


def test_an_error_among_those_who_wait_costs_only_its_datagram(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire)
    for data, addr in ((b"1", A), (b"2", ("192.0.2.1", "not a port")), (b"3", A)):
        diary.transport.sendto(data, addr)
    wire.room = 2
    wire.send_faults.append(TypeError("an address is a host and a port"))
    reactor.settle()
    assert diary.transport.get_write_buffer_size() == 0
    assert len(wire.sent) == 2
    assert [type(exc) for exc in diary.errors] == [TypeError]


def test_a_long_queue_does_not_hold_up_the_others(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire)
    for _ in range(1000):
        diary.transport.sendto(b"x", A)
    wire.room = 1000
    reactor._tick()
    assert 0 < len(wire.sent) < 1000
    reactor.settle()
    assert len(wire.sent) == 1000


FAULTS = (errno.ECONNREFUSED, errno.ENETUNREACH, errno.EPERM, errno.EMSGSIZE, errno.ENOBUFS)


@pytest.mark.parametrize("seed", range(40))
def test_every_datagram_is_sent_or_waits_or_is_counted_and_told(reactor, seed):
    chance = random.Random(seed)
    wire = Wire(room=chance.randrange(3))
    diary = open_wire(reactor, wire, limits=Limits(output=20 * COST), timeouts=Timeouts(write=None, close=1))
    transport, given = diary.transport, []
    transport.set_write_buffer_limits(high=8 * COST)

    def send():
        given.append(b"%d" % len(given))
        transport.sendto(given[-1], A)

    steps = [
        send,
        send,
        send,
        lambda: setattr(wire, "room", chance.randrange(6)),
        lambda: wire.send_faults.append(OSError(chance.choice(FAULTS), "fault")),
        lambda: wire.receive_faults.append(OSError(chance.choice(FAULTS), "fault")),
        chance.choice((transport.pause_reading, transport.resume_reading)),
        reactor.settle,
    ]
    for _ in range(200):
        chance.choice(steps)()
        assert transport.get_write_buffer_size() <= 20 * COST
    chance.choice((transport.close, transport.abort, lambda: None))()
    reactor.advance(2)
    transport.abort()
    reactor.settle()
    assert len(wire.sent) == transport.datagrams_out
    assert len(wire.sent) + transport.dropped == len(given)
    order = [given.index(data) for data, _ in wire.sent]
    assert order == sorted(order)
    assert diary.events[0] == "made"
    assert diary.events[-1] == "lost"
    pressure = [name for name in diary.events if name in ("pause", "resume")]
    assert pressure == ["pause", "resume"] * (len(pressure) // 2) + ["pause"] * (len(pressure) % 2)


# -- ending --------------------------------------------------------------------------------------------------------


def test_close_sends_what_waits(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire)
    diary.transport.sendto(b"x", A)
    diary.transport.close()
    diary.transport.close()
    assert diary.transport.is_closing()
    wire.theirs.send(b"too late")
    reactor.settle()
    assert diary.events == ["made"]
    wire.room = 1
    reactor.settle()
    assert wire.sent == [(b"x", A)]
    assert diary.events == ["made", "lost"]
    assert diary.lost is None


def test_close_gives_up_after_its_timeout(reactor):
    diary = open_wire(reactor, Wire(), timeouts=Timeouts(close=5))
    diary.transport.sendto(b"x", A)
    diary.transport.close()
    reactor.advance(4)
    assert diary.lost == "not yet"
    reactor.advance(2)
    assert isinstance(diary.lost, CloseTimeout)
    assert diary.transport.dropped == 1


def test_no_callback_runs_from_inside_close_or_abort(reactor):
    for ending in ("close", "abort"):
        diary = open_bound(reactor)
        getattr(diary.transport, ending)()
        assert diary.events == ["made"]
        reactor.settle()
        assert diary.events == ["made", "lost"]
        assert diary.lost is None


def test_abort_drops_what_waits(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire)
    diary.transport.sendto(b"x", A)
    diary.transport.abort()
    wire.room = 1
    reactor.settle()
    assert not wire.sent
    assert diary.events == ["made", "lost"]
    assert (diary.lost, diary.transport.dropped, diary.transport.get_write_buffer_size()) == (None, 1, 0)


def test_what_waits_is_not_sent_after_an_abort_in_the_same_batch(reactor):
    wire = Wire()
    diary = open_wire(reactor, wire, Diary(received=lambda self, *_: self.transport.abort()))
    diary.transport.sendto(b"x", A)
    wire.room = 1
    wire.theirs.send(b"readable and writable at once")
    reactor.settle()
    assert not wire.sent
    assert reactor.stats()["dropped_datagrams"] == 1


def test_late_calls_are_harmless_and_counted(reactor, plain):
    diary = open_bound(reactor)
    transport, here = diary.transport, address(diary.transport)
    transport.close()
    transport.sendto(b"closing", plain.getsockname())
    reactor.settle()
    transport.sendto(b"over")
    for late in (transport.close, transport.abort, transport.pause_reading, transport.resume_reading):
        late()
    reactor.settle()
    assert reactor.stats()["ignored_writes"] == 2
    assert diary.events == ["made", "lost"]
    assert not transport.is_reading()
    assert transport.get_protocol() is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(here)  # given back


def test_the_addresses_are_still_known_in_connection_lost(reactor, plain):
    known = []

    def look(self, exc):
        known.extend(self.transport.get_extra_info(name) for name in ("sockname", "peername"))

    transport = reactor.open_udp(lambda: Diary(lost=look), remote=plain.getsockname())
    here = address(transport)
    transport.close()
    reactor.settle()
    assert known == [here, plain.getsockname()]


def test_closing_at_once_in_connection_made(reactor):
    diary = open_bound(reactor, Diary(made=lambda self: self.transport.close()))
    reactor.settle()
    assert diary.events == ["made", "lost"]


def test_an_idle_timeout_counts_both_ways(reactor, plain):
    diary = open_bound(reactor, timeouts=Timeouts(idle=10))
    for step in (
        lambda: plain.sendto(b"x", address(diary.transport)),
        lambda: diary.transport.sendto(b"x", plain.getsockname()),
    ):
        reactor.advance(9)
        step()
        reactor.settle()
    reactor.advance(9)
    assert diary.lost == "not yet"
    reactor.advance(2)
    assert isinstance(diary.lost, IdleTimeout)


def test_a_stall_ends_a_socket_only_where_that_was_asked_for(reactor):
    patient = open_wire(reactor, Wire())
    strict = open_wire(reactor, Wire(), timeouts=Timeouts(write=10))
    for diary in (patient, strict):
        diary.transport.sendto(b"x", A)
    reactor.advance(1000)
    assert patient.lost == "not yet"
    assert isinstance(strict.lost, WriteTimeout)


def test_a_datagram_that_is_refused_outright_has_the_whole_timeout(reactor):
    wire = Wire(room=1)
    diary = open_wire(reactor, wire, timeouts=Timeouts(write=60))
    diary.transport.sendto(b"x", A)
    reactor.advance(100)
    diary.transport.sendto(b"y", A)
    reactor.advance(59)
    assert diary.lost == "not yet"
    reactor.advance(3)
    assert isinstance(diary.lost, WriteTimeout)


def test_more_datagrams_and_a_socket_that_takes_none_buy_no_time(reactor):
    diary = open_wire(reactor, Wire(), timeouts=Timeouts(write=60))
    for _ in range(5):
        diary.transport.sendto(b"x", A)
        reactor.advance(20)
        diary.transport._on_ready(WRITE)
    assert isinstance(diary.lost, WriteTimeout)


def test_a_drain_closes_and_reports(reactor):
    quick = open_bound(reactor)
    wire = Wire()
    stuck = open_wire(reactor, wire)
    stuck.transport.sendto(b"x", A)
    report = reactor.run_until(reactor.drain(5))
    assert quick.lost is None
    assert isinstance(stuck.lost, DrainTimeout)
    assert (report.closed, report.cut) == (1, [None])


def test_a_protocol_may_finish_its_work_in_a_drain(reactor):
    class Finishing(Diary):
        def draining(self, grace):
            self.note(f"draining {grace:g}")
            return True

    diary = open_bound(reactor, Finishing())
    drained = reactor.drain(5)
    reactor.settle()
    assert diary.events == ["made", "draining 5"]
    diary.transport.close()
    assert reactor.run_until(drained).closed == 1


def test_abort_and_close_of_the_reactor(stage):
    first = open_bound(stage.reactor)
    stage.reactor.abort()
    stage.reactor.settle()
    assert first.lost is None
    second = open_bound(stage.reactor)
    stage.reactor.close()
    assert second.events == ["made", "lost"]


def test_an_ended_transport_is_released_at_once(reactor, no_gc):
    wire = Wire()
    diary = open_wire(reactor, wire)
    transport = weakref.ref(diary.transport)
    diary.transport.sendto(b"x", A)
    diary.transport.abort()
    reactor.settle()
    del diary.transport
    assert transport() is None


def test_a_forked_child_leaves_the_parents_socket_alone(plain):
    with Reactor() as reactor:
        diary = open_bound(reactor)
        child = os.fork()
        if not child:
            signal.alarm(10)
            status = 1
            try:
                reactor.close()
                left_open = diary.transport.get_extra_info("socket").fileno() != -1
                status = int(left_open or diary.events != ["made"])
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        plain.sendto(b"x", address(diary.transport))
        diary.plans["received"] = lambda *_: reactor.stop()
        reactor.call_later(10, reactor.stop)
        reactor.run()
        assert diary.data == [b"x"]


# -- opening -------------------------------------------------------------------------------------------------------


def test_an_address_in_use_is_named(reactor):
    taken = address(open_bound(reactor).transport)
    with pytest.raises(OSError, match=f"cannot listen on UDP 127.0.0.1:{taken[1]}: Address already in use") as caught:
        reactor.open_udp(Diary, local=taken)
    assert caught.value.errno == errno.EADDRINUSE
    assert isinstance(caught.value, ReactorError)
    with pytest.raises(ConnectionError, match=f"UDP 127.0.0.1:9: 127.0.0.1:9 from 127.0.0.1:{taken[1]}: Address alr"):
        reactor.open_udp(Diary, local=taken, remote=("127.0.0.1", 9))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"local": ("nosuch.invalid", 0)}, OSError, "cannot listen on UDP nosuch.invalid: "),
        ({"local": ("192.0.2.77", 0)}, OSError, "cannot listen on UDP 192.0.2.77:0: "),
        ({"local": ("127.0.0.1", 70000)}, OSError, "not in 0 to 65535"),
        ({"remote": ("nosuch.invalid", 9)}, OSError, "cannot resolve 'nosuch.invalid': "),
        ({"remote": ("x" * 70, 9)}, OSError, "cannot resolve 'xxx"),
        ({"remote": ("127.0.0.1", 0)}, ValueError, "a port from 1 to 65535"),
        ({"remote": (None, 9)}, ValueError, "a remote address is a host"),
        ({"remote": ("255.255.255.255", 9)}, OSError, "cannot connect to UDP 255.255.255.255:9: "),
        ({"local": ("127.0.0.1", 0), "remote": ("::1", 9)}, OSError, "no address family in common"),
        ({"sock": object(), "local": ("127.0.0.1", 0)}, ValueError, "give `sock` alone"),
        ({"local": ("127.0.0.1", "9")}, TypeError, "a port is a number, not '9'"),
        ({"limits": 7}, TypeError, "a Limits and a Timeouts"),
    ],
)
def test_what_cannot_be_opened_is_a_named_error(reactor, options, error, text):
    with pytest.raises(error, match=text.replace("(", r"\(")):
        reactor.open_udp(Diary, **options)
    assert reactor.stats()["datagram_sockets"] == 0


def test_only_udp_sockets_are_adopted(stage, plain):
    with pytest.raises(ValueError, match="not a UDP socket"):
        stage.reactor.open_udp(Diary, sock=stage.own(socket.socket()))
    diary = Diary()
    stage.reactor.open_udp(lambda: diary, sock=plain.dup())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", plain.getsockname())
        stage.reactor.settle()
    assert diary.data == [b"x"]


def test_out_of_descriptors_is_named_and_leaks_nothing(reactor, monkeypatch):
    def no_more(*args):
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(socket, "socket", no_more)
    with pytest.raises(OSError, match=r"cannot listen on UDP 127\.0\.0\.1:0: Too many open files") as caught:
        reactor.open_udp(Diary, local=LOCALHOST)
    assert caught.value.errno == errno.EMFILE
    with pytest.raises(OSError, match=r"cannot connect to UDP 127\.0\.0\.1:9: .*Too many open files"):
        reactor.open_udp(Diary, remote=("127.0.0.1", 9))


def test_what_the_factory_raises_reaches_the_caller_and_leaks_nothing(reactor):
    def factory():
        raise LookupError("no protocol today")

    with pytest.raises(LookupError):
        reactor.open_udp(factory, local=LOCALHOST)


def test_a_closed_reactor_opens_nothing(stage):
    stage.reactor.close()
    with pytest.raises(ReactorError):
        stage.reactor.open_udp(Diary)


# -- about ---------------------------------------------------------------------------------------------------------


def test_the_repr_tells_the_state(reactor):
    diary = open_bound(reactor)
    port = address(diary.transport)[1]
    assert repr(diary.transport) == f"<DatagramTransport 127.0.0.1:{port} OPEN in=READING out=FLOWING>"
    wire = Wire()
    waiting = open_wire(reactor, wire).transport
    waiting.sendto(b"x", A)
    waiting.close()
    state = "CLOSING in=ENDED out=FINISHING 1 waiting"
    assert repr(waiting) == f"<DatagramTransport fd {wire.fileno()} {state}>"


def test_stats_count_the_sockets(reactor):
    diary = open_bound(reactor)
    assert reactor.stats()["datagram_sockets"] == 1
    assert reactor.stats()["connections"] == 0
    diary.transport.close()
    reactor.settle()
    assert reactor.stats()["datagram_sockets"] == 0


# -- asyncio's documentation ---------------------------------------------------------------------------------------


class EchoServerProtocol(asyncio.DatagramProtocol):
    """From https://docs.python.org/3/library/asyncio-protocol.html, as it stands there."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        message = data.decode()
        print("Received %r from %s" % (message, addr))  # noqa: UP031
        print("Send %r to %s" % (message, addr))  # noqa: UP031
        self.transport.sendto(data, addr)


class EchoClientProtocol(asyncio.DatagramProtocol):
    """From the same page."""

    def __init__(self, message, on_con_lost):
        self.message = message
        self.on_con_lost = on_con_lost
        self.transport = None

    def connection_made(self, transport):
        self.transport = transport
        print("Send:", self.message)
        self.transport.sendto(self.message.encode())

    def datagram_received(self, data, addr):
        print("Received:", data.decode())

        print("Close the socket")
        self.transport.close()

    def error_received(self, exc):
        print("Error received:", exc)

    def connection_lost(self, exc):
        print("Connection closed")
        self.on_con_lost.set_result(True)


def test_the_protocols_of_asyncios_documentation_run_unchanged(reactor, capsys):
    server = reactor.open_udp(EchoServerProtocol, local=LOCALHOST)
    done = Future()
    reactor.open_udp(lambda: EchoClientProtocol("Hello World!", done), remote=address(server))
    assert reactor.run_until(done, timeout=10)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Send: Hello World!"
    assert lines[1].startswith("Received 'Hello World!' from ('127.0.0.1', ")
    assert lines[-3:] == ["Received: Hello World!", "Close the socket", "Connection closed"]


def test_nothing_is_left_for_the_collector(reactor, plain, no_gc):
    for _ in range(3):
        diary = open_bound(reactor)
        plain.sendto(b"x", address(diary.transport))
        diary.transport.sendto(bytes(65508), plain.getsockname())
        reactor.settle()
        diary.transport.close()
        reactor.settle()
        transport = weakref.ref(diary.transport)
        del diary
        assert transport() is None
    gc.collect()
