"""Descriptors that somebody else has closed: their numbers are a newcomer's by then, and nobody is harmed."""

from __future__ import annotations

import os
import signal
import socket

import pytest

from reactor import Protocol, Reactor
from reactor.loop.kernel import SelectorPoller
from reactor.loop.poller import READ, EpollPoller
from reactor.testing import Recorder

pytestmark = pytest.mark.loud


class Echo(Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


def closes(sock):
    sock.close()


def shuts(sock):
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()


@pytest.mark.parametrize("goes", [closes, shuts])
@pytest.mark.parametrize("end", ["close", "abort", "drain"])
def test_a_listening_socket_closed_by_its_maker_keeps_nobody_from_ending(goes, end):
    with Reactor(watchdog=0) as reactor:
        listener = reactor.listen_socket(Echo, sock := socket.create_server(("127.0.0.1", 0)))
        goes(sock)
        if end != "close":
            getattr(reactor, end)()
            reactor.call_later(0.2, reactor.stop)
            reactor.run()
    assert reactor.closed
    assert not listener.is_accepting()


def test_the_drain_goes_on_with_the_next_listener_whatever_one_does(stage):
    sock = socket.create_server(("127.0.0.1", 0))
    stage.reactor.listen_socket(Echo, sock)
    other = stage.serve(Echo)
    client = stage.dial(other)
    sock.close()
    drain = stage.reactor.drain(5)
    stage.reactor.settle()
    assert stage.received(client) == b""
    client.close()
    stage.reactor.settle()
    assert drain.result(0).closed == 1
    assert not other.is_accepting()


def test_sigterm_ends_a_server_whose_listening_socket_was_closed_while_it_ran():
    with Reactor(watchdog=0) as reactor:
        sock = socket.create_server(("127.0.0.1", 0))
        reactor.listen_socket(Echo, sock)
        other = reactor.listen_tcp(Echo, "127.0.0.1", 0)
        reactor.call_soon(sock.close)
        reactor.call_later(0.01, signal.raise_signal, signal.SIGTERM)
        reactor.call_later(20, reactor.stop)
        began = reactor.time()
        reactor.run()
        assert reactor.time() - began < 15
        assert not other.is_accepting()


def test_a_full_listener_whose_socket_is_gone_gives_it_up(stage, caplog):
    from reactor import Limits

    sock = socket.create_server(("127.0.0.1", 0))
    listener = stage.reactor.listen_socket(Recorder, sock, limits=Limits(connections=1))
    client = socket.create_connection(sock.getsockname())
    stage.reactor.settle()
    sock.close()
    client.close()
    stage.reactor.settle()  # there would be room again
    assert "its socket was closed" in caplog.text
    assert not listener.is_accepting()


def test_a_transport_whose_socket_was_closed_takes_no_newcomer_with_it(stage):
    listener = stage.serve(Echo)
    first = stage.dial(listener)
    (victim,) = listener.connections
    number = victim.get_extra_info("socket").fileno()
    second = stage.own(socket.socket())  # before the number is free
    victim.get_extra_info("socket").close()  # a library "cleans up"
    second.connect(("127.0.0.1", listener.port))
    stage.reactor.settle()
    (newcomer,) = [each for each in listener.connections if each is not victim]
    assert newcomer.get_extra_info("socket").fileno() == number
    second.sendall(b"one")
    assert stage.received(second) == b"one"
    victim.write(b"x")
    stage.reactor.settle()
    assert list(listener.connections) == [newcomer]
    second.sendall(b"two")
    assert stage.received(second) == b"two"
    assert stage.received(first) == b""


@pytest.mark.parametrize("verb", ["pause_reading", "close", "abort", "write_eof"])
def test_whatever_is_called_on_it_the_newcomer_lives(stage, verb):
    listener = stage.serve(Echo)
    stage.dial(listener)
    (victim,) = listener.connections
    second = stage.own(socket.socket())
    victim.get_extra_info("socket").close()
    second.connect(("127.0.0.1", listener.port))
    stage.reactor.settle()
    getattr(victim, verb)()
    stage.reactor.settle()
    second.sendall(b"hello")
    assert stage.received(second) == b"hello"


def test_a_reader_on_a_number_that_has_changed_hands_is_called(stage):
    old, other = os.pipe()
    stage.reactor.add_reader(old, print)
    os.close(old)  # without remove_reader
    new, writing = os.pipe()
    assert new == old
    heard = []
    stage.reactor.add_reader(new, lambda: heard.append(os.read(new, 10)))
    os.write(writing, b"hello")
    stage.reactor.settle()
    assert heard == [b"hello"]
    stage.reactor.remove_reader(new)
    for fd in (new, other, writing):
        os.close(fd)


def test_a_reader_on_a_transport_s_socket_is_refused_with_a_reason(stage):
    _, transport = stage.connect(Recorder())
    with pytest.raises(FileExistsError, match="a connection's"):
        stage.reactor.add_reader(transport.get_extra_info("socket"), print)


@pytest.mark.parametrize("kind", [EpollPoller, SelectorPoller])
def test_a_poller_compares_handlers(kind):
    class Handler:
        def _on_ready(self, events):
            told.append((self, events))

    told = []

    poller, old, new = kind(), Handler(), Handler()
    a, b = socket.socketpair()
    poller.register(a.fileno(), READ, new)
    poller.unregister(a.fileno(), old)
    with pytest.raises(OSError, match="behind our back"):
        poller.modify(a.fileno(), READ, old)
    b.send(b"x")
    assert (poller.tell(poller.poll(0)), told) == (1, [(new, READ)])
    poller.unregister(a.fileno(), new)
    poller.unregister(a.fileno(), new)  # late, and harmless
    assert poller.poll(0) == []
    poller.close(), a.close(), b.close()
