#!/usr/bin/env python3
"""What the loop itself costs, without sockets: each loop has its turn at each task, round by round, in one process.

Prints, as JSON, the nanoseconds of CPU for each call, by task and loop, round by round.
"""

import argparse
import asyncio
import importlib.util
import json
import sys
import time

from aio_loops import LOOPS, loop_factory, uvicorn_config

CALLS = 20_000  # a round of some milliseconds
REQUESTS, CONNECTIONS = 5_000, 50
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


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


class Memory:
    """A transport without a socket, as far as uvicorn asks for one."""

    def __init__(self):
        self.written = []
        self.write = self.written.append

    def get_extra_info(self, name, default=None):
        return {"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)}.get(name, default)

    def is_closing(self):
        return False

    def close(self):
        pass


async def uvicorn_from_memory(loop):
    """Requests of the case `uvicorn`, fed to its protocol: what no loop can save but by being quicker at tasks."""
    config, served = uvicorn_config(), []
    for _ in range(CONNECTIONS):
        transport, protocol = Memory(), http_protocol(config, loop)
        protocol.connection_made(transport)
        served.append((transport, protocol))
    for _ in range(REQUESTS // CONNECTIONS):
        for _, protocol in served:
            protocol.data_received(GET)
        while not served[-1][0].written[1:]:  # the head and the body, of the last: the others are done then
            await asyncio.sleep(0)
        for transport, _ in served:
            assert len(transport.written) == 2
            transport.written.clear()
    for _, protocol in served:
        protocol.connection_lost(None)


def http_protocol(config, loop):
    """A new connection of uvicorn's, as `serve_uvicorn` configures it."""
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    from uvicorn.server import ServerState

    return HttpToolsProtocol(config, ServerState(), {}, loop)


TASKS = {
    call_soon_by_the_hundred: CALLS,
    call_soon_one_a_tick: CALLS,
    sleep_0: CALLS,
    tasks_by_the_hundred: CALLS,
    call_later_and_cancel: CALLS,
    uvicorn_from_memory: REQUESTS,
}


def tasks():
    """Those that can run here."""
    has = importlib.util.find_spec("uvicorn") and importlib.util.find_spec("httptools")
    return {task: calls for task, calls in TASKS.items() if has or task is not uvicorn_from_memory}


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
    chosen = tasks()
    found = {task.__name__: {name: [] for name in runners} for task in chosen}
    for number in range(options.rounds + 1):
        for task, calls in chosen.items():
            for name in list(runners) if number % 2 else reversed(list(runners)):
                runner = runners[name]
                loop = runner.get_loop()
                began = time.process_time_ns()
                runner.run(task(loop))
                if number:  # the first warms up
                    found[task.__name__][name].append((time.process_time_ns() - began) / calls)
    for runner in runners.values():
        runner.close()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
