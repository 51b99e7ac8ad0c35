"""Promises where threads wait for them: the condition that `Future` makes for each is made by the first who waits."""

from __future__ import annotations

import threading
from concurrent.futures import ALL_COMPLETED, CancelledError, Future, as_completed, wait

import pytest

from reactor.loop import futures
from reactor.loop.futures import Promise, settle

PATIENCE = 20  # seconds for what takes none


class Waiting:
    """A thread that asks a promise for its outcome."""

    def __init__(self, ask):
        self.outcome = None
        self._ask = ask
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.outcome = self._ask()
        except BaseException as error:
            self.outcome = error

    def join(self):
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        return self.outcome


def until_it_waits(promise, count=1):
    """Until so many threads wait for `promise`."""
    while True:
        with promise._condition:
            if len(getattr(promise._condition, "_waiters", ())) == count:
                return


@pytest.fixture(params=["known", "unknown"], autouse=True)
def python(request, monkeypatch):
    """This Python; and one whose futures have something that we do not know."""
    monkeypatch.setattr(futures, "_IS_KNOWN", request.param == "known")


def test_a_future_of_this_python_has_what_we_know():
    assert vars(Future()).keys() == futures._KNOWN


def test_a_promise_has_what_a_future_has():
    promise = vars(Promise())
    for name, value in vars(Future()).items():
        assert name in promise
        assert name == "_condition" or promise[name] == value


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (lambda promise: settle(promise, 7), 7),
        (lambda promise: settle(promise, error=ValueError("no")), ValueError),
        (lambda promise: promise.cancel(), CancelledError),
    ],
    ids=["done", "failed", "cancelled"],
)
@pytest.mark.parametrize("ask", ["result", "exception"])
def test_all_threads_that_wait_are_told_of_each_end(end, expected, ask):
    promise = Promise()
    threads = [Waiting(getattr(promise, ask)) for _ in range(3)]
    until_it_waits(promise, 3)
    end(promise)
    for thread in threads:
        outcome = thread.join()
        if ask == "exception" and expected == 7:
            assert outcome is None
        else:
            assert outcome == expected or isinstance(outcome, expected)


def test_who_waits_for_too_short_a_time_may_wait_again():
    promise = Promise()
    for timeout in (0, 0.001, 0.001):
        with pytest.raises(TimeoutError):
            promise.result(timeout)
    thread = Waiting(promise.result)
    until_it_waits(promise)
    settle(promise, "late")
    assert thread.join() == "late"
    assert promise.result(0) == "late"


def test_a_promise_that_is_kept_while_a_thread_begins_to_wait_is_never_missed():
    for number in range(500):
        promise = Promise()
        thread = Waiting(lambda promise=promise: promise.result(PATIENCE))
        settle(promise, number)
        assert thread.join() == number


def test_many_are_waited_for_by_the_library_s_own_means():
    promises = [Promise() for _ in range(3)]
    threads = [Waiting(lambda: wait(promises, PATIENCE, ALL_COMPLETED)),
               Waiting(lambda: [one.result() for one in as_completed(promises, PATIENCE)]),
               Waiting(promises[1].result)]  # fmt: skip
    for one in promises:
        while len(one._waiters) < 2:
            pass
    until_it_waits(promises[1])
    for number, one in enumerate(promises):
        settle(one, number)
    assert threads[0].join().done == set(promises)
    assert threads[1].join() == [0, 1, 2]
    assert threads[2].join() == 1


def test_one_of_many_threads_cancels_or_the_loop_completes_and_both_agree():
    for number in range(200):
        promise, told = Promise(), []
        promise.add_done_callback(told.append)
        cancelling = Waiting(promise.cancel)
        settle(promise, number)
        was_cancelled = cancelling.join()
        assert promise.cancelled() is was_cancelled
        assert told == [promise]


def test_who_waits_first_keeps_the_lock_that_others_are_about_to_take():
    promise = Promise()
    lock = promise._condition
    thread = Waiting(promise.result)
    until_it_waits(promise)
    with lock:
        assert Waiting(lambda: promise._condition.acquire(blocking=False)).join() is False
        settle(promise, "kept")
    assert thread.join() == "kept"
