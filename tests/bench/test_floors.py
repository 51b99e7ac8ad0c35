"""The floors of the goals: they serve as the others do; contract keeps a protocol's, the least cluster one order."""

import contextlib
import os
import select
import shutil
import socket

import pytest

import cluster
from runs import procs
from servers import contract, least_cluster
from servers.programs import PROGRAMS

LONG = 60.0  # seconds, for what takes none
FLOORS = [
    (service, name)
    for service in ("bulk", "echo", "lines", "tls")
    for name in ("bare", "contract", "contract+batch", "promises")
    if name in PROGRAMS[service]
]


@pytest.mark.parametrize(("service", "name"), FLOORS)
def test_the_least_that_python_can_do_serves_as_the_others_do(service, name):
    mode = "echo" if service == "bulk" else service
    with procs.Server(mode, list(PROGRAMS[service][name])) as server:
        for _ in range(2):  # whoever comes after others have gone
            with procs.Load(mode, server.address, connections=3, **({"pipeline": 4} if mode == "lines" else {})) as one:
                assert one.ready().round(0.05)["messages"] > 0
    assert server.process.returncode == 0


@pytest.fixture
def server():
    with procs.Server("lines", list(PROGRAMS["lines"]["contract"])) as server:
        yield server


def dial(server):
    return socket.create_connection(server.address, LONG)


def test_what_a_callback_raises_ends_its_connection_and_no_other(server):
    with dial(server) as good, dial(server) as bad:
        bad.sendall(b"x" * (contract.MAX_LINE + 1))
        with contextlib.suppress(ConnectionResetError):  # for what was not read
            assert bad.recv(1) == b""
        good.sendall(b"Ada\nBo")
        assert good.makefile().readline() == "Hello, Ada!\n"
        good.sendall(b"b\n")
        assert good.makefile().readline() == "Hello, Bob!\n"
    assert "a line of more than" in server.last_error()


def test_what_a_slow_peer_does_not_take_waits_for_it_in_order():
    sent = b"".join(b"%07d\n" % number for number in range(1_500_000))  # more than the kernel holds on the way
    program = list(PROGRAMS["echo"]["contract"])
    with procs.Server("echo", program) as server, dial(server) as slow, dial(server) as other:
        slow.sendall(sent)  # before it reads a byte
        other.sendall(b"x")
        assert other.recv(1) == b"x"
        came = bytearray()
        while len(came) < len(sent):
            came += slow.recv(1 << 20)
    assert came == sent


class Told(contract.Protocol):
    """Keeps what it is told, and writes to the others at its end."""

    def __init__(self, everybody):
        self.everybody, self.told = everybody, []
        everybody.append(self)

    def connection_made(self, transport):
        self.transport = transport
        self.told.append("made")

    def data_received(self, data):
        self.told.append(data)
        self.transport.write(b"heard")
        self.transport.close()
        self.transport.close()

    def connection_lost(self, exc):
        self.told.append(exc)
        self.transport.close()
        for one in self.everybody:
            if one is not self:
                one.transport.write(b"bye")


class Stop(Exception):
    """Nothing is left to be done."""


class Poller:
    """epoll, until nothing is ready."""

    def __init__(self):
        self.epoll = select.epoll()
        self.register, self.modify = self.epoll.register, self.epoll.modify

    def poll(self):
        if ready := self.epoll.poll(0):
            return ready
        raise Stop


def test_the_end_comes_once_and_last_and_what_is_written_then_leaves_for_those_who_are_in(monkeypatch):
    monkeypatch.setattr(contract, "poller", Poller())
    everybody = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        leaving, staying = (socket.create_connection(listener.getsockname(), LONG) for _ in range(2))
        with leaving, staying:
            leaving.sendall(b"x")
            with pytest.raises(Stop):
                contract.serve({listener: lambda: Told(everybody)}, 100)
            assert [one.told for one in everybody] == [["made", b"x", None], ["made"]]
            assert leaving.makefile("rb").read() == b"heard"
            assert staying.recv(100) == b"bye"
    everybody[0].transport.write(b"to whoever has this descriptor by now")
    assert contract.written == []
    everybody[1].transport.close()
    contract.reap()
    contract.listeners.clear()


def least(*options):
    return contextlib.closing(cluster.Server(cluster.HERE, *options, program=cluster.LEAST))


def members_of(*servers):
    return [socket.create_connection(("127.0.0.1", server.port), LONG) for server in servers]


def heard(member, count):
    """What the lines say that come until there are so many, without who has said them."""
    came = b""
    while came.count(b"\n") < count:
        came += member.recv(1 << 16)
    return [line.partition(b": ")[2].decode() for line in came.splitlines()]


def test_the_least_chat_tells_all_but_the_one_who_spoke_and_passes_over_commands():
    with least() as server:
        ada, bob, eve = members_of(server, server, server)
        with ada, bob, eve:
            ada.sendall(b"/nick ada\none\ntw")
            assert [heard(bob, 1), heard(eve, 1)] == [["one"]] * 2
            ada.sendall(b"o\n")
            assert [heard(bob, 1), heard(eve, 1)] == [["two"]] * 2
            ada.setblocking(False)
            with pytest.raises(BlockingIOError):
                ada.recv(1)


@pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")
def test_the_least_cluster_has_one_order_on_all_servers():
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(cluster.redis()).rpartition(":")[2]
        one, other = (stack.enter_context(least("--redis", port)) for _ in range(2))
        members = [stack.enter_context(member) for member in members_of(one, one, other, other)]
        for member in (members[0], members[2]):
            member.sendall(b"".join(b"%d\n" % number for number in range(200)))
        texts = [heard(member, count) for member, count in zip(members, (200, 400, 200, 400), strict=True)]
    assert texts[0] == texts[2] == [str(number) for number in range(200)]
    assert texts[1] == texts[3]


def test_entries_that_are_cut_anywhere_are_told_in_order_and_the_next_are_asked_for():
    entry = b"*2\r\n$3\r\n1-%d\r\n*2\r\n$3\r\n7:5\r\n$3\r\nh%d\n\r\n"
    reply = b"*1\r\n*2\r\n$3\r\nlog\r\n*2\r\n" + entry % (1, 1) + entry % (2, 2)
    for cut in range(1, len(reply)):
        told = []
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ready = least_cluster.reading(ours.fileno(), lambda who, line, told=told: told.append((who, line)))
            assert theirs.recv(1000).endswith(b"$3\r\nlog\r\n$1\r\n0\r\n")
            for piece in (reply[:cut], reply[cut:]):
                assert told == []
                os.write(theirs.fileno(), piece)
                ready()
            assert told == [(b"7:5", b"h1\n"), (b"7:5", b"h2\n")]
            assert theirs.recv(1000).endswith(b"$3\r\nlog\r\n$3\r\n1-2\r\n")
