"""When a worker is started again, when all are given up, how they end. No process is forked: the system is a fake."""

from __future__ import annotations

import errno
import os
import signal
import socket
import sys
import threading

import pytest

from reactor import ListenError, ReactorError, Supervisor, Worker, prefork_sockets
from reactor.processes.prefork import FIRST, LONGEST, PATIENCE, STEADY, Backoff, share
from reactor.processes.worker import describe, fork
from reactor.testing import Recorder, SteppedReactor

PATIENT = 3600.0  # seconds after which a scene that should have ended by itself is over


class FakeSystem:
    """Processes that live until the test ends them."""

    def __init__(self):
        self.started = []  # pids, in order
        self.ended = {}  # pid: status, until it is asked for
        self.killed = []  # (pid, signal)
        self.failing = 0  # forks that fail before one succeeds

    def fork(self, become):
        if self.failing:
            self.failing -= 1
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        self.started.append(101 + len(self.started))
        return self.started[-1]

    def status(self, pid):
        return self.ended.pop(pid, None)

    def kill(self, pid, signum):
        self.killed.append((pid, signum))


class Company:
    """A supervisor of fake workers, on a reactor whose time is moved. `play` runs it through a list of acts."""

    def __init__(self, count=2):
        self.reactor = SteppedReactor()
        self.system = FakeSystem()
        self.accepting = 0
        self.socks = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        self.supervisor = Supervisor(
            self.reactor, lambda worker: None, count, list(self.socks), on_ready=self.on_ready, processes=self.system
        )

    def on_ready(self):
        self.accepting += 1

    def play(self, *acts):
        """Run; each act is a number of seconds to wait, or something to call. The exit status."""
        when = self.reactor.time()
        for act in acts:
            if isinstance(act, (int, float)):
                when += act
            else:
                self.reactor.call_at(when, act)
        self.reactor.call_at(when + PATIENT, self.reactor.stop)
        self.overran = when + PATIENT
        return self.supervisor.run()

    def ready(self, *pids):
        """These workers say that they accept."""
        os.write(self.supervisor._ready[1], b"".join(b"%d\n" % pid for pid in pids))
        self.reactor.call_soon(lambda: None)

    def dies(self, pid, status=1):
        self.system.ended[pid] = status
        os.kill(os.getpid(), signal.SIGCHLD)

    def close(self):
        self.reactor.close()
        for sock in self.socks:
            sock.close()


@pytest.fixture
def company(request):
    made = []

    def company(count=2):
        made.append(Company(count))
        return made[-1]

    yield company
    for each in made:
        each.close()


# -- the policy -----------------------------------------------------------------------------------------------------


def test_the_first_restart_is_at_once_and_each_further_one_in_a_row_waits_twice_as_long():
    backoff = Backoff()
    delays = [backoff.delay(0.0) for _ in range(10)]
    assert delays == [0.0, FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST, 16 * FIRST, *[LONGEST] * 4]


def test_a_worker_that_has_lived_a_while_begins_a_new_row():
    backoff = Backoff()
    for _ in range(5):
        backoff.delay(0.0)
    assert backoff.delay(STEADY) == 0.0
    assert backoff.delay(STEADY - 0.1) == FIRST


# -- starting -------------------------------------------------------------------------------------------------------


def test_all_are_started_and_when_all_accept_it_is_said_once(company):
    scene = company(3)
    seen = []

    def say(*pids):
        seen.append(scene.accepting)
        scene.ready(*pids)

    acts = (1, lambda: say(101, 102), 1, lambda: say(103), 1, lambda: say(103), 1, lambda: end(scene))
    assert scene.play(*acts) == 0
    assert scene.system.started == [101, 102, 103]
    assert [*seen, scene.accepting] == [0, 0, 1, 1]


def end(scene, status=0):
    """SIGTERM, and every worker ends."""
    scene.supervisor.stop()
    for pid in scene.system.started:
        scene.dies(pid, status)


@pytest.mark.loud
def test_a_worker_that_never_came_to_accept_is_not_tried_again(company, caplog):
    scene = company(2)
    first, second = 101, 102
    assert scene.play(1, lambda: scene.dies(second, 3), 1, lambda: scene.dies(first, 0)) == 1
    assert scene.system.started == [first, second]
    assert scene.reactor.time() < scene.overran
    assert [record.getMessage() for record in caplog.records] == [
        "worker 1 (pid 102) ended, status 3, before it accepted: giving up"
    ]


