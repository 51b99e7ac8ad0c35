"""The contract of a connection, points 1, 2 and 5, and the edges around them, over real TCP.

Ending (3, 4) is in test_ending, pressure (6) in test_backpressure, limits (7) and timeouts (8) in files of their own.
"""

from __future__ import annotations

import array
import asyncio
import errno
import gc
import logging
import socket
import weakref
from concurrent.futures import Future

import pytest

from reactor import BufferedProtocol, LimitExceeded, Limits, LineProtocol, PeerError, Protocol, Timeouts
from reactor.boundary import LINES
from reactor.testing import Recorder
from tests.kit.asyncio_examples import EchoClientProtocol, EchoServerProtocol


def errors(caplog):
    return [record for record in caplog.records if record.levelno >= logging.WARNING]


class Echo(Recorder):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


# -- 1: the order of a life --------------------------------------------------------------------------------------


def test_a_life_in_order(stage):
    protocol = Recorder()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"hello")
    stage.reactor.settle()
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "data_received", "eof_received", "connection_lost"]
    assert protocol.lost is None


def test_data_that_came_with_the_connection_waits_for_connection_made(stage):
    protocol = Recorder()
    listener = stage.serve(lambda: protocol)
    peer = stage.own(socket.create_connection(("127.0.0.1", listener.port)))
    peer.sendall(b"early")
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "data_received", "eof_received", "connection_lost"]


@pytest.mark.parametrize("way", ["close", "abort"])
def test_a_connection_ended_in_connection_made_gets_nothing_more(stage, way):
    class Brief(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            getattr(transport, way)()
            assert self.events == ["connection_made"]

    protocol = Brief()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"too late")
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "connection_lost"]


@pytest.mark.parametrize("way", ["close", "abort"])
def test_nothing_is_delivered_after_close_or_abort(stage, way):
    class OnceOnly(Recorder):
        def data_received(self, data):
            super().data_received(data)
            getattr(self.transport, way)()

    protocol = OnceOnly()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"one")
    stage.reactor.settle()
    try:
        peer.sendall(b"two")
    except OSError:
        assert way == "abort"
    stage.reactor.settle()
    peer.close()
    stage.reactor.settle()
    assert protocol.data == b"one"
    assert protocol.events == ["connection_made", "data_received", "connection_lost"]


@pytest.mark.parametrize("way", ["abort", "close", "pause_reading", "set_protocol"])
def test_one_that_is_ended_by_another_in_the_same_batch_hears_nothing_more(stage, way):
    """Both have input in one poll; whoever comes first stops the other."""
    protocols, successor = [], Recorder()

    class Rival(Recorder):
        def data_received(self, data):
            super().data_received(data)
            (other,) = [protocol for protocol in protocols if protocol is not self]
            getattr(other.transport, way)(*[successor] * (way == "set_protocol"))

    def factory():
        protocols.append(Rival())
        return protocols[-1]

    listener = stage.serve(factory)
    peers = [stage.dial(listener) for _ in range(2)]
    for peer in peers:
        peer.sendall(b"x")
    stage.reactor._tick()
    assert sorted(protocol.data for protocol in protocols) == [b"", b"x"]
    assert successor.data == (b"x" if way == "set_protocol" else b"")


def test_a_machine_that_can_watch_no_more_costs_one_connection(stage):
    """epoll_ctl(2): ENOSPC."""
    listener = stage.serve(Echo)
    neighbour = stage.dial(listener)
    register = stage.reactor.poller.register

    def full(fd, events, handler):
        raise OSError(errno.ENOSPC, "no space")

    stage.reactor.poller.register = full
    try:
        peer = stage.dial(listener)
    finally:
        stage.reactor.poller.register = register
    assert peer.recv(10) == b""
    assert len(listener.connections) == 1
    neighbour.sendall(b"still here")
    assert stage.received(neighbour) == b"still here"


@pytest.mark.parametrize("first", ["plain", "buffered"])
def test_the_way_of_receiving_follows_the_protocol(stage, first):
    plain, buffered = Recorder(), Buffered(4)
    pair = [plain, buffered] if first == "plain" else [buffered, plain]
    peer, transport = stage.connect(pair[0])
    transport.set_protocol(pair[1])
    peer.sendall(b"abcdef")
    stage.reactor.settle()
    assert pair[1].data == b"abcdef"
    assert pair[0].data == b""
    transport.set_protocol(pair[0])
    peer.sendall(b"ghi")
    stage.reactor.settle()
    assert pair[0].data == b"ghi"


