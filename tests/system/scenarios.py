"""Whole runs on simulated hosts. Each plays on a `Scene`, whatever goes wrong in it, and checks what must hold.

What must hold: the bytes received are the beginning of the bytes sent, and all of them where both sides ended cleanly;
every connection ends; nothing is left on any host; no transport breaks its contract.
"""

from __future__ import annotations

import hashlib
import logging
import socket

from protocols.chat import Chat, Settings
from reactor import (
    BufferedProtocol,
    Limits,
    LineProtocol,
    PeerError,
    Protocol,
    ReconnectingClient,
    Timeouts,
    WriteTimeout,
)
from reactor.testing import Faults, Recorder, Simulator, checked
from tests.kit.leftovers import of_the_dead
from tests.kit.tls import client_context, server_context

PATIENCE = 3600.0  # simulated seconds for a run to end; the longest deadlines and stalls add up to a fraction of it
TIMEOUTS = Timeouts(idle=120.0)
CAPACITIES = [1, 10, 300, 4096, 65536]  # bytes
FAULTS = [Faults.none(), Faults.gentle(), Faults.gentle(), Faults.harsh(), Faults.harsh(), Faults.harsh()]

SERVER, CLIENT = server_context(), client_context()

SCENARIOS = {}


def scenario(play):
    SCENARIOS[play.__name__] = play
    return play


def run(name, seed):
    """Play one scenario; the trace of its run."""
    scene = Scene(seed)
    with scene.sim, Loud() as loud:
        SCENARIOS[name](scene)
        scene.end()
        assert not loud.records, loud.records[0]
    return scene.sim.trace


class Loud(logging.Handler):
    """Keeps what is logged as an error: nothing that the network does is one."""

    def __init__(self):
        super().__init__(logging.ERROR)
        self.records = []

    def emit(self, record):
        self.records.append(self.format(record))

    def __enter__(self):
        logging.getLogger("reactor").addHandler(self)
        return self

    def __exit__(self, *exc_info):
        logging.getLogger("reactor").removeHandler(self)


class Scene:
    """A simulator with a server and some clients, and the contracts of all connections on it."""

    def __init__(self, seed):
        faults, capacity = FAULTS[seed % len(FAULTS)], CAPACITIES[seed % len(CAPACITIES)]
        self.sim = Simulator(
            seed, faults=faults, capacity=capacity, raise_bugs=False
        )  # some raise: it is their subject
        self.random = self.sim.random
        self.is_lossless = not self.sim.faults.reset
        self.breaches = []
        self.factories = []
        self.calls = []  # host, future, factory
        self.server = self.sim.host("server")
        self.clients = [self.sim.host(f"client{number}") for number in range(self.random.randrange(1, 4))]

    def checked(self, factory):
        """The factory, with every protocol it makes held to the contract."""
        factory = checked(factory, self.breaches.append)
        self.factories.append(factory)
        return factory

    def listen(self, factory, **options):
        return self.server.listen_tcp(self.checked(factory), None, 9000, **({"timeouts": TIMEOUTS} | options))

    def connect(self, factory, host=None, **options):
        """Connect from one of the clients; the future."""
        host = host or self.random.choice(self.clients)
        family = self.random.choice([0, socket.AF_INET, socket.AF_INET6])
        options = {"timeouts": TIMEOUTS, "family": family} | options
        future = host.connect_tcp(self.checked(factory), "server", 9000, **options)
        future.add_done_callback(lambda done: done.cancelled() or done.exception())  # whatever it is, it was asked for
        self.calls.append((host, future, self.factories[-1]))
        return future

    def compare(self, client, payload):
        """What came is the beginning of `payload`; all of it where the server ended in order, as it always may."""
        assert payload.startswith(client.data), (client.data, payload)
        if "eof_received" in client.events:
            assert client.data == payload
        if self.is_lossless:
            assert (client.data, client.lost) == (payload, None)

    def crash(self, host):
        """Kill a client: in a process that was killed nobody is told anything."""
        host.crash()
        for call in [call for call in self.calls if call[0] is host]:
            self.calls.remove(call)
            self.factories.remove(call[2])

    def moment(self):
        """Some time, much or little, in which happens what happens."""
        self.sim.run(self.random.choice([0.0, 0.001, 0.01, 0.1, 1.0]))

    def data(self):
        """As much as this run can carry in good time."""
        return self.random.randbytes(self.random.randrange(1, 50 if self.sim.capacity < 100 else 3000))

    def look(self):
        """In the tick of an end nothing is left of it, however many are still there."""
        for host in self.sim.hosts.values():
            assert of_the_dead(host) == []

    def is_over(self):
        """Every connection was made, or not, and has ended."""
        self.look()
        is_open = any(contract.made for factory in self.factories for contract in factory.open)
        return not is_open and all(future.done() for _, future, _ in self.calls)

    def end(self):
        """Let everything end, and look at what is left."""
        sim = self.sim
        sim.run_until(self.is_over, PATIENCE)
        quiet = [host for host in sim.hosts.values() if not host.stats()["connections"]]  # others shake hands still
        assert not any(len(host.wheel) for host in quiet), "an ended connection has a deadline"
        for host in sim.hosts.values():
            for listener in list(host._inventory.listeners):
                listener.close()
        sim.run(1500)  # what was connecting gives up, what lingers has lingered, and the last idle deadline has come
        assert self.is_over()
        for factory in self.factories:
            factory.finish()
        assert self.breaches == []
        assert sim.leftovers() == []
        assert sim.next_deadline() is None, "somebody waits for something still"


