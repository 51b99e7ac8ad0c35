"""The floor with its promises: each is kept. Scenes on TCP, and on a clock that jumps."""

import contextlib
import errno
import importlib
import os
import signal
import socket
import sys

import pytest

from servers import promised_streams

LONG = 60.0  # seconds, for what takes none


class Stop(Exception): ...  # what was waited for has come


class Recorder(promised_streams.Protocol):
    """Keeps what it is told; `answers` are what it does then, by the name of the callback."""

    def __init__(self, **answers):
        self.answers, self.told = answers, []

    def tell(self, name, *args):
        self.told.append((name, *args))
        return self.answers.get(name, lambda _: None)(self.transport)

    def connection_made(self, transport):
        self.transport = transport
        self.tell("made")

    def data_received(self, data):
        return self.tell("data", data)

    def eof_received(self):
        return self.tell("eof")

    def pause_writing(self):
        self.tell("pause")

    def resume_writing(self):
        self.tell("resume")

    def connection_lost(self, exc):
        self.tell("lost", type(exc))


class Stage:
    """promises.py, its state new, on a clock that stands still or jumps from timer to timer."""

    def __init__(self, monkeypatch, stack):
        for name in ("servers.promised_streams", "servers.promises"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        self.streams, self.loop = map(importlib.import_module, ("servers.promised_streams", "servers.promises"))
        self.epoll, self.now, self.end, self.done = self.streams.poller, 0.0, None, lambda: True
        self.register, self.modify, self.unregister = self.epoll.register, self.epoll.modify, self.epoll.unregister
        monkeypatch.setattr(self.streams, "poller", self)
        monkeypatch.setattr(self.loop, "poller", self)
        monkeypatch.setattr(self.loop, "monotonic", lambda: self.now)
        self.stack, self.made = stack, []
        stack.enter_context(contextlib.closing(self.epoll))
        stack.callback(self.close)

    def close(self):
        for handler in self.streams.handlers.values():
            if type(handler) is self.streams.Transport:
                handler.sock.close()
        self.loop.bell.receiver.close()
        self.loop.bell.sender.close()

    def listen(self, kind=socket.socket, most=100, per_peer=float("inf"), **answers):
        self.listener = self.stack.enter_context(kind())
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.listener.setblocking(False)
        with pytest.raises(Stop):
            self.loop.serve({self.listener: lambda: self.make(answers)}, most, per_peer)

    def make(self, answers):
        return self.made.append(Recorder(**answers)) or self.made[-1]

    def meet(self, **answers):
        """One who has come: our protocol, its transport, and the peer."""
        if answers or not hasattr(self, "listener"):
            self.listen(**answers)
        peer, count = self.dial(), len(self.made)
        self.until(lambda: len(self.made) > count)
        return self.made[-1], self.made[-1].transport, peer

    def dial(self):
        return self.stack.enter_context(socket.create_connection(self.listener.getsockname(), LONG))

    def until(self, done):
        self.done, self.polls = done, 0
        with pytest.raises(Stop):
            self.loop.run()

    def told(self, protocol, *names):
        """Run until it has been told so."""
        self.until(lambda: [one[0] for one in protocol.told if one[0] != "data"] == list(names))

    def pass_(self, seconds):
        self.end = self.now + seconds
        self.until(lambda: self.now >= self.end)
        self.end = None

    def poll(self, timeout, most):
        if self.done():
            raise Stop
        self.polls += 1
        assert self.polls < 6000, "what is waited for does not come"
        ready = self.epoll.poll(0.0 if timeout == 0 or self.end else 0.01, most)
        if self.end and not ready:
            self.now = min(self.now + timeout, self.end)
        return ready


@pytest.fixture
def stage(monkeypatch):
    with contextlib.ExitStack() as stack:
        yield Stage(monkeypatch, stack)


def came(peer):
    return b"".join(iter(lambda: peer.recv(1 << 16), b""))


def test_a_half_close_leaves_the_other_way_open_and_the_end_comes_once(stage):
    ours, transport, peer = stage.meet(eof=lambda _: True)
    peer.sendall(b"question")
    peer.shutdown(socket.SHUT_WR)
    stage.told(ours, "made", "eof")
    transport.write(bytearray(b"ans"))
    transport.write(memoryview(b"wer"))
    transport.close()
    transport.close()
    transport.write(b"ignored")
    stage.told(ours, "made", "eof", "lost")
    assert ours.told == [("made",), ("data", b"question"), ("eof",), ("lost", type(None))]
    assert (came(peer), transport.bytes_in, transport.bytes_out) == (b"answer", 8, 6)
    assert stage.loop.roster() == []


def test_an_end_waits_for_the_peers_and_drops_what_it_still_sends(stage):
    ours, transport, peer = stage.meet()
    transport.write(b"last words")
    transport.close()
    peer.sendall(b"x" * 100_000)
    stage.until(lambda: transport.bytes_in == 100_000)
    assert came(peer) == b"last words"
    assert ours.told == [("made",)]
    peer.close()
    stage.told(ours, "made", "lost")
    assert ours.told[-1] == ("lost", type(None))


def test_after_our_end_reading_goes_on_and_writing_is_a_fault(stage):
    ours, transport, peer = stage.meet()
    transport.write(b"all")
    transport.write_eof()
    with pytest.raises(RuntimeError, match="after write_eof"):
        transport.write(b"more")
    stage.until(lambda: transport.lane_out == stage.streams.SHUT)
    with pytest.raises(RuntimeError, match="after write_eof"):
        transport.write(b"more")
    assert came(peer) == b"all"
    peer.sendall(b"x")
    peer.shutdown(socket.SHUT_WR)
    stage.told(ours, "made", "eof", "lost")
    assert ("data", b"x") in ours.told
    with pytest.raises(TypeError, match="takes bytes, not str"):
        transport.write("text")


def test_who_pauses_is_given_nothing_until_it_resumes(stage):
    stage.listen(data=lambda _: [transport.pause_reading() for _, transport, _ in met])
    met = [stage.meet() for _ in range(2)]
    for _, _, peer in met:
        peer.sendall(b"x")  # both come in one batch
    stage.pass_(20)
    (fast, _, _), (slow, transport, _) = sorted(met, key=lambda one: -len(one[0].told))
    assert (fast.told, slow.told) == ([("made",), ("data", b"x")], [("made",)])
    transport.resume_reading()
    stage.until(lambda: ("data", b"x") in slow.told)


def test_reads_of_a_stranger_are_small_and_those_of_bulk_are_large(stage):
    ours, transport, peer = stage.meet()
    peer.sendall(b"x" * 300_000)
    stage.until(lambda: transport.bytes_in == 300_000)
    sizes = [len(one[1]) for one in ours.told[1:]]
    assert sizes[0] == stage.streams.FIRST_READ < max(sizes) <= stage.streams.MORE_READ


def test_a_slow_peer_presses_back_and_gets_all_in_order(stage):
    ours, transport, peer = stage.meet()
    sent = [b"%07d\n" % number * 500 for number in range(3000)]  # 12 MB
    for piece in sent:
        transport.write(piece)
    assert [one[0] for one in ours.told] == ["made", "pause"]
    transport.close()
    peer.setblocking(False)
    got = bytearray()

    def take():
        with contextlib.suppress(BlockingIOError):
            got.extend(peer.recv(1 << 20))
        return len(got) == 12_000_000

    stage.until(take)
    assert got == b"".join(sent)


def test_a_writer_goes_on_once_all_is_taken_and_one_who_heeds_nothing_is_ended(stage):
    ours, transport, peer = stage.meet()
    transport.write(bytes(8 << 20))
    stage.told(ours, "made", "pause")
    peer.setblocking(False)

    def take():
        with contextlib.suppress(BlockingIOError):
            peer.recv(1 << 20)
        return ours.told[-1] == ("resume",)

    stage.until(take)
    for _ in range(10):
        transport.write(bytes(8 << 20))
    stage.told(ours, "made", "pause", "resume", "pause", "lost")
    assert ours.told[-1] == ("lost", BufferError)
    peer.setblocking(True)
    with pytest.raises(ConnectionResetError):  # a part must not pass for the whole
        came(peer)


@pytest.mark.parametrize(("state", "seconds"), [("idle", 300), ("stalled", 60), ("closing", 30)])
def test_who_is_silent_for_too_long_is_ended(stage, state, seconds):
    ours, transport, _peer = stage.meet()
    if state == "stalled":
        transport.write(bytes(8 << 20))
    if state == "closing":
        transport.close()
        stage.loop.call_later(20, transport.close)  # which prolongs nothing
    stage.pass_(seconds - 1)
    assert ours.told[-1][0] != "lost"
    stage.pass_(12)
    assert ours.told[-1] == ("lost", TimeoutError)


def test_timers_come_in_order_and_a_call_from_elsewhere_wakes_the_loop(stage):
    ours, transport, _ = stage.meet()
    stage.loop.call_later(2, ours.told.append, "second")
    stage.loop.call_later(1, ours.told.append, "first")
    stage.loop.cancel(stage.loop.call_later(1.5, ours.told.append, "never"))
    stage.pass_(3)
    assert ours.told == [("made",), "first", "second"]

    def elsewhere():  # the loop sleeps
        with pytest.raises(RuntimeError, match="another thread"):
            transport.write(b"x")
        stage.loop.call_soon(transport.write, b"x" * 5000)
        assert stage.epoll.poll(0) == [(stage.loop.bell.receiver.fileno(), stage.loop.NEWS)]
        return True

    stage.until(elsewhere)
    stage.until(lambda: transport.bytes_out == 5000)


@pytest.mark.parametrize("name", ["made", "data", "eof", "lost"])
def test_what_a_callback_raises_ends_its_connection_and_no_other(stage, name, capsys):
    def fails(_):
        raise ArithmeticError("of the program")

    others, _, other = stage.meet()
    stage.listen(**{name: fails})
    with stage.dial() as peer:
        peer.sendall(b"x")
    stage.until(lambda: len(stage.made) == 2 and stage.made[1].told[-1][0] == "lost")
    assert "ArithmeticError: of the program" in capsys.readouterr().err
    other.sendall(b"x")
    stage.until(lambda: others.told == [("made",), ("data", b"x")])


@pytest.mark.parametrize("name", ["made", "data", "lost"])
def test_an_interrupt_goes_through_and_the_loop_can_go_on(stage, name):
    def interrupts(_):
        raise KeyboardInterrupt

    others, _, other = stage.meet()
    stage.listen(**{name: interrupts})
    with stage.dial() as peer:
        peer.sendall(b"x")
    with pytest.raises(KeyboardInterrupt):
        stage.until(lambda: False)
    other.sendall(b"x")
    stage.until(lambda: others.told == [("made",), ("data", b"x")])


def test_those_who_wait_behind_an_interrupt_are_heard_in_the_next_run(stage):
    stage.listen(data=lambda transport: os.kill(os.getpid(), signal.SIGINT))
    met = [stage.meet() for _ in range(2)]
    for _, _, peer in met:
        peer.sendall(b"x")
    for count in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            stage.until(lambda: False)
        assert sum(len(ours.told) - 1 for ours, _, _ in met) == count


@pytest.mark.parametrize("size", [1, 10_000, 20_000, 400_000])
def test_an_edge_is_enough_for_all_that_comes_and_for_the_end_behind_it(stage, size):
    ours, transport, peer = stage.meet()
    peer.sendall(bytes(size))
    peer.shutdown(socket.SHUT_WR)
    stage.told(ours, "made", "eof", "lost")
    assert transport.bytes_in == size


def test_the_doors_are_closed_at_a_limit_and_open_again(stage):
    stage.listen(most=2)
    ours, _, peer = stage.meet()
    stage.meet()
    stage.dial()
    stage.pass_(10)
    assert len(stage.made) == 2
    peer.close()
    stage.until(lambda: len(stage.made) == 3)
    assert ours.told[-1] == ("lost", type(None))


def test_one_address_has_so_many_connections(stage):
    stage.listen(per_peer=1)
    ours, _, peer = stage.meet()
    with stage.dial() as turned_away:
        turned_away.setblocking(False)
        stage.pass_(1)
        assert turned_away.recv(1) == b""
    peer.close()
    stage.told(ours, "made", "eof", "lost")
    assert not stage.streams.peers
    stage.meet()


class Short(socket.socket):
    """There is no descriptor at first."""

    failures = 1

    def _accept(self):
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EMFILE, "too many open files")
        return super()._accept()