class Careful(Recorder):
    """Fails when a callback comes from inside a call that this protocol is making."""

    calling = None

    def call(self, name, *args):
        self.calling = name
        getattr(self.transport, name)(*args)
        self.calling = None

    def connection_lost(self, exc):
        assert self.calling is None, f"connection_lost from inside {self.calling}"
        super().connection_lost(exc)

    def resume_writing(self):
        assert self.calling is None, f"resume_writing from inside {self.calling}"
        super().resume_writing()


@pytest.mark.parametrize(
    ("name", "args"),
    [("write", (b"x" * 100_000,)), ("write", (b"small",)), ("writelines", ([b"x"] * 9,)), ("close", ()), ("abort", ())],
    ids=["write", "small write", "writelines", "close", "abort"],
)
def test_a_dead_peer_is_never_told_from_inside_a_call(stage, name, args):
    protocol = Careful(keep_open=True)
    peer, transport = stage.connect(protocol)
    transport.pause_reading()
    stage.reset(peer)

    protocol.call(name, *args)

    assert protocol.lost is None
    stage.reactor.settle()
    transport.abort()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "connection_lost"]


def test_a_passed_limit_is_told_at_the_end_of_the_tick(stage):
    protocol = Careful()
    _, _transport = stage.connect(protocol, limits=Limits(output=100_000))
    protocol.call("write", bytes(32 << 20))
    assert "connection_lost" not in protocol.events
    stage.reactor.settle()
    assert isinstance(protocol.lost, LimitExceeded)


def test_pause_writing_is_the_one_callback_from_inside_write(stage):
    protocol = Recorder()
    _, transport = stage.connect(protocol)
    transport.write(bytes(32 << 20))
    assert protocol.events == ["connection_made", "pause_writing"]


# -- 2: exceptions -----------------------------------------------------------------------------------------------


class Boom(Exception):
    pass


class Bomb(Recorder):
    """Raises in the callback named `fuse`."""

    fuse: str
    error: type[Exception] = Boom

    def __init__(self):
        super().__init__(keep_open=True)
        self.raised = None

    def __getattribute__(self, name):
        if name != object.__getattribute__(self, "fuse"):
            return object.__getattribute__(self, name)

        def explode(*args):
            if args and hasattr(args[0], "write"):
                self.transport = args[0]
            self.events.append(name)
            self.raised = self.error(name)
            raise self.raised

        return explode


def light(stage, peer, protocol):
    """Do to the peer's end whatever makes each callback come."""
    transport = protocol.transport
    if protocol.fuse in {"pause_writing", "resume_writing"}:
        stage.clog(transport)
        if not transport.is_closing():
            stage.received(peer)
    elif protocol.fuse == "eof_received":
        peer.close()
    elif protocol.fuse == "connection_lost":
        transport.close()
        peer.close()
    elif protocol.fuse != "connection_made":
        peer.sendall(b"spark\n")
    stage.reactor.settle()


def seat_a_bomb(stage, fuse, error=Boom, base=Bomb):
    """A bomb and a well-behaved neighbour on one listener: `(bomb, its peer, neighbour's peer)`."""
    kind = type("LitBomb", (base,), {"fuse": fuse, "error": error})
    bomb = None

    def factory():
        nonlocal bomb
        if bomb is None:
            return Echo()
        return bomb

    listener = stage.serve(factory)
    neighbour = stage.dial(listener)
    bomb = kind()
    return bomb, stage.dial(listener), neighbour


FUSES = ["connection_made", "data_received", "eof_received", "pause_writing", "resume_writing", "connection_lost"]


@pytest.mark.loud
@pytest.mark.parametrize("fuse", FUSES)
def test_an_exception_ends_its_own_connection_with_one_traceback(stage, caplog, fuse):
    bomb, peer, neighbour = seat_a_bomb(stage, fuse)
    if fuse == "pause_writing":
        bomb.transport.write(bytes(32 << 20))  # the exception must not reach the caller of write

    light(stage, peer, bomb)

    assert bomb.raised is not None
    (record,) = errors(caplog)
    assert record.exc_info[1] is bomb.raised
    assert record.exc_info[2] is not None
    assert bomb.events.count("connection_lost") == 1
    assert bomb.events[-1] == "connection_lost"
    assert bomb.lost is (None if fuse == "connection_lost" else bomb.raised)
    neighbour.sendall(b"still here")
    assert stage.received(neighbour) == b"still here"


