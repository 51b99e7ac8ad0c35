"""People of the other servers, good and bad: files, WebSocket echoes, questions to a bot. Knows no timetable."""

import asyncio
import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from protocols.websocket.frames import BINARY, CLOSE, TEXT, new_key, pack
from protocols.websocket.wire import Close, Failed, Wire
from soaking.dialing import ANSWER, Fault, Line, dial, open_websocket
from soaking.services import FILES, answer_of_api

STALL = (5.0, 40.0)  # seconds without reading: some wait for the server to give them up, some do not
LARGE = 1 << 20  # bytes of a message whose echo nobody reads: more than the kernel takes for who has so small a
WINDOW = 4096  # bytes of receive buffer
IDLE = 2.0  # seconds without a question until the API hangs up, as they all do in the end
RUSH = 6  # of each kind, at the beginning, all at once: the rare ones seldom meet by chance
COMMON = ("small.bin", "small.bin", "middle.bin", "middle.bin", "large.bin")


class Visits:
    """Everybody but the people of the chats. `ports`: by the name of the server."""

    def __init__(self, ports: dict[str, int], site: Path, dice: random.Random) -> None:
        self.ports, self.dice = ports, dice
        self.digests = {name: hashlib.sha256((site / name).read_bytes()).digest() for name in FILES}
        self.done: Counter[str] = Counter()  # what was whole

    # -- files

    async def fetch(self) -> None:
        """Some files over one connection, as fast as they come or slowly."""
        async with dial(self.ports["files"]) as line:
            for _ in range(self.dice.randint(1, 6)):
                slowly = self.dice.random() < 0.2
                await self.get(line, self.dice.choice(COMMON), slowly)

    async def get(self, line: Line, name: str, slowly: bool = False) -> None:
        """One file, and its bytes are right."""
        line.writer.write(b"GET /%b HTTP/1.1\r\nHost: here\r\n\r\n" % name.encode())
        async with asyncio.timeout(ANSWER):
            await self.body(line, name, slowly)
        self.done["files whole"] += 1

    async def body(self, line: Line, name: str, slowly: bool) -> None:
        try:
            head = await line.reader.readuntil(b"\r\n\r\n")
            left, digest = FILES[name], hashlib.sha256()
            while left:
                data = await line.reader.read(min(left, 1 << 16))
                if not data:
                    raise Fault(f"files: {name} ends {left} bytes early")
                left -= len(data)
                digest.update(data)
                await asyncio.sleep(0.05 if slowly else 0)
        except (ConnectionError, asyncio.IncompleteReadError) as error:
            raise Fault(f"files: {name} breaks off: {error!r}") from None
        if b" 200 " not in head or digest.digest() != self.digests[name]:
            raise Fault(f"files: {name} is another: {head[:60]!r}")

    async def pipeline(self) -> None:
        """Sixteen requests at once."""
        async with dial(self.ports["files"]) as line:
            line.writer.write(b"GET /small.bin HTTP/1.1\r\nHost: here\r\n\r\n" * 16)
            async with asyncio.timeout(ANSWER):
                for _ in range(16):
                    await self.body(line, "small.bin", False)
            self.done["files whole"] += 16

    async def stall_or_reset(self) -> None:
        """Ask for much, and read none of it."""
        async with dial(self.ports["files"], window=WINDOW) as line:
            line.writer.write(b"GET /large.bin HTTP/1.1\r\nHost: here\r\n\r\n" * 4)
            line.writer.transport.pause_reading()
            await asyncio.sleep(self.dice.uniform(*STALL) if self.dice.random() < 0.5 else self.dice.random())
            line.reset()

    async def half_a_request(self) -> None:
        """A head that never ends: the server does."""
        async with dial(self.ports["files"]) as line:
            line.writer.write(b"GET / HTTP/1.1\r\nHost: he")
            await line.to_end()

    async def nonsense(self) -> None:
        async with dial(self.ports["files"]) as line:
            line.writer.write(self.dice.randbytes(200) + b"\r\n\r\n")
            await line.to_end()

    # -- WebSocket

    async def echo(self) -> None:
        """Messages one after another, or many at once; each comes back as it was."""
        async with dial(self.ports["WebSocket"]) as line:
            await open_websocket(line, "/")
            wire = Wire(client=True)
            for _ in range(self.dice.randint(1, 10)):
                sizes = self.dice.choices((10, 1000, 60_000), k=self.dice.randint(1, 20))
                sent = [self.dice.randbytes(size) for size in sizes]
                for data in sent:
                    line.writer.write(pack(BINARY, data, key=new_key()))
                async with asyncio.timeout(ANSWER):
                    if [await next_message(line, wire) for _ in sent] != sent:
                        raise Fault("WebSocket: an echo is another")
                self.done["echoes"] += len(sent)
                await asyncio.sleep(self.dice.uniform(0, 0.5))
            line.writer.write(pack(CLOSE, (1000).to_bytes(2, "big"), key=new_key()))
            if not await line.to_end():
                raise Fault("WebSocket: a close has no answer")

    async def never_read(self) -> None:
        """A large message, and nobody takes its echo."""
        async with dial(self.ports["WebSocket"], window=WINDOW) as line:
            await open_websocket(line, "/")
            line.writer.transport.pause_reading()
            line.writer.write(pack(TEXT, b"x" * LARGE, key=new_key()))
            await asyncio.sleep(self.dice.uniform(*STALL))
            line.reset()

    async def break_off(self) -> None:
        """In the midst of a frame."""
        async with dial(self.ports["WebSocket"]) as line:
            await open_websocket(line, "/")
            line.writer.write(pack(TEXT, b"x" * 1000, key=new_key())[: self.dice.randint(1, 1000)])
            await asyncio.sleep(self.dice.random())
            line.reset()

    # -- bot

    async def ask(self) -> None:
        """Questions, each answered in words of its own."""
        async with dial(self.ports["bot"]) as line:
            for _ in range(self.dice.randint(1, 3)):
                question = f"question {self.dice.randrange(1 << 30)}"
                line.writer.write(f"{question}\n".encode())
                await self.answered(line, question)
                self.done["answers"] += 1
            line.writer.write(b"exit\n")
            await line.to_end()

    async def answered(self, line: Line, question: str) -> None:
        """Wait for the answer to it. Fault where something else comes in its place."""
        heard = b""
        try:
            async with asyncio.timeout(ANSWER):
                while f"answer to {question}".encode() not in heard:
                    if not (more := await line.reader.readline()):
                        raise Fault(f"bot: it ends instead of an answer: {heard[-200:]!r}")
                    heard += more
        except TimeoutError:
            raise Fault(f"bot: no answer, but {heard[-200:]!r}") from None

    async def leave_before_the_answer(self) -> None:
        async with dial(self.ports["bot"]) as line:
            line.writer.write(b"a question\n" * self.dice.randint(1, 4))
            await asyncio.sleep(self.dice.uniform(0, 0.3))
            line.reset()

    def acts(self) -> dict[Callable[[], Coroutine[Any, Any, None]], int]:
        """All those, and how many of them."""
        return {
            self.fetch: 6, self.pipeline: 2, self.stall_or_reset: 2, self.half_a_request: 1, self.nonsense: 2,
            self.echo: 6, self.never_read: 1, self.break_off: 2, self.ask: 4, self.leave_before_the_answer: 2,
        }  # fmt: skip

    async def visit(self) -> None:
        """One of them."""
        acts = self.acts()
        await self.dice.choices(list(acts), weights=list(acts.values()))[0]()

    def rush(self) -> list[Coroutine[Any, Any, None]]:
        """The visits of the worst moment: each of them several times."""
        return [act() for act in self.acts() for _ in range(RUSH)]


async def next_message(line: Line, wire: Wire) -> object:
    """The next one of a WebSocket. Fault where it ends."""
    while (event := wire.next_event()) is None:
        data = b"" if wire.busy else await line.reader.read(1 << 16)
        if not data and not wire.busy:
            raise Fault("WebSocket: it ends instead of an echo")
        if data:
            wire.feed(data)
    if isinstance(event, Close | Failed):
        raise Fault(f"WebSocket: it ends: {event}")
    return event


async def serve_api(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """What the bot asks: an API that takes its time, one request after another."""
    try:
        while True:
            async with asyncio.timeout(IDLE):
                head = await reader.readuntil(b"\r\n\r\n")
            fields = dict(field.split(b": ", 1) for field in head.lower().split(b"\r\n")[1:] if field)
            length = int(fields[b"content-length"])
            asked = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
            await asyncio.sleep(len(asked) % 5 / 10)
            writer.write(answer_of_api(asked))
    except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
        pass
    finally:
        writer.close()
