"""Programs that others have written for asyncio, on our loop: an exchange, a cancellation, a timeout, a graceful stop.

    python tests/aio/libraries.py [NAME...]

Run by `.ci/run full` in an environment that has them (aiohttp uvicorn httptools fastapi websockets httpx redis asyncssh
aiosmtpd); one that is not installed is left out with a word, and so is Redis where there is no redis-server. Each scene
runs on asyncio's own loop first: what fails there is not ours. A warning, a task that was never awaited, an exception
that nobody took and a transport that nobody closed fail a scene.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import importlib.util
import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from reactor.aio import new_event_loop

SCENES = {}
DEADLINE = 60  # seconds for one scene
QUIET = ("uvicorn", "asyncssh", "mail.log", "aiohttp", "httpx", "websockets")  # loggers that tell of what is in order


def scene(*needs):
    """A scene, and the packages that it needs."""

    def add(fn):
        SCENES[fn.__name__] = fn, needs
        return fn

    return add


@contextlib.asynccontextmanager
async def uvicorn_server(app, **options):
    """An ASGI application, served; stopped in order at the end. Gives its port."""
    import uvicorn

    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5, **options))
    task = asyncio.create_task(server.serve(sockets=[sock]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        sock.close()


@scene("aiohttp")
async def aiohttp_both_ends():
    """A server and a client: text, a stream, a WebSocket, a timeout, a cancelled request."""
    import aiohttp
    from aiohttp import web

    cancelled = asyncio.Event()

    async def hello(request):
        return web.Response(text="hello " + request.match_info["name"])

    async def slow(request):
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def stream(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(100):
            await response.write(b"%d\n" % number)
        return response

    async def shout(request):
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        async for message in websocket:
            await websocket.send_str(message.data.upper())
        return websocket

    app = web.Application()
    app.add_routes([web.get("/hello/{name}", hello), web.get("/slow", slow), web.get("/stream", stream)])
    app.add_routes([web.get("/shout", shout)])
    runner = web.AppRunner(app, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    async with aiohttp.ClientSession() as session:
        async with session.get(base + "/hello/ada") as response:
            assert await response.text() == "hello ada"
        async with session.get(base + "/stream") as response:
            assert (await response.read()).splitlines() == [b"%d" % number for number in range(100)]
        async with session.ws_connect(base + "/shout") as websocket:
            for word in ("one", "two"):
                await websocket.send_str(word)
                assert (await websocket.receive()).data == word.upper()
        try:
            async with session.get(base + "/slow", timeout=aiohttp.ClientTimeout(total=0.1)):
                raise AssertionError("no timeout")
        except TimeoutError:
            pass
        await cancelled.wait()
        answers = await asyncio.gather(*[session.get(f"{base}/hello/{number}") for number in range(50)])
        assert [await answer.text() for answer in answers] == [f"hello {number}" for number in range(50)]
    await runner.cleanup()


@scene("uvicorn", "httptools", "httpx")
async def uvicorn_with_httpx():
    """A plain ASGI application: an exchange, a large answer, a client that goes, a stop with a request under way."""
    import httpx

    gone = asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] != "http":
            return
        start = {"type": "http.response.start", "status": 200, "headers": []}
        if scope["path"] == "/wait":
            await send(start)
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            gone.set()
            return
        body = bytes(5 << 20) if scope["path"] == "/large" else b"hello"
        if scope["path"] == "/slow":
            await asyncio.sleep(0.3)
        await send(start)
        await send({"type": "http.response.body", "body": body})

    async with httpx.AsyncClient() as client, uvicorn_server(app, http="httptools") as port:
        base = f"http://127.0.0.1:{port}"
        answers = await asyncio.gather(*[client.get(base + "/") for _ in range(50)])
        assert {answer.text for answer in answers} == {"hello"}
        assert len((await client.get(base + "/large")).content) == 5 << 20
        async with client.stream("GET", base + "/wait") as response:
            assert await anext(response.aiter_bytes()) == b"begun"
        await gone.wait()
        under_way = asyncio.create_task(client.get(base + "/slow"))
        await asyncio.sleep(0.1)
    assert (await under_way).text == "hello"


@scene("uvicorn", "fastapi", "httpx")
async def fastapi_program():
    """FastAPI under uvicorn: validation, a stream, work in a thread."""
    import httpx
    from fastapi import FastAPI
    from fastapi.responses import StreamingResponse

    app = FastAPI()

    @app.get("/square/{number}")
    def square(number: int):  # not async: in a thread of anyio's
        return {"square": number * number}

    @app.get("/count")
    async def count():
        async def numbers():
            for number in range(10):
                yield f"{number}\n"
                await asyncio.sleep(0)

        return StreamingResponse(numbers())

    async with uvicorn_server(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        assert (await client.get("/square/12")).json() == {"square": 144}
        assert (await client.get("/square/twelve")).status_code == 422
        assert (await client.get("/count")).text.split() == [str(number) for number in range(10)]


@scene("websockets")
async def websockets_both_ends():
    """An echo, a broadcast, a client that is cancelled, a server that closes with its clients connected."""
    from websockets.asyncio.client import connect
    from websockets.asyncio.server import broadcast, serve

    members = set()

    async def handler(socket):
        members.add(socket)
        try:
            async for message in socket:
                broadcast(members, message)
        finally:
            members.discard(socket)

    async with serve(handler, "127.0.0.1", 0) as server:
        uri = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(connect(uri)) for _ in range(20)]
            while len(members) < 20:
                await asyncio.sleep(0.01)
            for number in range(50):
                await clients[0].send(f"{number}")
            for client in clients:
                assert [await client.recv() for _ in range(50)] == [f"{number}" for number in range(50)]
            waiting = asyncio.create_task(clients[1].recv())
            await asyncio.sleep(0)
            waiting.cancel()
            assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], asyncio.CancelledError)
            await clients[0].send("still here")
            assert await clients[1].recv() == "still here"
            server.close()
            await server.wait_closed()


@scene("redis")
async def redis_client():
    """Commands, a pipeline, a subscription, a blocking command that is cancelled, the chat beside it on one loop."""
    import redis.asyncio

    program = shutil.which("redis-server")
    if program is None:
        raise LookupError("there is no redis-server")
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "socket")
        command = [program, "--port", "0", "--unixsocket", path, "--save", "", "--dir", directory]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            while not os.path.exists(path):
                await asyncio.sleep(0.01)
            client = redis.asyncio.Redis(unix_socket_path=path, decode_responses=True)
            assert await client.ping()
            async with client.pipeline() as pipe:
                for number in range(1000):
                    pipe.incrby("sum", number)
                assert (await pipe.execute())[-1] == sum(range(1000))
            async with client.pubsub() as channel:
                await channel.subscribe("news")
                await client.publish("news", "hello")
                async with asyncio.timeout(5):
                    while (message := await channel.get_message(timeout=1)) is None or message["type"] != "message":
                        pass
                assert message["data"] == "hello"
            try:
                async with asyncio.timeout(0.1):
                    await client.blpop(["nothing"])
                raise AssertionError("no timeout")
            except TimeoutError:
                pass
            assert await client.ping()
            await client.aclose()
        finally:
            child.terminate()
            child.wait()


@scene("asyncssh")
async def ssh_both_ends():
    """A server with a key of its own, a session, a program that reads its input, a disconnection."""
    import asyncssh

    class Server(asyncssh.SSHServer):
        def begin_auth(self, username):
            return False

    async def shout(process):
        async for line in process.stdin:
            process.stdout.write(line.upper())
        process.exit(0)

    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=[key], process_factory=shout, reuse_address=True
    )
    async with asyncssh.connect("127.0.0.1", server.get_port(), known_hosts=None, username="ada") as connection:
        result = await connection.run("shout", input="one\ntwo\n")
        assert (result.stdout, result.exit_status) == ("ONE\nTWO\n", 0)
    server.close()
    await server.wait_closed()


@scene("aiosmtpd")
async def smtp_with_starttls():
    """aiosmtpd upgrades its connection by itself: asyncio's SSLProtocol over our transport. Its client is a thread."""
    import smtplib

    from aiosmtpd.smtp import SMTP

    from tests.kit.tls import client_context, server_context

    class Handler:
        async def handle_DATA(self, server, session, envelope):
            letters.append(envelope.content)
            return "250 taken"

    def send():
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            client.starttls(context=client_context())
            client.sendmail("ada@example.org", ["bob@example.org"], "hello\r\n")

    letters = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Handler(), hostname="localhost", tls_context=server_context(), loop=loop), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    await asyncio.to_thread(send)
    assert letters == [b"hello\r\n"]
    server.close()
    await server.wait_closed()
    await asyncio.sleep(0.1)


