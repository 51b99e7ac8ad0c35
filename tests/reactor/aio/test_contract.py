"""What asyncio's programs rely on, scene by scene on asyncio's own loop and on both of ours."""

from __future__ import annotations

import asyncio
import contextvars
import errno
import gc
import io
import os
import socket
import warnings

import pytest

from tests.reactor.aio.conftest import Recorder

WHO = contextvars.ContextVar("WHO", default="nobody")


def test_what_is_written_before_an_abort_arrives(on_each_loop):
    async def scene(stage):
        transport, peer = await stage.connect(Recorder())
        transport.write(b"an alert")
        transport.abort()
        assert await stage.received(peer) == b"an alert"

    on_each_loop(scene)


def test_what_a_callback_writes_before_it_raises_arrives_and_the_handler_is_told(on_each_loop):
    async def scene(stage):
        def answer(transport, data):
            transport.write(b"an error page")
            raise ZeroDivisionError

        protocol = Recorder(answer)
        transport, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"?")
        assert await stage.received(peer) == b"an error page"
        assert isinstance(await protocol.lost, ZeroDivisionError)
        (context,) = stage.told
        assert context["message"] == "Fatal error: protocol.data_received() call failed."
        assert context["protocol"] is protocol
        assert context["transport"] is transport

    on_each_loop(scene)


def test_a_cancellation_out_of_a_callback_ends_that_connection_and_not_the_loop(on_each_loop):
    async def scene(stage):
        def cancel(transport, data):
            raise asyncio.CancelledError

        protocol, other = Recorder(cancel), Recorder()
        _, peer = await stage.connect(protocol)
        transport, other_peer = await stage.connect(other)
        await stage.loop.sock_sendall(peer, b"?")
        assert isinstance(await protocol.lost, asyncio.CancelledError)
        await stage.loop.sock_sendall(other_peer, b"on we go")
        while not other.data:
            await asyncio.sleep(0)
        transport.close()

    on_each_loop(scene)


class Bare:
    """A protocol with no more than a connection without incident needs."""

    def __init__(self):
        self.lost = asyncio.get_running_loop().create_future()

    def connection_made(self, transport): ...

    def connection_lost(self, exc):
        self.lost.set_result(exc)


def test_a_callback_that_the_protocol_lacks_ends_that_connection_and_not_the_loop(on_each_loop):
    async def scene(stage):
        protocol, other = Bare(), Recorder()
        _, peer = await stage.connect(protocol)
        transport, other_peer = await stage.connect(other)
        peer.shutdown(socket.SHUT_WR)
        assert isinstance(await protocol.lost, AttributeError)
        (context,) = stage.told
        assert context["message"] == "Fatal error: protocol.eof_received() call failed."
        await stage.loop.sock_sendall(other_peer, b"on we go")
        while not other.data:
            await asyncio.sleep(0)
        transport.close()

    on_each_loop(scene)


def test_to_be_paused_without_a_callback_for_it_is_told_and_the_connection_lives(on_each_loop):
    async def scene(stage):
        protocol = Bare()
        transport, _ = await stage.connect(protocol)
        await stage.clog(transport)
        (context,) = stage.told
        assert context["message"] == "protocol.pause_writing() failed"
        assert not transport.is_closing()
        transport.abort()

    on_each_loop(scene)


@pytest.mark.parametrize("callback", ["connection_made", "pause_writing", "resume_writing"])
def test_what_these_callbacks_raise_is_told_and_the_connection_lives(on_each_loop, callback):
    async def scene(stage):
        def fail(*args):
            protocol.calls.append(callback)
            raise ZeroDivisionError

        protocol = Recorder()
        setattr(protocol, callback, fail)
        transport, peer = await stage.connect(protocol)
        if callback != "connection_made":
            written = await stage.clog(transport)
            while written:
                written -= len(await stage.loop.sock_recv(peer, 1 << 20))
        await stage.loop.sock_sendall(peer, b"still here?")
        while not protocol.data if callback != "connection_made" else False:
            await asyncio.sleep(0)
        assert not transport.is_closing()
        assert isinstance(stage.told[0]["exception"], ZeroDivisionError)
        transport.abort()

    on_each_loop(scene)


