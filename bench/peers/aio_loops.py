#!/usr/bin/env python3
"""The servers of `bench/asyncio_loops.py`: ordinary programs for asyncio, on the loop that `--loop` names."""

import argparse
import asyncio
import collections
import contextlib
import heapq
import importlib
import itertools
import os
import select
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

LOOPS = {"asyncio": "asyncio", "uvloop": "uvloop", "reactor": "reactor.aio", "hosted": "reactor.aio.hosted"}
BURST = 50  # messages that one word sets off in `bursts`
MESSAGE = b"x" * 100


class Echo(asyncio.Protocol):
    """Write back what arrives."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Lines(asyncio.Protocol):
    """A write for each line."""

    def connection_made(self, transport):
        self.transport = transport
        self.rest = b""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write(line + b"\n")


async def stream(reader, writer):
    """Write back what arrives, as the documentation of streams does."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve_websockets(sock):
    """`one` is said to all once; `burst` is BURST messages to all, one after the other."""
    from websockets.asyncio.server import broadcast, serve

    members = set()

    async def handler(websocket):
        members.add(websocket)
        try:
            async for word in websocket:
                for _ in range(BURST if word == "burst" else 1):
                    broadcast(members, MESSAGE)
        finally:
            members.discard(websocket)

    await serve(handler, sock=sock, compression=None, ping_interval=None)


async def plaintext(scope, receive, send):
    """The smallest application of ASGI."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"13")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"hello, world\n"})


def uvicorn_config():
    """uvicorn without its logs and extra headers: the load counts bytes."""
    import httptools  # noqa: F401 - without it uvicorn would fall back to another parser
    import uvicorn

    quiet = {"log_level": "critical", "access_log": False, "date_header": False, "server_header": False}
    config = uvicorn.Config(plaintext, http="httptools", timeout_keep_alive=3600, **quiet)
    config.load()
    return config


async def serve_uvicorn(sock):
    import uvicorn

    server = uvicorn.Server(uvicorn_config())
    serve_uvicorn.task = asyncio.create_task(server.serve(sockets=[sock]))


async def main(service, sock):
    loop = asyncio.get_running_loop()
    if service == "echo":
        await loop.create_server(Echo, sock=sock)
    elif service == "lines":
        await loop.create_server(Lines, sock=sock)
    elif service == "streams":
        await asyncio.start_server(stream, sock=sock)
    elif service == "websockets":
        await serve_websockets(sock)
    else:
        await serve_uvicorn(sock)
    await asyncio.sleep(0.1)
    print("listening on {}:{}".format(*sock.getsockname()[:2]), flush=True)
    await asyncio.Event().wait()


class BareTransport:
    """Collects what is written. `write` is a list's own `append`: nothing that Python calls is cheaper."""

    def __init__(self, sock):
        self.sock, self.pending = sock, []
        self.write = self.pending.append

    def get_extra_info(self, name, default=None):
        return {"peername": self.sock.getpeername, "sockname": self.sock.getsockname}.get(name, lambda: default)()

    def is_closing(self):
        return False

    def close(self):
        """Nobody does."""


class BareLoop(asyncio.AbstractEventLoop):
    """As much of a loop as uvicorn asks for where it serves a request: tasks, calls and timers, asyncio's own.

    A timer that was cancelled is let go when it is the next, and no other ever comes.
    """

    def __init__(self):
        self.ready, self.timers, self.number = collections.deque(), [], itertools.count()

    def create_task(self, coro, **options):
        return asyncio.Task(coro, loop=self, **options)

    def call_soon(self, callback, *args, context=None):
        handle = asyncio.Handle(callback, args, self, context)
        self.ready.append(handle)
        return handle

    def call_later(self, delay, callback, *args):
        handle = asyncio.TimerHandle(time.monotonic() + delay, callback, args, self)
        heapq.heappush(self.timers, (handle.when(), next(self.number), handle))
        return handle

    def _timer_handle_cancelled(self, handle):
        """What it asks for."""

    def get_debug(self):
        return False

    def run_ready(self):
        ready, timers = self.ready, self.timers
        while ready:
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()
        while timers and timers[0][2]._cancelled:
            heapq.heappop(timers)


def bare_uvicorn(loop):
    """What makes connections of uvicorn's."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    asyncio._set_running_loop(loop)
    config, state = uvicorn_config(), ServerState()
    return lambda: HttpToolsProtocol(config, state, {}, loop)


def serve_bare(factory, listening, run_ready=None):
    """The least that a loop in Python can do for an asyncio.Protocol: a poll, a receive, a send. No server can live so.

    No timeouts, no watermarks, no errors: a peer that does not read, or resets, ends it. run_ready: does what tasks
    have to do, once a turn, before all is sent.
    """
    poller, served, answering = select.epoll(), {}, []
    poller.register(listening, select.EPOLLIN)
    while True:
        for fd, _ in poller.poll():
            if fd == listening.fileno():
                sock = listening.accept()[0]
                poller.register(sock, select.EPOLLIN)
                transport, protocol = BareTransport(sock), factory()
                protocol.connection_made(transport)
                served[sock.fileno()] = sock.recv, protocol.data_received, transport.pending, sock.send, sock
                continue
            receive, received, pending, send, sock = served[fd]
            if data := receive(65536):
                received(data)
                if run_ready:
                    answering.append((pending, send))
                    continue
                send(pending[0] if len(pending) == 1 else b"".join(pending))
                pending.clear()
            else:
                sock.close()
        if answering:
            run_ready()
            for pending, send in answering:
                send(b"".join(pending))
                pending.clear()
            answering.clear()


def listen(port):
    """What `create_server(host, port)` opens: asyncio turns Nagle's algorithm off only where a socket says it is TCP.

    `socket.create_server` does not say it, and then asyncio's second small write waits 40 ms for a delayed ACK.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    sock.listen(1024)
    return sock


def loop_factory(name):
    """Raises ImportError where that loop is not installed."""
    module = importlib.import_module(LOOPS[name])
    return module.HostedEventLoop if name == "hosted" else module.new_event_loop


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("service", choices=("echo", "lines", "streams", "websockets", "uvicorn"))
    parser.add_argument("--loop", choices=(*LOOPS, "bare"), default="asyncio")
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.loop == "bare":
        listening = listen(options.port)
        print("listening on {}:{}".format(*listening.getsockname()), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            if options.service == "uvicorn":
                loop = BareLoop()
                serve_bare(bare_uvicorn(loop), listening, loop.run_ready)
            serve_bare({"echo": Echo, "lines": Lines}[options.service], listening)
        sys.exit(0)
    try:
        factory = loop_factory(options.loop)
        if options.service in ("websockets", "uvicorn"):
            importlib.import_module(options.service)
    except ImportError as error:
        sys.exit(f"{error.name} is not installed")
    listening = listen(options.port)
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(main(options.service, listening))
    except KeyboardInterrupt:
        os._exit(0)
