"""A server that speaks RESP in memory, and says what a scene has it say."""

from __future__ import annotations

from protocols.redis import ReplyWire
from reactor import Protocol

URL = "redis://localhost"
OK = b"+OK\r\n"
HELLO = b"%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n"


def bulk(data):
    return b"$%d\r\n%b\r\n" % (len(data), data)


def array(*parts):
    return b"*%d\r\n" % len(parts) + b"".join(parts)


def push(*parts):
    return b">%d\r\n" % len(parts) + b"".join(parts)


def message(channel, data):
    return push(bulk(b"message"), bulk(channel), bulk(data))


def ask(client, *words):
    """Ask, and let happen what needs no time."""
    future = client.execute(*words)
    client._reactor.settle()
    return future


class Server:
    """Listens on a MemoryReactor. `answers` maps a command's name to bytes, a function of its words, or None: silence.

    What is not in it: HELLO is answered by RESP3, SUBSCRIBE is confirmed, ECHO echoes, all else is +OK.
    """

    def __init__(self, reactor, port=6379, tls=None):
        self.reactor = reactor
        self.port = port
        self.tls = tls
        self.answers = {}
        self.seen = []
        """All commands, as lists of bytes, in order."""
        self.connections = []
        self.count = 0
        self.reads = 0
        self.listener = None
        self.up()

    def up(self):
        self.listener = self.reactor.listen_tcp(lambda: Seat(self), "localhost", self.port, tls=self.tls)

    def down(self):
        """As a server that is killed: nobody listens, and connections end."""
        self.listener.close()
        self.reset()

    def reset(self):
        for seat in list(self.connections):
            seat.transport.abort()
        self.reactor.settle()

    def say(self, data):
        """Say it on every connection, unasked."""
        for seat in list(self.connections):
            seat.transport.write(data)
        self.reactor.settle()

    def names(self, *without):
        return [words[0].decode() for words in self.seen if words[0].decode() not in without]

    def answer(self, words):
        name = words[0].decode()
        if name in self.answers:
            answer = self.answers[name]
            return answer(words) if callable(answer) else answer
        if name == "HELLO":
            return HELLO
        if name in ("SUBSCRIBE", "UNSUBSCRIBE"):
            return push(bulk(name.lower().encode()), bulk(words[1]), b":1\r\n")
        return bulk(words[1]) if name == "ECHO" else OK


class Seat(Protocol):
    def __init__(self, server):
        self.server = server
        self.wire = ReplyWire()

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.append(self)
        self.server.count += 1

    def data_received(self, data):
        self.server.reads += 1
        for words in self.wire.feed(data):
            self.server.seen.append(words)
            if (answer := self.server.answer(words)) is not None:
                self.transport.write(answer)
        assert self.wire.error is None

    def connection_lost(self, exc):
        self.server.connections.remove(self)

    def draining(self, grace):
        """The client's reactor is ours, and the drain of a client is not the server's end."""
        return True


def leave_nothing(reactor, clients, after):
    """Close them: `after` so many seconds nothing of them is left."""
    for client in clients:
        client.close()
    reactor.advance(after)
    kinds = ("timers", "promises", "connections")
    assert [what for what in reactor.leftovers() if what.endswith(kinds)] == []
