"""The protocols of this package on loops that are not ours: asyncio's own, and uvloop where it is installed."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import os

import pytest

from protocols.chat.session import Chat
from protocols.greeting import QUESTION, Greeting
from protocols.http.server import Server
from protocols.websocket import WebSocket
from reactor.aio import new_event_loop, verbs

FACTORIES = {"asyncio": asyncio.SelectorEventLoop, "ours": new_event_loop}
if importlib.util.find_spec("uvloop") is not None:
    import uvloop

    FACTORIES["uvloop"] = uvloop.new_event_loop


@pytest.fixture(params=FACTORIES)
def run(request):
    """Runs a coroutine on one of the loops."""

    def run(scene):
        with asyncio.Runner(loop_factory=FACTORIES[request.param]) as runner:
            runner.run(asyncio.wait_for(scene(), 10))

    return run


async def serve(factory):
    """A server, and a connection to it."""
    server = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    return server, reader, writer


async def end(server, *writers):
    """Close all; what the server still has to see, it sees."""
    for writer in writers:
        writer.close()
        await writer.wait_closed()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.02)


def test_the_greeting_asks_who_is_silent_and_answers(run):
    async def scene():
        loop = asyncio.get_running_loop()
        server, reader, writer = await serve(lambda: Greeting(verbs(loop)))
        assert await reader.readline() == f"{QUESTION}\n".encode()
        writer.write(b"Ada\nBob")  # the second without an end of line: a silence ends it
        assert await reader.readline() == b"Hello, Ada!\n"
        writer.write(b"\nexit\n")
        assert await reader.read() == b"Hello, Bob!\n"
        await end(server, writer)

    run(scene)


def test_people_talk_in_the_chat(run):
    async def scene():
        chat = Chat(verbs(asyncio.get_running_loop()))
        server, ada_hears, ada = await serve(chat.session)
        bob_hears, bob = await asyncio.open_connection(*server.sockets[0].getsockname())
        ada.write(b"/nick ada\n")
        bob.write(b"/nick bob\n")
        while b"bob joined" not in await ada_hears.readline():
            pass
        bob.write(b"hello\nexit\n")
        while await ada_hears.readline() != b"bob: hello\n":
            pass
        await bob_hears.read()
        await end(server, ada, bob)

    run(scene)


def test_the_http_server_answers_and_a_websocket_takes_over(run):
    class Shout(WebSocket):
        def text_received(self, text):
            self.send(text.upper())

    async def scene():
        site = Server(verbs(asyncio.get_running_loop()))
        site.route("GET", "/hello", lambda request: "hello\n")
        site.route("GET", "/shout", Shout)
        server, reader, writer = await serve(site.connection)
        writer.write(b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(6) == b"hello\n"
        key = base64.b64encode(os.urandom(16))
        writer.write(
            b"GET /shout HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
            b"\x81\x83\0\0\0\0ada"  # a frame right behind the request
        )
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        assert await reader.readexactly(5) == b"\x81\x03ADA"
        writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
        assert await reader.read() == b"\x88\x02\x03\xe8"
        await end(server, writer)

    run(scene)
