"""What every error of every system call comes to, in every state of a connection.

The tables say it; a carrier that raises on cue, around a real socket pair, is brought into each state and shows it.

    recv      read(2) recv(2) tcp(7) unix(7)    send      write(2) send(2)
    shutdown  shutdown(2)                       close     close(2)
    epoll_ctl epoll_ctl(2)                      accept    accept(2)
    connect   connect(2), SO_ERROR

EINTR is in no list: Python itself calls again (PEP 475), so a loop never sees it.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import re
import socket
from types import SimpleNamespace

import pytest

from reactor import ConnectError, ConnectRefused, Limits, Listener, Timeouts
from reactor.endpoints.roster import Roster
from reactor.loop.kernel import default_poller
from reactor.testing import Recorder, SteppedReactor
from reactor.transports.lanes import In, Out
from reactor.transports.stream import StreamTransport
from tests.kit.tls import client_context, server_context

UNHEARD_OF = 3999  # an errno that this system has no name for

NOT_NOW = "EAGAIN EWOULDBLOCK EALREADY"  # all that Python names BlockingIOError
BROKEN = {
    "recv": """ECONNRESET ETIMEDOUT ECONNREFUSED ENOTCONN EPIPE EHOSTUNREACH ENETUNREACH ENETDOWN ENETRESET ECONNABORTED
        EBADF EFAULT EINVAL ENOTSOCK EIO EISDIR ENOBUFS ENOMEM EPERM EACCES EOPNOTSUPP EPROTO""",
    "send": """EPIPE ECONNRESET ETIMEDOUT ENOTCONN EDESTADDRREQ EHOSTUNREACH ENETUNREACH ENETDOWN ECONNABORTED EACCES
        EPERM EBADF EFAULT EINVAL EISCONN EMSGSIZE ENOTSOCK EOPNOTSUPP EIO ENOSPC EDQUOT EFBIG ENOBUFS ENOMEM""",
    "shutdown": "ENOTCONN EBADF EINVAL ENOTSOCK ENOBUFS ECONNRESET EPIPE",
    "close": "EIO EBADF ENOSPC EDQUOT EINTR",
    "epoll_ctl": "ENOSPC ENOMEM EBADF EEXIST EINVAL ENOENT EPERM ELOOP",
}

# again     nothing happened; done when the poller says so
# lost      connection_lost(that error), once, and one line at INFO
# over      connection_lost(None): all was sent and said, the peer only did not wait for it
# ignored   the connection goes on, and ends as if the call had worked
# -         the call is not made in this state
OUTCOMES = """
    call      error    READING    PAUSED     DISCARDING  ENDED      (the lane in)
    recv      not-now  again      -          again       -
    recv      broken   lost       -          lost|over   -

    call      error    FLOWING    FULL       FINISHING   SHUT       (the lane out)
    send      not-now  again      again      again       -
    send      broken   lost       lost       lost        -
    shutdown  broken   ignored    ignored    ignored     -
    close     broken   ignored    ignored    ignored     ignored
