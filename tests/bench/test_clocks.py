"""The clock of another process, which stands still while a tick lasts: waited for, gone on with, or refused by name."""

import argparse
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

import asyncio_loops
import cluster
import scaling
import storm
from clients import fetch, redis_client
from runs import clocks, contest, procs, turns

linux = pytest.mark.skipif(sys.platform != "linux", reason="the states of threads are read from Linux's /proc")


class Standing:
    """A server whose clock counts in ticks: so many readings of it find nothing new."""

    name = "the server"

    def __init__(self, *readings):
        self.readings = iter(readings)

    def cpu(self):
        return next(self.readings)

    def kernel(self):
        return 0.0


@pytest.fixture
def time_moves(monkeypatch):
    """Sleeping takes no time here, and moves the clock of `clocks`."""
    now = [0.0]

    def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(clocks, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    return now


def looks(monkeypatch, *found):
    """What `asleep` says, look by look; how many looks there were is the length of the list."""
    left, seen = itertools.chain(found, itertools.repeat(found[-1])), []
    monkeypatch.setattr(clocks, "asleep", lambda pid: seen.append(pid) or next(left))
    return seen


def test_a_clock_is_read_after_two_looks_in_turn_have_found_its_process_asleep(monkeypatch, time_moves):
    seen = looks(monkeypatch, False, True, False, True, True, False)
    assert clocks.rest([7])
    assert len(seen) == 5


def test_all_processes_must_sleep_at_one_time(monkeypatch, time_moves):
    seen = looks(monkeypatch, True, False, False, True, True, True, True)
    assert clocks.rest([7, 8])
    assert seen == [7, 8, 7, 7, 8, 7, 8]


def test_one_that_never_sleeps_is_waited_for_no_longer_than_the_limit(monkeypatch, time_moves):
    looks(monkeypatch, False)
    assert not clocks.rest([7], 0.5)
    assert 0.5 <= time_moves[0] < 0.6


def test_one_that_sleeps_for_a_moment_at_a_time_does_not_rest(monkeypatch, time_moves):
    looks(monkeypatch, *[True, False] * 5000)
    assert not clocks.rest([7], 0.5)


@linux
def test_who_looks_is_awake_and_one_who_is_stopped_or_has_gone_is_not():
    assert not clocks.asleep(os.getpid())
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as child:
        os.kill(child.pid, signal.SIGSTOP)
        os.waitpid(child.pid, os.WUNTRACED)
        assert clocks.asleep(child.pid)
        child.kill()
        child.wait()
    assert clocks.asleep(child.pid)


@linux
def test_a_thread_that_works_keeps_its_process_awake(monkeypatch, tmp_path):
    stats = {"1": b"1 (a) R (b) S 0", "2": b"2 (worker) R 0"}
    for thread, stat in stats.items():
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "stat").write_bytes(stat)
    real = open
    monkeypatch.setattr(clocks.os, "listdir", lambda path: [*stats, "3"])  # which ends meanwhile
    monkeypatch.setattr(clocks, "open", lambda path, *how: real(tmp_path / path.split("task/")[1], *how), raising=False)
    assert not clocks.asleep(7)
    (tmp_path / "2" / "stat").write_bytes(b"2 (worker) D 0")
    assert not clocks.asleep(7)
    (tmp_path / "2" / "stat").write_bytes(b"2 (worker) S 0")
    assert clocks.asleep(7)


@linux
def test_the_clock_of_one_that_rests_has_counted_what_it_knows_itself():
    program = "import sys, time\nfor line in sys.stdin: sum(range(100_000)); print(time.process_time(), flush=True)"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        for _ in range(5):
            child.stdin.write(b"\n")
            child.stdin.flush()
            itself = float(child.stdout.readline())
            assert clocks.rest([child.pid], 60.0)
            assert clocks.used(child.pid) >= itself - 1e-9
        child.stdin.close()


def test_a_server_is_read_when_it_rests_and_who_reads_it_at_work_says_so(monkeypatch):
    server, order = object.__new__(procs.Server), []
    server.pid, server.name = 7, "the server"
    monkeypatch.setattr(clocks, "rest", lambda pids: order.append(("rest", *pids)))
    monkeypatch.setattr(clocks, "used", lambda pid: order.append(("used", pid)) or 1.0)
    assert server.cpu() == server.cpu_so_far() == 1.0
    assert order == [("rest", 7), ("used", 7), ("used", 7)]


def test_a_server_that_has_gone_is_named():
    with procs.Server("the echo", ["examples/echo_server.py"]) as server:
        server.process.kill()
        server.process.wait()
        if sys.platform == "linux":
            with pytest.raises(procs.BenchError, match=r"^the echo has gone: it said nothing \(status -9\)$"):
                server.cpu()


def test_a_round_that_counted_nothing_goes_on_and_all_its_messages_count():
    server = Standing(1.0, 1.0, 1.0, 1.01)
    assert turns.cost(server, lambda: 50) == pytest.approx(1e6 * 0.01 / 150)


def test_a_clock_that_never_counts_is_told():
    server = Standing(*[1.0] * (turns.TRIES + 1))
    with pytest.raises(procs.BenchError, match=r"^the server: its clock has counted no CPU in 2,500 messages$"):
        turns.costs({"reactor": server}, lambda name: 50, 2, {})


