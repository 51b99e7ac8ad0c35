#!/usr/bin/env python3
"""Echo, lines and the chat on Twisted: `Protocol` and `LineOnlyReceiver`, on the reactor that it chooses (epoll)."""

import sys

from command import BACKLOG, listening, missing, parse, reply
from room import Room

try:
    from twisted.internet import protocol, reactor
    from twisted.protocols.basic import LineOnlyReceiver
except ImportError:
    sys.exit(missing("twisted"))

OPTIONS = parse(__doc__)
ROOM = Room(OPTIONS.silent)


class Echo(protocol.Protocol):
    """Write back what arrives."""

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def dataReceived(self, data):
        self.transport.write(data)


class Lines(LineOnlyReceiver):
    """Answers each line; Twisted makes one send of what one turn of its reactor has written."""

    delimiter = b"\n"

    def connectionMade(self):
        self.transport.setTcpNoDelay(True)

    def lineReceived(self, line):
        self.transport.write(reply(line))


class Chat(Echo):
    """One member."""

    def connectionMade(self):
        super().connectionMade()
        self.write, self.hang_up = self.transport.write, self.transport.loseConnection
        ROOM.join(self)

    def connectionLost(self, reason=protocol.connectionDone):
        ROOM.leave(self)

    def dataReceived(self, data):
        ROOM.feed(self, data)


factory = protocol.Factory.forProtocol({"echo": Echo, "lines": Lines, "chat": Chat}[OPTIONS.service])
factory.noisy = False
port = reactor.listenTCP(OPTIONS.port, factory, backlog=BACKLOG, interface=OPTIONS.host)
listening((port.getHost().host, port.getHost().port))
reactor.run()