"""

ACCEPT = {
    "again": NOT_NOW,
    # The newcomer is gone, on to the next: one line at INFO.
    "skipped": """ECONNABORTED ECONNRESET EPROTO EPERM ENETDOWN ENETUNREACH ENONET EHOSTDOWN EHOSTUNREACH ENOPROTOOPT
        EOPNOTSUPP ETIMEDOUT ESOCKTNOSUPPORT EPROTONOSUPPORT""",
    # Accepting rests, said once at WARNING, and is tried again each second.
    "rests": "EMFILE ENFILE ENOBUFS ENOMEM ENOSR UNHEARD_OF",
    # The listening socket is given up, with one line at ERROR: it would say so again at once and for ever.
    "ends": "EINVAL EBADF ENOTSOCK EFAULT",
}

CONNECT = {
    # SO_ERROR will tell. A signal does not stop it: EINTR is connect's word for EINPROGRESS (connect(2), POSIX).
    "under way": "EINPROGRESS EALREADY EINTR",
    ConnectRefused: "ECONNREFUSED",
    ConnectError: """EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EBADF EFAULT EHOSTUNREACH EINVAL
        ENETUNREACH ENOTSOCK EPROTOTYPE ETIMEDOUT ENOBUFS ENOMEM ECONNRESET ENETDOWN ECONNABORTED EIO""",
}

NAMED = {  # all others are plain OSErrors
    "ECONNRESET": ConnectionResetError,
    "ECONNREFUSED": ConnectionRefusedError,
    "ECONNABORTED": ConnectionAbortedError,
    "EPIPE": BrokenPipeError,
    "ETIMEDOUT": TimeoutError,
    "EACCES": PermissionError,
    "EPERM": PermissionError,
    "EISDIR": IsADirectoryError,
    "EEXIST": FileExistsError,
    "ENOENT": FileNotFoundError,
    "EAGAIN": BlockingIOError,
    "EALREADY": BlockingIOError,
}


def parse(tables):
    """{(call, error, state): outcome}; lost|over is over where our own end is said."""
    found = {}
    for line in tables.strip().splitlines():
        words = line.split("(")[0].split()
        if words and words[0] == "call":
            states = [(In.__members__ | Out.__members__)[name] for name in words[2:]]
        elif words:
            call, error, *outcomes = words
            found |= {(call, error, state): outcome for state, outcome in zip(states, outcomes, strict=True)}
    return found


TABLE = parse(OUTCOMES)

READING, PAUSED, DISCARDING, ENDED = In
FLOWING, FULL, FINISHING, SHUT = Out
STATES = [pair for pair in itertools.product(In, Out) if pair[0] is not DISCARDING or pair[1] in (FINISHING, SHUT)]
STATES.remove((ENDED, SHUT))  # over
BLOCKED = (FULL, FINISHING)


def expected(call, error, inbound, outbound):
    outcome = TABLE[call, error, inbound if call == "recv" else outbound]
    if outcome == "lost|over":
        outcome = "over" if outbound is SHUT else "lost"
    return outcome


def errors(names):
    """The errors of a list, an errno nobody has heard of among them, and no memory."""
    return [*names.split(), "UNHEARD_OF", "MemoryError"]


def make(name):
    if name == "MemoryError":
        return MemoryError()
    number = UNHEARD_OF if name == "UNHEARD_OF" else getattr(errno, name)
    return OSError(number, os.strerror(number))


class Spins(BaseException):
    """Not an Exception: the loop would log that and go on."""


class Cues:
    """Raises an error from a call as often as it was told to, and counts how often the call was made."""

    def __init__(self):
        self.calls, self.errors = {}, {}

    def fail(self, call, error, times=None):
        self.errors[call] = itertools.repeat(error) if times is None else iter([error] * times)

    def on(self, call):
        self.calls[call] = self.calls.get(call, 0) + 1
        if self.calls[call] > 1000:
            raise Spins(f"{call} is called for ever")
        error = next(self.errors.get(call, iter(())), None)
        if error is not None:
            raise error

    def __getitem__(self, call):
        return self.calls.get(call, 0)


class Carrier:
    """One end of a socket pair, on cue."""

    def __init__(self, sock, cues):
        self.sock, self.cues = sock, cues
        self.fileno = sock.fileno

    def recv(self, size):
        self.cues.on("recv")
        return self.sock.recv(size)

    def recv_into(self, buffer):
        self.cues.on("recv")
        return self.sock.recv_into(buffer)

    def send(self, data):
        self.cues.on("send")
        return self.sock.send(data)

    def shutdown(self, how):
        self.cues.on("shutdown")
        self.sock.shutdown(how)

    def close(self):
        self.sock.close()
        self.cues.on("close")


class Poller:
    """The real one, on cue. `watched` is what it watches; what a socket pair has to tell needs no waiting for."""

    def __init__(self, cues, patient=True):
        self.poller, self.cues, self.patient = default_poller(), cues, patient
        self.watched = {}
        self.unregister, self.close, self.tell = self.forget, self.poller.close, self.poller.tell

    def poll(self, timeout):
        self.cues.on("poll")
        return self.poller.poll(timeout if self.patient else 0)

    def register(self, fd, events, handler):
        self.cues.on("epoll_ctl")
        self.poller.register(fd, events, handler)
        self.watched[fd] = events

    def modify(self, fd, events, handler=None):
        self.cues.on("epoll_ctl")
        self.poller.modify(fd, events, handler)
        self.watched[fd] = events

    def forget(self, fd, handler=None):
        del self.watched[fd]
        self.poller.unregister(fd, handler)


class Buffered(Recorder):
    """A BufferedProtocol that records like the other."""

    def get_buffer(self, sizehint):
        self.buffer = bytearray(16)
        return self.buffer

    def buffer_updated(self, nbytes):
        self.data_received(bytes(self.buffer[:nbytes]))


class Scene:
    """A connection over a carrier on cue, its raw peer, and ways into each state."""

    def __init__(self, stage, caplog, protocol=Recorder):
        self.cues, self.caplog = Cues(), caplog
        self.poller = Poller(self.cues, patient=False)
        stage.reactor.close()
        stage.reactor = self.reactor = SteppedReactor(self.poller)
        self.stage = stage
        ours, self.peer = socket.socketpair()
        stage.own(self.peer)
        ours.setblocking(False)
        self.fd = ours.fileno()
        self.protocol = protocol(keep_open=True)
        self.roster = Roster(self.reactor, StreamTransport)
        self.carrier = Carrier(ours, self.cues)

    def open(self):
        timeouts = Timeouts(write=60, idle=10_000, close=30)
        self.transport = self.roster.open(self.carrier, self.protocol, None, Limits(), timeouts)

    def start(self):
        self.open()
        self.settle()
        return self

    def settle(self):
        """Let everything happen; a loop that spins does not settle, and `Cues.on` ends it."""
        self.cues.calls["poll"] = 0
        self.reactor.settle()

    def enter(self, inbound, outbound):
        self.start()
        transport = self.transport
        if inbound is ENDED:
            self.peer.shutdown(socket.SHUT_WR)
            self.settle()
        if outbound in BLOCKED:
            self.stage.clog(transport)
        if inbound is PAUSED:
            transport.pause_reading()
        if inbound is DISCARDING:
            transport.close()
        elif outbound in (FINISHING, SHUT):
            transport.write_eof()
        self.settle()
        assert self.state() == (inbound, outbound)
        self.cues.calls.clear()
        self.caplog.clear()
        return self

    def state(self):
        inbound, outbound = re.search(r"in=(\w+) out=(\w+)", repr(self.transport)).groups()
        return In[inbound], Out[outbound]

    def bring_about(self, call):
        """Do what makes the transport call it, if anything does in this state."""
        outbound = self.state()[1]
        if call == "recv":
            if self.state()[0] is not ENDED:
                self.peer.sendall(b"hello")
        elif call == "close":
            self.transport.abort()
        elif call == "shutdown" and self.state()[0] is not DISCARDING and outbound is not FINISHING:
            self.transport.write_eof()
        elif call == "send" and outbound is FLOWING:
            self.transport.write(b"hello")
        self.settle()
        if outbound in BLOCKED and call in ("send", "shutdown"):
            self.peer_reads()

    def peer_reads(self):
        """All there is; then the transport sends more."""
        self.peer.setblocking(False)
        try:
            while self.peer.recv(1 << 20):
                self.reactor.settle()
        except OSError:
            pass
        self.reactor.settle()

    def lines(self):
        return [(record.levelno, record.getMessage()) for record in self.caplog.get_records("call")]

    def has_ended(self, error):
        """Once, with this error, quietly; nothing of it is left."""
        assert self.protocol.events.count("connection_lost") == 1
        assert self.protocol.events[-1] == "connection_lost"
        assert self.protocol.lost is error
        assert len(self.roster.connections) == 0
        assert self.fd not in self.poller.watched
        assert self.transport.get_protocol() is None
        assert self.cues["close"] == 1
        assert len(self.reactor.wheel) == 0
        if error is None:
            assert self.lines() == []
        else:
            ((level, text),) = self.lines()
            assert level == logging.INFO
            assert text.endswith(f"lost: {error}")
        self.settle()
        assert self.cues["poll"] <= 3

    def lives(self):
        assert "connection_lost" not in self.protocol.events
        assert self.lines() == []
        assert len(self.roster.connections) == 1

    def ends_well(self):
        """Whatever happened, a connection that lives can be closed and ends without an error."""
        self.transport.close()
        self.peer_reads()
        self.peer.close()
        self.reactor.settle()
        assert self.protocol.events.count("connection_lost") == 1
        assert len(self.roster.connections) == 0
        assert self.fd not in self.poller.watched


@pytest.fixture
def scene(stage, caplog):
    return lambda protocol=Recorder: Scene(stage, caplog, protocol)


def state_name(state):
    return state.name


def each_state(function):
    return pytest.mark.parametrize(("inbound", "outbound"), STATES, ids=state_name)(function)


def test_the_errors_have_their_names():
    for name in {name for names in BROKEN.values() for name in names.split()} | set(NAMED):
        assert type(make(name)) is NAMED.get(name, {"EINTR": InterruptedError}.get(name, OSError)), name
    assert UNHEARD_OF not in errno.errorcode


def run(scene, call, name, outcome):
    error = make(name)
    before = scene.state()
    scene.cues.fail(call, error)
    scene.bring_about(call)
    if outcome == "-":
        assert scene.cues[call] == 0
        assert scene.state() == before
        scene.lives()
        del scene.cues.errors[call]
        scene.ends_well()
    elif outcome in ("lost", "over"):
        scene.has_ended(error if outcome == "lost" else None)
    elif call == "close":
        scene.has_ended(None)
    else:
        assert outcome == "ignored"
        assert scene.cues[call] == 1
        assert scene.state()[1] is SHUT
        scene.peer.close()  # our end could not be said; the peer ends
        scene.transport.close()
        scene.reactor.settle()
        scene.has_ended(None)


@pytest.mark.parametrize("name", errors(BROKEN["recv"]))
@each_state
def test_recv(scene, inbound, outbound, name):
    run(scene().enter(inbound, outbound), "recv", name, expected("recv", "broken", inbound, outbound))


@pytest.mark.parametrize("name", errors(BROKEN["recv"]))
def test_recv_into(scene, name):
    """A BufferedProtocol's; discarding needs no buffer of it."""
    run(scene(Buffered).enter(READING, FLOWING), "recv", name, "lost")