class Talker(Recorder):
    """Writes `payload` in pieces, heeding the watermarks, then says its end; its peer's end may come whenever."""

    def __init__(self, scene, host, payload, close=False):
        super().__init__(keep_open=True)
        self.scene, self.host, self.payload, self.close = scene, host, payload, close
        self.written = 0
        self.full = False

    def connection_made(self, transport):
        super().connection_made(transport)
        self.names = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        transport.set_write_buffer_limits(high=self.scene.random.choice([None, 0, 10, 100]))
        self.talk()

    def talk(self):
        random = self.scene.random
        while not self.full and not self.transport.is_closing() and self.written < len(self.payload):
            if random.random() < 0.2:
                self.host.call_later(random.random(), self.talk)
                return
            piece = self.payload[self.written : self.written + random.randrange(1, len(self.payload) + 1)]
            self.written += len(piece)
            self.transport.write(piece)
        if self.written == len(self.payload):
            (self.transport.close if self.close else self.transport.write_eof)()

    def pause_writing(self):
        super().pause_writing()
        self.full = True

    def resume_writing(self):
        super().resume_writing()
        self.full = False
        self.talk()


class Echo(Protocol):
    """Sends back what comes, in step with whoever reads it."""

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=100)

    def data_received(self, data):
        self.transport.write(data)

    def eof_received(self):
        self.transport.close()
        return True

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