@pytest.mark.parametrize("peer", [[0.0, 14.46], [14.46, 0.0], [-1.0, 14.46]])
@pytest.mark.parametrize("names", [("reactor", "asyncio"), ("asyncio", "reactor")])
def test_nothing_makes_no_ratio_on_either_side(peer, names):
    found = dict(zip(names, (peer, [17.8, 17.3]), strict=True))
    with pytest.raises(procs.BenchError, match="a round counted nothing"):
        turns.verdicts(found, {"asyncio": 1.0})
    with pytest.raises(procs.BenchError, match="a round counted nothing"):
        asyncio_loops.show("streams", found)
    one, other = (contest.Contender(name, None, rounds=[{"p50": cost} for cost in found[name]]) for name in names)
    with pytest.raises(procs.BenchError, match="a round counted nothing"):
        contest.ratio(one, other, "p50")


@pytest.mark.parametrize(("cpu", "messages"), [(0.0, 50), (0.1, 0)])
def test_a_round_of_another_load_without_a_figure_is_refused_by_name(cpu, messages):
    load = SimpleNamespace(round=lambda *_: {"latencies": {}, "messages": messages, "seconds": 0.01})
    contender = contest.Contender("asyncio", Standing(1.0, 1.0 + cpu), load)
    with pytest.raises(procs.BenchError, match=r"^asyncio: .* s of CPU, \d+ messages in 0.01 s: too short a round$"):
        contender.round(0.01)
    assert contender.rounds == []


def test_the_kernels_part_of_a_few_ticks_is_not_told():
    rounds = [{"cpu": contest.SEEN / 4, "kernel": 0.01}] * 2
    assert contest.Contender("reactor", None, rounds=rounds).in_kernel() is None
    assert contest.Contender("reactor", None, rounds=rounds * 2).in_kernel() == pytest.approx(0.04 / contest.SEEN)


def test_who_is_in_a_storm_is_asked_once_though_it_is_over_at_once():
    near, far = socket.socketpair()
    with near, far:
        echo = threading.Thread(target=lambda: far.sendall(far.recv(64)))
        echo.start()
        server = SimpleNamespace(name="the server", cpu_so_far=lambda: 1.0)
        waits = asker(near, server).ask(lambda: True)
    echo.join()
    assert len(waits) == 1
    assert storm.p99(waits) == waits[0].took


def asker(sock, server):
    """Without the option of TCP that a socket pair does not have."""
    made = object.__new__(storm.Asker)
    made.sock, made.server = sock, server
    return made


def test_the_99th_percentile_of_few_is_their_longest():
    waits = [storm.Wait(float(took), 0.0, 0.0) for took in range(1, 201)]
    assert [storm.p99(waits[:count]) for count in (1, 2, 100, 101, 200)] == [1, 2, 99, 100, 198]


def test_workers_of_whom_one_has_been_replaced_have_no_figure(monkeypatch):
    workers, pids = object.__new__(scaling.Workers), [[1, 2, 3], [1, 2, 3], [1, 2, 4]]
    workers.name, workers.known = "echo with 2 workers", []
    workers.pids = lambda: pids.pop(0)
    rested = []
    monkeypatch.setattr(clocks, "rest", rested.append)
    monkeypatch.setattr(clocks, "used", float)
    assert workers.cpu() == workers.cpu() == 6.0
    assert rested == [[1, 2, 3]] * 2
    with pytest.raises(procs.BenchError, match="a worker has ended"):
        workers.cpu()


def crowd_of(*readings):
    """A crowd without servers, of whom each line is heard by nine; the CPU is given."""
    crowd = object.__new__(cluster.Crowd)
    crowd.name, crowd.chats, crowd.hearers, crowd.talkers, crowd.cost = "a chat", 1, 9, ["a", "b"], {}
    crowd.cpu, crowd.heard = iter(readings).__next__, []
    crowd.say = crowd.heard.append
    return crowd


def test_a_round_of_a_cluster_has_a_line_though_its_time_is_over_at_once():
    crowd = crowd_of(1.0, 1.0, 1.0018)
    crowd.round("one at a time", -1.0)
    assert crowd.heard == [["a"], ["b"]]
    assert crowd.said == 2
    assert crowd.cost == {"one at a time": [pytest.approx(100.0)]}


def test_from_a_cluster_that_costs_no_more_nothing_is_reckoned():
    assert cluster.reckon(2.0, 1.9, 2, 1000).keys() == {"measured"}
    assert cluster.reckon(2.0, 2.0, 2, 1000)["measured"] == [(1.0, 500_000.0), (2.0, 1_000_000.0)]
    assert set(cluster.reckon(2.0, 2.1, 2, 1000)) == {"measured", "one log", "a log a room"}


def test_a_chat_where_nobody_hears_anything_is_refused(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["cluster.py", "--members=3"])
    with pytest.raises(SystemExit):
        cluster.main()
    assert "two of each server" in capsys.readouterr().err


@pytest.mark.parametrize("many", [(1.0, 0.5), (2.0, 0.4), (0.9, 0.6)])
def test_curl_that_takes_no_longer_with_more_requests_gives_no_rate(monkeypatch, many):
    given = iter([(1.0, 0.5), many])
    monkeypatch.setattr(fetch, "finished", lambda *_: next(given))
    with pytest.raises(procs.BenchError, match="5 requests take no longer than none"):
        fetch.curl_round("http://here/", argparse.Namespace(connections=2, requests=5))


@pytest.mark.parametrize("said", ["0 0.5", "100 0.0"])
def test_a_client_of_redis_that_did_nothing_has_no_rate(monkeypatch, said):
    done = SimpleNamespace(returncode=0, stdout=said)
    monkeypatch.setattr(redis_client.subprocess, "run", lambda *_, **__: done)
    options = argparse.Namespace(python=sys.executable, seconds=1.0)
    with pytest.raises(procs.BenchError, match=r"^futures: .* too short a round"):
        redis_client.measure(options, 1, "futures", "add")
