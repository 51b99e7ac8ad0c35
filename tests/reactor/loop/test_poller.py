"""One behaviour, whatever asks the kernel: epoll's own poller, and `SelectorPoller` over each selector there is."""

from __future__ import annotations

import os
import selectors
import socket
import sys

import pytest

from reactor import Protocol
from reactor.loop.kernel import SelectorPoller, default_poller
from reactor.loop.poller import EDGE, READ, WRITE, EpollPoller
from reactor.testing import Recorder, SteppedReactor

POLLERS = {"default": default_poller}
for name in ("DefaultSelector", "PollSelector", "SelectSelector"):
    if hasattr(selectors, name):
        POLLERS[name] = lambda name=name: SelectorPoller(getattr(selectors, name)())


@pytest.fixture(params=POLLERS)
def poller(request):
    poller = POLLERS[request.param]()
    yield poller
    poller.close()


@pytest.fixture
def pair():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


class Handler:
    def _on_ready(self, events):
        told.append((self, events))


told = []


def batch(poller, timeout):
    """Each handler that is told of what one poll finds, with its events."""
    told.clear()
    found = poller.poll(timeout)
    assert poller.tell(found) == len(told)
    return told[:]


def test_nothing_ready_is_an_empty_batch(poller, pair):
    poller.register(pair[0].fileno(), READ, Handler())
    assert batch(poller, 0) == []


def test_readable(poller, pair):
    handler = Handler()
    poller.register(pair[0].fileno(), READ, handler)
    pair[1].send(b"x")
    assert batch(poller, None) == [(handler, READ)]
    assert batch(poller, 0) == [(handler, READ)]  # level-triggered: until it is read


@pytest.mark.skipif(sys.platform != "linux", reason="epoll is Linux's")
def test_an_edge_is_told_once_by_epoll_and_again_after_more_or_modify():
    poller, handler = EpollPoller(), Handler()
    listener = socket.create_server(("127.0.0.1", 0))
    with listener, socket.create_connection(listener.getsockname()) as theirs, listener.accept()[0] as ours:
        poller.register(ours.fileno(), READ | EDGE, handler)
        theirs.send(b"x")
        assert batch(poller, 5) == [(handler, READ)]
        assert batch(poller, 0) == []
        theirs.send(b"x")
        assert batch(poller, 5) == [(handler, READ)]
        poller.modify(ours.fileno(), READ | EDGE, handler)
        assert batch(poller, 5) == [(handler, READ)]
        assert batch(poller, 0) == []
        poller.modify(ours.fileno(), READ, handler)
        assert batch(poller, 5) == batch(poller, 5) == [(handler, READ)]
    poller.close()


def test_an_edge_is_told_each_time_by_a_selector(pair):
    poller, handler = SelectorPoller(), Handler()
    poller.register(pair[0].fileno(), READ | EDGE, handler)
    pair[1].send(b"x")
    assert batch(poller, 5) == batch(poller, 5) == [(handler, READ)]
    poller.close()


def test_writable(poller, pair):
    handler = Handler()
    poller.register(pair[0].fileno(), WRITE, handler)
    assert batch(poller, 5) == [(handler, WRITE)]


def test_both(poller, pair):
    handler = Handler()
    poller.register(pair[0].fileno(), READ | WRITE, handler)
    assert batch(poller, 5) == [(handler, WRITE)]
    pair[1].send(b"x")
    ((ready, events),) = batch(poller, 5)
    assert (ready, events) == (handler, READ | WRITE)


def test_changed_interest(poller, pair):
    handler = Handler()
    poller.register(pair[0].fileno(), WRITE, handler)
    poller.modify(pair[0].fileno(), READ)
    assert batch(poller, 0) == []
    pair[1].send(b"x")
    assert batch(poller, 5) == [(handler, READ)]


def test_unregistered_is_silent_even_of_a_hang_up(poller, pair):
    poller.register(pair[0].fileno(), READ, Handler())
    poller.unregister(pair[0].fileno())
    pair[1].close()
    assert batch(poller, 0) == []


def test_a_hang_up_wakes_a_reader(poller, pair):
    handler = Handler()
    poller.register(pair[0].fileno(), READ, handler)
    pair[1].close()
    ((ready, events),) = batch(poller, 5)
    assert ready is handler
    assert events & ~WRITE


def test_a_hang_up_wakes_a_writer(poller):
    reader, writer = os.pipe()
    handler = Handler()
    try:
        while True:
            os.set_blocking(writer, False)
            os.write(writer, bytes(65536))
    except BlockingIOError:
        pass
    poller.register(writer, WRITE, handler)
    assert batch(poller, 0) == []
    os.close(reader)
    ((ready, events),) = batch(poller, 5)
    assert ready is handler
    assert events & ~READ
    poller.unregister(writer)
    os.close(writer)