@pytest.mark.loud
def test_a_fork_that_fails_is_tried_again(company, caplog):
    scene = company(1)
    scene.system.failing = 2
    assert scene.play(30, lambda: end(scene)) == 0
    assert scene.system.started == [101]
    assert "worker 0 cannot be started: Resource temporarily unavailable; the next starts now" in caplog.messages
    assert (
        f"worker 0 cannot be started: Resource temporarily unavailable; the next starts in {FIRST:g} s" in caplog.text
    )


# -- dying ----------------------------------------------------------------------------------------------------------


def settled(scene):
    """The workers of a scene have come to accept."""
    scene.ready(*scene.system.started)


@pytest.mark.loud
def test_a_worker_that_dies_is_replaced_at_once_and_one_line_says_how(company, caplog):
    scene = company(2)
    seen = []
    scene.play(
        1, lambda: settled(scene), 1, lambda: scene.dies(102, -signal.SIGKILL), 0.1,
        lambda: seen.extend(scene.system.started), lambda: end(scene),
    )  # fmt: skip
    assert seen == [101, 102, 103]
    loud = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert loud == ["worker 1 (pid 102) ended, by SIGKILL; the next starts now"]


@pytest.mark.loud
def test_workers_that_die_in_a_row_wait_longer_each_time(company):
    scene = company(1)
    times = []

    def die():
        times.append(scene.reactor.time())
        scene.dies(scene.system.started[-1])

    real_fork = scene.system.fork

    def fork(become):
        if times:
            times[-1] = round(scene.reactor.time() - times[-1], 3)
        return real_fork(become)

    scene.system.fork = fork
    acts = [step for _ in range(4) for step in (LONGEST / 2, die)]
    scene.play(1, lambda: settled(scene), *acts, LONGEST, lambda: end(scene))
    assert times == [0.0, FIRST, 2 * FIRST, 4 * FIRST]


@pytest.mark.loud
def test_several_that_die_at_once_are_all_replaced(company):
    scene = company(3)

    def die():
        scene.system.ended = {101: 1, 103: 1}
        scene.dies(102)

    scene.play(1, lambda: settled(scene), 1, die, 1, lambda: end(scene))
    assert len(scene.system.started) == 6


def test_a_child_of_somebody_elses_is_left_to_them(company):
    scene = company(1)
    scene.play(1, lambda: settled(scene), lambda: scene.dies(999), 1, lambda: end(scene))
    assert scene.system.started == [101]


def test_a_worker_that_drains_has_its_successor_at_once_and_both_are_waited_for(company):
    scene = company(2)
    seen = []

    def look():
        seen.append((list(scene.system.started), sorted(scene.supervisor.pids)))

    acts = (1, lambda: settled(scene), STEADY, lambda: scene.ready(-101), 0.1, look, lambda: scene.supervisor.stop())
    acts += (1, lambda: scene.dies(102, 0), lambda: scene.dies(103, 0), 1, look, lambda: scene.dies(101, 0))
    assert scene.play(*acts) == 0
    assert seen == [([101, 102, 103], [101, 102, 103]), ([101, 102, 103], [101])]
    assert scene.reactor.time() < scene.overran


@pytest.mark.loud
def test_a_worker_that_drained_and_does_not_end_is_killed_with_the_others(company, caplog):
    scene = company(1)
    scene.system.kill = lambda pid, signum: scene.dies(pid, -signum)
    scene.play(1, lambda: settled(scene), 1, lambda: scene.ready(-101), 1, scene.supervisor.stop)
    assert scene.reactor.time() < scene.overran
    assert "workers not ended in 10 s, and killed: 0, 0" in caplog.text


def test_workers_that_drain_in_a_row_wait_longer_each_time(company):
    scene = company(1)
    acts = [step for _ in range(3) for step in (0.1, lambda: scene.ready(-scene.system.started[-1]))]
    seen = []
    scene.play(1, lambda: settled(scene), *acts, 0.2, lambda: seen.extend(scene.system.started), lambda: end(scene))
    assert seen == [101, 102]