@pytest.mark.parametrize("name", errors(BROKEN["send"]))
@each_state
def test_send(scene, inbound, outbound, name):
    run(scene().enter(inbound, outbound), "send", name, expected("send", "broken", inbound, outbound))


@pytest.mark.parametrize("name", errors(BROKEN["send"]))
def test_send_from_inside_a_large_write(scene, name):
    """It is sent at once, and the error is told at the end of the tick all the same."""
    error, scene = make(name), scene().enter(READING, FLOWING)
    scene.cues.fail("send", error)
    scene.transport.write(bytes(100_000))
    assert scene.protocol.lost is None
    assert scene.transport.is_closing()
    scene.settle()
    scene.has_ended(error)


@pytest.mark.parametrize("name", BROKEN["shutdown"].split())
@each_state
def test_shutdown(scene, inbound, outbound, name):
    if inbound is ENDED:
        return  # it is over with it: `test_shutdown_last`
    run(scene().enter(inbound, outbound), "shutdown", name, expected("shutdown", "broken", inbound, outbound))


@pytest.mark.parametrize("name", BROKEN["shutdown"].split())
@pytest.mark.parametrize("outbound", [FLOWING, FULL, FINISHING], ids=state_name)
def test_shutdown_last(scene, outbound, name):
    """The peer has ended: with our own end, said or not, the connection is over."""
    scene = scene().enter(ENDED, outbound)
    scene.cues.fail("shutdown", make(name))
    scene.bring_about("shutdown")
    scene.has_ended(None)


