"""asyncio's tasks and the reactor's Protocols on one thread: turns, ends, signals, interrupts."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import reactor.aio
from reactor import LineProtocol, Protocol, Reactor, ReactorClosed, ReactorError
from reactor.aio.hosted import HostedEventLoop
from reactor.loop.futures import Promise
from reactor.testing import Recorder
from tests.reactor.aio.conftest import Recorder as AsyncioRecorder, play

FACTORIES = {"hosted": HostedEventLoop, "ours": reactor.aio.new_event_loop}


@pytest.fixture(params=FACTORIES)
def factory(request):
    return FACTORIES[request.param]


@pytest.fixture
def loop(factory):
    loop = factory()
    yield loop
    loop.close()


class Shout(LineProtocol):
    def line_received(self, line):
        self.send_line(line.upper())


def test_a_protocol_of_the_reactor_serves_a_stream_of_asyncio(factory):
    async def scene(stage):
        listener = stage.loop.reactor.listen_tcp(Shout, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"one\ntwo\n")
        assert [await reader.readline(), await reader.readline()] == [b"ONE\n", b"TWO\n"]
        writer.close()
        await writer.wait_closed()

    play(factory, scene)


def test_a_server_of_asyncio_serves_a_protocol_of_the_reactor(factory):
    async def scene(stage):
        server = await stage.loop.create_server(Shout, "127.0.0.1", 0)
        client = Recorder()
        port = server.sockets[0].getsockname()[1]
        transport, _ = await stage.loop.reactor.connect_tcp(lambda: client, "127.0.0.1", port)
        transport.write(b"one\ntwo\n")
        while client.data != b"ONE\nTWO\n":
            await asyncio.sleep(0)
        transport.close()
        server.close()
        await server.wait_closed()
        while "connection_lost" not in client.events:
            await asyncio.sleep(0)

    play(factory, scene)


def test_timers_and_calls_of_both_worlds_come_in_order(factory):
    async def scene(stage):
        reactor, said = stage.loop.reactor, []
        done = stage.loop.create_future()
        now = reactor.time()
        assert abs(stage.loop.time() - now) < 5
        stage.loop.call_at(now + 0.02, said.append, "asyncio's second")
        reactor.call_at(now + 0.01, said.append, "the reactor's first")
        stage.loop.call_at(now + 0.03, done.set_result, None)
        reactor.call_soon(said.append, "the reactor's call")
        stage.loop.call_soon(said.append, "asyncio's call")
        await done
        assert said[:2] == ["the reactor's call", "asyncio's call"]
        assert said[2:] == ["the reactor's first", "asyncio's second"]

    play(factory, scene)


def test_a_call_from_another_thread_wakes_either(factory):
    async def scene(stage):
        for verb in (stage.loop.call_soon_threadsafe, stage.loop.reactor.call_soon_threadsafe):
            came = asyncio.Event()
            thread = threading.Thread(target=verb, args=(came.set,))
            thread.start()
            await came.wait()
            thread.join()

    play(factory, scene)


def test_cancelled_timers_are_let_go_in_a_loop_that_never_waits(on_ours):
    async def scene(stage):
        for _ in range(100):
            for _ in range(50):
                stage.loop.call_later(60, print).cancel()
            await asyncio.sleep(0)
        kept = stage.loop.call_later(60, print)
        assert len(stage.loop.guest.timers.heap) < 300
        kept.cancel()

    on_ours(scene)


# -- await ----------------------------------------------------------------------------------------------------------


def test_every_future_of_the_reactor_can_be_awaited(factory):
    async def scene(stage):
        inner = stage.loop.reactor
        assert await inner.run_in_thread(sum, [1, 2, 3]) == 6
        with pytest.raises(ZeroDivisionError):
            await inner.run_in_thread(lambda: 1 / 0)
        listener = inner.listen_tcp(Protocol, "127.0.0.1", 0)
        async with asyncio.timeout(10):
            transport, _ = await inner.connect_tcp(Protocol, "127.0.0.1", listener.port)
        transport.close()
        report = await listener.drain(1.0)
        assert report.cut == []

    play(factory, scene)


def test_cancelling_who_awaits_cancels_the_attempt(factory):
    async def scene(stage):
        future = stage.loop.reactor.promise()

        async def wait():
            await future

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert future.cancelled()

    play(factory, scene)


def test_a_future_can_be_awaited_on_asyncios_own_loop_and_settled_in_another_thread():
    async def main():
        future = Promise()
        threading.Timer(0.01, future.set_result, ["from afar"]).start()
        return await future

    assert asyncio.run(main()) == "from afar"


def test_who_awaits_nothing_needs_no_asyncio():
    program = (
        "import sys; from reactor import Reactor, Protocol\n"
        "with Reactor() as r: r.run_until(r.run_in_thread(sum, [1]), timeout=20)\n"
        "assert 'asyncio' not in sys.modules and 'reactor.aio' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# -- running and stopping -------------------------------------------------------------------------------------------


def test_stop_of_either_stops_both(loop):
    loop.call_soon(loop.reactor.stop)
    loop.run_forever()
    loop.reactor.call_soon(loop.stop)
    loop.run_forever()
    loop.call_soon(loop.stop)
    loop.reactor.run()
    loop.reactor.call_soon(loop.reactor.stop)
    loop.reactor.run()


def test_the_reactors_run_until_turns_asyncio_as_well(loop):
    future = loop.reactor.promise()

    async def settle():
        await asyncio.sleep(0)
        future.set_result("done by a task")

    task = loop.create_task(settle())
    assert loop.reactor.run_until(future, timeout=20) == "done by a task"
    assert task.done()
    with pytest.raises(TimeoutError):
        loop.reactor.run_until(loop.reactor.promise(), timeout=0.01)


def test_neither_may_run_within_the_other(loop):
    async def main():
        with pytest.raises(ReactorError, match="running already"):
            loop.reactor.run()
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_forever()
        with pytest.raises(ReactorError, match="running"):
            loop.reactor.close()
        with pytest.raises(RuntimeError, match="running"):
            loop.close()

    loop.run_until_complete(main())


def test_a_loop_that_failed_to_run_says_why(factory):
    loop = factory()
    loop.close()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.run_forever()
    with pytest.raises(ReactorClosed):
        loop.reactor.call_soon_threadsafe(print)


def test_a_reactor_that_was_given_outlives_the_loop(factory):
    with Reactor() as inner:
        listener = inner.listen_tcp(Shout, "127.0.0.1", 0)
        for _ in range(2):
            loop = factory(inner)
            assert loop.reactor is inner
            assert loop.run_until_complete(asyncio.sleep(0, "ran")) == "ran"
            loop.close()
        client = Recorder()
        inner.run_until(inner.connect_tcp(lambda: client, "127.0.0.1", listener.port), timeout=20)
        inner.abort()


def test_the_connections_of_asyncio_are_not_served_after_their_loop():
    with Reactor() as inner:
        loop = reactor.aio.new_event_loop(inner)
        a, b = socket.socketpair()
        with b:

            async def connect():
                protocol = AsyncioRecorder()
                return await loop.create_connection(lambda: protocol, sock=a)

            transport, protocol = loop.run_until_complete(connect())
            transport.write(b"goodbye")  # outside of a run: it leaves when the loop is closed
            assert inner.connections() == [transport]
            loop.close()
            assert inner.connections() == []
            assert b.recv(100) == b"goodbye"
            b.send(b"too late")
            inner.run_until(inner.run_in_thread(int), timeout=20)
            assert protocol.calls == ["made"]
            a.close()
            transport._protocol = None  # as if it had been closed: no ResourceWarning


# -- signals --------------------------------------------------------------------------------------------------------


def test_signals_have_one_owner(loop):
    before = signal.getsignal(signal.SIGUSR1)
    said = []
    loop.reactor.add_signal_handler(signal.SIGUSR1, said.append, "the reactor's")
    loop.add_signal_handler(signal.SIGUSR2, said.append, "asyncio's")

    async def main():
        for signum in (signal.SIGUSR1, signal.SIGUSR2):
            signal.raise_signal(signum)
            count = len(said)
            while len(said) == count:
                await asyncio.sleep(0)
        assert loop.reactor.remove_signal_handler(signal.SIGUSR1)
        assert not loop.reactor.remove_signal_handler(signal.SIGUSR1)
        signal.raise_signal(signal.SIGUSR2)  # the wake-up descriptor is still asyncio's
        while len(said) == 2:
            await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert said == ["the reactor's", "asyncio's", "asyncio's"]
    assert signal.getsignal(signal.SIGUSR1) == before
    with pytest.raises(OSError, match="cannot be caught"):
        loop.reactor.add_signal_handler(signal.SIGKILL, print)


def test_a_closed_loop_leaves_no_handler_and_no_wake_up_descriptor(factory):
    before = signal.getsignal(signal.SIGUSR1)
    loop = factory()
    loop.reactor.add_signal_handler(signal.SIGUSR1, print)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_terminated_reactor_drains_on_this_loop_too(factory):
    loop = factory()
    listener = loop.reactor.listen_tcp(Shout, "127.0.0.1", 0)
    loop.reactor.call_later(0.01, signal.raise_signal, signal.SIGTERM)
    loop.reactor.run()  # SIGTERM drains, and then this returns
    assert not listener.is_accepting()
    loop.close()


def test_a_drain_can_be_awaited_and_the_coroutine_goes_on(factory):
    async def scene(stage):
        listener = stage.loop.reactor.listen_tcp(Shout, "127.0.0.1", 0)
        await stage.loop.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port)
        await asyncio.sleep(0.01)
        report = await stage.loop.reactor.drain(5)
        assert (report.closed, list(report.cut)) == (2, [])
        await asyncio.sleep(0)

    play(factory, scene)
    loop = factory()
    loop.call_soon(loop.reactor.drain, 1)
    loop.run_forever()  # as `reactor.run()`: who has nothing else to wait for is done then
    loop.close()


# -- interrupts -----------------------------------------------------------------------------------------------------


def test_an_interrupt_in_the_middle_of_a_tick_loses_nothing(loop):
    pairs = [socket.socketpair() for _ in range(3)]
    said, interrupts = [], [KeyboardInterrupt]

    class Interrupted(AsyncioRecorder):
        def data_received(self, data):
            super().data_received(data)
            self.transport.write(data.upper())
            if interrupts:
                raise interrupts.pop()

    async def connect():
        return [(await loop.create_connection(Interrupted, sock=a))[1] for a, _ in pairs]

    async def finish():
        while not all(protocol.data for protocol in protocols) or len(said) < 2:
            await asyncio.sleep(0)
        for protocol in protocols:
            protocol.transport.close()
            await protocol.lost

    protocols = loop.run_until_complete(connect())
    for _, b in pairs:
        b.send(b"hello")
    loop.call_soon(said.append, "a call")
    loop.reactor.call_soon(said.append, "a call of the reactor's")
    with pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    loop.run_until_complete(finish())
    for _, b in pairs:
        assert b.recv(100) == b"HELLO"
        b.close()


# -- seeing inside -----------------------------------------------------------------------------------------------------


@pytest.mark.loud
def test_the_watchdog_sees_what_holds_the_loop_in_either_world(caplog):
    """A task of asyncio's, on the fast loop: the rounds are in that loop's code, and not in the reactor's."""

    async def hold():
        deadline = time.monotonic() + 20
        while not told() and time.monotonic() < deadline:
            time.sleep(0.01)

    async def main():
        await asyncio.sleep(0)
        await hold()

    def told():
        return any("hold" in record.getMessage() for record in caplog.records if record.name == "reactor")

    with Reactor(watchdog=0.1) as inner:
        loop = reactor.aio.new_event_loop(inner)
        loop.run_until_complete(main())
        loop.close()
    assert told()