@pytest.mark.parametrize("fuse", [fuse for fuse in FUSES if fuse != "connection_lost"])
def test_a_peers_fault_is_one_quiet_line(stage, caplog, fuse):
    bomb, peer, neighbour = seat_a_bomb(stage, fuse, PeerError)

    light(stage, peer, bomb)

    assert bomb.lost is bomb.raised
    assert errors(caplog) == []
    lines = [record for record in caplog.records if str(bomb.raised) in record.getMessage()]
    assert len(lines) == 1
    assert lines[0].exc_info is None
    neighbour.sendall(b"still here")
    assert stage.received(neighbour) == b"still here"


@pytest.mark.parametrize("first", ["abort", "evict"])
def test_a_peers_fault_stays_quiet_where_the_connection_had_ended_before(stage, caplog, first):
    class Hasty(Recorder):
        def data_received(self, data):
            if first == "abort":
                self.transport.abort()
            else:
                self.transport.write(bytes(128 << 20))  # over Limits.output
            raise LimitExceeded("and there was more to say")

    protocol = Hasty()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"x")
    stage.reactor.settle()
    assert "connection_lost" in protocol.events
    assert errors(caplog) == []


@pytest.mark.loud
@pytest.mark.parametrize("fuse", ["get_buffer", "buffer_updated"])
def test_an_exception_in_a_buffered_protocol_ends_it(stage, caplog, fuse):
    class BufferedBomb(BufferedProtocol, Bomb):
        def get_buffer(self, sizehint):
            return bytearray(100)

    bomb, peer, neighbour = seat_a_bomb(stage, fuse, base=BufferedBomb)
    light(stage, peer, bomb)
    assert bomb.lost is bomb.raised
    assert len(errors(caplog)) == 1
    neighbour.sendall(b"still here")
    assert stage.received(neighbour) == b"still here"


@pytest.mark.loud
def test_an_exception_in_line_received_ends_it(stage, caplog):
    class LineBomb(LineProtocol):
        lost = None

        def line_received(self, line):
            raise Boom(line)

        def connection_lost(self, exc):
            self.lost = exc

    protocol = LineBomb()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"one\ntwo\n")
    stage.reactor.settle()
    assert protocol.lost.args == (b"one",)
    assert len(errors(caplog)) == 1


@pytest.mark.loud
def test_an_exception_in_draining_ends_that_connection_and_the_drain_goes_on(stage, caplog):
    class Grudging(Recorder):
        def draining(self, grace):
            raise Boom("no")

    grudging, willing = Grudging(), Recorder()
    protocols = [grudging, willing]
    listener = stage.serve(lambda: protocols.pop(0))
    peers = stage.dial(listener), stage.dial(listener)
    report = listener.drain(5)
    for peer in peers:
        peer.close()
    stage.reactor.settle()
    assert report.done()
    assert isinstance(grudging.lost, Boom)
    assert willing.lost is None
    assert len(errors(caplog)) == 1


@pytest.mark.loud
def test_a_raising_factory_drops_one_newcomer(stage, caplog):
    answers = iter([Boom("no seat"), Echo()])

    def factory():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    listener = stage.serve(factory)
    turned_away = stage.dial(listener)
    assert turned_away.recv(10) == b""
    (record,) = errors(caplog)
    assert isinstance(record.exc_info[1], Boom)
    assert len(listener.connections) == 0
    seated = stage.dial(listener)
    seated.sendall(b"hello")
    assert stage.received(seated) == b"hello"


@pytest.mark.loud
@pytest.mark.parametrize("made", [None, object(), 42], ids=str)
def test_a_factory_that_makes_no_protocol_drops_one_newcomer_and_says_so(stage, caplog, made):
    listener = stage.serve(lambda: made)
    peer = stage.dial(listener)
    stage.reactor.settle()
    assert errors(caplog)
    assert len(listener.connections) == 0
    peer.settimeout(1)
    try:
        assert peer.recv(10) == b""
    except ConnectionResetError:
        pass