@pytest.mark.parametrize("name", BROKEN["close"].split())
@each_state
def test_close(scene, inbound, outbound, name):
    run(scene().enter(inbound, outbound), "close", name, expected("close", "broken", inbound, outbound))


@pytest.mark.parametrize("name", BROKEN["close"].split())
def test_close_that_fails_after_an_error(scene, name):
    scene = scene().enter(READING, FLOWING)
    error = make("ECONNRESET")
    scene.cues.fail("recv", error)
    scene.cues.fail("close", make(name))
    scene.bring_about("recv")
    scene.has_ended(error)


@pytest.mark.parametrize("name", NOT_NOW.split())
@pytest.mark.parametrize("protocol", [Recorder, Buffered])
@each_state
def test_recv_not_now(scene, inbound, outbound, protocol, name):
    """A spurious readiness, seven times: nothing is lost, and nothing happens but another look."""
    scene = scene(protocol).enter(inbound, outbound)
    scene.cues.fail("recv", make(name), times=7)
    scene.bring_about("recv")
    looked = expected("recv", "not-now", inbound, outbound) == "again"
    assert scene.cues["recv"] == (8 if looked else 0)
    assert scene.cues["poll"] <= 12
    scene.lives()
    assert scene.state() == (inbound, outbound)
    assert scene.protocol.data == (b"hello" if inbound is READING else b"")
    scene.cues.errors.clear()
    scene.ends_well()


