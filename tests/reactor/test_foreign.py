"""Our protocols on other loops: asyncio's own, uvloop where it is installed, and ours for comparison."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import struct

import pytest

from reactor import LengthPrefixedProtocol, LimitExceeded, LineProtocol, NetstringProtocol, adopt
from reactor.boundary import Quota
from tests.reactor.aio.conftest import LOOPS, play

FACTORIES = dict(LOOPS)
if importlib.util.find_spec("uvloop") is not None:
    import uvloop

    FACTORIES["uvloop"] = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.sleep(0))  # the first run opens a pipe for signals, and keeps it


@pytest.fixture(params=FACTORIES)
def on_any_loop(request):
    """Runs a scene on one of the loops."""
    return lambda scene: play(FACTORIES[request.param], scene)


class Lines(LineProtocol):
    """Notes its lines; a line `wait` pauses, `go` in the test resumes."""

    max_line = 1000

    def __init__(self):
        self.lines = []
        self.lost = asyncio.get_running_loop().create_future()

    def line_received(self, line):
        self.lines.append(line)
        if line == b"wait":
            self.transport.pause_reading()
        elif line == b"close":
            self.transport.close()

    def connection_lost(self, exc):
        if not self.lost.done():
            self.lost.set_result(exc)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


def test_lines_are_held_back_exactly_until_reading_is_resumed(on_any_loop):
    async def scene(stage):
        protocol = Lines()
        transport, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"one\nwait\ntwo\nthr")
        await until(lambda: b"wait" in protocol.lines)
        await stage.loop.sock_sendall(peer, b"ee\nfour\n")
        await asyncio.sleep(0.01)
        assert protocol.lines == [b"one", b"wait"]
        assert not protocol.transport.is_reading()
        assert not transport.is_reading(), "what comes meanwhile waits in the kernel, not in our memory"
        protocol.transport.resume_reading()
        assert protocol.lines == [b"one", b"wait"]
        await until(lambda: b"four" in protocol.lines)
        assert transport.is_reading()
        assert protocol.lines == [b"one", b"wait", b"two", b"three", b"four"]
        transport.close()
        await protocol.lost

    on_any_loop(scene)


def test_more_lines_than_a_batch_come_in_order(on_any_loop):
    async def scene(stage):
        protocol = Lines()
        transport, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"".join(b"%d\n" % number for number in range(5000)))
        await until(lambda: len(protocol.lines) == 5000)
        assert protocol.lines == [b"%d" % number for number in range(5000)]
        transport.close()
        await protocol.lost

    on_any_loop(scene)


def test_the_peers_end_comes_behind_what_was_held_back(on_any_loop):
    async def scene(stage):
        protocol = Lines()
        _, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"wait\nlast")
        peer.shutdown(1)
        await until(lambda: b"wait" in protocol.lines)
        await asyncio.sleep(0.01)
        assert protocol.lines == [b"wait"]
        protocol.transport.resume_reading()
        assert await protocol.lost is None
        assert protocol.lines == [b"wait", b"last"]

    on_any_loop(scene)


def test_the_peers_end_comes_once_however_often_reading_is_resumed(on_any_loop):
    class Answers(Lines):
        ends = 0

        def eof_received(self):
            self.ends += 1
            return True

    async def scene(stage):
        for sent in (b"one\n", b"wait\ntwo\n"):
            protocol = Answers()
            transport, peer = await stage.connect(protocol)
            await stage.loop.sock_sendall(peer, sent)
            peer.shutdown(1)
            await until(lambda protocol=protocol: protocol.lines)
            for _ in range(3):
                await asyncio.sleep(0.01)
                protocol.transport.resume_reading()
                protocol.transport.resume_reading()
            await asyncio.sleep(0.01)
            assert (protocol.lines[-1], protocol.ends) == (sent.split()[-1], 1)
            transport.close()
            await protocol.lost

    on_any_loop(scene)


def test_what_the_protocol_raises_for_what_was_held_back_ends_the_connection(on_any_loop):
    class Broken(Lines):
        def line_received(self, line):
            super().line_received(line)
            if line == b"bad":
                raise ZeroDivisionError

    async def scene(stage):
        protocol = Broken()
        _, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"wait\nbad\nmore\n")
        await until(lambda: protocol.lines)
        protocol.transport.resume_reading()
        assert isinstance(await protocol.lost, ZeroDivisionError)
        assert protocol.lines == [b"wait", b"bad"]
        assert [type(context["exception"]) for context in stage.told] == [ZeroDivisionError]

    on_any_loop(scene)


def test_nothing_is_delivered_after_close(on_any_loop):
    async def scene(stage):
        protocol = Lines()
        _, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"close\nmore\n")
        assert await protocol.lost is None
        assert protocol.lines == [b"close"]
        protocol.transport.write(b"late")
        protocol.transport.close()

    on_any_loop(scene)


def test_a_fault_of_the_peers_is_one_quiet_line(on_any_loop):
    """The scene fails if the exception handler of the loop is told."""

    async def scene(stage):
        protocol = Lines()
        _, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"x" * 2000)
        assert isinstance(await protocol.lost, LimitExceeded)
        assert stage.told == []

    on_any_loop(scene)


def test_faults_that_strangers_cause_at_will_do_not_fill_the_log(on_any_loop, monkeypatch, caplog):
    monkeypatch.setattr("reactor.boundary.LINES", 3)
    monkeypatch.setattr("reactor.foreign.QUOTA", Quota())
    caplog.set_level(logging.INFO, "reactor")

    async def scene(stage):
        for _ in range(5):
            protocol = Lines()
            _, peer = await stage.connect(protocol)
            await stage.loop.sock_sendall(peer, b"x" * 2000)
            assert isinstance(await protocol.lost, LimitExceeded)

    on_any_loop(scene)
    assert len([record for record in caplog.records if " lost: " in record.getMessage()]) == 3


def test_another_protocol_gets_the_rest_of_the_batch(on_any_loop):
    async def scene(stage):
        second = Lines()

        class First(Lines):
            def line_received(self, line):
                super().line_received(line)
                if line == b"switch":
                    self.transport.set_protocol(second)
                    second.connection_made(self.transport)

        first = First()
        _, peer = await stage.connect(first)
        await stage.loop.sock_sendall(peer, b"one\nswitch\ntwo\nclose\n")
        await second.lost
        assert (first.lines, second.lines) == ([b"one", b"switch"], [b"two", b"close"])
        assert second.transport.get_protocol() in (second, None)

    on_any_loop(scene)


@pytest.mark.parametrize(
    ("kind", "receive", "sent"),
    [
        (NetstringProtocol, "string_received", b"3:one,3:two,"),
        (LengthPrefixedProtocol, "message_received", struct.pack("!I3sI3s", 3, b"one", 3, b"two")),
    ],
)
def test_other_framing_works_as_well(on_any_loop, kind, receive, sent):
    async def scene(stage):
        protocol, got = kind(), []
        setattr(protocol, receive, got.append)
        transport, peer = await stage.connect(protocol)
        for number in range(len(sent)):
            await stage.loop.sock_sendall(peer, sent[number : number + 1])
        await until(lambda: len(got) == 2)
        assert got == [b"one", b"two"]
        transport.close()
        await asyncio.sleep(0)

    on_any_loop(scene)


def test_the_stand_in_counts_and_passes_on(on_any_loop):
    async def scene(stage):
        protocol = Lines()
        transport, peer = await stage.connect(protocol)
        own = protocol.transport
        assert adopt(own, protocol) is own
        await stage.loop.sock_sendall(peer, b"12345\n")
        own.writelines([b"1", b"2"])
        await until(lambda: protocol.lines)
        assert (own.bytes_in, own.bytes_out) in ((6, 2), (6, 0))  # ours counts what has left, which is later
        assert own.get_extra_info("peername") == peer.getsockname()
        assert own.get_protocol() is protocol
        own.abort()
        await protocol.lost
        assert transport.is_closing()

    on_any_loop(scene)


class Below:
    """A transport of another loop's that delivers although it is paused, as TLS does with what it had decrypted."""

    def set_protocol(self, protocol):
        self.protocol = protocol

    def is_closing(self):
        return False

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


