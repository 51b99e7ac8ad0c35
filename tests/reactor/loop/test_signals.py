"""Signals: the first drains, the second ends at once, Ctrl-C gets through to a stuck program."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from reactor import Reactor
from reactor.testing import Recorder, SteppedReactor

ROOT = Path(__file__).parents[3]
TERMINATING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.fixture
def reactor(stage):
    return stage.reactor


@pytest.fixture(autouse=True)
def _handlers_are_as_before():
    before = [signal.getsignal(number) for number in (*TERMINATING, signal.SIGUSR1)]
    yield
    assert [signal.getsignal(number) for number in (*TERMINATING, signal.SIGUSR1)] == before
    assert signal.set_wakeup_fd(-1) == -1


def kill(number):
    os.kill(os.getpid(), number)


class Stays(Recorder):
    def draining(self, grace):
        self.events.append("draining")
        return True


# -- handlers ----------------------------------------------------------------------------------------------------


def test_a_handler_runs_on_the_loop_with_its_arguments(reactor):
    seen = []
    reactor.add_signal_handler(signal.SIGUSR1, lambda *args: seen.append(args), 1, "two")
    kill(signal.SIGUSR1)
    assert seen == []  # not in the middle of whatever was running
    reactor.settle()
    assert seen == [(1, "two")]
    assert reactor.remove_signal_handler(signal.SIGUSR1)
    assert not reactor.remove_signal_handler(signal.SIGUSR1)


def test_a_second_handler_replaces_the_first(reactor):
    seen = []
    reactor.add_signal_handler(signal.SIGUSR1, seen.append, "first")
    reactor.add_signal_handler(signal.SIGUSR1, seen.append, "second")
    kill(signal.SIGUSR1)
    reactor.settle()
    assert seen == ["second"]
    reactor.remove_signal_handler(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) == signal.SIG_DFL


def test_what_was_there_before_is_put_back(reactor):
    def mine(number, frame):
        """The program's own."""

    before = signal.signal(signal.SIGUSR1, mine)
    try:
        reactor.add_signal_handler(signal.SIGUSR1, print)
        assert signal.getsignal(signal.SIGUSR1) is not mine
        reactor.close()
        assert signal.getsignal(signal.SIGUSR1) is mine
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_wakeup_descriptor_of_somebody_else_is_put_back(stage, reactor):
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        stage.own(sock)
    ours.setblocking(False)
    signal.set_wakeup_fd(ours.fileno())
    try:
        reactor.add_signal_handler(signal.SIGUSR1, print)
        reactor.add_signal_handler(signal.SIGTERM, print)
        reactor.remove_signal_handler(signal.SIGUSR1)
        reactor.remove_signal_handler(signal.SIGTERM)
    finally:
        assert signal.set_wakeup_fd(-1) == ours.fileno()


@pytest.mark.loud
def test_an_exception_in_a_handler_is_logged_and_the_loop_goes_on(reactor, caplog):
    reactor.add_signal_handler(signal.SIGUSR1, lambda: 1 / 0)
    kill(signal.SIGUSR1)
    reactor.settle()
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info[0] for record in errors] == [ZeroDivisionError]


def test_a_signal_removed_before_its_call_comes_does_nothing(reactor):
    seen = []
    reactor.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    kill(signal.SIGUSR1)
    reactor.remove_signal_handler(signal.SIGUSR1)
    reactor.settle()
    assert seen == []


def test_a_signal_that_cannot_be_caught(reactor):
    with pytest.raises(OSError, match="Invalid"):
        reactor.add_signal_handler(signal.SIGKILL, print)


def test_another_thread_may_not_handle_signals_but_may_run(stage):
    errors = []

    def work():
        with SteppedReactor() as other:
            try:
                other.add_signal_handler(signal.SIGUSR1, print)
            except ValueError as exc:
                errors.append(exc)
            other.call_soon(other.stop)
            other.run()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert len(errors) == 1


def test_a_signal_wakes_a_loop_that_sleeps():
    with Reactor() as reactor:
        reactor.add_signal_handler(signal.SIGUSR1, reactor.stop)
        killer = threading.Thread(target=kill, args=(signal.SIGUSR1,))
        reactor.call_soon(killer.start)
        reactor.run()
        killer.join()