def test_a_run_gives_back_its_watcher(company):
    scene = company(1)
    fds = []
    scene.play(
        1, lambda: settled(scene), lambda: fds.append(scene.supervisor._ready[0]), 1, lambda: end(scene)
    )  # fmt: skip
    assert not scene.reactor.remove_reader(fds[0])  # the next descriptor may have that number


# -- ending ---------------------------------------------------------------------------------------------------------


def test_stop_lets_go_of_the_lifeline_and_of_the_sockets_and_returns_when_all_have_ended(company):
    scene = company(2)
    seen = []

    def look():
        seen.append(os.read(lifeline[0], 1))
        seen.extend(sock.fileno() for sock in scene.socks)

    lifeline = []
    scene.play(
        1, lambda: settled(scene), lambda: lifeline.append(os.dup(scene.supervisor._lifeline[0])),
        scene.supervisor.stop, look, 1, lambda: end(scene),
    )  # fmt: skip
    assert seen == [b".", -1, -1]  # not its end alone: another child may hold a copy
    assert scene.supervisor.sockets == []
    assert scene.reactor.time() < scene.overran
    # A drain that the workers have heard of needs no signal: systemd has sent its own, and a second one means at once.
    assert scene.system.killed == [(101, signal.SIGTERM), (102, signal.SIGTERM)]
    os.close(lifeline[0])


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_and_a_second_one_ends_at_once(company, signum):
    scene = company(2)
    seen = []

    def signal_us():
        os.kill(os.getpid(), signum)

    def look():
        seen.append(list(scene.system.killed))

    def all_end():
        scene.dies(101, 0)
        scene.dies(102, -signal.SIGTERM)

    acts = (1, lambda: settled(scene), 1, signal_us, 1, look, signal_us, 1, look, all_end)
    assert scene.play(*acts) == 0
    twice = [(101, signal.SIGTERM), (102, signal.SIGTERM)] * 2  # a worker's first signal is never its second
    assert seen == [[], twice]
    assert signal.getsignal(signum) in (signal.SIG_DFL, signal.default_int_handler)


@pytest.mark.loud
def test_who_does_not_end_is_killed(company, caplog):
    scene = company(2)
    scene.system.kill = lambda pid, signum: scene.dies(pid, -signum)
    began = []
    scene.play(1, lambda: settled(scene), 1, lambda: (began.append(scene.reactor.time()), scene.supervisor.stop()))
    assert scene.reactor.time() - began[0] == pytest.approx(PATIENCE)
    assert "workers not ended in 10 s, and killed: 0, 1" in caplog.text


@pytest.mark.loud
def test_nobody_is_started_once_the_end_has_begun(company):
    scene = company(2)
    acts = [step for pid in (101, 103) for step in (1, lambda pid=pid: scene.dies(pid))]
    scene.play(1, lambda: settled(scene), *acts, FIRST / 2, scene.supervisor.stop, FIRST, lambda: scene.dies(102))
    assert scene.system.started == [101, 102, 103]
    assert scene.reactor.time() < scene.overran


def test_a_supervisor_counts_its_workers(stage):
    with pytest.raises(ValueError, match="at least one worker, not 0"):
        Supervisor(stage.reactor, print, 0, [])


def test_a_process_with_threads_is_not_forked(company):
    scene = company(1)
    go_on = threading.Event()
    thread = threading.Thread(target=go_on.wait)
    thread.start()
    with pytest.raises(ReactorError, match="a process with threads is not to be forked"):
        scene.supervisor.run()
    go_on.set()
    thread.join()


# -- sockets --------------------------------------------------------------------------------------------------------


@pytest.fixture
def closing():
    sockets = []
    yield sockets
    for sock in sockets:
        sock.close()


linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one socket serves all")


@linux
def test_each_worker_has_a_socket_and_all_share_a_port(closing):
    closing += prefork_sockets("127.0.0.1", 0, 3)
    assert len(closing) == 3
    assert len({sock.getsockname() for sock in closing}) == 1


def test_a_single_worker_shares_its_port_with_nobody(closing):
    closing += prefork_sockets("127.0.0.1", 0, 1)
    (sock,) = closing
    assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)


