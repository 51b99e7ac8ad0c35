"""Several processes behind one port: they share the work, they are replaced when they die, they end as one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from typing import Any

import pytest

from reactor.loop.termination import ECHO
from tests.kit.program import ROOT

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

TELLS_ITS_PID = """
import os
from reactor import Protocol, Reactor, Supervisor, prefork_sockets

class Pid(Protocol):
    def connection_made(self, transport):
        transport.write(b"%d\\n" % os.getpid())
        transport.close()

def work(worker):
    with Reactor() as reactor:
        for sock in worker.sockets:
            reactor.listen_socket(Pid, sock)
        worker.run(reactor)

sockets = prefork_sockets("127.0.0.1", 0, 3)
port = sockets[0].getsockname()[1]
with Reactor() as reactor:
    on_ready = lambda: print(f"listening on 127.0.0.1:{port}", flush=True)
    sys.exit(Supervisor(reactor, work, 3, sockets, on_ready=on_ready).run())
"""


def test_the_workers_share_the_newcomers(street: Any) -> None:
    server = street.script(TELLS_ITS_PID)
    pids = {int(street.peer(server).ends()) for _ in range(60)}
    assert pids <= set(server.children())
    assert len(pids) == 3 or sys.platform != "linux"
    server.clean_exit(signal.SIGTERM)


@pytest.mark.parametrize("leave", ["interrupt", "terminate"])
def test_all_leave_together_and_in_silence(street: Any, leave: str) -> None:
    server = street.serve("echo_server.py", "--workers", "2")
    peer = street.peer(server)
    peer.sends("hello")
    peer.gets("hello")
    workers = server.children()
    if leave == "interrupt":
        server.interrupt()
    else:
        server.process.terminate()
    assert peer.ends() == "hello"
    assert server.exits() == 0
    assert server.out.all() == f"listening on 127.0.0.1:{server.port}\n"
    assert server.err.all() == ""
    for pid in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_is_killed_is_replaced_and_nobody_in_its_queue_is_lost(street: Any) -> None:
    server = street.serve("echo_server.py", "--workers", "2")
    assert server.port
    workers = server.has_children(2)
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)  # so that those who come now are connected, and accepted by nobody
    peers = [street.peer(server) for _ in range(12)]
    for number, peer in enumerate(peers):
        peer.sends(f"hello {number}")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    for number, peer in enumerate(peers):
        peer.gets(f"hello {number}")
    assert not set(server.has_children(2)) & set(workers)
    server.process.terminate()
    assert server.exits() == 0
    lines = server.err.all().splitlines()
    assert len(lines) == 2
    for pid, line in zip(workers, sorted(lines, key=lambda line: line.partition("pid")[2]), strict=True):
        assert f"(pid {pid}) ended, by SIGKILL; the next starts now" in line


def test_a_worker_that_is_told_to_end_drains_and_is_replaced(street: Any) -> None:
    server = street.serve("echo_server.py", "--workers", "1")
    assert server.port
    (worker,) = server.has_children(1)
    peer = street.peer(server)
    peer.sends("before")
    peer.gets("before")
    os.kill(worker, signal.SIGTERM)
    assert peer.ends() == "before"
    peer = street.peer(server)
    peer.sends("after")
    peer.gets("after")


def test_while_a_worker_drains_its_successor_serves(street: Any) -> None:
    server = street.serve("handover_server.py", "--workers", "1")
    assert server.port
    (worker,) = server.has_children(1)
    old = street.peer(server)
    old.sends("before")
    old.gets("before")
    os.kill(worker, signal.SIGTERM)
    new = street.peer(server)
    new.sends("after")
    new.gets("after")
    old.sends(", and on")
    old.gets("before, and on")
    assert worker in server.children()


def test_workers_do_not_outlive_a_parent_that_is_killed(street: Any) -> None:
    server = street.serve("echo_server.py", "--workers", "2")
    port = server.port
    peers = [street.peer(port) for _ in range(8)]
    for peer in peers:
        peer.sends("hello")
        peer.gets("hello")
    server.process.kill()
    assert server.exits() == -signal.SIGKILL
    for peer in peers:
        assert peer.ends() == "hello"
    assert server.out.all().count("\n") == 1  # its end: nobody holds it any more
    assert server.err.all() == ""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


PARENT = """
import multiprocessing, os, signal, sys, time
from reactor import Protocol, Reactor, Supervisor, prefork_sockets

class Job(Protocol):
    def connection_made(self, transport):
        self.transport = transport
        transport.write(b"hello")

    def draining(self, grace):
        self.transport.write(b", goodbye")
        self.transport.close()
        return True

def work(worker):
    with Reactor() as reactor:
        for sock in worker.sockets:
            reactor.listen_socket(Job, sock)
        worker.run(reactor)