@pytest.mark.parametrize("name", NOT_NOW.split())
@pytest.mark.parametrize(("inbound", "outbound"), [pair for pair in STATES if pair[1] is not SHUT], ids=state_name)
def test_send_not_now(scene, inbound, outbound, name):
    """Nothing is lost or sent twice, and each try waits for the poller."""
    scene = scene().enter(inbound, outbound)
    waiting = scene.transport.get_write_buffer_size()
    written = scene.transport.bytes_out + waiting
    scene.cues.fail("send", make(name), times=7)
    if outbound is FLOWING:
        scene.transport.write(b"hello")
        written += 5
    scene.settle()
    received = 0
    scene.peer.setblocking(False)
    for _ in range(1000):
        try:
            data = scene.peer.recv(1 << 20)
        except BlockingIOError:
            break
        if not data:
            break
        received += len(data)
        scene.settle()
        assert scene.cues["poll"] <= 24
    assert received == written
    scene.cues.errors.clear()
    if (inbound, outbound) == (ENDED, FINISHING):
        return scene.has_ended(None)
    scene.lives()
    scene.ends_well()


# -- epoll_ctl -----------------------------------------------------------------------------------------------------


def starts(scene):
    scene.open()


def resumes(scene):
    scene.start()
    scene.transport.pause_reading()
    assert scene.fd not in scene.poller.watched
    scene.fail()
    scene.transport.resume_reading()


def is_blocked(scene):
    scene.start()
    scene.fail()
    scene.transport.write(bytes(1 << 22))


def is_blocked_paused(scene):
    scene.start()
    scene.transport.pause_reading()
    scene.fail()
    scene.transport.write(bytes(1 << 22))


def is_blocked_closing(scene):
    scene.start()
    scene.fail()
    scene.transport.write(bytes(1 << 22))
    scene.transport.close()


def flows_again(scene):
    scene.enter(READING, FULL)
    scene.fail()
    scene.peer_reads()


def pauses_blocked(scene):
    scene.enter(READING, FULL)
    scene.fail()
    scene.transport.pause_reading()


