"""The floors of the goals: both serve as the others do, and the second one keeps the contract of a protocol."""

import contextlib
import select
import socket

import pytest

from runs import procs
from servers import contract
from servers.programs import PROGRAMS

LONG = 60.0  # seconds, for what takes none
FLOORS = [
    (service, name)
    for service in ("bulk", "echo", "lines", "tls")
    for name in ("bare", "contract", "contract+batch")
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