@pytest.mark.loud
@pytest.mark.parametrize("missing", ["data_received", "eof_received", "connection_lost", "pause_writing"])
def test_a_missing_callback_is_an_exception_of_that_connection(stage, caplog, missing):
    """A duck need not inherit from Protocol; one that lacks a leg harms only itself."""

    class Duck:
        transport = None

        def connection_made(self, transport):
            self.transport = transport

        data_received = connection_lost = lambda self, data: None
        eof_received = pause_writing = resume_writing = lambda self: None

    delattr(Duck, missing)
    peer, transport = stage.connect(Duck())
    if missing == "pause_writing":
        stage.clog(transport)
    else:
        peer.sendall(b"x")
        stage.reactor.settle()
        peer.close()
        stage.reactor.settle()
    assert "CLOSED" in repr(transport)
    assert [record.exc_info[0] for record in errors(caplog)] == [AttributeError]


# -- 5: writing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["close", "abort", "reset"])
def test_writing_after_the_end_is_ignored_and_counted(stage, caplog, way):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    if way == "reset":
        stage.reset(peer)
    else:
        getattr(transport, way)()
    before = len(caplog.records)
    for _ in range(3):
        transport.write(b"too late")
    transport.writelines([b"too", b"late"])
    assert stage.reactor.stats()["ignored_writes"] == 4
    assert len(caplog.records) == before
    stage.reactor.settle()
    transport.write(b"long over")
    assert stage.reactor.stats()["ignored_writes"] == 5
    assert transport.get_write_buffer_size() == 0


def test_nothing_written_after_close_reaches_the_peer(stage):
    peer, transport = stage.connect(Recorder())
    transport.write(b"in time")
    transport.close()
    transport.write(b"too late")
    assert stage.received(peer) == b"in time"


@pytest.mark.parametrize("waiting", [False, True])
def test_writing_after_write_eof_is_a_bug_of_the_caller(stage, waiting):
    _peer, transport = stage.connect(Recorder())
    if waiting:
        stage.clog(transport)
    transport.write_eof()
    with pytest.raises(RuntimeError, match="write_eof"):
        transport.write(b"x")
    assert stage.reactor.stats()["ignored_writes"] == 0


@pytest.mark.parametrize("make", [bytearray, lambda data: memoryview(bytearray(data))], ids=["bytearray", "memoryview"])
@pytest.mark.parametrize("size", [10, 10_000, 8 << 20], ids=["held", "sent at once", "sent in parts"])
def test_a_changing_buffer_is_copied_by_write(stage, make, size):
    peer, transport = stage.connect(Recorder())
    data = make(b"a" * size)
    transport.write(data)
    data[:] = b"b" * size
    transport.close()
    assert stage.received(peer) == b"a" * size


def test_a_bytes_subclass_and_a_wide_memoryview_are_bytes(stage):
    class Text(bytes):
        def __len__(self):
            return 99

    peer, transport = stage.connect(Recorder())
    transport.write(Text(b"abc"))
    wide = array.array("I", [1, 2])
    transport.write(memoryview(wide))
    assert stage.received(peer) == b"abc" + wide.tobytes()


@pytest.mark.parametrize("data", ["text", None, 7, [b"list"]], ids=repr)
def test_what_is_not_bytes_is_refused(stage, data):
    peer, transport = stage.connect(Recorder())
    with pytest.raises(TypeError, match="bytes"):
        transport.write(data)
    transport.write(b"fine")
    assert stage.received(peer) == b"fine"


def test_empty_writes_send_nothing_and_keep_nothing(stage):
    peer, transport = stage.connect(Recorder())
    transport.write(b"")
    transport.writelines([])
    assert stage.received(peer) == b""
    transport.write(b"a")
    transport.write(b"")
    transport.write(b"b")
    assert stage.received(peer) == b"ab"


