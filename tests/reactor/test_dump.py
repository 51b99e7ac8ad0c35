"""The text for an operator: what it shows, in which order, and that nobody can spoil it."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from reactor import LineProtocol
from reactor.dump import MAX_NAME, MAX_OTHERS
from reactor.testing import MemoryReactor, Recorder, connected_pair


def lines(reactor, title, **options):
    """The lines of one section."""
    found, inside = [], False
    for line in reactor.dump(**options).splitlines():
        if not line.startswith("  "):
            inside = line.startswith(f"{title}:")
        elif inside:
            found.append(line.strip())
    return found


def test_each_connection_is_a_line_with_what_went_through_it():
    with connected_pair(Recorder(), LineProtocol()) as pair:
        pair.advance(2)
        pair.a.write(b"12345")
        pair.settle()
        pair.advance(10)
        ours, theirs = sorted(lines(pair.reactor, "connections"), key=lambda line: "LineProtocol" in line)
        assert (
            ours.split()
            == (
                f"127.0.0.1:{pair.b.get_extra_info('sockname')[1]} OPEN in=READING out=FLOWING "
                "age 12 s idle 10 s in 0 B out 5 B buffer 0 B Recorder"
            ).split()
        )
        assert "in 5 B" in theirs


def test_connections_are_listed_in_order_of_arrival():
    with connected_pair(Recorder(), Recorder()) as pair:
        assert pair.reactor.connections() == [pair.b, pair.a]  # accepted ones first
        pair.a.abort()
        pair.settle()
        assert pair.reactor.connections() == []


def test_who_has_most_waiting_comes_first_and_the_rest_is_counted():
    reactor = MemoryReactor(capacity=1000)
    listener = reactor.listen_tcp(Recorder, "localhost", 7)
    transports = [reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))[0] for _ in range(5)]
    for accepted in listener.connections:
        accepted.pause_reading()
    transports[3].write(bytes(5000))
    reactor.settle()
    found = lines(reactor, "connections", limit=3)
    assert "BLOCKED" in found[0]
    assert "buffer 3.9 KiB" in found[0]
    assert len(found) == 4
    assert found[-1] == "... and 7 more"
    reactor.close()


def test_listeners_and_the_timers_that_are_due_next():
    reactor = MemoryReactor()
    reactor.listen_tcp(Recorder, "localhost", 7)
    for number in range(50):
        reactor.call_later(50 - number, print)
    assert "<Listener 127.0.0.1:7" in lines(reactor, "listeners")[0]
    timers = lines(reactor, "timers")
    assert timers[0] == "in 1.000 s: print"
    assert timers[-1] == f"... and {50 - MAX_OTHERS} more"
    assert len(timers) == MAX_OTHERS + 1
    reactor.close()


@pytest.mark.skipif(sys.platform != "linux", reason="abstract addresses are Linux's")
def test_the_name_of_a_peer_cannot_act_on_a_terminal(stage):
    listener = stage.reactor.listen_unix(Recorder, f"\0reactor-dump-{os.getpid()}")
    peer = stage.own(socket.socket(socket.AF_UNIX))
    peer.bind(f"\0\x1b[2J\n  fake line \u202e {os.getpid()}" + "x" * 60)
    peer.connect(listener.addresses[0])
    stage.reactor.settle()
    text = stage.reactor.dump()
    assert all(char.isprintable() or char == "\n" for char in text)
    (line,) = lines(stage.reactor, "connections")
    assert "fake line" in line
    assert len(line.split("  OPEN")[0]) <= MAX_NAME


def test_datagram_sockets_are_shown_with_where_they_are_bound(stage):
    transport = stage.reactor.open_udp(Recorder, local=("127.0.0.1", 0))
    (line,) = lines(stage.reactor, "connections")
    assert line.startswith(f"127.0.0.1:{transport.get_extra_info('sockname')[1]} ")


def test_an_ended_connection_does_not_break_it():
    texts = []

    class Last(Recorder):
        def connection_lost(self, exc):
            texts.append(pair.reactor.dump())

    with connected_pair(Last(), Recorder()) as pair:
        pair.b.abort()
        pair.settle()
    assert "CLOSED" in texts[0]
