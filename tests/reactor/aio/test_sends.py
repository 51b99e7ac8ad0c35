"""What our loop does better: one send a tick. And what it can be asked for: bounds, counters, a dump."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl

from reactor import CloseTimeout, IdleTimeout, LimitExceeded, Limits, Timeouts
from reactor.sockets.carrier import reset_on_close
from tests.kit.tls import client_context, server_context
from tests.reactor.aio.conftest import Recorder


def sends_of(stage):
    stats = stage.loop.reactor.stats()
    return stats.sends, stats.writes


def test_the_writes_of_a_tick_leave_in_one_send(on_ours):
    async def scene(stage):
        transport, peer = await stage.connect(Recorder())
        for number in range(16):
            transport.write(b"%d " % number)
        assert transport.get_write_buffer_size() > 0
        await asyncio.sleep(0)
        assert transport.get_write_buffer_size() == 0
        assert sends_of(stage) == (1, 16)
        transport.close()
        assert await stage.received(peer) == b" ".join(b"%d" % number for number in range(16)) + b" "

    on_ours(scene)


def test_the_writes_of_several_tasks_in_a_tick_leave_in_one_send(on_ours):
    async def scene(stage):
        transport, _ = await stage.connect(Recorder())
        gate = asyncio.Event()

        async def say(word):
            await gate.wait()
            transport.write(word)

        tasks = [asyncio.create_task(say(b"%d" % number)) for number in range(8)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*tasks)
        assert sends_of(stage) == (1, 8)
        transport.close()

    on_ours(scene)


def test_tls_has_one_send_a_tick_as_well(on_ours):
    async def scene(stage):
        protocol = Recorder()
        server = await stage.loop.create_server(lambda: protocol, "127.0.0.1", 0, ssl=server_context())
        address = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(*address, ssl=client_context(), server_hostname="localhost")
        while not protocol.calls:
            await asyncio.sleep(0)
        before, _ = sends_of(stage)
        for _ in range(16):
            protocol.transport.write(b"a line\n")
        for _ in range(16):
            assert await reader.readline() == b"a line\n"
        assert sends_of(stage)[0] - before == 1
        writer.close()
        await writer.wait_closed()
        server.close()
        await protocol.lost

    on_ours(scene)


def test_start_tls_works_over_our_transport(on_ours):
    async def scene(stage):
        async def serve(reader, writer):
            assert await reader.readline() == b"STARTTLS\n"
            writer.write(b"go ahead\n")
            await writer.start_tls(server_context())
            writer.write(await reader.readline())
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"STARTTLS\n")
            assert await reader.readline() == b"go ahead\n"
            await writer.start_tls(client_context(), server_hostname="localhost")
            assert isinstance(writer.get_extra_info("ssl_object"), ssl.SSLObject)
            writer.write(b"secret\n")
            assert await reader.readline() == b"secret\n"
            writer.close()
            await writer.wait_closed()

    on_ours(scene)


def test_resets_that_strangers_cause_at_will_do_not_fill_the_log(on_ours, monkeypatch, caplog):
    monkeypatch.setattr("reactor.boundary.LINES", 3)
    caplog.set_level(logging.INFO, "reactor")

    async def scene(stage):
        for _ in range(5):
            protocol = Recorder()
            _, peer = await stage.connect(protocol)
            reset_on_close(peer)
            peer.close()
            assert isinstance(await protocol.lost, ConnectionResetError)

    on_ours(scene)
    assert len([record for record in caplog.records if " lost: " in record.getMessage()]) == 3


# -- bounds ---------------------------------------------------------------------------------------------------------


def test_what_waits_for_one_peer_is_bounded_where_that_is_asked_for(on_ours):
    async def scene(stage):
        protocol = Recorder()
        transport, _ = await stage.connect(protocol)
        while not transport.is_closing():
            transport.write(bytes(1 << 20))
            await asyncio.sleep(0)
        assert isinstance(await protocol.lost, LimitExceeded)

    on_ours(scene, limits=Limits(output=1 << 22))


def test_an_idle_connection_ends_where_that_is_asked_for(on_ours):
    async def scene(stage):
        protocol = Recorder()
        await stage.connect(protocol)
        assert isinstance(await protocol.lost, IdleTimeout)

    on_ours(scene, timeouts=Timeouts(idle=0.02))


def test_a_closed_connection_does_not_wait_for_ever(on_ours):
    async def scene(stage):
        protocol = Recorder()
        transport, _ = await stage.connect(protocol)
        await stage.clog(transport)
        transport.close()
        assert isinstance(await protocol.lost, CloseTimeout)

    on_ours(scene, timeouts=Timeouts(close=0.02))


def test_a_slow_download_outlasts_the_close_timeout(on_ours):
    async def scene(stage):
        protocol = Recorder()
        transport, peer = await stage.connect(protocol)
        written = await stage.clog(transport) + (8 << 20)
        transport.write(bytes(8 << 20))
        transport.close()
        got, began = 0, stage.loop.time()
        while got < written:
            got += len(await stage.loop.sock_recv(peer, 1 << 18))
            await asyncio.sleep(0.05)
        assert await protocol.lost is None
        assert stage.loop.time() - began > 1.5

    on_ours(scene, timeouts=Timeouts(close=1.5))


def test_newcomers_over_the_limits_wait_or_are_turned_away(on_ours):
    async def scene(stage):
        made = []

        def factory():
            made.append(Recorder())
            return made[-1]

        server = await stage.loop.create_server(factory, "127.0.0.1", 0)
        address = server.sockets[0].getsockname()
        first, second, third = (socket.create_connection(address) for _ in range(3))
        with first, second, third:
            third.setblocking(False)
            assert await stage.loop.sock_recv(third, 1) == b""  # two from one address is one less than this
            assert len(made) == 2
            first.close()
            while "lost" not in made[0].calls:
                await asyncio.sleep(0)
        server.close()
        await server.wait_closed()
        await made[1].lost
        assert stage.loop.reactor.stats().refused == 1

    on_ours(scene, limits=Limits(per_peer=2, count_loopback=True))


# -- seeing inside --------------------------------------------------------------------------------------------------


def test_the_connections_of_asyncio_are_counted_and_shown(on_ours):
    async def scene(stage):
        made = []

        def factory():
            made.append(Recorder())
            return made[-1]

        server = await stage.loop.create_server(factory, "127.0.0.1", 0)
        transport, _ = await stage.loop.create_connection(Recorder, *server.sockets[0].getsockname())
        transport.write(b"hello")
        while not made or not made[0].data:
            await asyncio.sleep(0)
        inner = stage.loop.reactor
        stats = inner.stats()
        assert (stats.connections, stats.listeners, stats.accepted, stats.bytes_out) == (2, 1, 1, 5)
        assert set(inner.connections()) == {transport, made[0].transport}
        assert "connections 2" in inner.dump()
        assert "AioStream" in inner.dump() or "127.0.0.1" in inner.dump()
        transport.close()
        server.close()
        await made[0].lost
        assert (inner.stats().connections, inner.stats().listeners) == (0, 0)

    on_ours(scene)


def test_a_drain_of_the_reactor_ends_the_servers_of_asyncio(on_ours):
    async def scene(stage):
        protocol = Recorder()
        server = await stage.loop.create_server(lambda: protocol, "127.0.0.1", 0)
        _, client = await stage.loop.create_connection(Recorder, *server.sockets[0].getsockname())
        while not protocol.calls:
            await asyncio.sleep(0)
        report = await next(iter(stage.loop.reactor._inventory.listeners)).drain(1.0)
        assert (report.closed, report.cut) == (1, [])
        assert not server.is_serving()
        await client.lost

    on_ours(scene)
