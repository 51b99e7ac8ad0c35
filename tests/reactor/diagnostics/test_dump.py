"""The text for an operator: what it shows, in which order, and that nobody can spoil it."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from reactor import LineProtocol, Stats
from reactor.diagnostics.dump import MAX_NAME, MAX_OTHERS, at_most, summary
from reactor.loop.lag import QUICK
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


EVERYTHING = Stats(
    uptime=7325.0, ticks=1001, events=1002, callbacks=1003, receives=1004, sends=1005, writes=3015, eagains=1007,
    bytes_in=10 << 10, bytes_out=11 << 20, datagrams_in=1008, datagrams_out=1009, dropped_datagrams=1010,
    ignored_writes=1011, accepted=1012, refused=1013, shortages=1014,
    lost={"PeerError": 3, "IdleTimeout": 1200, "WriteTimeout": 40}, output_evictions=1015, connections=1016,
    opening=1017, open=1018, closing=1019, paused=1020, blocked=1021, datagram_sockets=1022, listeners=1023,
    output=12 << 30, timers=1024, jobs=1025, busy_seconds=26.0, busy=0.27, lag_p50=0.0005, lag_p99=0.029, lag_max=3.5,
)  # fmt: skip
"""A number for each, and none of them twice."""


def test_the_sums_each_in_its_place():
    assert summary(EVERYTHING) == [
        "up 2h02m: connections 1,016, datagram sockets 1,022, listeners 1,023, timers 1,024, calls in threads 1,025",
        "last minute: busy 27%, lag p50 under 0.5 ms, p99 29 ms, max 3.5 s; "
        "since the start 1,001 ticks, 1,003 callbacks",
        "in: 10.0 KiB in 1,004 receives; out: 11.0 MiB in 1,005 sends of 3.0 writes; 1,007 EAGAIN",
        "accepted 1,012, refused 1,013, out of descriptors 1,014; "
        "lost: 1,200 IdleTimeout, 40 WriteTimeout, 3 PeerError",
        "now: 1,017 opening, 1,018 open, 1,019 closing; 1,020 paused, 1,021 blocked with 12.0 GiB waiting",
    ]


def test_the_sums_of_a_reactor_that_has_done_nothing():
    assert summary(Stats()) == [
        "up 0 s: connections 0, datagram sockets 0, listeners 0, timers 0, calls in threads 0",
        "last minute: busy 0%, lag p50 under 0.5 ms, p99 under 0.5 ms, max under 0.5 ms; "
        "since the start 0 ticks, 0 callbacks",
        "in: 0 B in 0 receives; out: 0 B in 0 sends of 1.0 writes; 0 EAGAIN",
        "accepted 0, refused 0, out of descriptors 0; lost: none",
        "now: 0 opening, 0 open, 0 closing; 0 paused, 0 blocked with 0 B waiting",
    ]


def test_a_quick_lag_is_anything_below_and_a_slow_one_is_itself():
    assert [at_most(lag) for lag in (0.0, QUICK, 0.0006, 0.25)] == ["under 0.5 ms", "under 0.5 ms", "0.6 ms", "0.25 s"]


def test_the_sums_come_first_and_are_those_of_stats():
    with connected_pair(Recorder(), Recorder(), capacity=1000) as pair:
        pair.a.pause_reading(), pair.b.pause_reading()
        pair.a.write(bytes(5000))
        pair.settle()
        text = pair.reactor.dump().splitlines()
        assert text[:5] == summary(pair.reactor.stats())
        assert text[4] == "now: 0 opening, 2 open, 0 closing; 2 paused, 1 blocked with 3.9 KiB waiting"


def test_each_connection_is_a_line_with_what_went_through_it():
    framer = LineProtocol()
    framer.line_received = print
    with connected_pair(Recorder(), framer) as pair:
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


def test_of_those_with_nothing_waiting_the_longest_idle_come_first():
    reactor = MemoryReactor()
    listener = reactor.listen_tcp(Recorder, "localhost", 7)
    transports = [reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 7))[0] for _ in range(3)]
    for speaker in (1, 0, 2):
        reactor.advance(10)
        transports[speaker].write(b"x")
    reactor.advance(5)
    idle = [line.split("idle ")[1].split("  ")[0] for line in lines(reactor, "connections")]
    assert idle == ["25 s", "25 s", "15 s", "15 s", "5 s", "5 s"]  # both ends of each
    assert len(listener.connections) == 3
    reactor.close()


@pytest.mark.parametrize("limit", [0, -1, -1000])
def test_a_limit_of_nothing_or_less_shows_no_connection_and_counts_them_all(limit):
    with connected_pair(Recorder(), Recorder()) as pair:
        assert lines(pair.reactor, "connections", limit=limit) == ["... and 2 more"]
        assert "connections: 2" in pair.reactor.dump(limit=limit).splitlines()


def test_a_limit_that_is_met_leaves_nobody_out():
    with connected_pair(Recorder(), Recorder()) as pair:
        assert not [line for line in lines(pair.reactor, "connections", limit=2) if "more" in line]


def test_listeners_are_bounded_too():
    reactor = MemoryReactor()
    for port in range(1, MAX_OTHERS + 6):
        reactor.listen_tcp(Recorder, "localhost", port)
    listeners = lines(reactor, "listeners")
    assert [line.split()[1] for line in listeners[:-1]] == [f"127.0.0.1:{port}" for port in range(1, MAX_OTHERS + 1)]
    assert listeners[-1] == "... and 5 more"
    assert f"listeners: {MAX_OTHERS + 5}" in reactor.dump().splitlines()
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


HOSTILE = "\x1b[2J\n  fake line \u202e"
HARMLESS = r"\x1b[2J\n  fake line \u202e"


def test_the_name_of_a_class_a_function_or_an_error_cannot_act_on_a_terminal_either():
    """They are the program's, and a program may make them of what it was told."""
    protocol, error = type(HOSTILE, (Recorder,), {}), type(HOSTILE, (Exception,), {})

    def due():
        pass

    due.__qualname__ = HOSTILE
    with connected_pair(Recorder(), protocol()) as pair:
        pair.reactor.call_later(1, due)
        text = pair.reactor.dump()
        assert all(char.isprintable() or char == "\n" for char in text)
        assert lines(pair.reactor, "timers")[0] == f"in 1.000 s: {HARMLESS}"
        assert [line for line in lines(pair.reactor, "connections") if line.endswith(f"  {HARMLESS}")]
        pair.b._lose(error())
        pair.settle()
        assert pair.reactor.dump().splitlines()[3].endswith(f"; lost: 1 {HARMLESS}")


def test_nor_can_the_path_of_a_listener(stage, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stage.reactor.listen_unix(Recorder, "\x1b[2J\n x")
    assert lines(stage.reactor, "listeners") == [r"<Listener \x1b[2J\n x accepting 0 connections>"]


def test_a_long_name_is_cut_and_says_so():
    with connected_pair(Recorder(), type("x" * MAX_NAME, (Recorder,), {})()) as pair:
        assert [line for line in lines(pair.reactor, "connections") if line.endswith("  " + "x" * MAX_NAME)]
    with connected_pair(Recorder(), type("x" * (MAX_NAME + 1), (Recorder,), {})()) as pair:
        cut = "  " + "x" * (MAX_NAME - 3) + "..."
        assert [line for line in lines(pair.reactor, "connections") if line.endswith(cut)]


def test_datagram_sockets_are_shown_with_where_they_are_bound(stage):
    transport = stage.reactor.open_udp(Recorder, local=("127.0.0.1", 0))
    (line,) = lines(stage.reactor, "connections and datagram sockets")
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