def test_unregistering_what_was_closed_before_is_harmless(poller, pair):
    number = pair[0].fileno()
    poller.register(number, READ, Handler())
    pair[0].close()
    poller.unregister(number)
    assert batch(poller, 0) == []


def test_a_number_used_again_has_its_new_handler(poller, pair):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = os.dup(pair[0].fileno())
        poller.register(number, READ, Handler())
        poller.unregister(number)
        os.dup2(ours.fileno(), number)
        handler = Handler()
        poller.register(number, READ, handler)
        pair[1].send(b"to the old one")
        assert batch(poller, 0) == []
        theirs.send(b"x")
        assert batch(poller, 5) == [(handler, READ)]
        poller.unregister(number)
        os.close(number)


def test_who_comes_while_a_batch_is_told_hears_nothing_of_it(poller, pair):
    """Its number was another's when the batch was polled."""
    old, ours, theirs = os.dup(pair[0].fileno()), *socket.socketpair()
    with ours, theirs:
        newcomer = Handler()

        class First(Handler):
            def _on_ready(self, events):
                super()._on_ready(events)
                if len(told) == 1:
                    poller.unregister(old)
                    os.dup2(ours.fileno(), old)
                    poller.register(old, READ, newcomer)
                    poller.unregister(pair[0].fileno())  # it closes the other as well

        first = First()
        poller.register(old, READ, first)
        poller.register(pair[0].fileno(), READ, first)
        pair[1].send(b"x")  # for both
        assert set(batch(poller, 5)) == {(first, READ)}
        assert batch(poller, 0) == []
        theirs.send(b"x")
        assert batch(poller, 5) == [(newcomer, READ)]
        poller.unregister(old)
        os.close(old)


@pytest.mark.parametrize("wrong", [-1, 999_999])
def test_a_bad_descriptor_is_an_error_at_once(wrong):
    poller = default_poller()
    with pytest.raises((OSError, ValueError)):
        poller.register(wrong, READ, Handler())
    with pytest.raises((OSError, KeyError)):
        poller.modify(123, READ)
    poller.close()


@pytest.mark.skipif(sys.platform != "linux", reason="epoll(7), Q6")
def test_a_closed_descriptor_of_which_a_copy_lives_does_not_crash_the_poll(pair):
    """epoll goes on reporting it, under a number that is no longer ours."""
    poller = default_poller()
    number = pair[0].fileno()
    copy = os.dup(number)
    poller.register(number, READ, Handler())
    pair[0].close()
    poller.unregister(number)  # EBADF inside
    pair[1].send(b"x")
    assert batch(poller, 0) == []
    os.close(copy)
    poller.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the cap is epoll's")
def test_a_batch_is_bounded(monkeypatch):
    from reactor.loop import poller as module

    monkeypatch.setattr(module, "MAX_EVENTS", 3)
    poller = default_poller()
    pairs = [socket.socketpair() for _ in range(10)]
    for ours, theirs in pairs:
        poller.register(ours.fileno(), READ, Handler())
        theirs.send(b"x")
    assert len(batch(poller, 0)) == 3
    for sock in sum(pairs, ()):
        sock.close()
    poller.close()


class Echo(Recorder):
    def data_received(self, data):
        self.transport.write(data)


def test_a_server_on_any_poller(poller):
    """Accepting, a large echo, a half-close and a reset, end to end."""
    with SteppedReactor(poller) as reactor:
        protocols = []

        def factory():
            protocols.append(Echo())
            return protocols[-1]

        listener = reactor.listen_tcp(factory, "127.0.0.1", 0)
        clients = [reactor.connect_tcp(lambda: Recorder(keep_open=True), "127.0.0.1", listener.port) for _ in range(3)]
        reactor.settle()
        for number, client in enumerate(clients):
            transport, _protocol = client.result(timeout=0)
            transport.write(b"%d" % number * 500_000)
            transport.write_eof()
        reactor.settle()
        for number, client in enumerate(clients):
            assert client.result()[1].data == b"%d" % number * 500_000
        assert [protocol.events[-1] for protocol in protocols] == ["connection_lost"] * 3
        before = reactor.stats()["ticks"]
        reactor.settle()
        assert reactor.stats()["ticks"] == before + 1


def test_a_refused_connection_on_any_poller(poller):
    with SteppedReactor(poller) as reactor:
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        future = reactor.connect_tcp(Protocol, "127.0.0.1", port)
        reactor.settle()
        assert isinstance(future.exception(timeout=0), ConnectionRefusedError)


def test_the_default_of_linux_is_epoll_and_elsewhere_a_selector(monkeypatch):
    poller = default_poller()
    assert type(poller).__name__ == ("EpollPoller" if sys.platform == "linux" else "SelectorPoller")
    poller.close()
    monkeypatch.setattr(sys, "platform", "darwin")
    poller = default_poller()
    assert isinstance(poller, SelectorPoller)
    poller.close()