def test_what_comes_although_reading_is_paused_is_held_and_so_is_the_end():
    async def main():
        protocol, below, ends = Lines(), Below(), []
        protocol.eof_received = lambda: ends.append("end") or True
        protocol.connection_made(below)
        below.protocol.data_received(b"wait\none\n")
        below.protocol.data_received(b"two\n")
        assert below.protocol.eof_received()  # true: stay open
        await asyncio.sleep(0.01)
        assert (protocol.lines, ends) == ([b"wait"], [])
        protocol.transport.resume_reading()
        await asyncio.sleep(0.01)
        assert (protocol.lines, ends) == ([b"wait", b"one", b"two"], ["end"])

    asyncio.run(main())


class Chooser(LineProtocol):
    """A line `raw` gives the connection away, with what came behind it."""

    def __init__(self, new):
        self.new, self.told = new, None
        self.lost = asyncio.get_running_loop().create_future()

    def line_received(self, line):
        self.transport.pause_reading()  # which holds back the rest: it comes to whoever is next
        self.told = self.transport.switch_protocol(self.new)

    def connection_lost(self, exc):
        self.lost.set_result("never")


def test_the_connection_goes_to_a_protocol_that_begins(on_any_loop):
    async def scene(stage):
        new = Lines()
        chooser = Chooser(new)
        _, peer = await stage.connect(chooser)
        await stage.loop.sock_sendall(peer, b"raw\nrest\n")
        await until(lambda: new.lines)
        await stage.loop.sock_sendall(peer, b"more\nclose\n")
        await until(lambda: b"close" in new.lines)
        assert new.lines == [b"rest", b"more", b"close"]
        await new.lost
        assert chooser.told is None
        assert not chooser.lost.done()

    on_any_loop(scene)