def ends_blocked(scene):
    scene.enter(READING, FULL)
    scene.fail()
    scene.peer.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("name", [*BROKEN["epoll_ctl"].split(), "UNHEARD_OF"])
@pytest.mark.parametrize(
    "change",
    [
        starts, resumes, is_blocked, is_blocked_paused, is_blocked_closing, flows_again, pauses_blocked, ends_blocked,
    ],
)  # fmt: skip
def test_epoll_ctl(scene, change, name):
    """Whoever cannot be watched is lost: it would never be heard of again."""
    error, scene = make(name), scene()
    scene.fail = lambda: scene.cues.fail("epoll_ctl", error)
    if change is starts:
        scene.fail()
    change(scene)
    scene.settle()
    scene.has_ended(error)


def test_epoll_ctl_after_the_end(scene):
    """What a connection that could not be watched asks afterwards touches no poller."""
    scene = scene()
    scene.cues.fail("epoll_ctl", make("ENOSPC"))
    scene.open()
    scene.cues.calls.clear()
    for late in (scene.transport.pause_reading, scene.transport.resume_reading, scene.transport.write_eof):
        late()
    scene.transport.write(b"x")
    scene.transport.close()
    assert scene.cues["epoll_ctl"] == 0
    scene.reactor.settle()
    assert scene.protocol.events == ["connection_made", "connection_lost"]


# -- accept --------------------------------------------------------------------------------------------------------


class Accepting(socket.socket):
    """A listening socket on cue."""

    def accept(self):
        self.cues.on("accept")
        return super().accept()


@pytest.fixture
def door(stage, caplog):
    """A listener on cue, with one who is seated."""
    sock = Accepting()
    sock.cues = Cues()
    sock.bind(("127.0.0.1", 0))
    seated = Recorder()
    protocols = iter([seated])
    listener = stage.reactor.listen_socket(lambda: next(protocols, None) or Recorder(), sock)
    peer = stage.dial(listener)
    sock.cues.calls.clear()
    caplog.clear()

    def lines(level):
        return [record.getMessage() for record in caplog.get_records("call") if record.levelno == level]

    def still_serves():
        peer.sendall(b"x")
        stage.reactor.settle()
        assert seated.data[-1:] == b"x"
        assert "connection_lost" not in seated.events

    return SimpleNamespace(sock=sock, cues=sock.cues, listener=listener, lines=lines, still_serves=still_serves)


@pytest.mark.parametrize("name", ACCEPT["again"].split())
def test_accept_not_now(stage, door, name):
    door.cues.fail("accept", make(name), times=5)
    stage.dial(door.listener)
    assert len(door.listener.connections) == 2
    assert door.lines(logging.INFO) == door.lines(logging.WARNING) == []
    door.still_serves()


@pytest.mark.parametrize("name", ACCEPT["skipped"].split())
def test_accept_of_one_who_is_gone(stage, door, name):
    door.cues.fail("accept", make(name), times=3)
    stage.dial(door.listener)
    assert len(door.listener.connections) == 2
    assert len(door.lines(logging.INFO)) == 3
    assert door.lines(logging.WARNING) == []
    assert door.listener.is_accepting()
    door.still_serves()


@pytest.mark.loud
@pytest.mark.parametrize("name", ACCEPT["rests"].split())
def test_accept_that_cannot_now(stage, door, name):
    door.cues.fail("accept", make(name))
    stage.dial(door.listener)
    assert not door.listener.is_accepting()
    assert door.cues["accept"] <= 3
    assert len(door.lines(logging.WARNING)) == 1
    door.still_serves()
    stage.reactor.advance(10)
    assert 4 <= door.cues["accept"] <= 15
    assert len(door.lines(logging.WARNING)) == 1
    door.cues.errors.clear()
    stage.reactor.advance(2)
    assert len(door.listener.connections) == 2
    assert door.listener.is_accepting()
    door.still_serves()


