#!/usr/bin/env python3
"""A server whose instructions are counted, see instructions.py: `counted.py LOOP CASE CHECKOUT FOLDER`.

The first port is the gate. What comes through it holds the loop up, in a read of stdin, until all messages of a round
wait in the kernel: so a round is the same few turns of the loop each time, whatever else the machine does. The files of
the case http are in FOLDER.
"""

import asyncio
import gc
import importlib
import itertools
import os
import ssl
import sys
import time
from pathlib import Path

LOOP, CASE, CHECKOUT, FOLDER = sys.argv[1:]
sys.path[:1] = [CHECKOUT, str(Path(__file__).parents[1])]

import reactor  # noqa: E402 - of that checkout

CERTIFICATE = Path(__file__).parents[2] / "tests" / "certificates" / "localhost.pem"
Protocol = reactor.Protocol if LOOP == "reactor" else asyncio.Protocol
LineProtocol = reactor.LineProtocol
FLOORS = ("bare", "contract", "promises")


class Gate(Protocol):
    """Says that nothing else is under way, and waits for the word to go on."""

    def connection_made(self, transport):
        print("open", flush=True)

    def data_received(self, data):
        os.write(1, b".")
        os.read(0, 1)

    def connection_lost(self, exc):
        os._exit(0)


class Echo(Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Member(Echo):
    """A room in which whatever one says comes to everybody."""

    members = []  # noqa: RUF012 - the room is one

    def connection_made(self, transport):
        self.members.append(transport)

    def data_received(self, data):
        for member in self.members:
            member.write(data)


class SplitLines(Echo):
    """Lines as they are cut without a framer."""

    rest = b""

    def data_received(self, data):
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.transport.write(b"Hello, %b!\n" % line)


class Lines(LineProtocol):
    def line_received(self, line):
        self.transport.write(b"Hello, %b!\n" % line)


class SentLines(LineProtocol):
    def line_received(self, line):
        self.send_line(b"Hello, %b!" % line)


class Batches(LineProtocol):
    def lines_received(self, lines):
        self.transport.write(b"".join([b"Hello, %b!\n" % line for line in lines]))


PROTOCOLS = {"echo": Echo, "fanout": Member, "lines": Lines, "sent": SentLines, "batches": Batches}
if LOOP not in ("reactor", *FLOORS):
    PROTOCOLS |= dict.fromkeys(("lines", "sent", "batches"), SplitLines)


def http(loop):
    """A site with a file, and with a handler that gives bytes. Its clock stands still too, for the Date field."""
    from protocols.http.server import Files, Server

    time.time = itertools.repeat(1_700_000_000.0).__next__
    site, body = Server(loop), bytes(1024)
    site.mount("/", Files(FOLDER))
    site.route("GET", "/memory", lambda request: body)
    return site.connection


def websocket(loop):
    """A WebSocket that sends back."""
    from protocols.http.server import Server
    from protocols.websocket import WebSocket

    class Sent(WebSocket):
        def text_received(self, text):
            self.send(text)

    site = Server(loop)
    site.route("GET", "/echo", Sent)
    return site.connection


SITES = {"http": http, "websocket": websocket}


def tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def serve_on_reactor(factory, context):
    # The clock stands still, and costs as little as the true one: no round is slow, and no timer is due.
    with reactor.Reactor(clock=itertools.repeat(1.0).__next__) as loop:
        print(loop.listen_tcp(Gate, "127.0.0.1", 0).port, flush=True)
        factory = SITES[CASE](loop) if CASE in SITES else factory
        print(loop.listen_tcp(factory, "127.0.0.1", 0, tls=context).port, flush=True)
        loop.run()


def gate(fd):
    """As Gate, without a framework."""
    print("open", flush=True)

    def ready():
        if not os.read(fd, 1):
            os._exit(0)
        os.write(1, b".")
        return len(os.read(0, 1))

    return ready


def serve_floor(case):
    from servers import bare  # the others need not load them

    floor = importlib.import_module(f"servers.{LOOP}")
    served = {"sent": "lines"}.get(case, case)
    if LOOP == "bare":
        gated, served = gate, floor.SERVICES["lines" if served == "batches" else served]
    elif case == "websocket":
        gated, served = Gate, importlib.import_module("peers.web.on_promises").Echo
    else:
        gated, served = Gate, floor.SERVICES.get(served, Member)
    floor.monotonic = itertools.repeat(1.0).__next__  # as for the reactor
    listeners = {bare.listening(): gated, bare.listening(): served}
    for listener in listeners:
        print(listener.getsockname()[1], flush=True)
    floor.serve(listeners)


async def serve_on_asyncio(factory, context):
    loop = asyncio.get_running_loop()
    for made, how in ((Gate, None), (factory, context)):
        server = await loop.create_server(made, "127.0.0.1", 0, backlog=1024, ssl=how)
        print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    gc.disable()
    factory, context = PROTOCOLS.get(CASE.removeprefix("tls-")), tls() if CASE.startswith("tls-") else None
    if LOOP == "reactor":
        serve_on_reactor(factory, context)
    elif LOOP in FLOORS:
        serve_floor(CASE)
    else:
        asyncio.Runner(loop_factory=importlib.import_module(LOOP).new_event_loop).run(
            serve_on_asyncio(factory, context)
        )