def test_small_writes_of_one_tick_leave_together_and_in_order(stage):
    class Counted:
        def __init__(self, sock):
            self.sock, self.sends = sock, []

        def __getattr__(self, name):
            return getattr(self.sock, name)

        def send(self, data):
            self.sends.append(bytes(data))
            return self.sock.send(data)

    peer, transport = stage.connect(Recorder())
    counted = transport._sock = Counted(transport._sock)
    for number in range(100):
        transport.write(b"%d," % number)
    assert counted.sends == []
    expected = b"".join(b"%d," % number for number in range(100))
    assert stage.received(peer) == expected
    assert counted.sends == [expected]
    transport.write(b"s")
    transport.write(b"L" * 100_000)
    assert stage.received(peer) == b"s" + b"L" * 100_000


def test_a_large_write_leaves_before_the_tick_ends(stage):
    peer, transport = stage.connect(Recorder())
    transport.write(b"x" * 4096)
    assert transport.get_write_buffer_size() == 0
    peer.setblocking(False)
    assert peer.recv(10_000) == b"x" * 4096


def test_a_stream_cut_at_every_kind_of_chunk_arrives_whole(stage):
    """Sizes around the bounds of the send path, sent while the peer reads now and then."""
    peer, transport = stage.connect(Recorder())
    sizes = [1, 4095, 4096, 4097, 32767, 32768, 32769, 65536, 65537, 262143, 262145, 3, 1 << 20, 5, 0, 7] * 6
    data = [bytes([number % 251]) * size for number, size in enumerate(sizes)]
    received = b""
    for number, part in enumerate(data):
        transport.write(part)
        if number % 7 == 0:
            received += stage.received(peer)
    transport.close()
    received += stage.received(peer)
    assert received == b"".join(data)
    assert transport.bytes_out == len(received)


# -- the edges ---------------------------------------------------------------------------------------------------


def test_late_calls_are_harmless(stage):
    calls = {
        "write": [b"x"],
        "writelines": [[b"x"]],
        "write_eof": [],
        "can_write_eof": [],
        "close": [],
        "abort": [],
        "pause_reading": [],
        "resume_reading": [],
        "is_reading": [],
        "is_closing": [],
        "unread": [b"x"],
        "get_extra_info": ["sockname"],
        "set_write_buffer_limits": [0],
        "get_write_buffer_limits": [],
        "get_write_buffer_size": [],
        "get_protocol": [],
    }

    class Late(Recorder):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            for name, args in calls.items():
                getattr(self.transport, name)(*args)

    protocol = Late()
    peer, transport = stage.connect(protocol)
    peer.close()
    stage.reactor.settle()
    for name, args in calls.items():
        getattr(transport, name)(*args)
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "eof_received", "connection_lost"]
    assert transport.is_closing()
    assert not transport.is_reading()


def test_the_peers_name_is_known_to_the_last(stage):
    class Farewell(Recorder):
        name = None

        def connection_lost(self, exc):
            self.name = self.transport.get_extra_info("peername")
            self.sock = self.transport.get_extra_info("socket")

    protocol = Farewell()
    peer, transport = stage.connect(protocol)
    name = peer.getsockname()
    assert transport.get_extra_info("peername") == name
    assert transport.get_extra_info("sockname") == peer.getpeername()
    assert transport.get_extra_info("no such thing") is None
    assert transport.get_extra_info("no such thing", 7) == 7
    stage.reset(peer)
    assert protocol.name == name
    assert transport.get_extra_info("peername") == name
    assert transport.get_extra_info("sockname", "gone") == "gone"


def test_a_reset_is_named_and_logged_quietly(stage, caplog):
    protocol = Recorder()
    peer, _ = stage.connect(protocol)
    stage.reset(peer)
    assert isinstance(protocol.lost, ConnectionResetError)
    assert protocol.events == ["connection_made", "connection_lost"]
    (record,) = [record for record in caplog.records if "lost" in record.getMessage()]
    assert record.levelno < logging.WARNING
    assert record.exc_info is None


def quiet_end(stage, peer, transport):
    transport.close()
    peer.close()


def test_losses_that_strangers_cause_at_will_do_not_fill_the_log(stage, caplog):
    caplog.set_level(logging.INFO, "reactor")

    def lose(count):
        for _ in range(count):
            peer, _ = stage.connect(Recorder())
            stage.reset(peer)
            stage.reactor.settle()
        return [record.getMessage() for record in caplog.records if " lost: " in record.getMessage()]

    assert len(lose(LINES + 50)) == LINES
    assert stage.reactor.stats().lost["ConnectionResetError"] == LINES + 50
    stage.reactor.advance(61.0)
    first, second = lose(2)[LINES:]
    assert first.endswith("(and 50 like it since)")
    assert "like it" not in second