@pytest.mark.loud
@pytest.mark.parametrize("name", ACCEPT["ends"].split())
def test_accept_that_never_can_again(stage, door, name):
    door.cues.fail("accept", make(name))
    number = door.sock.fileno()
    stage.dial(door.listener)
    stage.reactor.advance(10)
    assert door.cues["accept"] == 1
    assert len(door.lines(logging.ERROR)) == 1
    assert door.lines(logging.WARNING) == []
    assert not door.listener.is_accepting()
    door.still_serves()
    if name in ("EBADF", "ENOTSOCK"):
        os.close(number)  # it was taken for somebody else's


@pytest.mark.loud
@pytest.mark.parametrize("name", ["ENOSPC", "ENOMEM", "UNHEARD_OF"])
@pytest.mark.parametrize("when", ["at first", "when one left"])
def test_a_listener_that_cannot_be_watched(stage, caplog, name, when):
    """It is tried again, as when descriptors run out; before, the loop died of it."""
    cues = Cues()
    poller = Poller(cues)
    stage.reactor.close()
    stage.reactor = SteppedReactor(poller)
    if when == "at first":
        cues.fail("epoll_ctl", make(name), times=1)
        listener = stage.serve(Recorder)
    else:
        listener = stage.serve(Recorder, limits=Limits(connections=1))
        leaving, waiting = stage.dial(listener), stage.dial(listener)
        cues.fail("epoll_ctl", make(name), times=1)
        leaving.close()
        waiting.close()
        stage.reactor.settle()
    assert not listener.is_accepting()
    (line,) = [record.getMessage() for record in caplog.get_records("call") if record.levelno > logging.INFO]
    assert os.strerror(make(name).errno) in line
    stage.reactor.advance(1.5)
    assert listener.is_accepting()
    stage.dial(listener)
    assert len(listener.connections) == 1


@pytest.mark.loud
def test_a_listener_of_which_one_address_cannot_be_watched(stage, monkeypatch):
    """None of them is, until all are: what is watched and what is thought to be agree."""
    register, calls = stage.reactor.poller.register, []

    def second_fails(fd, events, handler):
        calls.append(fd)
        if len(calls) == 2:
            raise make("ENOSPC")
        register(fd, events, handler)

    monkeypatch.setattr(stage.reactor.poller, "register", second_fails)
    first, second = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
    first.setblocking(False)
    second.setblocking(False)
    listener = Listener(stage.reactor, Recorder, [first, second])
    assert not listener.is_accepting()
    stage.reactor.advance(1.5)
    assert listener.is_accepting()
    assert len(calls) == 4
    stage.own(socket.create_connection(second.getsockname()))
    stage.reactor.settle()
    assert len(listener.connections) == 1
    listener.abort()
    stage.reactor._tick()


# -- connect -------------------------------------------------------------------------------------------------------


@pytest.fixture
def connecting(monkeypatch):
    """What connect_ex gives and what SO_ERROR says, for sockets made from now on. None: the truth."""
    said = SimpleNamespace(connect=None, so_error=None, made=0)

    class Connecting(socket.socket):
        def connect_ex(self, address):
            said.made += 1
            if said.connect is None or said.connect in UNDER_WAY:
                truth = super().connect_ex(address)
                assert truth == errno.EINPROGRESS
            return errno.EINPROGRESS if said.connect is None else said.connect

        def getsockopt(self, level, option, *size):
            if (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR) and said.so_error is not None:
                if isinstance(said.so_error, OSError):
                    raise said.so_error
                return said.so_error
            return super().getsockopt(level, option, *size)

    monkeypatch.setattr("reactor.endpoints.connector.socket.socket", Connecting)
    return said


UNDER_WAY = {getattr(errno, name) for name in CONNECT["under way"].split()}
REFUSALS = [(name, kind) for kind in (ConnectRefused, ConnectError) for name in CONNECT[kind].split()]
REFUSALS.append(("UNHEARD_OF", ConnectError))


