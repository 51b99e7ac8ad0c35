"""Unix sockets: whose a path is, who may take it, what is left of it; and connecting to one."""

from __future__ import annotations

import errno
import os
import pathlib
import socket
import stat
import subprocess
import sys
import threading

import pytest

from reactor import ConnectError, ConnectRefused, ConnectTimeout, Limits, ListenError, Reactor
from reactor.sockets import unix
from reactor.sockets.unix import SUN_PATH, listening_unix_socket
from reactor.testing import Recorder
from tests.kit.tls import client_context, server_context

if not hasattr(socket, "AF_UNIX"):
    pytest.skip("no Unix sockets here", allow_module_level=True)

linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


class Echo(Recorder):
    def data_received(self, data):
        self.transport.write(data)


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path that is free, and short enough wherever the tests run: relative."""
    monkeypatch.chdir(tmp_path)
    return "door"


@pytest.fixture
def dead(path):
    """A path at which a server has died without a goodbye."""
    leave_dead(path)
    return path


def leave_dead(path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen()


def is_socket(path):
    return stat.S_ISSOCK(os.lstat(path).st_mode)


def connect(stage, path, **options):
    """The outcome of an attempt: `(transport, protocol)`, or what it raises."""
    return stage.reactor.run_until(stage.reactor.connect_unix(Recorder, path, **options), timeout=100)


# -- listening ---------------------------------------------------------------------------------------------------


def test_both_ends_talk(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    transport, protocol = connect(stage, path)
    transport.write(b"hello")
    stage.reactor.settle()
    assert protocol.data == b"hello"
    assert listener.addresses == [path]
    assert listener.port is None
    assert transport.get_extra_info("peername") == path
    (accepted,) = listener.connections
    assert accepted.get_extra_info("sockname") == path
    assert accepted.get_extra_info("peername") == ""
    assert path in repr(transport)
    assert path in repr(listener)
    assert not accepted.get_extra_info("socket").getblocking()


@pytest.mark.parametrize("kind", [str, os.fsencode, pathlib.Path, lambda name: pathlib.Path(name).absolute()])
def test_a_path_may_be_given_in_any_way(stage, path, kind):
    listener = stage.reactor.listen_unix(Echo, kind(path))
    assert connect(stage, kind(path))
    assert isinstance(listener.addresses[0], str)
    listener.close()
    assert not os.path.lexists(path)


@linux
def test_a_path_that_is_no_text(stage, path):
    name = b"caf\xe9"
    listener = stage.reactor.listen_unix(Echo, name)
    assert connect(stage, name)
    assert os.fsencode(listener.addresses[0]) == name
    listener.close()
    assert os.listdir(".") == []


@linux
@pytest.mark.parametrize("kind", [bytes, os.fsdecode])
def test_an_abstract_address(stage, path, kind):
    name = kind(b"\0reactor-test-%d" % os.getpid())
    listener = stage.reactor.listen_unix(Echo, name)
    transport, _ = connect(stage, name)
    assert listener.addresses == [os.fsencode(name)]
    assert transport.get_extra_info("peername") == os.fsencode(name)
    assert "@reactor-test" in repr(listener)
    with pytest.raises(ListenError, match="cannot listen on @reactor-test") as caught:
        stage.reactor.listen_unix(Echo, name)
    assert caught.value.errno == errno.EADDRINUSE
    listener.close()
    assert os.listdir(".") == []
    with pytest.raises(ConnectRefused, match="@reactor-test"):
        connect(stage, name)


@linux
def test_an_abstract_address_has_no_mode(stage):
    with pytest.raises(ListenError, match="no mode"):
        stage.reactor.listen_unix(Echo, b"\0reactor-test", mode=0o600)


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o777, 0])
def test_the_mode_holds_before_anybody_can_connect(stage, path, mode, monkeypatch):
    seen = []
    listen = socket.socket.listen

    def noting(sock, backlog):
        seen.append(stat.S_IMODE(os.lstat(path).st_mode))
        listen(sock, backlog)

    monkeypatch.setattr(socket.socket, "listen", noting)
    stage.reactor.listen_unix(Echo, path, mode=mode)
    assert seen == [mode]
    assert stat.S_IMODE(os.lstat(path).st_mode) == mode


def test_without_a_mode_the_umask_decides(stage, path):
    before = os.umask(0o027)
    try:
        stage.reactor.listen_unix(Echo, path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.lstat(path).st_mode) == 0o750


def test_a_mode_that_is_no_number_is_refused_before_anything_is_there(stage, path):
    with pytest.raises(TypeError, match="0o660"):
        stage.reactor.listen_unix(Echo, path, mode="660")
    assert os.listdir(".") == []


def test_what_fails_after_the_bind_leaves_nothing(stage, path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "not yours")

    monkeypatch.setattr(os, "chmod", refuse)
    with pytest.raises(ListenError, match="cannot listen on door: not yours"):
        stage.reactor.listen_unix(Echo, path, mode=0o600)
    assert os.listdir(".") == []


# -- a path that is not free -------------------------------------------------------------------------------------


def test_a_dead_socket_is_replaced(stage, dead):
    stage.reactor.listen_unix(Echo, dead)
    assert connect(stage, dead)
    assert os.listdir(".") == [dead]


def test_a_path_on_which_somebody_answers_is_never_replaced(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    with pytest.raises(ListenError, match="cannot listen on door: somebody listens there already") as caught:
        stage.reactor.listen_unix(Echo, path)
    assert caught.value.errno == errno.EADDRINUSE
    stage.reactor.settle()
    assert stage.reactor.stats()["accepted"] == 0  # it did not even notice that it was asked
    assert connect(stage, path)
    assert os.listdir(".") == [path]
    listener.close()
    assert os.listdir(".") == []


def test_a_server_with_a_full_backlog_is_not_dead(stage, path):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)
        sock.listen(0)
        fillers = [stage.own(socket.socket(socket.AF_UNIX)) for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(path)
        with pytest.raises(ListenError, match="somebody listens"):
            stage.reactor.listen_unix(Echo, path)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_is_bound_and_does_not_listen_is_not_dead(stage, path, kind):
    """A server between its bind and its listen, or one of datagrams."""
    with socket.socket(socket.AF_UNIX, kind) as sock:
        sock.bind(path)
        with pytest.raises(ListenError, match="somebody listens"):
            stage.reactor.listen_unix(Echo, path)
    stage.reactor.listen_unix(Echo, path)


def make_file(path):
    pathlib.Path(path).write_text("precious")


def make_link_to_a_dead_socket(path):
    leave_dead("elsewhere")
    os.symlink("elsewhere", path)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (make_file, "no socket"),
        (os.mkdir, "no socket"),
        (os.mkfifo, "no socket"),
        (make_link_to_a_dead_socket, "a symbolic link"),
        (lambda path: os.symlink("nowhere", path), "a symbolic link"),
    ],
    ids=["file", "directory", "fifo", "link", "dangling link"],
)
def test_what_is_no_socket_is_never_replaced(stage, path, make, what):
    make(path)
    before = sorted(os.listdir(".")), os.lstat(path).st_ino
    with pytest.raises(ListenError, match=f"cannot listen on door: it is {what}, and is not replaced") as caught:
        stage.reactor.listen_unix(Echo, path)
    assert caught.value.errno == errno.EADDRINUSE
    assert (sorted(os.listdir(".")), os.lstat(path).st_ino) == before


def test_a_socket_whose_state_cannot_be_found_out_is_not_replaced(stage, dead, monkeypatch):
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: errno.EACCES)  # tests may run as root
    with pytest.raises(ListenError, match="cannot be found out"):
        stage.reactor.listen_unix(Echo, dead)
    assert os.path.exists(dead)


def test_a_directory_that_is_not_there(stage, path):
    with pytest.raises(ListenError, match="cannot listen on no/where: No such file or directory") as caught:
        stage.reactor.listen_unix(Echo, "no/where")
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize(
    ("name", "reason", "number"),
    [("", "empty", errno.EINVAL), ("a\0b", "NUL", errno.EINVAL), ("a" * SUN_PATH, str(SUN_PATH), errno.ENAMETOOLONG)],
)
def test_names_that_cannot_be(stage, path, name, reason, number):
    with pytest.raises(ListenError, match=reason) as caught:
        stage.reactor.listen_unix(Echo, name)
    assert caught.value.errno == number
    with pytest.raises(ConnectError, match=reason) as caught:
        connect(stage, name)
    assert caught.value.errno == number
    assert os.listdir(".") == []


def test_the_longest_name_that_can_be(stage, path):
    name = "a" * (SUN_PATH - 1)
    stage.reactor.listen_unix(Echo, name)
    assert connect(stage, name)


@linux
def test_an_abstract_name_has_no_nul_at_its_end(stage):
    name = b"\0" + b"%d" % os.getpid()
    name += b"a" * (SUN_PATH - len(name))
    stage.reactor.listen_unix(Echo, name)
    assert connect(stage, name)
    with pytest.raises(ListenError, match="109 bytes, and the limit is 108"):
        stage.reactor.listen_unix(Echo, name + b"a")


@pytest.mark.parametrize("wrong", [7, None, ("door",)])
def test_what_is_no_path_is_a_type_error(stage, wrong):
    with pytest.raises(TypeError):
        stage.reactor.listen_unix(Echo, wrong)
    with pytest.raises(TypeError):
        stage.reactor.connect_unix(Echo, wrong)


def test_a_system_without_unix_sockets(stage, monkeypatch):
    monkeypatch.delattr(socket, "AF_UNIX")
    with pytest.raises(ListenError, match="no Unix sockets on this system"):
        listening_unix_socket("door", mode=None, backlog=1)


# -- two at the same moment --------------------------------------------------------------------------------------


def start_at_once(path, count):
    """Who gets `path`, and the errors of the others."""
    barrier, winners, refusals = threading.Barrier(count), [], []

    def start():
        barrier.wait(5)
        try:
            winners.append(listening_unix_socket(path, mode=0o600, backlog=5))
        except ListenError as exc:
            refusals.append(exc)

    threads = [threading.Thread(target=start) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return winners, refusals


@pytest.mark.parametrize("is_dead", [True, False], ids=["replacing", "afresh"])
def test_of_many_that_start_at_the_same_moment_one_has_the_path(path, is_dead):
    for _ in range(20):
        if is_dead:
            leave_dead(path)
        winners, refusals = start_at_once(path, 6)
        assert len(winners) == 1
        assert {refusal.errno for refusal in refusals} == {errno.EADDRINUSE}
        ((sock, bound),) = winners
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(path)
        assert os.listdir(".") == [path]
        bound.remove()
        sock.close()


def test_one_that_was_replaced_before_the_lock_was_had_is_left_alone(stage, dead, monkeypatch):
    """Somebody else finds the same dead socket, and is quicker."""
    others = []

    def lock(name, real=unix._try_lock):
        if not others:
            os.unlink(dead)
            others.append(stage.own(socket.socket(socket.AF_UNIX)))
            others[0].bind(dead)
        return real(name)

    monkeypatch.setattr(unix, "_try_lock", lock)
    with pytest.raises(ListenError, match="somebody listens"):
        stage.reactor.listen_unix(Echo, dead)
    assert os.listdir(".") == [dead]


def test_one_that_goes_away_before_the_lock_was_had_is_no_obstacle(stage, dead, monkeypatch):
    def lock(name, real=unix._try_lock):
        os.unlink(dead)
        return real(name)

    monkeypatch.setattr(unix, "_try_lock", lock)
    stage.reactor.listen_unix(Echo, dead)
    assert connect(stage, dead)


def test_a_lock_that_is_not_given_back_is_named(stage, dead, monkeypatch):
    monkeypatch.setattr(unix, "LOCK_WAIT", 0.03)
    fd = unix._try_lock("door.lock")
    with pytest.raises(ListenError, match=r"door\.lock is locked"):
        stage.reactor.listen_unix(Echo, dead)
    os.close(fd)
    stage.reactor.listen_unix(Echo, dead)  # what a crash leaves is no obstacle
    assert os.listdir(".") == [dead]


def test_a_lock_that_was_removed_meanwhile_is_none(path, monkeypatch):
    import fcntl

    real = fcntl.flock

    def late(fd, how):
        os.unlink("door.lock")
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", late)
    assert unix._try_lock("door.lock") is None


def test_a_link_instead_of_the_lock_is_not_followed(stage, dead):
    os.symlink("precious", "door.lock")
    with pytest.raises(ListenError):
        stage.reactor.listen_unix(Echo, dead)
    assert not os.path.exists("precious")


# -- what is left ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["close", "abort", "drain"])
def test_the_path_goes_with_the_listener(stage, path, end):
    listener = stage.reactor.listen_unix(Echo, path)
    getattr(listener, end)()
    assert not os.path.exists(path)
    listener.close()


def test_the_path_goes_with_the_reactor(path):
    with Reactor() as reactor:
        reactor.listen_unix(Echo, path)
        reactor.call_soon(reactor.stop)
        reactor.run()
    assert not os.path.exists(path)


def test_the_path_goes_after_the_program_has_changed_its_directory(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    here = os.getcwd()
    os.mkdir("other")
    os.chdir("other")
    listener.close()
    assert os.listdir(here) == ["other"]


def test_the_path_is_gone_before_the_socket(stage, path, monkeypatch):
    """Or somebody finds the dead socket, replaces it, and has its own removed by us."""
    removed = []

    def remove(self, real=unix.BoundPath.remove):
        with pytest.raises(ListenError, match="somebody listens"):
            stage.reactor.listen_unix(Echo, path)
        removed.append(real(self))

    monkeypatch.setattr(unix.BoundPath, "remove", remove)
    listener = stage.reactor.listen_unix(Echo, path)
    listener.close()
    assert removed
    assert not os.path.exists(path)


def test_a_path_that_is_anothers_by_now_stays(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    os.unlink(path)
    other = stage.reactor.listen_unix(Echo, path)
    listener.close()
    assert connect(stage, path)
    other.close()
    assert not os.path.exists(path)


def test_a_path_that_is_gone_already(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    os.unlink(path)
    listener.close()


def test_a_path_that_cannot_be_removed_any_more_is_one_quiet_line(stage, path, monkeypatch, caplog):
    listener = stage.reactor.listen_unix(Echo, path)

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "unlink", refuse)
    listener.close()
    assert "door is left behind: Permission denied" in caplog.text


def test_a_path_that_another_process_serves_now_is_kept(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    successor = stage.reactor.listen_socket(Echo, listener._acceptors[0].sock.dup())
    listener.keep_path()
    listener.close()
    assert connect(stage, path)
    assert stage.reactor.stats()["accepted"] == 1
    successor.close()
    assert is_socket(path)  # an adopted socket's path is whoever's who made it


FORK = """
import os, socket, sys
from reactor import Protocol, Reactor
reactor = Reactor()
listener = reactor.listen_unix(Protocol, sys.argv[1])
if os.fork() == 0:
    reactor.close() if sys.argv[2] == "reactor" else listener._unlink()
    os._exit(0)