def reset_end(stage, peer, transport):
    stage.reset(peer)


def aborted_end(stage, peer, transport):
    stage.clog(transport)
    transport.abort()


def idle_end(stage, peer, transport):
    stage.reactor.advance(1000)


@pytest.mark.parametrize("end", [quiet_end, reset_end, aborted_end, idle_end])
@pytest.mark.usefixtures("no_gc")
def test_an_ended_connection_is_released_at_once(stage, caplog, end):
    caplog.set_level(logging.CRITICAL, logger="reactor")  # a record would hold on to its transport
    listener = stage.serve(Recorder, timeouts=Timeouts(idle=300, write=60))
    peer = stage.dial(listener)
    (transport,) = listener.connections
    protocol = transport.get_protocol()
    references = weakref.ref(transport), weakref.ref(protocol)
    end(stage, peer, transport)
    stage.reactor.settle()
    assert protocol.events[-1] == "connection_lost"
    del transport, protocol
    assert [reference() for reference in references] == [None, None]


@pytest.mark.loud
@pytest.mark.usefixtures("no_gc")
def test_a_connection_ended_by_an_exception_is_released_at_once(stage, caplog):
    caplog.set_level(logging.CRITICAL, logger="reactor")

    class Fragile(Recorder):
        def data_received(self, data):
            raise Boom

        def connection_lost(self, exc):
            """Does not keep the exception: its traceback holds this frame."""

    listener = stage.serve(Fragile)
    peer = stage.dial(listener)
    (transport,) = listener.connections
    reference = weakref.ref(transport)
    peer.sendall(b"x")
    stage.reactor.settle()
    assert len(listener.connections) == 0
    del transport
    assert reference() is None


def test_a_hundred_connections_leave_nothing_behind(stage):
    listener = stage.serve(Echo)
    stage.dial(listener).close()
    stage.reactor.settle()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", listener.port)) as peer:
            peer.sendall(b"x")
    stage.reactor.settle()
    assert len(listener.connections) == 0
    assert stage.reactor.stats()["timers"] == 0
    gc.collect()
    assert len(gc.get_objects()) - before < 1000


def test_bytes_are_counted_both_ways(stage):
    peer, transport = stage.connect(Echo())
    peer.sendall(b"x" * 1000)
    assert len(stage.received(peer)) == 1000
    assert (transport.bytes_in, transport.bytes_out) == (1000, 1000)


def test_a_transport_tells_its_state(stage):
    peer, transport = stage.connect(Recorder())
    assert repr(transport) == f"<StreamTransport 127.0.0.1:{peer.getsockname()[1]} OPEN in=READING out=FLOWING>"
    stage.clog(transport)
    assert f"out=FULL {transport.get_write_buffer_size()} bytes>" in repr(transport)


# -- reading -----------------------------------------------------------------------------------------------------


def test_a_paused_connection_holds_its_peer_back(stage):
    protocol = Recorder()
    peer, transport = stage.connect(protocol)
    transport.pause_reading()
    transport.pause_reading()
    peer.setblocking(False)
    sent = 0
    try:
        while sent < 1 << 30:
            sent += peer.send(bytes(1 << 16))
            stage.reactor._tick()
    except BlockingIOError:
        pass
    assert 0 < sent < 1 << 30
    stage.reactor.settle()
    assert protocol.data == b""
    assert transport.bytes_in == 0
    transport.resume_reading()
    assert protocol.data == b""  # never from inside the call
    transport.resume_reading()
    stage.reactor.settle()
    assert len(protocol.data) == sent