def test_the_callbacks_come_in_order_among_other_calls(on_each_loop):
    async def scene(stage):
        protocol = Recorder()
        transport, _ = await stage.connect(protocol)
        assert protocol.calls == ["made"]
        stage.loop.call_soon(protocol.calls.append, "called before the end")
        transport.close()
        stage.loop.call_soon(protocol.calls.append, "called after it")
        assert protocol.calls == ["made"]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert protocol.calls == ["made", "called before the end", "lost", "called after it"]

    on_each_loop(scene)


def test_close_ends_as_soon_as_all_is_sent_whatever_the_peer_does(on_each_loop):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        transport.write(b"goodbye")
        transport.close()
        assert transport.is_closing()
        assert await protocol.lost is None
        assert await stage.received(peer) == b"goodbye"

    on_each_loop(scene)


def test_a_full_connection_that_is_closed_sends_it_all_and_resumes_its_writer(on_each_loop):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        written = await stage.clog(transport)
        transport.close()
        assert len(await stage.received(peer)) == written
        assert await protocol.lost is None
        assert protocol.calls == ["made", "pause", "resume", "lost"]

    on_each_loop(scene)


def test_what_is_written_when_the_writer_is_resumed_after_close_is_sent(on_each_loop):
    """TLS says its close_notify so."""

    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        protocol.resume_writing = lambda: transport.write(b"close_notify")
        await stage.clog(transport)
        transport.close()
        assert (await stage.received(peer)).endswith(b"close_notify")

    on_each_loop(scene)


def test_the_writer_is_resumed_after_write_eof_too(on_each_loop):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        written = await stage.clog(transport)
        transport.write_eof()
        assert len(await stage.received(peer)) == written
        assert protocol.calls == ["made", "pause", "resume"]
        transport.close()

    on_each_loop(scene)


def test_the_end_of_both_directions_is_not_the_end_of_the_connection(on_each_loop):
    async def scene(stage):
        protocol = Recorder(keep_open=True)
        transport, peer = await stage.connect(protocol)
        transport.write(b"last")
        transport.write_eof()
        assert await stage.received(peer) == b"last"
        peer.shutdown(socket.SHUT_WR)
        while "eof" not in protocol.calls:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert not transport.is_closing()
        assert transport.is_reading()
        with pytest.raises(RuntimeError, match=r"Cannot call write\(\) after write_eof\(\)"):
            transport.write(b"more")
        transport.close()
        assert await protocol.lost is None
        assert protocol.calls == ["made", "eof", "lost"]

    on_each_loop(scene)


def test_a_write_after_the_end_is_dropped(on_each_loop):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        transport.write(b"in time")
        transport.close()
        transport.write(b"late")
        assert await stage.received(peer) == b"in time"
        await protocol.lost
        transport.write(b"later")

    on_each_loop(scene)


def test_callbacks_run_in_the_context_that_the_connection_was_made_in(on_each_loop):
    async def scene(stage):
        seen = {}

        class Witness(Recorder):
            def connection_made(self, transport):
                seen["made"] = WHO.get()
                super().connection_made(transport)

            def data_received(self, data):
                seen["data"] = WHO.get()

            def connection_lost(self, exc):
                seen["lost"] = WHO.get()
                super().connection_lost(exc)

        WHO.set("Ada")
        protocol = Witness()
        transport, peer = await stage.connect(protocol)
        WHO.set("Bob")
        await stage.loop.sock_sendall(peer, b"?")
        while "data" not in seen:
            await asyncio.sleep(0)
        assert (seen["made"], seen["data"]) == ("Ada", "Ada")
        transport.close()
        await protocol.lost

    on_each_loop(scene)


def test_a_large_write_in_a_callback_may_pause_the_writer_in_that_very_callback(on_each_loop):
    async def scene(stage):
        protocol = Recorder(lambda transport, data: transport.write(bytes(16 << 20)))
        transport, peer = await stage.connect(protocol)
        await stage.loop.sock_sendall(peer, b"?")
        while "pause" not in protocol.calls:
            await asyncio.sleep(0)
        transport.abort()
        await protocol.lost

    on_each_loop(scene)


