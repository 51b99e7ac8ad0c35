#!/usr/bin/env python3
"""The plaintext of `bench/web.py` with aiohttp: 1 KiB from memory, no access log."""

import asyncio
import sys

try:
    from aiohttp import web
except ImportError:
    sys.exit("aiohttp is not installed")

BODY = b"x" * 1024


async def hello(request):
    return web.Response(body=BODY)


async def main(port):
    app = web.Application()
    app.add_routes([web.get("/k1.bin", hello), web.get("/memory", hello)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, port = runner.addresses[0][:2]
    print(f"listening on {host}:{port}", flush=True)
    await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[-1].removeprefix("--port="))))