@pytest.mark.loud
def test_what_it_raises_as_it_begins_ends_the_connection(on_any_loop, caplog):
    class Broken(Lines):
        def connection_made(self, transport):
            super().connection_made(transport)
            raise KeyError("bug")

    async def scene(stage):
        new = Broken()
        chooser = Chooser(new)
        _, peer = await stage.connect(chooser)
        await stage.loop.sock_sendall(peer, b"raw\nrest\n")
        assert isinstance(await new.lost, KeyError)
        assert isinstance(chooser.told, KeyError)
        assert new.lines == []

    on_any_loop(scene)


class Waits(Lines):
    """Answers the peer's end, and is told when its peer takes nothing."""

    def __init__(self):
        super().__init__()
        self.told = []

    def eof_received(self):
        self.told.append("end")
        return True

    def pause_writing(self):
        self.told.append("full")


def test_what_the_former_one_gave_back_as_it_paused_comes_when_reading_goes_on(on_any_loop):
    async def scene(stage):
        former, new = Lines(), Lines()
        transport, peer = await stage.connect(former)
        await stage.loop.sock_sendall(peer, b"wait\nrest\n")
        await until(lambda: former.lines)
        former.transport.switch_protocol(new)
        await until(lambda: new.lines)
        await stage.loop.sock_sendall(peer, b"more\n")
        await until(lambda: len(new.lines) == 2)
        assert new.lines == [b"rest", b"more"]
        transport.close()
        await new.lost

    on_any_loop(scene)


@pytest.mark.parametrize("data", [b"", b"rest\n"])
def test_who_begins_late_is_told_of_the_peers_end_once_and_that_it_takes_nothing(on_any_loop, data):
    async def scene(stage):
        former, new = Waits(), Waits()
        transport, peer = await stage.connect(former)
        former.transport.write(b"x" * 10_000_000)
        peer.shutdown(1)
        await until(lambda: len(former.told) == 2)
        former.transport.switch_protocol(new, data)
        await until(lambda: len(new.told) == 2)
        await asyncio.sleep(0.01)
        assert new.told == ["full", "end"]
        assert new.lines == data.splitlines()
        transport.abort()
        await new.lost

    on_any_loop(scene)


def test_once_the_end_has_begun_nobody_begins(on_any_loop):
    async def scene(stage):
        former, new = Lines(), Lines()
        _, _ = await stage.connect(former)
        former.transport.close()
        assert isinstance(former.transport.switch_protocol(new), ConnectionAbortedError)
        await former.lost
        assert new.transport is None

    on_any_loop(scene)
