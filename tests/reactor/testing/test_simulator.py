"""The simulator itself: each fault by itself, the same run again, and how a run ends that cannot go on."""

from __future__ import annotations

import errno

import pytest

from reactor import ConnectError, ConnectRefused, ConnectTimeout, Protocol, Timeouts
from reactor.testing import Deadlock, Faults, LeftBehind, OutOfTime, Recorder, Simulator

pytestmark = pytest.mark.loud


class Echo(Recorder):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


def joined(seed=1, server=Echo, client=Recorder, **faults):
    """A simulator with these faults alone, and the client's transport and protocol once they are joined."""
    sim = Simulator(seed, faults=Faults(**faults))
    sim.host("server").listen_tcp(server, "10.0.0.1", 7)
    future = sim.host("client").connect_tcp(client, "server", 7)
    sim.run_until(future, 600)
    return sim, *future.result()


def served(sim):
    """The transport that the server has."""
    (listener,) = sim.hosts["server"]._inventory.listeners
    (transport,) = listener.connections
    return transport


def said(sim, what):
    return [line for line in sim.trace if what in line]


# -- each fault --------------------------------------------------------------------------------------------------


def test_without_faults_a_run_takes_no_time():
    sim, transport, client = joined()
    transport.write(bytes(1000))
    sim.settle()
    assert client.data == bytes(1000)
    assert sim.trace[-1].startswith("   0.000 ")


def test_reads_in_part():
    sim, transport, client = joined(partial_read=0.9)
    transport.write(bytes(100))
    sim.settle()
    assert client.data == bytes(100)
    assert said(sim, "recv 1 of 100")
    assert client.events.count("data_received") > 4


def test_writes_in_part():
    sim, transport, client = joined(partial_write=0.9)
    transport.write(bytes(100))
    sim.settle()
    assert client.data == bytes(100)
    assert len(said(sim, "client: 49153>7 send")) > 4


def test_eagain_from_what_was_ready():
    sim, transport, client = joined(spurious=0.5)
    for _ in range(50):
        transport.write(b"x")
        sim.settle()
    assert client.data == bytes(b"x" * 50)
    for call in ("recv: EAGAIN", "send: EAGAIN"):
        assert said(sim, call)


def test_ready_without_a_cause():
    asked = []
    sim, transport, _ = joined(spurious=0.9)
    sock = transport.get_extra_info("socket")
    recv = sock.recv
    sock.recv = lambda size: asked.append(sock.events()) or recv(size)
    for _ in range(50):
        sim.hosts["client"].call_soon(lambda: None)
        sim.settle()
    assert 4 in asked  # writable, and not readable


def test_latency_and_order():
    sim, transport, _ = joined(latency=1.0, server=Recorder)
    receiver = served(sim).get_protocol()
    started = sim.clock()
    for number in range(50):
        transport.write(b"%d " % number)
        sim.run(0.01)
    sim.run(2)
    assert receiver.data.split() == [b"%d" % number for number in range(50)]
    assert started < sim.clock()


def test_stalls():
    sim, transport, client = joined(stall=0.5, stall_seconds=7.0)
    started = sim.clock()
    for _ in range(10):
        transport.write(b"x")
        sim.run(0.1)
    sim.run_until(lambda: len(client.data) == 10, 100)
    assert sim.clock() - started >= 7
    assert said(sim, "stalls for 7.000 s")


def test_late_events():
    sim, transport, client = joined(late=0.9)
    transport.write(b"x")
    ticks = sim.hosts["client"].stats()["ticks"]
    sim.settle()
    assert client.data == b"x"
    assert sim.hosts["client"].stats()["ticks"] > ticks + 4


def test_a_batch_in_any_order():
    orders = set()
    for seed in range(20):
        order = []

        class Noting(Protocol):
            def data_received(self, data, order=order):
                order.append(data)

        sim = Simulator(seed, faults=Faults(reorder=1.0))
        server, client = sim.host("server"), sim.host("client")
        server.listen_tcp(Noting, "10.0.0.1", 7)
        futures = [client.connect_tcp(Protocol, "server", 7) for _ in range(3)]
        sim.run(1)
        for number, future in enumerate(futures):
            future.result()[0].write(b"%d" % number)
        sim.run(1)
        orders.add(tuple(order))
    assert len(orders) > 3


def test_resets_reach_both_ends():
    sim, transport, client = joined(7, reset=0.3)
    server = served(sim).get_protocol()
    for _ in range(20):
        transport.write(b"x")
        sim.settle()
    assert isinstance(client.lost, ConnectionError)
    assert isinstance(server.lost, ConnectionError)


def test_refusals():
    sim = Simulator(1, faults=Faults(refuse=1.0))
    sim.host("server").listen_tcp(Echo, "10.0.0.1", 7)
    client = sim.host("client")
    with pytest.raises(ConnectRefused):
        client.run_until(client.connect_tcp(Recorder, "server", 7))


def test_slow_names_and_connects():
    waits = []
    for seed in range(10):
        sim, *_ = joined(seed, slow=1.0, stall_seconds=10.0)
        waits.append(sim.clock() - 1000)
    assert max(waits) > 5
    sim = Simulator(1, faults=Faults(slow=1.0, stall_seconds=1e6))
    sim.host("server").listen_tcp(Echo, "10.0.0.1", 7)
    client = sim.host("client")
    with pytest.raises(ConnectTimeout):
        client.run_until(client.connect_tcp(Recorder, "server", 7, timeout=3))


