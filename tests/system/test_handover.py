"""A successor takes the listening sockets over: under load nobody is refused, and nobody's reply is cut."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError
from typing import Any

import pytest

from reactor import HandOverError, Reactor, ReactorClosed, hand_over, start_successor
from reactor.testing import Recorder
from tests.kit.program import DEADLINE

pytestmark = pytest.mark.skipif(not hasattr(os, "posix_spawn"), reason="no posix_spawn here")

CLIENTS = 4
REQUEST = bytes(range(256)) * 64  # 16 KiB: several reads for the server, so that a cut would show


class Load:
    """Clients that connect, ask, and want all of the answer, again and again. `faults` lists what went wrong."""

    def __init__(self, port: int) -> None:
        self._address = "127.0.0.1", port
        self._over = threading.Event()
        self.served = 0
        self.faults: list[str] = []
        self._threads = [threading.Thread(target=self._ask_again_and_again) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask_again_and_again(self) -> None:
        while not self._over.is_set() and not self.faults:
            try:
                reply = self._ask()
            except OSError as exc:
                self.faults.append(repr(exc))
            else:
                if reply != REQUEST:
                    self.faults.append(f"{len(reply)} bytes of {len(REQUEST)}")
                self.served += 1

    def _ask(self) -> bytes:
        with socket.create_connection(self._address, timeout=DEADLINE) as sock, sock.makefile("rb") as replies:
            half = len(REQUEST) // 2
            sock.sendall(REQUEST[:half])
            first = replies.read(half)  # so the server has accepted: what follows is its to answer, drain or not
            sock.sendall(REQUEST[half:])
            sock.shutdown(socket.SHUT_WR)
            return bytes(first + replies.read())

    def end(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(DEADLINE)


LEAVES = re.compile(r"process (\d+) accepts, and process (\d+) leaves")


def generations(server: Any, count: int) -> list[tuple[int, int]]:
    """Wait for so many hand-overs; gives (successor, predecessor) of each."""
    server.err.wait(lambda text: len(LEAVES.findall(text)) == count, f"{count} hand-overs")
    return [(int(new), int(old)) for new, old in LEAVES.findall(server.err.text)]


@pytest.fixture
def load() -> Iterator[Any]:
    loads: list[Load] = []

    def load(port: int) -> Load:
        loads.append(Load(port))
        return loads[-1]

    yield load
    for each in loads:
        each.end()


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["alone", "with workers"])
def test_under_load_three_handovers_refuse_nobody_and_cut_no_reply(street: Any, load: Any, workers: Any) -> None:
    server = street.serve("handover_server.py", *workers)
    clients = load(server.port)
    pid = server.pid
    for count in (1, 2, 3):
        before = clients.served
        os.kill(pid, signal.SIGUSR2)
        successor, predecessor = generations(server, count)[-1]
        assert predecessor == pid
        pid = successor
        while clients.served < before + 20 and not clients.faults:
            assert not clients._over.wait(0.01)
    clients.end()
    assert clients.faults == []
    assert server.exits() == 0
    assert server.out.text == f"listening on 127.0.0.1:{server.port}\n"
    os.kill(pid, signal.SIGTERM)
    assert server.out.all() == f"listening on 127.0.0.1:{server.port}\n" * 4  # its end: all generations are gone


def test_who_is_in_the_middle_of_something_is_served_to_the_end(street: Any) -> None:
    server = street.serve("handover_server.py")
    peer = street.peer(server)
    peer.sends("one ")
    peer.gets("one ")
    os.kill(server.pid, signal.SIGUSR2)
    ((successor, _),) = generations(server, 1)
    peer.sends("two ")
    peer.gets("one two ")
    other = street.peer(server)
    other.sends("other")
    other.gets("other")
    assert server.process.poll() is None
    os.kill(server.pid, signal.SIGUSR2)  # it has given everything away: nothing happens
    peer.sends("three")
    peer.sock.shutdown(socket.SHUT_WR)
    assert peer.ends() == "one two three"
    assert server.exits() == 0
    other.sends(", later")
    other.gets("other, later")
    os.kill(successor, signal.SIGTERM)
    other.sock.close()
    server.out.all()


RESTARTS = """
import os, signal
from reactor import Protocol, Reactor, activated_sockets, hand_over, say_ready

class Generation(Protocol):
    def connection_made(self, transport):
        transport.write(b"first")
        transport.close()

def begin():
    sockets = activated_sockets()
    if sockets:
        return reactor.listen_socket(Generation, *sockets["it"])
    return reactor.listen_tcp(Generation, "127.0.0.1", 0)

with Reactor() as reactor:
    listener = begin()
    reactor.add_signal_handler(signal.SIGUSR2, hand_over(reactor, {"it": listener}))
    reactor.call_soon(lambda: print(f"listening on 127.0.0.1:{listener.port}", flush=True))
    reactor.call_soon(say_ready)
    reactor.run()