def test_pausing_in_a_callback_stops_the_next(stage):
    class Sips(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.pause_reading()

    protocol = Sips()
    peer, transport = stage.connect(protocol)
    peer.sendall(b"x" * (1 << 19))
    stage.reactor.settle()
    assert protocol.events.count("data_received") == 1
    sip = len(protocol.data)
    assert 0 < sip < 1 << 19
    while len(protocol.data) < 1 << 19:
        had = len(protocol.data)
        transport.resume_reading()
        stage.reactor.settle()
        assert len(protocol.data) > had


def test_what_is_given_back_comes_again_first_and_whole(stage):
    class Thrice(Recorder):
        """Takes three bytes at a time."""

        def data_received(self, data):
            super().data_received(data[:3])
            self.transport.unread(data[3:])

    protocol = Thrice()
    peer, _transport = stage.connect(protocol)
    peer.sendall(b"abcdefgh")
    peer.shutdown(1)
    stage.reactor.settle()
    assert protocol.data == b"abcdefgh"
    assert protocol.events == ["connection_made"] + ["data_received"] * 3 + ["eof_received", "connection_lost"]


def test_what_is_given_back_while_paused_waits_for_resume(stage):
    class Stops(Recorder):
        def data_received(self, data):
            self.data += data[:1]
            self.transport.pause_reading()
            self.transport.unread(data[1:])

    protocol = Stops()
    peer, transport = stage.connect(protocol)
    peer.sendall(b"abc")
    stage.reactor.settle()
    peer.sendall(b"de")
    seen = [protocol.data]
    for _ in range(6):
        transport.resume_reading()
        transport.pause_reading()
        transport.resume_reading()
        stage.reactor.settle()
        seen.append(protocol.data)
    assert seen[:4] == [b"a", b"ab", b"abc", b"abcd"]
    assert seen[-1] == b"abcde"


def test_closing_drops_what_was_given_back(stage):
    class Leaves(Recorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.unread(b"rest")
            self.transport.close()

    protocol = Leaves()
    peer, _ = stage.connect(protocol)
    peer.sendall(b"x")
    stage.reactor.settle()
    peer.close()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "data_received", "connection_lost"]


def test_bytes_given_back_are_not_overtaken_when_the_peer_resets(stage):
    """While output waits, epoll reports a hang-up whether or not reading is asked for."""
    lines = []

    class Lines(LineProtocol):
        def line_received(self, line):
            lines.append(int(line))

    peer, transport = stage.connect(Lines())
    stage.clog(transport)
    peer.setblocking(False)
    peer.send(b"".join(b"%07d\n" % number for number in range(60_000)))
    stage.reactor._tick()
    assert 0 < len(lines) < 10_000
    stage.reset(peer)
    assert lines == list(range(len(lines)))


class GivesAway(LineProtocol):
    """Gives the connection to another at each line."""

    def __init__(self, second):
        self.second = second

    def line_received(self, line):
        self.second.transport = self.transport
        self.transport.set_protocol(self.second)


def test_another_protocol_takes_over_mid_batch(stage):
    second = Recorder()

    peer, transport = stage.connect(GivesAway(second))
    peer.sendall(b"UPGRADE\nraw \r\n bytes\n")
    stage.reactor.settle()
    assert transport.get_protocol() is second
    assert second.data == b"raw \r\n bytes\n"
    peer.close()
    stage.reactor.settle()
    assert second.events == ["data_received", "eof_received", "connection_lost"]


# -- buffered protocols, and asyncio's ---------------------------------------------------------------------------


class Buffered(BufferedProtocol):
    def __init__(self, size):
        self.buffer = bytearray(size)
        self.data = b""
        self.events = []

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.data += self.buffer[:nbytes]
        self.events.append(nbytes)

    def eof_received(self):
        self.events.append("eof")

    def connection_lost(self, exc):
        self.events.append(exc)


def test_a_buffered_protocol_receives_into_its_own_buffer(stage):
    protocol = Buffered(4)
    peer, _ = stage.connect(protocol)
    peer.sendall(b"abcdefghij")
    peer.close()
    stage.reactor.settle()
    assert protocol.data == b"abcdefghij"
    assert protocol.events == [4, 4, 2, "eof", None]


def test_a_buffered_protocol_pauses_and_resumes(stage):
    class Sips(Buffered):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            self.transport.pause_reading()

    protocol = Sips(4)
    peer, transport = stage.connect(protocol)
    peer.sendall(b"abcdefghij")
    stage.reactor.settle()
    assert protocol.data == b"abcd"
    transport.resume_reading()
    stage.reactor.settle()
    assert protocol.data == b"abcdefgh"


@pytest.mark.loud
def test_an_empty_buffer_is_an_exception_of_the_protocol(stage, caplog):
    protocol = Buffered(0)
    peer, _ = stage.connect(protocol)
    peer.sendall(b"x")
    stage.reactor.settle()
    assert isinstance(protocol.events[-1], RuntimeError)
    assert len(errors(caplog)) == 1


def test_the_rest_of_a_batch_goes_into_a_buffered_protocol(stage):
    second = Buffered(4)
    peer, _ = stage.connect(GivesAway(second))
    peer.sendall(b"UPGRADE\nabcdefghij")
    stage.reactor.settle()
    assert second.events == [4, 4, 2]
    peer.sendall(b"klm")
    stage.reactor.settle()
    assert second.data == b"abcdefghijklm"


def test_a_buffered_protocol_may_hand_over_in_the_middle_of_the_rest(stage):
    third = Recorder()

    class Second(Buffered):
        def buffer_updated(self, nbytes):
            super().buffer_updated(nbytes)
            third.transport = self.transport
            self.transport.set_protocol(third)

    second = Second(4)
    peer, _ = stage.connect(GivesAway(second))
    peer.sendall(b"UPGRADE\nabcdefghij")
    stage.reactor.settle()
    assert second.data == b"abcd"
    assert third.data == b"efghij"


@pytest.mark.loud
def test_an_empty_buffer_for_the_rest_of_a_batch_does_not_hang_the_loop(stage, caplog):
    calls = []

    class Empty(Buffered):
        def get_buffer(self, sizehint):
            calls.append(sizehint)
            if len(calls) > 100:
                raise KeyboardInterrupt
            return self.buffer

    second = Empty(0)
    peer, _ = stage.connect(GivesAway(second))
    peer.sendall(b"UPGRADE\nrest")
    stage.reactor.settle()
    assert isinstance(second.events[-1], RuntimeError)


def test_asyncios_own_example_runs_unchanged(stage, capsys):
    over = Future()
    listener = stage.serve(EchoServerProtocol)
    connected = stage.reactor.connect_tcp(lambda: EchoClientProtocol("Hello World!", over), "127.0.0.1", listener.port)
    assert stage.reactor.run_until(over, timeout=5) is True
    name = connected.result()[0].get_extra_info("sockname", "gone")
    assert name == "gone"
    client = [
        "Data sent: 'Hello World!'",
        "Data received: 'Hello World!'",
        "The server closed the connection",
    ]
    server = ["Data received: 'Hello World!'", "Send: 'Hello World!'", "Close the client socket"]
    lines = capsys.readouterr().out.splitlines()
    said = [line for line in lines if not line.startswith("Connection from ('127.0.0.1', ")]
    assert len(said) == len(lines) - 1
    assert sorted(said) == sorted(client + server)


def test_a_protocol_of_ours_is_a_protocol_of_asyncios():
    for name in ["connection_made", "data_received", "eof_received", "connection_lost", "pause_writing"]:
        assert hasattr(Protocol, name)
        assert hasattr(asyncio.Protocol, name)


@pytest.mark.loud
@pytest.mark.parametrize("buffer", [b"read-only", bytearray(), None])
def test_a_buffer_that_cannot_be_filled_ends_that_connection_only(stage, buffer):
    class Careless(BufferedProtocol):
        lost = "not yet"

        def get_buffer(self, sizehint):
            return buffer

        def connection_made(self, transport):
            self.transport = transport

        def connection_lost(self, exc):
            self.lost = exc

    protocol = Careless()
    sock, _ = stage.connect(protocol)
    sock.sendall(b"x")
    stage.reactor.settle()
    assert isinstance(protocol.lost, (RuntimeError, TypeError))


def test_a_factory_that_forgets_its_return_is_an_error_of_the_connect(stage):
    listener = stage.serve(Recorder)
    with pytest.raises(TypeError, match="gave None, not a protocol"):
        stage.reactor.run_until(stage.reactor.connect_tcp(lambda: None, "127.0.0.1", listener.port))


def test_a_name_for_a_certificate_without_tls_is_refused(stage):
    with pytest.raises(ValueError, match="without tls="):
        stage.reactor.connect_tcp(Recorder, "127.0.0.1", 1, server_hostname="localhost")


@pytest.mark.parametrize("bounds", [lambda: Limits(output="1"), lambda: Timeouts(idle="5")])
def test_bounds_are_numbers(bounds):
    with pytest.raises(TypeError, match="is a number or None, not"):
        bounds()