def test_no_descriptors():
    with pytest.raises(ConnectError, match="Too many open files"):
        joined(exhausted=1.0)
    sim = Simulator(1, faults=Faults(exhausted=0.5))
    server, client = sim.host("server"), sim.host("client")
    listener = server.listen_tcp(Echo, "10.0.0.1", 7)
    for _ in range(20):
        client.connect_tcp(Recorder, "server", 7)
    sim.run(60)
    assert said(sim, "server: EMFILE")
    assert len(listener.connections) == len(client._inventory.clients.connections) > 5


# -- hosts and links ---------------------------------------------------------------------------------------------


def test_a_crash_is_an_end_to_the_peers_and_nothing_to_the_dead():
    sim, _, client = joined()
    server = served(sim).get_protocol()
    sim.hosts["server"].crash()
    sim.run(1)
    assert client.events[-2:] == ["eof_received", "connection_lost"]
    assert server.events == ["connection_made"]
    assert "server" not in sim.hosts
    with pytest.raises(ConnectRefused):
        sim.hosts["client"].run_until(sim.hosts["client"].connect_tcp(Recorder, "server", 7))
    sim.host("server").listen_tcp(Echo, "10.0.0.1", 7)  # its successor, at the same address
    sim.hosts["client"].run_until(sim.hosts["client"].connect_tcp(Recorder, "server", 7))
    sim.close()


def test_a_crash_with_unread_input_is_a_reset():
    sim, transport, client = joined()
    served(sim).pause_reading()
    transport.write(b"x")
    sim.settle()
    sim.hosts["server"].crash()
    sim.run(1)
    assert isinstance(client.lost, ConnectionResetError)


def test_a_cut_link_holds_everything_back_until_it_is_healed():
    sim, transport, client = joined(latency=0.1)
    server, host = sim.hosts["server"], sim.hosts["client"]
    sim.cut(host, server)
    transport.write(b"one")
    sim.run(100)
    assert client.data == b""
    sim.heal(server, host)
    transport.write(b"two")
    sim.run(1)
    assert client.data == b"onetwo"
    sim.run(300)
    assert client.lost is None, "TCP has given up a link that is well again"


def test_tcp_gives_up_a_link_that_stays_cut():
    sim, _, client = joined()
    sim.cut(*sim.hosts.values())
    sim.run(179)
    assert client.lost is None
    sim.run(2)
    assert client.lost.errno == errno.ETIMEDOUT


def test_a_name_is_taken_once():
    sim = Simulator(1)
    sim.host("a")
    with pytest.raises(ValueError, match="already"):
        sim.host("a")
    sim.hosts["a"].close()
    sim.host("a")


# -- seeds and endings -------------------------------------------------------------------------------------------


def run_of(seed):
    sim, transport, client = joined(seed, partial_read=0.5, partial_write=0.5, latency=0.1, reorder=0.5)
    transport.write(bytes(100))
    sim.run(10)
    assert client.data == bytes(100)
    sim.close()
    return sim.trace


def test_the_same_seed_is_the_same_run_and_another_is_another():
    assert run_of(1) == run_of(1)
    assert run_of(1) != run_of(2)


def test_what_cannot_go_on_says_so_and_how_to_see_it_again():
    sim, _, client = joined(3)
    with pytest.raises(Deadlock, match=r"(?s)nothing can happen any more; replay with Simulator\(seed=3, .*connect to"):
        sim.run_until(lambda: client.data == b"never")
    before = sim.clock()
    with pytest.raises(OutOfTime, match="not done within 5 s; replay with"):
        sim.run_until(lambda: client.data == b"never", 5)
    assert sim.clock() - before == 5


def test_an_assertion_that_fails_in_a_run_is_told_how_to_replay_it():
    with pytest.raises(AssertionError) as caught, Simulator(4, faults=Faults.harsh(), capacity=9):
        raise AssertionError
    assert caught.value.__notes__[0].startswith("replay with Simulator(seed=4, faults=Faults.harsh(), capacity=9)")


def test_at_the_end_everything_must_have_been_given_back():
    with (
        pytest.raises(LeftBehind, match=r"(?s)alone: <MemorySocket .*replay with Simulator\(seed=1\)"),
        Simulator(1) as sim,
    ):
        sim.host("alone")._kernel.socketpair()


def test_the_faults_say_what_they_are():
    for preset in (Faults.none(), Faults.gentle(), Faults.harsh(), Faults(stall=0.5, reset=0.1)):
        assert eval(repr(preset)) == preset
    assert not Faults.gentle().reset


def test_the_trace_is_bounded():
    sim, transport, _ = joined()
    for _ in range(1000):
        transport.write(b"x")
        sim.settle()
    assert len(sim.trace) == 2000
    assert sim.trace[0] != sim.trace[-1]


def test_a_host_is_a_reactor():
    sim = Simulator(1, faults=Faults.none())
    server, client = sim.host("server"), sim.host("client")
    server.listen_tcp(Echo, None, 7, timeouts=Timeouts(idle=5))
    _, protocol = client.run_until(client.connect_tcp(Recorder, "server", 7))
    client.call_later(20, client.stop)
    client.run()
    assert protocol.events[-1] == "connection_lost"
    assert "server" in repr(server)
