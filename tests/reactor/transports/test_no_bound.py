"""Each bound may be None: no bound, in every way that a connection is made and upgraded, and in datagrams."""

from __future__ import annotations

import pytest

from reactor import DatagramProtocol, Limits, Timeouts
from reactor.testing import Recorder, connected_pair
from tests.kit.tls import client_context, server_context

LONG = 10_000_000.0  # seconds
BOUNDS = [(name, kind, field) for name, kind in (("timeouts", Timeouts), ("limits", Limits)) for field in kind._fields]
each_bound = pytest.mark.parametrize(("name", "kind", "field"), BOUNDS, ids=[bound[2] for bound in BOUNDS])


@each_bound
@pytest.mark.parametrize("way", ["plain", "tls", "start_tls"])
def test_a_connection_works_with_any_bound_none(name, kind, field, way):
    a, b = Recorder(), Recorder()
    tls = {
        "connect": {"tls": client_context(), "server_hostname": "localhost"}, "listen": {"tls": server_context()}
    }  # fmt: skip
    with connected_pair(a, b, **{name: kind(**{field: None})}, **(tls if way == "tls" else {})) as pair:
        if way == "start_tls":
            pair.a.start_tls(client_context(), server_hostname="localhost")
            pair.b.start_tls(server_context(), server_side=True)
        pair.a.write(b"question")
        pair.b.write(bytes(300_000))
        pair.settle()
        assert (b.data, len(a.data)) == (b"question", 300_000)
        pair.a.close()
        pair.settle()
        assert "connection_lost" in a.events
        assert "connection_lost" in b.events
        assert a.lost is None
        assert len(pair.reactor.wheel) == 0


def test_without_a_deadline_a_handshake_may_take_for_ever():
    protocol = Recorder()
    with connected_pair(protocol, Recorder(), timeouts=Timeouts(handshake=None)) as pair:
        future = pair.a.start_tls(client_context(), server_hostname="localhost")
        pair.reactor.advance(LONG)
        assert not future.done()
        assert protocol.lost is None
        pair.a.abort()
        pair.settle()
        assert future.exception() is not None


@pytest.mark.parametrize("field", ["write", "close"])
def test_without_a_deadline_a_stall_may_last_for_ever(field):
    protocol = Recorder()
    with connected_pair(protocol, Recorder(), capacity=1000, timeouts=Timeouts(**{field: None})) as pair:
        pair.b.pause_reading()
        pair.a.write(bytes(3000))
        if field == "close":
            pair.a.close()
        pair.settle()
        pair.reactor.advance(LONG)
        assert protocol.lost is None
        assert "connection_lost" not in protocol.events


@each_bound
def test_a_datagram_socket_works_with_any_bound_none(stage, name, kind, field):
    got = []

    class Both(DatagramProtocol):
        def datagram_received(self, data, addr):
            got.append(data)

    options = {name: kind(**{field: None})}
    there = stage.reactor.open_udp(Both, local=("127.0.0.1", 0), **options).get_extra_info("sockname")
    transport = stage.reactor.open_udp(Both, remote=there, **options)
    transport.sendto(b"hello")
    stage.reactor.advance(1)
    assert got == [b"hello"]
    transport.close()
    stage.reactor.settle()