os.wait()
socket.socket(socket.AF_UNIX).connect(sys.argv[1])
reactor.close()
print(os.path.exists(sys.argv[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("what", ["reactor", "listener"])
def test_a_forked_child_removes_nothing(tmp_path, what):
    root = pathlib.Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK, "door", what],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(root)}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert (run.stdout, run.stderr) == ("False\n", "")


# -- peers -------------------------------------------------------------------------------------------------------


@linux
def test_the_credentials_of_the_peer(stage, path):
    listener = stage.reactor.listen_unix(Echo, path)
    transport, _ = connect(stage, path)
    (accepted,) = listener.connections
    ours = (os.getpid(), os.getuid(), os.getgid())
    assert accepted.get_extra_info("peercred") == transport.get_extra_info("peercred") == ours


def test_who_comes_over_tcp_has_no_credentials(stage):
    _, transport = stage.connect(Recorder())
    assert transport.get_extra_info("peercred") is None
    assert transport.get_extra_info("peercred", 7) == 7


@pytest.mark.parametrize("per_peer", [0, 1])
def test_peers_without_a_name_are_not_counted_by_it(stage, path, per_peer):
    listener = stage.reactor.listen_unix(Echo, path, limits=Limits(per_peer=per_peer))
    made = [connect(stage, path) for _ in range(3)]
    stage.reactor.settle()
    assert len(listener.connections) == 3
    for transport, _ in made:
        transport.close()
    stage.reactor.settle()
    assert len(listener.connections) == 0


def test_at_the_limit_newcomers_wait(stage, path):
    listener = stage.reactor.listen_unix(Echo, path, limits=Limits(connections=1))
    first, _ = connect(stage, path)
    connect(stage, path)
    stage.reactor.settle()
    assert len(listener.connections) == 1
    first.close()
    stage.reactor.settle()
    assert stage.reactor.stats()["accepted"] == 2


# -- connecting --------------------------------------------------------------------------------------------------


def test_nobody_listens_any_more(stage, dead):
    with pytest.raises(ConnectRefused) as caught:
        connect(stage, dead)
    assert str(caught.value) == "cannot connect to door: Connection refused"
    assert caught.value.errno == errno.ECONNREFUSED
    stage.reactor.settle()
    assert stage.reactor.stats()["timers"] == 0


def test_nothing_is_there(stage, path):
    with pytest.raises(ConnectError) as caught:
        connect(stage, path)
    assert str(caught.value) == "cannot connect to door: No such file or directory"
    assert caught.value.errno == errno.ENOENT
    assert not isinstance(caught.value, ConnectRefused)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may connect to anything")
def test_a_door_that_is_closed_to_us(stage, path):
    stage.reactor.listen_unix(Echo, path, mode=0)
    with pytest.raises(ConnectError, match="cannot connect to door: Permission denied"):
        connect(stage, path)


def test_a_socket_of_datagrams(stage, path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path)
        with pytest.raises(ConnectError, match="cannot connect to door: ") as caught:
            connect(stage, path)
    assert caught.value.errno == errno.EPROTOTYPE


@pytest.fixture
def full(stage, path):
    """A listener whose backlog is full, at `path`."""
    listener = stage.own(socket.socket(socket.AF_UNIX))
    listener.bind(path)
    listener.listen(0)
    filler = stage.own(socket.socket(socket.AF_UNIX))
    filler.connect(path)
    return listener


@linux
def test_a_full_backlog_is_waited_for(stage, path, full):
    future = stage.reactor.connect_unix(Recorder, path, timeout=10)
    stage.reactor.advance(5)
    assert not future.done()
    full.accept()[0].close()
    stage.reactor.advance(0.1)
    assert future.result(timeout=0)[1].events == ["connection_made"]
    assert stage.reactor.stats()["timers"] == 0


@linux
def test_a_backlog_that_stays_full_is_a_timeout(stage, path, full):
    future = stage.reactor.connect_unix(Recorder, path, timeout=10)
    stage.reactor.advance(10)
    error = future.exception(timeout=0)
    assert isinstance(error, ConnectTimeout)
    assert str(error) == "no connection to door within 10 s: the backlog is full"
    stage.reactor.settle()
    assert stage.reactor.stats()["timers"] == 0


@linux
def test_waiting_for_a_backlog_costs_little(stage, path, full):
    stage.reactor.connect_unix(Recorder, path, timeout=10)
    before = stage.reactor.stats()["ticks"]
    stage.reactor.advance(1)
    assert stage.reactor.stats()["ticks"] - before < 50


@linux
def test_cancelling_while_the_backlog_is_full(stage, path, full):
    future = stage.reactor.connect_unix(Recorder, path)
    stage.reactor.settle()
    assert future.cancel()
    stage.reactor.settle()
    assert stage.reactor.stats()["timers"] == 0


def test_cancelled_just_before_it_stands(stage, path):
    stage.reactor.listen_unix(Echo, path)
    made = []
    future = stage.reactor.connect_unix(lambda: made.append(1), path)
    assert future.cancel()
    stage.reactor.settle()
    assert made == []


@linux
def test_a_server_that_goes_while_we_wait(stage, path, full):
    future = stage.reactor.connect_unix(Recorder, path)
    stage.reactor.settle()
    full.close()
    stage.reactor.advance(0.1)
    assert isinstance(future.exception(timeout=0), ConnectRefused)


def test_half_close(stage, path):
    class Summing(Recorder):
        def eof_received(self):
            self.transport.write(b"%d bytes" % len(self.data))

    stage.reactor.listen_unix(Summing, path)
    transport, protocol = connect(stage, path)
    transport.write(bytes(100_000))
    transport.write_eof()
    stage.reactor.settle()
    assert protocol.data == b"100000 bytes"
    assert protocol.events[-1] == "connection_lost"
    assert protocol.lost is None


# -- TLS ---------------------------------------------------------------------------------------------------------


def test_tls_over_a_unix_socket(stage, path):
    listener = stage.reactor.listen_unix(Echo, path, tls=server_context())
    transport, protocol = connect(stage, path, tls=client_context(), server_hostname="localhost")
    transport.write(b"hello")
    stage.reactor.settle()
    assert protocol.data == b"hello"
    (accepted,) = listener.connections
    assert accepted.get_extra_info("tls_version")
    if sys.platform == "linux":
        assert accepted.get_extra_info("peercred")[0] == os.getpid()


def test_a_path_is_no_name_for_a_certificate(stage, path):
    stage.reactor.listen_unix(Echo, path, tls=server_context())
    with pytest.raises(ValueError, match="server_hostname"):
        connect(stage, path, tls=client_context())


def test_a_context_that_is_none_is_refused_before_anything_is_there(stage, path):
    with pytest.raises(TypeError):
        stage.reactor.listen_unix(Echo, path, tls=True)
    assert os.listdir(".") == []


def test_a_server_that_does_not_shake_hands(stage, path):
    stage.reactor.listen_unix(Recorder, path)
    future = stage.reactor.connect_unix(Recorder, path, tls=client_context(), server_hostname="localhost", timeout=3)
    stage.reactor.advance(3)
    error = future.exception(timeout=0)
    assert isinstance(error, ConnectTimeout)
    assert str(error) == "no connection to door within 3 s: the handshake is not done yet"
    assert stage.reactor.stats()["connections"] == 0


@pytest.mark.parametrize("kind", ["pipe", "hard link", "neighbour's"])
def test_what_is_no_lock_of_ours_is_neither_locked_nor_removed(stage, dead, kind):
    lock = pathlib.Path("door.lock")
    if kind == "pipe":
        os.mkfifo(lock)
    else:
        lock.write_bytes(b"precious")
        if kind == "hard link":
            os.link(lock, "precious")
        elif os.geteuid():
            pytest.skip("only root gives files away")
        else:
            os.chown(lock, 65534, 65534)
    with pytest.raises(ListenError, match=r"door\.lock is not ours"):
        stage.reactor.listen_unix(Echo, dead)
    assert os.path.lexists(lock)
