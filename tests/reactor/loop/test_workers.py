"""Threads for blocking calls. What a job reports, and to whom, is in test_loop."""

from __future__ import annotations

import threading
from queue import Empty, SimpleQueue

import pytest

from reactor.loop import workers
from reactor.loop.workers import WorkerPool


class Pool(WorkerPool):
    """One that can be waited for."""

    def names(self):
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("test-pool")}

    def run(self, fn):
        done = threading.Event()
        result = []

        def job():
            result.append(fn())
            done.set()

        self.submit(job)
        assert done.wait(5)
        return result[0]

    def join(self):
        for thread in threading.enumerate():
            if thread.name.startswith("test-pool"):
                thread.join(5)


@pytest.fixture
def pool():
    pool = Pool(3, "test-pool")
    yield pool
    pool.close()
    pool.join()
    assert pool.names() == set()


def test_threads_start_when_there_is_work(pool):
    assert pool.names() == set()
    assert pool.run(lambda: threading.current_thread().name) == "test-pool-1"


def test_an_idle_thread_takes_the_next_job(pool):
    names = set()
    for _ in range(5):
        names.add(pool.run(lambda: threading.current_thread().name))
        while pool._unclaimed >= 0:
            pass  # until the thread waits for more
    assert names == pool.names() == {"test-pool-1"}


def test_there_are_never_more_than_the_size_and_all_jobs_run(pool):
    go, ran = threading.Event(), []
    started = threading.Semaphore(0)

    def job(number):
        started.release()
        go.wait(5)
        ran.append(number)

    for number in range(10):
        pool.submit(lambda number=number: job(number))
    for _ in range(3):
        assert started.acquire(timeout=5)
    assert len(pool.names()) == 3
    assert not started.acquire(timeout=0)
    go.set()
    for _ in range(7):
        assert started.acquire(timeout=5)
    pool.close()
    pool.join()
    assert sorted(ran) == list(range(10))


def test_blocked_jobs_get_a_thread_each(pool):
    """The second must not wait for the first: it may be what the first waits for."""
    barrier = threading.Barrier(3)
    for _ in range(3):
        pool.submit(lambda: barrier.wait(5))
    pool.close()
    pool.join()
    assert not barrier.broken


def test_threads_are_daemons(pool):
    assert pool.run(lambda: threading.current_thread().daemon)


def test_an_idle_thread_ends_and_another_starts(pool, monkeypatch):
    monkeypatch.setattr(workers, "KEEP", 0.01)
    for _ in range(5):
        assert pool.run(lambda: 7) == 7
        pool.join()
        assert pool.names() == set()
    barrier = threading.Barrier(3)
    for _ in range(3):
        pool.submit(lambda: barrier.wait(5))
    pool.join()
    assert not barrier.broken


def test_closing_ends_idle_threads(pool):
    pool.run(lambda: None)
    pool.close()
    pool.join()
    assert pool.names() == set()
    pool.close()


def test_a_thread_that_cannot_be_started_leaves_the_job_to_the_others(pool, monkeypatch):
    go, ran = threading.Event(), []
    pool.submit(lambda: go.wait(5))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda thread: fail())
        pool.submit(lambda: ran.append(1))
    go.set()
    pool.run(lambda: None)
    pool.close()
    pool.join()
    assert ran == [1]


def fail():
    raise RuntimeError("can't start new thread")


class LateQueue(SimpleQueue):
    """A job comes into it only after a thread has looked for it in vain, twice."""

    def __init__(self):
        super().__init__()
        self.looks = threading.Semaphore(0)

    def put(self, job):
        for _ in range(0 if job is None else 2):
            self.looks.acquire(timeout=0.5)
        super().put(job)

    def get(self, timeout):
        try:
            return super().get(timeout=timeout)
        except Empty:
            self.looks.release()
            raise


def test_a_thread_does_not_end_that_a_job_is_counted_for(pool, monkeypatch):
    monkeypatch.setattr(workers, "KEEP", 0.01)
    pool._jobs = LateQueue()
    assert pool.run(lambda: 7) == 7