def test_a_newcomer_waits_where_there_is_no_descriptor(stage):
    stage.listen(kind=Short)
    stage.dial()
    stage.until(lambda: stage.streams.waiting)
    stage.pass_(0.9)
    assert stage.made == []
    stage.pass_(0.2)
    stage.until(lambda: stage.made)


def test_a_child_with_a_copy_neither_hides_an_end_nor_keeps_it_ready(stage):
    ours, transport, peer = stage.meet()
    copy = os.dup(transport.fd)
    peer.sendall(b"x")
    peer.shutdown(socket.SHUT_WR)
    stage.told(ours, "made", "eof", "lost")
    assert peer.recv(1) == b""
    assert stage.epoll.poll(0) == []
    os.close(copy)


def test_a_number_that_others_closed_is_its_next_owners(stage):
    ours, transport, _ = stage.meet()
    peer = stage.dial()
    os.close(transport.fd)
    stage.until(lambda: len(stage.made) == 2)
    next_one = stage.made[1]
    assert transport.fd == next_one.transport.fd
    stage.told(ours, "made", "lost")
    peer.sendall(b"x")
    stage.until(lambda: next_one.told == [("made",), ("data", b"x")])


def test_a_drain_closes_all_and_cuts_off_who_stays(stage):
    ours, transport, peer = stage.meet()
    others, _, _ = stage.meet()
    stage.loop.drain(7.0)
    stage.until(lambda: transport.hearer is stage.streams.NOBODY)
    peer.close()
    stage.told(ours, "made", "lost")
    stage.end, stage.done = 100.0, lambda: False
    stage.loop.run()  # returns
    assert (others.told, stage.now) == ([("made",), ("lost", type(None))], 7.0)