def fork_beside():
    os.close(1)
    time.sleep(600)

def on_ready():
    child = multiprocessing.get_context("fork").Process(target=fork_beside, daemon=True)
    child.start()
    print(f"{child.pid} listening on 127.0.0.1:{port}", flush=True)

sockets = prefork_sockets("127.0.0.1", 0, 2)
port = sockets[0].getsockname()[1]
with Reactor() as reactor:
    supervisor = Supervisor(reactor, work, 2, sockets, on_ready=on_ready)
    os._exit(supervisor.run())  # no atexit of multiprocessing: the child beside us lives on
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGKILL])
def test_a_child_beside_the_workers_keeps_nobody_from_hearing_of_the_end(street: Any, signum: int) -> None:
    server = street.script(PARENT)
    server.out.shows("\n")
    line = server.out.text.strip()
    beside, port = int(line.split()[0]), int(line.rpartition(":")[2])
    try:
        peer = street.peer(port)
        peer.gets("hello")
        os.kill(server.process.pid, signum)
        assert peer.ends() == "hello, goodbye"
        assert server.exits() == (0 if signum == signal.SIGTERM else -signum)
        with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
            refused(port)  # the other child holds no socket
    finally:
        os.kill(beside, signal.SIGKILL)


def refused(port: int) -> None:
    """Connect until nobody listens any more."""
    while True:
        socket.create_connection(("127.0.0.1", port)).close()


def test_a_second_signal_ends_those_who_would_drain_for_long(street: Any) -> None:
    server = street.serve("handover_server.py", "--workers", "2")
    peer = street.peer(server)
    peer.sends("hello")
    peer.gets("hello")
    server.process.terminate()
    with pytest.raises((ConnectionRefusedError, ConnectionResetError)):
        refused(server.port)  # the drain has begun
    peer.sends(", and on")
    peer.gets("hello, and on")
    time.sleep(ECHO)  # sooner it would be the same request
    server.process.terminate()
    assert server.exits() == 0
    assert peer.ends() == "hello, and on"


def test_workers_that_cannot_start_are_given_up(street: Any) -> None:
    server = street.script(
        TELLS_ITS_PID.replace("    with Reactor() as reactor:\n        for", "    0 / 0\n    with x:\n        for")
    )
    assert server.exits() == 1
    assert server.out.all() == ""
    said = server.err.all()
    assert "ZeroDivisionError" in said
    assert "ended, status 1, before it accepted: giving up" in said


def test_an_address_in_use_is_one_line(street: Any) -> None:
    first = street.serve("echo_server.py", "--workers", "2")
    second = street.start(str(ROOT / "examples/echo_server.py"), "--port", str(first.port), "--workers", "2")
    assert second.exits() == 1
    assert second.out.all() == ""
    assert second.err.all().count("\n") == 1
    assert "Address already in use" in second.err.text
    first.clean_exit()


# -- socket activation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["alone", "with workers"])
def test_a_server_takes_the_sockets_that_it_is_started_with(street: Any, workers: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        waiting = street.peer(sock.getsockname()[1])  # who comes before the server waits
        waiting.sends("early")
        server = street.activate([sock], "echo_server.py", "--port", "1", *workers)
        assert server.port == sock.getsockname()[1]
        waiting.gets("early")
        server.clean_exit()
        street.peer(sock.getsockname()[1])  # the service manager's copy is still open


def test_each_socket_is_listened_on_and_said(street: Any) -> None:
    socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    server = street.activate(socks, "greeting_server.py")
    server.out.shows("".join(f"listening on 127.0.0.1:{sock.getsockname()[1]}\n" for sock in socks))
    for sock in socks:
        street.peer(sock.getsockname()[1]).gets("name")
        sock.close()
    server.clean_exit()


def test_a_descriptor_that_does_not_listen_is_one_line(street: Any) -> None:
    with socket.socket() as sock:
        for workers in ((), ("--workers", "2")):
            server = street.activate([sock], "echo_server.py", *workers)
            assert server.exits() == 1
            assert server.err.all().count("\n") == 1
            assert "descriptor 3, which LISTEN_FDS announces, is not a listening stream socket" in server.err.text


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="no systemd here")
def test_systemd_activates_a_server(street: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [
        "systemd-socket-activate",
        "-l",
        f"127.0.0.1:{port}",
        sys.executable,
        str(ROOT / "examples/echo_server.py"),
    ]
    launch = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"
    manager = street.start("-c", launch, *command)
    manager.err.shows("Listening on")
    peer = street.peer(port)
    peer.sends("hello")
    peer.gets("hello")
    manager.out.shows(f"listening on 127.0.0.1:{port}\n")