# -- the signals that end a program ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", TERMINATING)
def test_the_first_drains_and_run_returns(stage, number):
    protocol = Recorder()
    peer, _ = stage.connect(protocol)
    stage.reactor.call_later(1, kill, number)
    before = stage.reactor.time()
    stage.reactor.run()
    assert 1 <= stage.reactor.time() - before < 2.5
    assert protocol.events == ["connection_made", "connection_lost"]
    assert protocol.lost is None
    assert peer.recv(1) == b""


@pytest.mark.parametrize("first", TERMINATING)
@pytest.mark.parametrize("second", TERMINATING)
def test_the_second_ends_at_once(stage, first, second):
    protocol = Stays()
    stage.connect(protocol)
    stage.reactor.call_later(1, kill, first)
    stage.reactor.call_later(2, kill, second)
    before = stage.reactor.time()
    stage.reactor.run()
    assert stage.reactor.time() - before == pytest.approx(2, abs=0.1)
    assert protocol.events == ["connection_made", "draining", "connection_lost"]


def test_the_first_is_the_first_though_a_drain_is_under_way(stage):
    protocol = Stays()
    stage.connect(protocol)
    stage.reactor.call_later(1, stage.reactor.drain, 60)
    stage.reactor.call_later(2, kill, signal.SIGTERM)
    stage.reactor.call_later(20, lambda: protocol.transport.close())
    before = stage.reactor.time()
    stage.reactor.run()
    assert stage.reactor.time() - before >= 20
    assert protocol.lost is None


@pytest.mark.parametrize("first", TERMINATING)
@pytest.mark.parametrize("second", TERMINATING)
@pytest.mark.parametrize("after", [0.0, 0.06, 0.4])
def test_one_request_that_comes_as_two_signals_is_one(stage, first, second, after):
    protocol = Stays()
    stage.connect(protocol)
    stage.reactor.call_later(1, kill, first)
    stage.reactor.call_later(1 + after, kill, second)
    stage.reactor.call_later(3, lambda: protocol.transport.close())
    before = stage.reactor.time()
    stage.reactor.run()
    assert stage.reactor.time() - before >= 3
    assert protocol.lost is None


ECHOED = """
import os, signal, sys, time
from reactor import Protocol, Reactor
from reactor.serving import serve
with Reactor() as reactor:
    reactor.call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
    status = serve(reactor, lambda: [reactor.listen_tcp(Protocol, "127.0.0.1", 0)])
    os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGTERM)
sys.exit(status)
"""


def test_the_echo_of_a_signal_does_not_kill_a_program_on_its_way_out():
    outcome = subprocess.run([sys.executable, "-c", ECHOED], cwd=ROOT, timeout=60, check=False, capture_output=True)
    assert outcome.returncode == 0


def test_two_loops_that_overlap_leave_the_process_as_it_was():
    before = signal.getsignal(signal.SIGUSR1)
    old, new = Reactor(), Reactor()
    seen = []
    old.add_signal_handler(signal.SIGUSR1, seen.append, "old")
    new.add_signal_handler(signal.SIGUSR1, seen.append, "new")
    old.close()
    kill(signal.SIGUSR1)  # still the new one's
    new.call_later(0.05, new.stop)
    new.run()
    assert seen == ["new"]
    new.close()
    assert signal.getsignal(signal.SIGUSR1) == before
    assert signal.set_wakeup_fd(-1) == -1


def test_two_loops_that_nest_leave_the_outer_as_it_was():
    outer = Reactor()
    seen = []
    outer.add_signal_handler(signal.SIGUSR1, seen.append, "outer")
    with Reactor() as inner:
        inner.add_signal_handler(signal.SIGUSR1, seen.append, "inner")
    outer.call_soon(kill, signal.SIGUSR1)
    outer.call_later(0.05, outer.stop)
    outer.run()
    outer.close()
    assert seen == ["outer"]


def test_a_handler_that_the_program_sets_while_the_loop_runs_stays(stage):
    mine = lambda *args: None  # noqa: E731
    before = signal.getsignal(signal.SIGTERM)
    stage.reactor.call_soon(signal.signal, signal.SIGTERM, mine)
    stage.reactor.call_later(1, stage.reactor.stop)
    stage.reactor.run()
    assert signal.getsignal(signal.SIGTERM) is mine
    signal.signal(signal.SIGTERM, before)