def connect(stage, listener, connecting):
    protocol = Recorder()
    future = stage.reactor.connect_tcp(lambda: protocol, "127.0.0.1", listener.port)
    stage.reactor.settle()
    assert connecting.made == 1
    return future, protocol


@pytest.mark.parametrize("name", [*CONNECT["under way"].split(), "0"])
def test_connect_under_way(stage, connecting, name):
    connecting.connect = None if name == "0" else getattr(errno, name)
    future, protocol = connect(stage, stage.serve(Recorder), connecting)
    assert future.result(timeout=0)[1] is protocol
    assert protocol.events == ["connection_made"]


@pytest.mark.parametrize("told_by", ["connect", "so_error"])
@pytest.mark.parametrize(("name", "kind"), REFUSALS)
def test_connect_that_fails(stage, connecting, name, kind, told_by):
    number = make(name).errno
    setattr(connecting, told_by, number)
    future, protocol = connect(stage, stage.serve(Recorder), connecting)
    error = future.exception(timeout=0)
    assert type(error) is kind
    assert error.errno == number
    assert os.strerror(number) in str(error)
    assert protocol.events == []
    assert stage.reactor.stats()["timers"] == 0


def test_connect_whose_outcome_cannot_be_asked_for(stage, connecting):
    connecting.so_error = make("ENOBUFS")
    future, _ = connect(stage, stage.serve(Recorder), connecting)
    assert future.exception(timeout=0).errno == errno.ENOBUFS


def test_connect_that_is_over_before_it_began(stage, connecting):
    """The poller calls a socket that never connected writable, and SO_ERROR knows no error: it is no connection."""
    connecting.connect, connecting.so_error = errno.EINPROGRESS, 0
    UNDER_WAY.discard(errno.EINPROGRESS)
    try:
        future, protocol = connect(stage, stage.serve(Recorder), connecting)
    finally:
        UNDER_WAY.add(errno.EINPROGRESS)
    assert isinstance(future.exception(timeout=0), ConnectError)
    assert protocol.events == []


@pytest.mark.parametrize("name", ["ENOSPC", "ENOMEM", "UNHEARD_OF"])
def test_connect_that_cannot_be_watched(stage, monkeypatch, name):
    listener = stage.serve(Recorder)
    error = make(name)

    def register(fd, events, handler):
        raise error

    monkeypatch.setattr(stage.reactor.poller, "register", register)
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port)
    for _ in range(5):
        stage.reactor._tick()
    assert future.exception(timeout=0).errno == error.errno


# -- TLS -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ENOSPC", "ENOMEM"])
def test_a_tls_newcomer_that_cannot_be_watched(stage, caplog, name):
    """Its handshake waits for the peer, and would never hear of it."""
    cues = Cues()
    stage.reactor.close()
    stage.reactor = SteppedReactor(Poller(cues))
    protocol = Recorder()
    listener = stage.serve(lambda: protocol, tls=server_context())
    cues.fail("epoll_ctl", make(name))
    stage.dial(listener)
    assert len(listener.connections) == 0
    assert protocol.events == []
    (line,) = [record.getMessage() for record in caplog.get_records("call")]
    assert line.endswith(f"lost: {make(name)}")


@pytest.mark.parametrize("name", ["ENOSPC", "ENOMEM"])
def test_a_tls_connection_that_cannot_be_watched_any_more(stage, name):
    cues = Cues()
    stage.reactor.close()
    stage.reactor = SteppedReactor(Poller(cues))
    listener = stage.serve(lambda: Recorder(keep_open=True), tls=server_context())
    future = stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, tls=client_context())
    transport, protocol = stage.reactor.run_until(future)
    transport.pause_reading()
    error = make(name)
    cues.fail("epoll_ctl", error, times=1)
    transport.resume_reading()
    stage.reactor.settle()
    assert protocol.events == ["connection_made", "connection_lost"]
    assert protocol.lost is error