"""


def test_a_successor_that_fails_changes_nothing_and_is_one_line(street: Any) -> None:
    server = street.script(RESTARTS)
    assert server.port
    street.write("sys.exit(3)")
    os.kill(server.pid, signal.SIGUSR2)
    server.err.shows("\n")
    line = rf".*process {server.pid} goes on serving: the successor \(pid \d+\) ended before it accepted, status 3\n"
    assert re.fullmatch(line, server.err.text)
    assert street.peer(server).ends() == "first"
    street.write(RESTARTS.replace("first", "second"))  # the program was mended
    os.kill(server.pid, signal.SIGUSR2)
    assert server.exits() == 0
    assert street.peer(server).ends() == "second"


def test_the_path_of_a_unix_socket_stays_when_its_socket_was_handed_over(street: Any) -> None:
    path = street.tmp_path / "door"
    opens = f"listen_unix(Generation, {str(path)!r})"
    server = street.script(RESTARTS.replace('listen_tcp(Generation, "127.0.0.1", 0)', opens))
    server.out.shows("listening")
    os.kill(server.pid, signal.SIGUSR2)
    assert server.exits() == 0
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(DEADLINE)
        sock.connect(str(path))
        assert sock.recv(100) == b"first"


# -- the mechanism --------------------------------------------------------------------------------------------------

REPORTS = """
import os
from reactor import activated_sockets, say_ready
sockets = activated_sockets()
found = {name: [(s.fileno(), s.getsockname()[1]) for s in group] for name, group in sockets.items()}
print(found, os.environ.get("LISTEN_FDS"), os.get_inheritable(3), flush=True)
say_ready()
"""


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    with Reactor() as reactor:
        yield reactor


@pytest.fixture
def listening() -> Iterator[list[socket.socket]]:
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    yield socks
    for sock in socks:
        sock.close()


def test_the_successor_finds_its_sockets_by_name(street: Any, reactor: Any, listening: Any, capfd: Any) -> None:
    web, admin = listening[:2], listening[2:]
    command = [sys.executable, str(street.write(REPORTS))]
    pid = reactor.run_until(start_successor(reactor, {"web": web, "admin": admin}, command), DEADLINE)
    assert os.waitpid(pid, 0) == (pid, 0)
    ports = [sock.getsockname()[1] for sock in listening]
    expected = {"web": [(3, ports[0]), (4, ports[1])], "admin": [(5, ports[2])]}
    assert capfd.readouterr().out == f"{expected} None False\n"
    assert all(sock.fileno() >= 0 for sock in listening)


def test_the_service_manager_hears_whom_to_watch(
    street: Any, reactor: Any, listening: Any, monkeypatch: Any, capfd: Any
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(street.tmp_path / "notify"))
        manager.settimeout(DEADLINE)
        monkeypatch.setenv("NOTIFY_SOCKET", str(street.tmp_path / "notify"))
        command = [sys.executable, str(street.write(REPORTS))]
        pid = reactor.run_until(start_successor(reactor, {"web": listening}, command), DEADLINE)
        os.waitpid(pid, 0)
        assert {manager.recv(100), manager.recv(100)} == {b"READY=1", b"MAINPID=%d" % pid}


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["/bin/sh", "-c", "exit 4"], r"the successor \(pid \d+\) ended before it accepted, status 4"),
        (["/bin/sh", "-c", "kill -9 $$"], r"the successor \(pid \d+\) ended before it accepted, by SIGKILL"),
        (["/no/such/program"], r"the successor \(pid \d+\) ended before it accepted, status 127"),
    ],
)
def test_a_successor_that_ends_is_an_error(
    reactor: Any, listening: Any, capfd: Any, command: list[str], message: str
) -> None:
    with pytest.raises(HandOverError, match=message):
        reactor.run_until(start_successor(reactor, {"web": listening}, command), DEADLINE)


def gone(pid: int) -> bool:
    """It has ended, and was waited for."""
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, 0)
    return True


def sleeper(street: Any, reactor: Any, listening: Any, **options: Any) -> tuple[Any, int]:
    """A successor that never accepts, and its number."""
    fifo = street.tmp_path / "fifo"
    os.mkfifo(fifo)
    command = ["/bin/sh", "-c", f"echo $$ >{fifo}; exec sleep 600"]
    future = start_successor(reactor, {"web": listening}, command, **options)
    return future, int(fifo.read_text())


def test_a_successor_that_does_not_say_that_it_accepts_is_killed(street: Any, reactor: Any, listening: Any) -> None:
    future, pid = sleeper(street, reactor, listening, timeout=0.05)
    with pytest.raises(HandOverError, match=r"did not say within 0\.05 s that it accepts, and was killed"):
        reactor.run_until(future, DEADLINE)
    assert gone(pid)


def test_cancelling_kills_the_successor(street: Any, reactor: Any, listening: Any) -> None:
    future, pid = sleeper(street, reactor, listening)
    assert future.cancel()
    assert gone(pid)
    with pytest.raises(CancelledError):
        future.result(0)


def test_who_closes_its_reactor_takes_the_successor_along(street: Any, listening: Any) -> None:
    with Reactor() as reactor:
        future, pid = sleeper(street, reactor, listening)
    assert gone(pid)
    with pytest.raises(ReactorClosed):
        future.result(0)


@pytest.mark.parametrize(
    ("name", "message"),
    [("a:b", "printable, and without a colon: 'a:b'"), ("a\n", "printable, and without a colon")],
)
def test_names_that_the_protocol_cannot_say(reactor: Any, listening: Any, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        start_successor(reactor, {name: listening})


def test_there_must_be_something_to_hand_over(reactor: Any) -> None:
    with socket.socket() as sock:
        pass
    for nothing in ({}, {"web": []}, {"web": [sock]}):
        with pytest.raises(ValueError, match="no open sockets to hand over"):
            start_successor(reactor, nothing)


def test_a_signal_that_finds_nothing_open_does_nothing(reactor: Any) -> None:
    listener = reactor.listen_tcp(Recorder, "127.0.0.1", 0)
    begin = hand_over(reactor, {"it": listener})
    listener.close()
    begin()
    assert reactor.stats()["timers"] == 0
