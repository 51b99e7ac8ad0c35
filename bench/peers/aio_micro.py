#!/usr/bin/env python3
"""What the loop itself costs, without sockets: each loop has its turn at each task, round by round, in one process.

Prints, as JSON, the nanoseconds of CPU for each call, by task and loop, round by round.
"""

import argparse
import asyncio
import json
import sys
import time

from aio_loops import LOOPS, loop_factory

CALLS = 20_000  # a round of some milliseconds


async def call_soon_by_the_hundred(loop):
    done = loop.create_future()
    left = CALLS

    def call():
        nonlocal left
        left -= 1
        if left <= 0 and not done.done():
            done.set_result(None)

    while not done.done():
        for _ in range(100):
            loop.call_soon(call)
        await asyncio.sleep(0)


async def call_soon_one_a_tick(loop):
    done = loop.create_future()
    left = CALLS

    def call():
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(call)
        else:
            done.set_result(None)

    loop.call_soon(call)
    await done


async def sleep_0(loop):
    for _ in range(CALLS):
        await asyncio.sleep(0)


async def tasks_by_the_hundred(loop):
    async def nothing():
        pass

    for _ in range(CALLS // 100):
        await asyncio.gather(*[nothing() for _ in range(100)])


async def call_later_and_cancel(loop):
    for _ in range(CALLS // 100):
        for _ in range(100):
            loop.call_later(60, print).cancel()
        await asyncio.sleep(0)


TASKS = (call_soon_by_the_hundred, call_soon_one_a_tick, sleep_0, tasks_by_the_hundred, call_later_and_cancel)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    runners = {}
    for name in LOOPS:
        try:
            runners[name] = asyncio.Runner(loop_factory=loop_factory(name))
        except ImportError:
            print(f"{name} is not installed", file=sys.stderr)
    found = {task.__name__: {name: [] for name in runners} for task in TASKS}
    for number in range(options.rounds + 1):
        for task in TASKS:
            for name in list(runners) if number % 2 else reversed(list(runners)):
                runner = runners[name]
                loop = runner.get_loop()
                began = time.process_time_ns()
                runner.run(task(loop))
                if number:  # the first warms up
                    found[task.__name__][name].append((time.process_time_ns() - began) / CALLS)
    for runner in runners.values():
        runner.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