class EchoInto(BufferedProtocol):
    """The same, received into a small buffer of its own."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, bytearray(7)

    def get_buffer(self, sizehint):
        return self.buffer

    def buffer_updated(self, nbytes):
        self.transport.write(memoryview(self.buffer)[:nbytes])


def echo_of(scene, echo, count, tls=False):
    """Some clients talk to an echo: what comes back is what was said, or its beginning."""
    patient = {"timeouts": Timeouts(idle=120.0, handshake=900.0, connect=900.0)}  # a handshake in bytes takes its time
    scene.listen(echo, **({"tls": SERVER} | patient if tls else {}))
    options = {"tls": CLIENT, "server_hostname": "localhost", "timeout": 900.0} | patient if tls else {}
    talkers = []

    def talker(host):
        talkers.append(Talker(scene, host, scene.data()))
        return talkers[-1]

    for _ in range(count):
        host = scene.random.choice(scene.clients)
        scene.connect(lambda host=host: talker(host), host, **options)
        scene.moment()
    scene.sim.run_until(scene.is_over, PATIENCE)
    for talker in talkers:
        scene.compare(talker, talker.payload)


@scenario
def echo(scene):
    echo_of(scene, Echo, scene.random.randrange(1, 5))


@scenario
def echo_into_a_buffer(scene):
    echo_of(scene, EchoInto, 1)


@scenario
def echo_over_tls(scene):
    """TLS under all of it: a handshake in pieces, an end that must be said before it counts."""
    if not scene.is_lossless or scene.sim.capacity > 1:  # byte by byte takes long: not in every run
        echo_of(scene, Echo, 1, tls=True)


@scenario
def lines(scene):
    """Lines come back in order, whatever the reading is paused for; and while it is, none comes."""

    class Lines(LineProtocol):
        paused = False

        def line_received(self, line):
            if self.paused:
                scene.breaches.append(f"{line!r} while reading is paused")
            self.send_line(line)
            if scene.random.random() < 0.2:
                self.paused = True
                self.transport.pause_reading()
                scene.server.call_later(scene.random.random(), self.go_on)

        def go_on(self):
            self.paused = False
            self.transport.resume_reading()

    scene.listen(Lines)
    said = [
        b"%d" % scene.random.randrange(10 ** scene.random.randrange(1, 9)) for _ in range(scene.random.randrange(20))
    ]
    client = Talker(scene, scene.clients[0], b"".join(line + b"\n" for line in said))
    scene.connect(lambda: client, scene.clients[0])
    scene.sim.run_until(scene.is_over, PATIENCE)
    scene.compare(client, client.payload)


@scenario
def answer_after_the_end(scene):
    """A half-close: the answer to all that was said comes after its end was said."""

    class Answer(Recorder):
        def eof_received(self):
            self.transport.write(hashlib.sha256(self.data).digest())
            scene.server.call_later(scene.random.random(), self.transport.close)
            return True

    scene.listen(lambda: Answer())
    client = Talker(scene, scene.clients[0], scene.data())
    scene.connect(lambda: client, scene.clients[0])
    scene.sim.run_until(scene.is_over, PATIENCE)
    scene.compare(client, hashlib.sha256(client.payload).digest())


@scenario
def an_end_while_output_is_blocked(scene):
    """A half-close that comes while more waits than the carrier takes: all of it is sent, and what comes after it."""
    answer = scene.random.randbytes(3 * scene.sim.capacity + 10 if scene.sim.capacity < 5000 else 150_000)

    class Answer(Recorder):
        def data_received(self, data):
            if not self.data:
                self.transport.write(answer)
            super().data_received(data)

        def eof_received(self):
            super().eof_received()
            scene.server.call_later(3.0, self.finish)
            return True

        def finish(self):
            self.transport.write(b"the end")
            self.transport.close()

    class Ask(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()
            transport.write(b"?")
            scene.clients[0].call_later(scene.random.random(), transport.write_eof)
            scene.clients[0].call_later(2 + scene.random.random(), transport.resume_reading)

    scene.listen(Answer)
    client = Ask(keep_open=True)
    scene.connect(lambda: client, scene.clients[0])
    scene.sim.run_until(scene.is_over, PATIENCE)
    scene.compare(client, answer + b"the end")


@scenario
def both_talk_and_close(scene):
    """Both ends write at once and close: each gets the beginning of what the other wrote; who only reads gets all."""
    ends = []

    def end(host, close):
        ends.append(Talker(scene, host, scene.data(), close))
        return ends[-1]

    closes = scene.random.random() < 0.5
    scene.listen(lambda: end(scene.server, True))
    scene.connect(lambda: end(scene.clients[0], closes), scene.clients[0])
    scene.sim.run_until(scene.is_over, PATIENCE)
    clients = [end for end in ends if end.host is not scene.server]
    servers = [end for client in clients for end in ends if end.names == client.names[::-1]]
    for server, client in zip(servers, clients, strict=False):
        assert client.payload.startswith(server.data)
        if closes:
            assert server.payload.startswith(client.data)
        else:
            scene.compare(client, server.payload)  # close() does not cut off what was written before it


@scenario
def a_drain_in_the_middle(scene):
    """A drain flushes what was written, ends everybody within its grace, and stops."""
    scene.listen(Echo)
    for _ in range(scene.random.randrange(1, 4)):
        host = scene.random.choice(scene.clients)
        scene.connect(lambda host=host: Talker(scene, host, scene.data()), host)
        scene.moment()
    drain = scene.server.drain(10.0)
    scene.sim.run_until(drain, 11.0)
    assert scene.server.stats()["connections"] == 0
    assert not any(contract.made for contract in scene.factories[0].open)


@scenario
def a_stranger_who_reconnects(scene):
    """A client that is dropped comes again until it was served three times; then it stops."""

    class Drop(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            scene.server.call_later(scene.random.random(), transport.close)

    scene.listen(Drop)
    host = scene.clients[0]
    served = []

    class Count(Recorder):
        def connection_lost(self, exc):
            super().connection_lost(exc)
            served.append(exc)
            if len(served) == 3:
                client.stop()

    count = scene.checked(Count)
    client = ReconnectingClient(
        host, lambda factory: host.connect_tcp(factory, "server", 9000), count, random=scene.random.random
    )
    scene.sim.run_until(client.finished, 100_000.0)
    assert len(served) == 3


@scenario
def crashes_and_cables(scene):
    """A client's process dies, another's cable is pulled: the server is rid of both, and serves the others."""
    scene.listen(Echo, timeouts=Timeouts(idle=60.0, write=30.0, close=10.0))
    for _ in range(3):
        host = scene.random.choice(scene.clients)
        scene.connect(lambda host=host: Talker(scene, host, scene.data()), host)
        scene.moment()
    victim = scene.random.choice(scene.clients)
    if scene.random.random() < 0.5:
        scene.sim.cut(scene.server, victim)
        scene.sim.run(scene.random.random() * 400)
        scene.sim.heal(scene.server, victim)
    else:
        scene.crash(victim)
    scene.sim.run(400)
    assert not any(contract.made for contract in scene.factories[0].open)


@scenario
def more_than_may_come_in(scene):
    """A limit of two, a short backlog, and callers who lose patience: everybody is served or told."""
    crowds = []

    class Counting(Echo):
        def connection_made(self, transport):
            super().connection_made(transport)
            crowds.append(len(listener.connections))

    listener = scene.listen(Counting, backlog=scene.random.randrange(3), limits=Limits(connections=2))
    futures = []
    for _ in range(scene.random.randrange(3, 8)):
        host = scene.random.choice(scene.clients)
        timeout = scene.random.choice([0.5, 5.0, 60.0])
        futures.append(scene.connect(lambda host=host: Talker(scene, host, scene.data()), host, timeout=timeout))
        scene.moment()
        if scene.random.random() < 0.2:
            scene.random.choice(futures).cancel()
    scene.sim.run(600)
    assert all(future.done() for future in futures)
    assert max(crowds, default=0) <= 2
    for future in futures:
        if not future.cancelled() and future.exception() is not None:
            assert isinstance(future.exception(), OSError)


@scenario
def a_reader_who_stops(scene):
    """Whoever stops reading is evicted by one bound or another, and costs nobody else anything."""
    limits = Limits(output=scene.random.choice([500, 5000, None]))
    closes = scene.random.random() < 0.5
    more = scene.sim.capacity // 10 + scene.random.randrange(1, 500)

    class Flood(Recorder):
        def data_received(self, data):
            for _ in range(11):
                self.transport.write(bytes(more))
            if closes:
                self.transport.close()

    scene.listen(Flood, limits=limits, timeouts=Timeouts(write=20.0, close=20.0))

    class Deaf(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(b"x" * scene.random.randrange(1, 5))
            transport.pause_reading()
            scene.server.call_later(400, transport.resume_reading)

    for _ in range(2):
        scene.connect(Deaf, timeouts=None)
        scene.moment()
    scene.sim.run(300)
    assert not any(contract.made for contract in scene.factories[0].open)


@scenario
def unruly_protocols(scene):
    """Everything is called everywhere, in any order and twice; only the contract must hold, and the end come."""

    class Unruly(Recorder):
        def __init__(self, host):
            super().__init__(keep_open=scene.random.random() < 0.5)
            self.host = host

        def act(self, may_raise=True):
            random, transport = scene.random, self.transport
            for _ in range(random.randrange(4)):
                name = random.choice(["write", "write", "write", "pause_reading", "resume_reading", "close", "abort"])
                getattr(transport, name)(*([bytes(random.randrange(500))] if name == "write" else []))
            if random.random() < 0.3:
                self.host.call_later(random.random(), self.act, False)
            if may_raise and random.random() < 0.05:
                raise PeerError("unruly")

        def connection_made(self, transport):
            super().connection_made(transport)
            self.act()

        def data_received(self, data):
            self.act()

        def eof_received(self):
            self.act()
            return super().eof_received()

        def connection_lost(self, exc):
            super().connection_lost(exc)
            if self.events.count("connection_lost") == 1:
                self.act()

        def pause_writing(self):
            self.act()

        def resume_writing(self):
            self.act()

    scene.listen(lambda: Unruly(scene.server))
    for _ in range(3):
        host = scene.random.choice(scene.clients)
        scene.connect(lambda host=host: Unruly(host), host)
        scene.moment()


@scenario
def a_chat(scene):
    """The chat itself: what a member says reaches the others whole, once and in order."""
    chat = Chat(scene.server, Settings(flood_rate=0))
    scene.listen(chat.session)
    members = []

    class Member(LineProtocol):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.heard = []
            self.name = b"m%d" % len(members)
            members.append(self)
            self.send_line(b"/nick " + self.name)
            for number in range(3):
                scene.clients[0].call_later(1 + scene.random.random() * 9, self.say, number)
            scene.clients[0].call_later(60, self.transport.close)

        def say(self, number):
            self.send_line(b"%d!" % number)

        def line_received(self, line):
            self.heard.append(line)

    for _ in range(scene.random.randrange(1, 4)):
        scene.connect(Member, scene.clients[0])
    scene.sim.run(100)
    for member in members:
        for other in members:
            said = [line for line in member.heard if line.startswith(other.name + b": ")]
            assert len(said) == len(set(said)) <= 3
    scene.sim.run_until(scene.is_over, PATIENCE)


@scenario
def a_chat_of_the_abrupt(scene):
    """They type key by key and go in the middle of a word: in that very tick nothing waits for them any more."""
    chat = Chat(scene.server, Settings(flood_rate=0, idle=300.0))
    scene.listen(chat.session)
    host, random = scene.clients[0], scene.random

    class Typist(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.keys = random.choice([3, 30])
            host.call_later(1.0, self.press)

        def press(self):
            if self.keys and not self.transport.is_closing():
                self.keys -= 1
                self.transport.write(b"x")
                host.call_later(0.1 * random.random(), self.press)
            else:
                random.choice([self.transport.close, self.transport.abort])()

    for _ in range(random.randrange(1, 4)):
        scene.connect(Typist, host)
    scene.sim.run_until(scene.is_over, PATIENCE)


@scenario
def a_timer_for_each_piece(scene):
    """A protocol with a deadline of its own, moved by whatever comes: memory does not grow with what came."""

    class Patient(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            self.timer = scene.server.call_later(500.0, transport.close)

        def data_received(self, data):
            super().data_received(data)
            for _ in data:
                self.timer.reset(500.0)

        def connection_lost(self, exc):
            super().connection_lost(exc)
            self.timer.cancel()

    scene.listen(Patient, timeouts=None)
    client = Talker(scene, scene.clients[0], bytes(400))
    scene.connect(lambda: client, scene.clients[0])
    scene.sim.run_until(scene.is_over, PATIENCE)


@scenario
def a_peer_who_falls_silent(scene):
    """All was taken and nothing was said for longer than a timeout: it begins with the first send that is refused."""
    lost = []

    class Filling(Recorder):
        waited = -1

        def connection_made(self, transport):
            super().connection_made(transport)
            transport.write(bytes(scene.sim.capacity))
            scene.server.call_later(100.0, self.write_more)

        def write_more(self):
            self.waited = self.transport.get_write_buffer_size()
            self.began = scene.server.time()
            self.transport.write(bytes(10))

        def connection_lost(self, exc):
            super().connection_lost(exc)
            if isinstance(exc, WriteTimeout) and not self.waited:
                lost.append(scene.server.time() - self.began)

    class Deaf(Recorder):
        def connection_made(self, transport):
            super().connection_made(transport)
            transport.pause_reading()
            scene.server.call_later(900.0, transport.resume_reading)

    server = scene.listen(Filling, timeouts=Timeouts(write=60.0))
    scene.connect(Deaf, timeouts=None)
    scene.sim.run(1000)
    assert not server.connections
    assert all(59.0 < seconds < 120.0 for seconds in lost), lost


logging.getLogger("protocols").addHandler(logging.NullHandler())