def test_nothing_is_read_until_connection_made_has_run(on_each_loop):
    async def scene(stage):
        a, peer = stage.pair()
        peer.send(b"early")
        protocol = Recorder()
        transport, _ = await stage.loop.create_connection(lambda: protocol, sock=a)
        while not protocol.data:
            await asyncio.sleep(0)
        assert protocol.calls == ["made", "data"]
        transport.close()

    on_each_loop(scene)


def test_what_is_known_of_a_connection_stays_known_after_its_end(on_each_loop):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        assert isinstance(transport, asyncio.Transport)
        where = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        assert where == (peer.getpeername(), peer.getsockname())
        assert transport.get_extra_info("socket").getsockname() == where[0]
        transport.close()
        await protocol.lost
        assert (transport.get_extra_info("sockname"), transport.get_extra_info("peername")) == where
        assert transport.get_extra_info("no such thing", 5) == 5

    on_each_loop(scene)


@pytest.mark.parametrize("on_disk", [True, False])
def test_a_file_is_sent_behind_what_was_written(on_each_loop, tmp_path, on_disk):
    async def scene(stage):
        content = os.urandom(3 << 20)
        path = tmp_path / "file"
        path.write_bytes(content)
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        transport.write(b"before ")
        with open(path, "rb") if on_disk else io.BytesIO(content) as file:
            sending = asyncio.ensure_future(stage.loop.sendfile(transport, file))
            await asyncio.sleep(0)
            if on_disk:
                with pytest.raises(RuntimeError, match="sendfile is in progress"):
                    transport.write(b"in between")
            got = asyncio.ensure_future(stage.received(peer))
            assert await sending == len(content)
        transport.write(b" after")
        transport.close()
        assert await got == b"before " + content + b" after"

    on_each_loop(scene)


def test_a_transport_that_nobody_closed_says_so(on_each_loop):
    async def scene(stage):
        transport, _ = await stage.connect(Recorder())
        transport.pause_reading()

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        on_each_loop(scene)
        gc.collect()
    assert "unclosed transport" in str([each.message for each in said])


def test_a_stream_that_is_drained_after_its_end_says_so(on_each_loop):
    async def scene(stage):
        async def serve(reader, writer):
            writer.write(b"bye")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            assert await reader.read() == b"bye"
            writer.close()
            await writer.wait_closed()

    on_each_loop(scene)


def test_a_factory_that_raises_costs_one_newcomer(on_ours):
    """And it is told; asyncio's own loop says so in debug mode only, and leaves the socket to the collector."""

    async def scene(stage):
        made = []

        def factory():
            if not made:
                made.append("nothing")
                raise ZeroDivisionError
            made.append(Recorder())
            return made[-1]

        server = await stage.loop.create_server(factory, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        with socket.create_connection(address) as refused, socket.create_connection(address) as served:
            refused.setblocking(False)
            served.setblocking(False)
            await stage.loop.sock_sendall(served, b"hello")
            while len(made) < 2 or not made[1].data:
                await asyncio.sleep(0)
        server.close()
        await server.wait_closed()
        await made[1].lost
        assert isinstance(stage.told[0]["exception"], ZeroDivisionError)

    on_ours(scene)


@pytest.mark.loud
def test_out_of_descriptors_is_told_once_and_newcomers_wait(on_ours, monkeypatch):
    monkeypatch.setattr("reactor.endpoints.shortage.RETRY", 0.02)

    class Short:
        """A listening socket when there is no descriptor left."""

        def __init__(self, sock):
            self.sock = sock
            self.left = 3

        def accept(self):
            self.left -= 1
            if self.left >= 0:
                raise OSError(errno.EMFILE, "Too many open files")
            return self.sock.accept()

    async def scene(stage):
        protocol = Recorder()
        server = await stage.loop.create_server(lambda: protocol, "127.0.0.1", 0)
        (listener,) = stage.loop.reactor._inventory.listeners
        acceptor = listener._acceptors[0]
        acceptor.accept = Short(acceptor.sock).accept
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.sendall(b"patient")
            while not protocol.data:
                await asyncio.sleep(0.001)
        assert [context["message"] for context in stage.told] == ["socket.accept() out of system resource"]
        server.close()
        await protocol.lost

    on_ours(scene)
