"""People of a chat on lines or in browsers: what they say is numbered, what they hear is kept. Knows no timetable."""

import asyncio
import json
import re
from collections.abc import Iterator

from protocols.websocket.frames import CLOSE, PONG, TEXT, new_key, pack
from protocols.websocket.wire import Close, Failed, Ping, Wire
from soaking.dialing import Line, open_websocket
from soaking.ledger import Ledger

SAID = re.compile(r"soak (\d+) ")
ON_LINES = re.compile(r"[^\s\[*~]\S*: soak (\d+) ")  # of the history are those that begin with a bracket
FILLER = "a sentence of usual length, as people say it"
PAGE = "Sec-WebSocket-Protocol: chat.v1\r\n"


class Member:
    """Somebody with a name of its own. `listen` runs beside what it does."""

    hears_itself = False

    def __init__(self, ledger: Ledger, name: str, line: Line, *, stays: bool = False) -> None:
        self.ledger, self.name, self.line = ledger, name, line
        self.hearing = ledger.seat(name, hears_itself=self.hears_itself, stays=stays)
        self.stays = stays
        self.own: list[int] = []
        self.named = asyncio.Event()
        self.reads = asyncio.Event()  # cleared while it stalls
        self.reads.set()
        self.farewell = False

    async def open(self) -> None:
        """Before anything is said."""

    def send(self, text: str) -> None:
        """One line, as it is typed."""
        self.line.writer.write(text.encode() + b"\n")

    def say(self) -> None:
        """A line of its own number. Who stays is promised that all hear it."""
        number = self.ledger.write(self.name)
        self.own.append(number)
        self.send(f"soak {number} {FILLER}")
        if self.stays:
            self.ledger.promised.add(number)

    async def listen(self) -> None:
        """Until the end of the connection, whoever makes it."""
        try:
            while data := await self.read():
                self.heard(data)
        except ConnectionError:
            pass

    async def read(self) -> bytes:
        await self.reads.wait()
        return await self.line.reader.read(1 << 16)

    def heard(self, data: bytes) -> None:
        """Some bytes came."""
        raise NotImplementedError

    def told_goodbye(self) -> None:
        """Everything before it was handled."""
        self.farewell = True
        self.ledger.promised.update(self.own)


class LineMember(Member):
    """On TCP or TLS, in lines; it is not told what it says itself."""

    rest = b""

    def heard(self, data: bytes) -> None:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            text = line.decode()
            if said := ON_LINES.match(text):
                self.hearing.lines.append(int(said[1]))
            elif text == "* goodbye":
                self.told_goodbye()
            elif text == f"* you are {self.name} now":
                self.named.set()


class PageMember(Member):
    """What the page in a browser does: typed events over a WebSocket; it hears itself."""

    hears_itself = True

    async def open(self) -> None:
        self.wire = Wire(client=True)
        await open_websocket(self.line, "/chat", PAGE)

    def send(self, text: str) -> None:
        self.frame(TEXT, text.encode())

    def frame(self, opcode: int, payload: bytes) -> None:
        self.line.writer.write(pack(opcode, payload, key=new_key()))

    def heard(self, data: bytes) -> None:
        self.wire.feed(data)
        for event in self.events():
            if isinstance(event, str):
                self.told(json.loads(event))
            elif isinstance(event, Ping):
                self.frame(PONG, event.payload)
            elif isinstance(event, Close | Failed):
                self.frame(CLOSE, (1000).to_bytes(2, "big"))

    def events(self) -> Iterator[object]:
        while (event := self.wire.next_event()) is not None or self.wire.busy:
            yield event

    def told(self, event: dict) -> None:
        """One event of `chat.v1`."""
        kind = event["type"]
        if kind == "said" and "at" not in event and (said := SAID.match(event["text"])):
            self.hearing.lines.append(int(said[1]))
            if event.get("own"):
                self.ledger.promised.add(int(said[1]))
        elif kind == "you" and event["name"] == self.name:
            self.named.set()
        elif kind == "notice" and "goodbye" in event["text"]:
            self.told_goodbye()
