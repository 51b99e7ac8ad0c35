"""Debug mode, asyncio's and the reactor's, on streams of asyncio's programs; and that it is nowhere when it is off."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest

import reactor.aio
from reactor import Reactor
from reactor.aio.debug import DebugAioStream
from reactor.aio.hosted import HostedEventLoop
from reactor.aio.stream import AioStream
from reactor.loop.poller import READ, WRITE
from tests.reactor.aio.conftest import Recorder, play

pytestmark = pytest.mark.loud


def asyncios(inner=None):
    """A loop in asyncio's debug mode."""
    loop = reactor.aio.new_event_loop(inner)
    loop.set_debug(True)
    return loop


def reactors():
    """A loop on a reactor in debug mode."""
    inner = Reactor(debug=True)
    loop = reactor.aio.new_event_loop(inner)
    close = loop.close

    def close_both():
        close()
        inner.close()

    loop.close = close_both
    return loop


@pytest.fixture(params=[asyncios, reactors])
def factory(request):
    return request.param


@pytest.fixture
def said(caplog):
    """What was logged so far, in one text."""
    return lambda: "\n".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("kind", [HostedEventLoop, reactor.aio.new_event_loop])
def test_a_slow_call_is_told(kind, said):
    loop = kind()
    loop.set_debug(True)
    loop.slow_callback_duration = 0.0
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert "Executing" in said()


def test_a_slow_callback_of_a_stream_is_told_with_its_protocol(factory, said):
    async def scene(stage):
        protocol = Recorder(lambda transport, data: time.sleep(0.02))
        stage.loop.slow_callback_duration = 0.02
        transport, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"?")
        while not protocol.data:
            await asyncio.sleep(0)
        transport.close()
        await protocol.lost

    play(factory, scene)
    assert "Executing a callback of Recorder for <AioStream 127.0.0.1:" in said()


def test_input_and_output_at_once_are_told_once_each(factory, said, caplog):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        transport.write(b"x" * (16 << 20))  # more than the kernel takes
        await stage.loop.sock_sendall(peer, b"?")
        stage.loop.slow_callback_duration = 0.0
        caplog.clear()
        transport._on_ready(READ | WRITE)
        told = said().count("Executing a callback of Recorder")
        transport.abort()
        await protocol.lost
        return told

    assert play(factory, scene) == 2


def test_a_verb_in_another_thread_says_so(factory):
    async def scene(stage):
        protocol = Recorder()
        transport, _ = await stage.connect(protocol)
        raised = []

        def misuse():
            for verb, args in (("write", (b"x",)), ("pause_reading", ()), ("close", ()), ("abort", ())):
                with pytest.raises(RuntimeError, match="use call_soon_threadsafe") as found:
                    getattr(transport, verb)(*args)
                raised.append(str(found.value))
            assert not transport.is_closing()  # who only asks may

        thread = threading.Thread(target=misuse, name="a stranger")
        thread.start()
        await asyncio.to_thread(thread.join)
        assert raised[0].startswith("transport.write() in the thread 'a stranger'")
        assert len(raised) == 4
        transport.close()
        await protocol.lost

    play(factory, scene)


def give_back(transport):
    """What asyncio's collector would do, without its warning."""
    transport._protocol = None
    transport._sock.close()


def test_what_nobody_closed_is_told_with_the_call_that_it_comes_from(factory, said):
    made = []

    async def connect_and_forget(stage):
        transport, _ = await stage.connect(Recorder())
        transport.pause_reading()
        made.append(transport)

    play(factory, connect_and_forget)
    give_back(made[0])
    assert "was never closed; it comes from here:" in said()
    assert "in connect_and_forget" in said()
    assert "base_events.py" not in said().split("connect_and_forget")[-1]


def test_a_newcomer_comes_from_where_it_was_accepted(factory, said):
    where, made = [], []

    class Paused(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()
            made.append(transport)

    async def scene(stage):
        server = await stage.loop.create_server(Paused, "127.0.0.1", 0)
        where.append(server.sockets[0].getsockname())
        with socket.create_connection(where[0]):
            while not made:
                await asyncio.sleep(0)
        server.close()

    play(factory, scene)
    give_back(made[0])
    assert f"accepted on 127.0.0.1:{where[0][1]}" in said()


def test_what_was_closed_is_not_told(factory, said):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        transport.write(b"hello")
        transport.close()
        assert await stage.received(peer) == b"hello"
        await protocol.lost

    play(factory, scene)
    assert said() == ""


def test_without_debug_mode_a_stream_is_the_plain_class(on_ours):
    async def scene(stage):
        protocol = Recorder()
        transport, _ = await stage.connect(protocol)
        assert type(transport) is AioStream
        stage.loop.set_debug(True)
        other, _ = await stage.connect(Recorder())
        assert type(other) is DebugAioStream
        assert type(other).__name__ == "AioStream"
        transport.close()
        other.close()
        await protocol.lost

    on_ours(scene)