def test_a_signal_that_the_program_ignores_is_ignored(stage):
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        stage.reactor.call_later(1, kill, signal.SIGTERM)
        stage.reactor.call_later(2, stage.reactor.stop)
        began = stage.reactor.time()
        stage.reactor.run()
        assert stage.reactor.time() - began >= 2
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_interpreter_without_signals_runs_all_the_same(stage, monkeypatch):
    def refuse(*args):
        raise ValueError("signal only works in main thread of the main interpreter")

    stage.reactor.call_later(1, stage.reactor.stop)
    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", refuse)
        stage.reactor.run()


def test_without_a_second_the_grace_ends_it(stage):
    protocol = Stays()
    stage.connect(protocol)
    stage.reactor.call_later(1, kill, signal.SIGTERM)
    before = stage.reactor.time()
    stage.reactor.run()
    assert stage.reactor.time() - before == pytest.approx(6, abs=0.3)
    assert protocol.events[-1] == "connection_lost"


def test_a_handler_of_the_programs_own_is_left_alone(stage):
    seen = []
    before = signal.signal(signal.SIGTERM, lambda *args: seen.append("signal.signal"))
    try:
        stage.reactor.add_signal_handler(signal.SIGINT, lambda: (seen.append("ours"), stage.reactor.stop()))
        stage.reactor.call_later(1, kill, signal.SIGTERM)
        stage.reactor.call_later(2, kill, signal.SIGINT)
        stage.reactor.run()
        assert seen == ["signal.signal", "ours"]
        assert stage.reactor.remove_signal_handler(signal.SIGINT)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_running_again_drains_again(stage):
    for _ in range(3):
        protocol = Recorder()
        stage.connect(protocol)
        stage.reactor.call_later(1, kill, signal.SIGINT)
        stage.reactor.run()
        assert protocol.events[-1] == "connection_lost"


def test_run_until_leaves_ctrl_c_to_python(stage):
    stage.reactor.call_later(1, kill, signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        stage.reactor.run_until(stage.reactor.promise(), timeout=5)


def test_run_restores_handlers_when_it_is_interrupted(stage):
    def interrupt():
        raise KeyboardInterrupt

    stage.reactor.call_soon(interrupt)
    with pytest.raises(KeyboardInterrupt):
        stage.reactor.run()


# -- whole programs ----------------------------------------------------------------------------------------------

SERVER = textwrap.dedent("""
    import signal, time
    from reactor import Protocol, Reactor

    def stuck():
        print("stuck", flush=True)
        while True:
            time.sleep(0.01)

    with Reactor() as reactor:
        reactor.listen_tcp(Protocol, "127.0.0.1", 0)
        reactor.call_soon({call})
        reactor.run()
    print("left in order", flush=True)
    """)


def program(call, **options):
    return subprocess.Popen(
        [sys.executable, "-c", SERVER.format(call=call)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.parametrize("number", TERMINATING)
def test_a_server_leaves_with_status_0(number):
    with program("lambda: print('ready', flush=True)") as server:
        assert server.stdout.readline() == "ready\n"
        server.send_signal(number)
        out, err = server.communicate(timeout=10)
    assert (server.returncode, out, err) == (0, "left in order\n", "")


def test_a_stuck_callback_is_interrupted_by_the_third_ctrl_c():
    with program("stuck") as server:
        assert server.stdout.readline() == "stuck\n"
        for _ in range(100):
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=0.1)
                break
            except subprocess.TimeoutExpired:
                pass
        _out, err = server.communicate(timeout=10)
    assert server.returncode != 0
    assert "KeyboardInterrupt" in err
    assert "stuck" in err


def test_one_ctrl_c_does_not_interrupt_a_callback():
    """Two may wait for the loop to come round; the program decides when."""
    code = "lambda: (print('working', flush=True), [time.sleep(0.01) for _ in range(30)], print('worked', flush=True))"
    with program(code) as server:
        assert server.stdout.readline() == "working\n"
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=10)
    assert server.returncode == 0, err
    assert out == "worked\nleft in order\n"


def test_a_shells_background_job_ignores_no_ctrl_c():
    """A shell starts `server &` with SIGINT ignored; the server still ends cleanly."""
    code = "lambda: print('ready', flush=True)"
    ignoring = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)\n{SERVER.format(call=code)}"
    with subprocess.Popen(
        [sys.executable, "-c", ignoring],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout.readline() == "ready\n"
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=10)
    assert (server.returncode, out) == (0, "left in order\n"), err