@linux
def test_a_port_of_another_server_is_not_shared_by_mistake(closing):
    closing += prefork_sockets("127.0.0.1", 0, 2)
    with pytest.raises(ListenError) as caught:
        prefork_sockets("127.0.0.1", closing[0].getsockname()[1], 2)
    assert caught.value.errno == errno.EADDRINUSE


class Named:
    """Anything with an address."""

    def __init__(self, address):
        self.address = address

    def getsockname(self):
        return self.address

    def __repr__(self):
        return self.address


@pytest.mark.parametrize(
    ("addresses", "count", "shares"),
    [
        ("a a a", 3, ["a0", "a1", "a2"]),
        ("a a b b", 2, ["a0 b2", "a1 b3"]),  # each worker serves every address
        ("a b", 2, ["a0 b1", "a0 b1"]),
        ("a", 3, ["a0", "a0", "a0"]),  # as from systemd
        ("a a a a", 2, ["a0 a2", "a1 a3"]),  # a predecessor had more workers: no queue is left to itself
        ("a a", 3, ["a0", "a1", "a0"]),
    ],
)
def test_sockets_are_shared_out_by_address(addresses, count, shares):
    sockets = [Named(address) for address in addresses.split()]
    labels = {id(sock): f"{sock}{number}" for number, sock in enumerate(sockets)}
    parts = [share(sockets, count, number) for number in range(count)]
    assert [" ".join(labels[id(sock)] for sock in part) for part in parts] == shares
    assert {id(sock) for part in parts for sock in part} == set(labels)


# -- a worker -------------------------------------------------------------------------------------------------------


def test_a_worker_says_that_it_accepts_and_drains_when_the_lifeline_ends(stage):
    lifeline, ready = os.pipe(), os.pipe()
    protocol = Recorder()
    listener = stage.serve(lambda: protocol)
    stage.dial(listener)
    stage.reactor.call_later(1, os.close, lifeline[1])
    Worker(0, [], lifeline[0], ready[1]).run(stage.reactor)
    assert os.read(ready[0], 100).split()[0] == b"%d" % os.getpid()
    assert protocol.events[-1] == "connection_lost"
    for fd in (lifeline[0], *ready):
        os.close(fd)


def test_a_worker_that_drains_says_so(stage):
    lifeline, ready = os.pipe(), os.pipe()
    stage.reactor.call_later(1, stage.reactor.drain)
    Worker(0, [], lifeline[0], ready[1]).run(stage.reactor)
    assert os.read(ready[0], 100) == b"%d\n-%d\n" % (os.getpid(), os.getpid())
    for fd in (*lifeline, *ready):
        os.close(fd)


def test_ctrl_c_is_the_parents(stage):
    lifeline, ready = os.pipe(), os.pipe()
    stage.reactor.call_later(1, os.kill, os.getpid(), signal.SIGINT)
    stage.reactor.call_later(2, stage.reactor.stop)
    began = stage.reactor.time()
    Worker(0, [], lifeline[0], ready[1]).run(stage.reactor)
    assert stage.reactor.time() - began >= 2
    for fd in (*lifeline, *ready):
        os.close(fd)


def leave(with_code):
    raise SystemExit(with_code)


def fail():
    raise LookupError("no such thing")


@pytest.mark.parametrize(
    ("become", "status"),
    [
        (lambda: None, 0),
        (lambda: leave(7), 7),
        (lambda: leave(None), 0),
        (lambda: leave("what went wrong"), 1),
        (fail, 1),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), -signal.SIGTERM),
        (lambda: os.kill(os.getpid(), signal.SIGINT), 0),
    ],
    ids=["returns", "exits", "exits with None", "exits with words", "raises", "terminated", "interrupted"],
)
def test_a_child_ends_with_its_outcome(become, status):
    # What the program does with a signal is the parent's affair.
    previous = signal.signal(signal.SIGTERM, lambda signum, frame: None)
    pid = fork(become)
    signal.signal(signal.SIGTERM, previous)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == status
    assert not {signal.SIGINT, signal.SIGTERM} & signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_a_signal_without_a_name_has_its_number():
    assert describe(-63) == "by signal 63"
