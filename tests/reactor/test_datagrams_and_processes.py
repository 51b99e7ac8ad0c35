"""What others report of datagrams, service managers and closed standard streams, tried here."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reactor import DatagramProtocol, HandOverError, Protocol, ReactorError, notify, say_ready
from reactor.processes import handover
from reactor.processes.handover import hand_over, start_successor
from reactor.testing import MemoryReactor

ROOT = Path(__file__).parents[2]


class Both(DatagramProtocol):
    def __init__(self):
        self.got, self.errors = [], []

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.got.append(data)

    def error_received(self, exc):
        self.errors.append(exc)


@pytest.mark.skipif(sys.platform != "linux", reason="IP_RECVERR is Linux's")
def test_a_refusal_of_one_peer_drops_nothing_for_another(stage, refused_udp):
    living = Both()
    alive = stage.reactor.open_udp(lambda: living, local=("127.0.0.1", 0)).get_extra_info("sockname")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR
    sender = Both()
    transport = stage.reactor.open_udp(lambda: sender, sock=sock)
    transport.sendto(b"x", refused_udp)
    for number in range(3):
        transport.sendto(b"%d" % number, alive)
    stage.reactor.settle()
    assert living.got == [b"0", b"1", b"2"]
    assert transport.dropped == 0
    assert sender.errors


@pytest.mark.parametrize("addr", [("٣٣", 9), ("example.org", 9), ("127.0.0.1", 70_000), ("127.0.0.1", -1)])
def test_an_address_that_is_none_is_a_value_error(stage, addr):
    transport = stage.reactor.open_udp(Both, local=("127.0.0.1", 0))
    with pytest.raises(ValueError, match=r"looks no names up|a port is"):
        transport.sendto(b"x", addr)


def test_what_getsockname_gives_for_ipv6_is_taken_where_an_address_is(stage):
    server, client = Both(), Both()
    there = stage.reactor.open_udp(lambda: server, local=("::1", 0)).get_extra_info("sockname")
    assert len(there) == 4
    transport = stage.reactor.open_udp(lambda: client, remote=there)
    transport.sendto(b"hello")
    transport.sendto(b"again", there)
    stage.reactor.settle()
    assert server.got == [b"hello", b"again"]
    stage.reactor.call_soon(lambda: stage.reactor.open_udp(Both, remote=there))  # no name is to be looked up
    stage.reactor.settle()


def test_the_zone_of_a_group_is_its_interface(stage):
    transport = stage.reactor.open_udp(Both, local=("::", 0))
    with pytest.raises(OSError, match=r"nosuch|no interface"):
        transport.join("ff02::fc%nosuch")
    transport.join("ff02::fb%lo")
    if os.path.exists("/proc/net/igmp6"):
        joined = [line.split() for line in Path("/proc/net/igmp6").read_text().splitlines()]
        assert any(name == "lo" and group.endswith("fb") for _, name, group, *_ in joined)
    with pytest.raises(ValueError, match="names an interface"):
        transport.join("ff02::fd%lo", 4711)


def test_a_host_in_memory_has_no_datagrams_and_says_so():
    with MemoryReactor() as reactor, pytest.raises(ReactorError, match="no datagram"):
        reactor.open_udp(Both, local=("127.0.0.1", 0))


def test_ready_waits_for_room_in_the_managers_queue(tmp_path, monkeypatch):
    path = str(tmp_path / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    count = 0
    while notify("STATUS=starting"):
        count += 1
    heard = []

    def read():
        time.sleep(0.1)
        heard.extend(manager.recv(100) for _ in range(count))

    thread = threading.Thread(target=read)
    thread.start()
    say_ready()
    thread.join()
    manager.setblocking(False)
    assert manager.recv(100) == b"READY=1"
    manager.close()


@pytest.mark.loud
def test_where_nobody_reads_ready_is_given_up_with_a_word(tmp_path, monkeypatch, caplog):
    from reactor.processes import activation

    path = str(tmp_path / "notify")
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    monkeypatch.setenv("NOTIFY_SOCKET", path)
    monkeypatch.setattr(activation, "PATIENCE", 0.05)
    while notify("STATUS=starting"):
        pass
    say_ready()
    assert "was not told READY=1" in caplog.text
    manager.close()


WORKERS = """
import os, sys
from reactor import Protocol, Reactor, Supervisor, prefork_sockets
def serve(worker):
    with Reactor() as reactor:
        for sock in worker.sockets: reactor.listen_socket(Protocol, sock)
        worker.run(reactor)
with Reactor() as reactor:
    supervisor = Supervisor(reactor, serve, 2, prefork_sockets("127.0.0.1", 0, 2))
    def look():
        os.write(2, b"workers %d" % len(supervisor.pids))
        supervisor.stop()
    supervisor._on_ready = look
    sys.exit(supervisor.run())
"""


@pytest.mark.parametrize("closed", [">&-", "2>/dev/null >&-", ">/dev/full"])
def test_workers_start_whatever_stdout_is(closed):
    shell = f'exec "$0" -c "$1" 2>&3 {closed}' if "2>" not in closed else f'exec "$0" -c "$1" {closed}'
    program = ["sh", "-c", f"exec 3>&2; {shell}", sys.executable, WORKERS]
    outcome = subprocess.run(program, cwd=ROOT, capture_output=True, timeout=60, check=False)
    assert outcome.returncode == 0
    assert b"workers 2" in outcome.stderr or "2>" in closed


def test_a_hand_over_of_a_supervisor_ends_with_the_supervisor(stage, monkeypatch):
    stopped, done = [], []

    class Supervisor:
        def __init__(self):
            self.sockets = [socket.socket()]

        def stop(self):
            stopped.append("stop")

    def start(*args, **options):
        done.append(stage.reactor.promise())
        return done[0]

    supervisor = Supervisor()
    monkeypatch.setattr(handover, "start_successor", start)
    monkeypatch.setattr(stage.reactor, "drain", lambda: stopped.append("drain"))
    hand_over(stage.reactor, {"echo": supervisor})()
    done[0].set_result(4711)
    assert stopped == ["stop"]
    supervisor.sockets[0].close()


def test_a_hand_over_without_descriptors_leaves_no_copies(stage, monkeypatch):
    import fcntl

    listener = stage.serve(Protocol)
    real, left, made = fcntl.fcntl, [2], []

    def scarce(fd, command, *args):
        if command == fcntl.F_DUPFD_CLOEXEC:
            if len(made) >= left[0]:
                raise OSError(24, "Too many open files")
            made.append(real(fd, command, *args))
            return made[-1]
        return real(fd, command, *args)

    monkeypatch.setattr(fcntl, "fcntl", scarce)
    sockets = listener.sockets * 3
    future = start_successor(stage.reactor, {"web": sockets}, ["/bin/sh", "-c", "exit 3"])
    assert isinstance(future.exception(0), HandOverError)
    assert len(made) == 2
    for fd in made:
        with pytest.raises(OSError, match="Bad file"):
            os.fstat(fd)