def play(name, factory):
    """Run one scene; what is wrong with it, in lines."""
    wrong = []
    unraisable = sys.unraisablehook
    sys.unraisablehook = lambda args: wrong.append(f"{args.err_msg}: {args.exc_value!r}")
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: wrong.append(f"{record.name}: {record.getMessage()}")
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as said, asyncio.Runner(loop_factory=factory) as runner:
            warnings.simplefilter("always")
            runner.run(asyncio.wait_for(SCENES[name][0](), DEADLINE))
            gc.collect()
        gc.collect()
        wrong += [str(each.message) for each in said if not issubclass(each.category, DeprecationWarning)]
    except LookupError as missing:
        return missing
    except BaseException:
        wrong.append(traceback.format_exc())
    finally:
        sys.unraisablehook = unraisable
        logging.getLogger().removeHandler(handler)
    return wrong


def main(names):
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
    failed = []
    for name in names or SCENES:
        missing = [each for each in SCENES[name][1] if importlib.util.find_spec(each) is None]
        if missing:
            print(f"{name:24} left out: {', '.join(missing)} not installed")
            continue
        theirs, ours = play(name, asyncio.SelectorEventLoop), play(name, new_event_loop)
        if isinstance(ours, LookupError):
            print(f"{name:24} left out: {ours}")
            continue
        verdict = "FAILED" if ours else "passed"
        print(f"{name:24} {verdict}{', and not on asyncio either' if ours and theirs else ''}")
        if ours:
            failed.append(name)
            print("    | " + "\n    | ".join("\n".join(ours).splitlines()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
