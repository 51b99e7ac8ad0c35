"""Who is refused at accept: before a handshake, before the factory, and without cost afterwards."""

from __future__ import annotations

import errno
import logging
import os
import socket

import pytest

from reactor import Limits, Protocol, Timeouts
from reactor.testing import Recorder
from tests.kit.tls import client_context, server_context


class Echo(Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Asked:
    """Refuses whom it is told to, and writes down what it was asked."""

    def __init__(self, word=None):
        self.word = word
        self.questions = []

    def __call__(self, peername, held):
        self.questions.append((peername[0], held))
        return self.word


def test_a_newcomer_is_let_in_or_told_why_not_and_its_descriptor_is_closed_at_once(stage):
    refuse, made = Asked(), []
    listener = stage.serve(lambda: made.append(1) or Echo(), limits=Limits(refuse=refuse))
    first = stage.dial(listener)
    first.sendall(b"hello")
    assert stage.received(first) == b"hello"
    refuse.word = b"* goodbye: you are banned here\n"
    second = stage.dial(listener)
    assert second.recv(100) == b"* goodbye: you are banned here\n"
    assert second.recv(100) == b""
    assert refuse.questions == [("127.0.0.1", 0), ("127.0.0.1", 1)]
    assert made == [1]
    assert len(listener.connections) == 1
    assert stage.reactor.stats()["refused"] == 1


def test_it_is_told_how_many_connections_the_peer_has_from_accept_to_the_close_of_the_descriptor(stage):
    """A connection that we have closed and that its peer keeps open lingers, and counts."""
    refuse, protocol = Asked(), Recorder()
    listener = stage.serve(lambda: protocol, limits=Limits(refuse=refuse), timeouts=Timeouts(close=10))
    stage.dial(listener)
    protocol.transport.close()
    stage.reactor.settle()
    stage.dial(listener)
    assert refuse.questions[-1] == ("127.0.0.1", 1)
    stage.reactor.advance(11)
    stage.dial(listener)
    assert refuse.questions[-1] == ("127.0.0.1", 1)  # the second is in, the first is gone


def test_who_shakes_hands_is_counted_and_who_is_refused_is_not_shaken_hands_with(stage):
    refuse = Asked()
    listener = stage.serve(Echo, tls=server_context(), limits=Limits(refuse=refuse))
    stage.dial(listener)  # says nothing
    refuse.word = b"not for TLS"
    refused = stage.dial(listener)
    assert refuse.questions == [("127.0.0.1", 0), ("127.0.0.1", 1)]
    assert refused.recv(100) == b""  # a line in the clear would be noise to it
    assert len(listener.connections) == 1


@pytest.mark.loud
def test_a_refusal_that_raises_refuses_and_is_logged_once(stage, caplog):
    def refuse(peername, held):
        raise KeyError("who")

    listener = stage.serve(Echo, limits=Limits(refuse=refuse))
    assert stage.dial(listener).recv(1) == b""
    assert [
        record.getMessage().partition(" of ")[0] for record in caplog.records if record.levelno >= logging.ERROR
    ] == ["exception in the refusal"]
    assert not listener.connections


@pytest.mark.loud
@pytest.mark.parametrize("word", ["go away", True, 0])
def test_a_refusal_that_gives_what_cannot_be_sent_refuses_and_is_logged_and_the_loop_lives(stage, caplog, word):
    listener = stage.serve(Echo, limits=Limits(refuse=lambda peername, held: word))
    assert stage.dial(listener).recv(1) == b""
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert str(record.exc_info[1]) == f"Limits.refuse gives bytes or None, not {word!r}"
    assert not listener.connections


def test_the_limit_for_one_address_is_judged_before_it_is_asked(stage):
    refuse = Asked()
    listener = stage.serve(Echo, limits=Limits(per_peer=1, count_loopback=True, refuse=refuse))
    stage.dial(listener)
    assert stage.dial(listener).recv(1) == b""
    assert refuse.questions == [("127.0.0.1", 0)]


@pytest.mark.parametrize("wrong", [3, "nobody", b"", True])
def test_what_cannot_be_called_is_refused_at_once(wrong):
    with pytest.raises(TypeError, match="refuse"):
        Limits(refuse=wrong)


class Exhausted(socket.socket):
    """A listening socket in a process that has descriptors for `most` connections of its listener."""

    most, listener = 100, None

    def accept(self):
        if len(self.listener.connections) >= self.most:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


@pytest.mark.loud
def test_out_of_descriptors_whoever_lingers_or_shakes_hands_makes_room_and_nobody_else(stage):
    sock = Exhausted()
    sock.bind(("127.0.0.1", 0))
    protocols = []
    listener = sock.listener = stage.reactor.listen_socket(
        lambda: protocols.append(Recorder()) or protocols[-1], sock, timeouts=Timeouts(close=10)
    )
    talking, lingering, owed = (stage.dial(listener, receive_buffer=4096) for _ in range(3))
    protocols[1].transport.close()
    stage.clog(protocols[2].transport)
    protocols[2].transport.close()  # all of that is promised to the peer
    stage.reactor.settle()
    sock.most = 3
    newcomer = stage.own(socket.socket())
    newcomer.connect(listener.addresses[0])
    stage.reactor.settle()
    ends = ["connection_made", "connection_lost", "pause_writing", "connection_made"]
    assert [protocol.events[-1] for protocol in protocols] == ends  # the newcomer is in without a second's wait
    assert [protocol.lost for protocol in protocols] == [None] * 4
    assert lingering.recv(1) == b""
    for peer in (talking, owed):
        peer.close()


@pytest.mark.loud
def test_handshakes_make_room_and_those_who_talk_do_not(stage):
    sock = Exhausted()
    sock.bind(("127.0.0.1", 0))
    listener = sock.listener = stage.reactor.listen_socket(Echo, sock, tls=server_context())
    silent = stage.dial(listener)
    options = {"tls": client_context(), "server_hostname": "localhost"}
    _, talks = stage.reactor.run_until(stage.reactor.connect_tcp(Recorder, "127.0.0.1", listener.port, **options))
    sock.most = 2
    stage.own(socket.socket()).connect(listener.addresses[0])
    stage.reactor.settle()
    assert silent.recv(1) == b""
    talks.transport.write(b"still here")
    stage.reactor.settle()
    assert talks.data == b"still here"
