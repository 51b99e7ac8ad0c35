"""A scene on each of three loops: asyncio's own says what is right, ours must do the same."""

from __future__ import annotations

import asyncio
import socket

import pytest

import reactor.aio
from reactor.aio.hosted import HostedEventLoop

LOOPS = {"asyncio": asyncio.SelectorEventLoop, "hosted": HostedEventLoop, "ours": reactor.aio.new_event_loop}
DEADLINE = 60  # seconds until a scene that hangs is given up


class Recorder(asyncio.Protocol):
    """Notes its callbacks, in order, with what they were given."""

    def __init__(self, on_data=None, keep_open=False):
        self.calls = []
        self.data = b""
        self.lost = asyncio.get_running_loop().create_future()
        self._on_data = on_data
        self._keep_open = keep_open

    def connection_made(self, transport):
        self.transport = transport
        self.calls.append("made")

    def data_received(self, data):
        self.data += data
        self.calls.append("data")
        if self._on_data is not None:
            self._on_data(self.transport, data)

    def eof_received(self):
        self.calls.append("eof")
        return self._keep_open

    def pause_writing(self):
        self.calls.append("pause")

    def resume_writing(self):
        self.calls.append("resume")

    def connection_lost(self, exc):
        self.calls.append("lost")
        self.exc = exc
        if not self.lost.done():
            self.lost.set_result(exc)


class Scene:
    """A loop that runs, raw sockets as its peers, and what its exception handler was told."""

    def __init__(self, loop):
        self.loop = loop
        self.told = []
        self._sockets = []
        loop.set_exception_handler(lambda _, context: self.told.append(context))

    def pair(self):
        """Two connected TCP sockets, non-blocking."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            a = socket.create_connection(server.getsockname())
            b, _ = server.accept()
        for sock in (a, b):
            sock.setblocking(False)
        self._sockets.append(b)
        return a, b

    async def connect(self, protocol):
        """A transport with `protocol`, and the socket of its peer."""
        a, b = self.pair()
        transport, _ = await self.loop.create_connection(lambda: protocol, sock=a)
        return transport, b

    async def received(self, sock):
        """All that comes to `sock` until its end."""
        data = b""
        while part := await self.loop.sock_recv(sock, 1 << 20):
            data += part
        return data

    async def clog(self, transport):
        """Write until the peer takes no more and `transport` is above its watermark; the number of bytes."""
        written = 0
        while transport.get_write_buffer_size() <= transport.get_write_buffer_limits()[1]:
            transport.write(bytes(1 << 18))
            written += 1 << 18
            await asyncio.sleep(0)
        return written

    def close(self):
        for sock in self._sockets:
            sock.close()


def play(factory, scene):
    """Run the coroutine function `scene` with a Scene on a loop of `factory`."""

    async def main():
        stage = Scene(asyncio.get_running_loop())
        try:
            async with asyncio.timeout(DEADLINE):
                return await scene(stage)
        finally:
            stage.close()
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main())


@pytest.fixture(params=LOOPS)
def on_each_loop(request):
    """Runs a scene on one of the loops."""
    return lambda scene: play(LOOPS[request.param], scene)


@pytest.fixture
def on_ours():
    """Runs a scene on the fast loop; keywords are for `new_event_loop`."""
    return lambda scene, **options: play(lambda: reactor.aio.new_event_loop(**options), scene)
