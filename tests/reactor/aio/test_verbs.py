"""The verbs of a reactor's loop, on asyncio's own: the same scenes as on the reactor underneath ours."""

from __future__ import annotations

import asyncio
import threading

import pytest

import reactor.aio
from reactor.aio import LoopVerbs, verbs

FACTORIES = {"asyncio": asyncio.SelectorEventLoop, "ours": reactor.aio.new_event_loop}


@pytest.fixture(params=FACTORIES)
def run(request):
    """Runs a scene with the verbs of one loop."""

    def run(scene):
        async def main():
            async with asyncio.timeout(10):
                await scene(verbs(asyncio.get_running_loop()))

        with asyncio.Runner(loop_factory=FACTORIES[request.param]) as runner:
            runner.run(main())

    return run


def test_they_are_the_reactor_where_there_is_one():
    async def main():
        loop = asyncio.get_running_loop()
        return verbs(loop), getattr(loop, "reactor", None)

    assert isinstance(asyncio.run(main())[0], LoopVerbs)
    with asyncio.Runner(loop_factory=reactor.aio.new_event_loop) as runner:
        found, underneath = runner.run(main())
    assert found is underneath


def test_calls_come_in_order_and_timers_when_they_are_due(run):
    async def scene(loop):
        said, done = [], asyncio.Event()
        now = loop.time()
        loop.call_at(now + 0.3, said.append, "at")
        loop.call_later(0.01, said.append, "later")
        loop.call_soon(said.append, "soon")
        loop.call_soon(said.append, "soon after")
        threading.Thread(target=loop.call_soon_threadsafe, args=(said.append, "from a thread")).start()
        loop.call_at(now + 0.31, done.set)
        await done.wait()
        while "from a thread" not in said:  # a busy machine may start it late
            await asyncio.sleep(0.001)
        # A timer that a busy machine is late for comes before what is called soon.
        assert [each for each in said if "soon" in each] == ["soon", "soon after"]
        assert [each for each in said if each in ("later", "at")] == ["later", "at"]

    run(scene)


def test_a_timer_can_be_cancelled_and_reset(run):
    async def scene(loop):
        said = []
        never = loop.call_later(0.01, said.append, "never")
        never.cancel()
        never.cancel()
        again = loop.call_later(60, said.append, "again")
        assert (never.active, again.active) == (False, True)
        before = again.when
        again.reset(0.01)
        assert again.when < before
        while not said:
            await asyncio.sleep(0.001)
        assert (said, again.active) == (["again"], False)
        again.reset(0.01)
        while len(said) < 2:
            await asyncio.sleep(0.001)
        assert said == ["again", "again"]

    run(scene)


def test_a_series_goes_on_until_it_is_cancelled(run):
    async def scene(loop):
        said = []

        def say():
            said.append(loop.time())
            if len(said) == 3:
                timer.cancel()

        timer = loop.call_every(0.01, say)
        assert timer.interval == 0.01
        while timer.active:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.03)
        assert len(said) == 3

    run(scene)


@pytest.mark.parametrize("interval", [0, -1, float("nan")])
def test_an_interval_is_positive(run, interval):
    async def scene(loop):
        with pytest.raises(ValueError, match="positive"):
            loop.call_every(interval, print)

    run(scene)


def test_a_call_in_a_thread_gives_its_result_or_what_it_raised(run):
    async def scene(loop):
        done = loop.run_in_thread(sum, [1, 2, 3])
        failed = loop.run_in_thread(lambda: 1 / 0)
        promised = loop.promise()
        loop.call_soon(promised.set_result, "kept")
        assert await promised == "kept"
        assert await done == 6
        with pytest.raises(ZeroDivisionError):
            await failed

    run(scene)
