#!/usr/bin/env python3
"""Many GETs of one URL over kept connections by one library: prints its own CPU seconds and the wall's, as JSON."""

import argparse
import asyncio
import json
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

WARM_UP = 4  # requests a connection before the clock runs


def by_reactor(url, size, connections, measure):
    from protocols.http import Client
    from reactor import Reactor

    with Reactor() as reactor, Client(reactor, per_host=connections, proxy=False) as client:

        def batch(count):
            done, left = Future(), {"unasked": count, "unanswered": count}

            def ask():
                left["unasked"] -= 1
                client.fetch(url).add_done_callback(answered)

            def answered(future):
                if future.exception() or len(future.result().body) != size:
                    done.set_exception(future.exception() or ValueError("a body of another size"))
                    return
                left["unanswered"] -= 1
                if left["unasked"]:
                    ask()
                elif not left["unanswered"]:
                    done.set_result(None)

            for _ in range(min(connections, count)):
                ask()
            reactor.run_until(done)

        return measure(batch)


async def share(get, size, connections, count):
    """`connections` tasks that get the URL in turn until all is got."""
    left = iter(range(count))

    async def work():
        for _ in left:
            if len(await get()) != size:
                raise ValueError("a body of another size")

    await asyncio.gather(*(work() for _ in range(connections)))


def by_aiohttp(url, size, connections, measure):
    import aiohttp

    with asyncio.Runner() as runner:

        async def opened():
            return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections))

        session = runner.run(opened())

        async def get():
            async with session.get(url) as response:
                return await response.read()

        try:
            return measure(lambda count: runner.run(share(get, size, connections, count)))
        finally:
            runner.run(session.close())


def by_httpx(url, size, connections, measure):
    import httpx

    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    with asyncio.Runner() as runner:
        client = httpx.AsyncClient(limits=limits, trust_env=False)

        async def get():
            return (await client.get(url)).content

        try:
            return measure(lambda count: runner.run(share(get, size, connections, count)))
        finally:
            runner.run(client.aclose())


def by_requests(url, size, connections, measure):
    import requests

    with requests.Session() as session, ThreadPoolExecutor(connections) as pool:
        session.trust_env = False
        session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=connections))

        def get(_):
            if len(session.get(url).content) != size:
                raise ValueError("a body of another size")

        return measure(lambda count: list(pool.map(get, range(count))))


CLIENTS = {"reactor": by_reactor, "aiohttp": by_aiohttp, "httpx": by_httpx, "requests": by_requests}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("client", choices=list(CLIENTS))
    parser.add_argument("url")
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    options = parser.parse_args()

    def measure(batch):
        batch(WARM_UP * options.connections)
        cpu, start = time.process_time(), time.perf_counter()
        batch(options.requests)
        return {"cpu": time.process_time() - cpu, "seconds": time.perf_counter() - start}

    print(json.dumps(CLIENTS[options.client](options.url, options.size, options.connections, measure)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
