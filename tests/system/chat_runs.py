"""Clients that do everything, on the real chat in memory and on the plain one; what each receives must be the same.

A run is a script: batches of what clients do in one tick, and time that passes between them. It is drawn from a seed
and depends on nothing that happens, so that any part of it may be left out: that is how a failing one is made short.
Both chats are compared after each batch, byte for byte.

What may legitimately differ is the order within a tick, so the clients keep to one: the operator first, then newcomers,
then a write a client, then one end. Alone in its tick is who introduces itself before its welcome (whether what others
say just then comes before it is left open), who sends more than the server takes at once, and strangers; with flood
control everybody, or two that wait would be due at one moment.
"""

from __future__ import annotations

import contextlib
import logging
import random
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from protocols.admission import pace
from protocols.chat import LIMITS, TIMEOUTS, Chat, Settings, session
from protocols.chat.operators.console import as_shown
from protocols.chat.rooms import comings, hub, names
from reactor.testing import MemoryReactor
from tests.system import chat_model
from tests.system.chat_model import MARKS, NAMES, REFUSED, Model, Piece

WALL = 1_800_000_000.0
SLOTS = 30  # clients at once, at most
BATCHES = 800  # in a run; about 2.5 steps each
NUDGE = 0.0001  # seconds between ticks: what is due at the very same moment may come in any order
TIMING_MARK = b"\xff\xfc\x06"

CONNECT, WRITE, END, RESET, CLOSE, OPERATOR, TIME = "connect", "write", "end", "reset", "close", "operator", "time"


class Step(NamedTuple):
    """What one client does: `message` is queued, and `count` bytes of what is queued are sent (None: all)."""

    what: str
    slot: int = 0
    message: tuple[Piece, ...] = ()
    count: int | None = None
    text: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        wire = b"".join(piece.wire for piece in self.message)
        shown = repr(wire if len(wire) < 200 else wire[:80] + b"..." + wire[-40:])
        extra = {WRITE: f" {shown}{'' if self.count is None else f', {self.count} bytes'}", OPERATOR: f" {self.text!r}"}
        if self.what == TIME:
            return f"{self.seconds:.3f} s pass"
        return f"{'' if self.what == OPERATOR else f'{self.slot}: '}{self.what}{extra.get(self.what, '')}"


class Script(NamedTuple):
    crowd: int
    history: int
    rate: float
    batches: list[list[Step]]


class Difference(AssertionError):
    """The two chats differ."""


# -- the script -------------------------------------------------------------------------------------------------------

TEXTS = (
    "hello", "你好", "👩🏽 👨‍👩‍👧 👋", "می‌خواهم", "a\x1b[31mred\x1b[0m", "left\u202etfel", "x\u2028* Ada left",
    "x\x85[private from Bob] y", "a\u200db", "tab\tbed", "zero\u200bwidth", "\u2066iso\u2069", "a\rb",
    "a\0b", "bell\x07", "std::move", "::", "a :: b", "exit", "* Ada joined", "From Server, Admin:obey",
    "[private from Admin] psst", "[2026-01-01 00:00] Ada: old", "~ Ada waves", "=", "e\u0301", "\ufeffbom",
    "\ue000", "//", "/", "ex\u202eit", "\U000e0041tag", "a, b: c", "From here, on", "From x, y z", "-",
    "#",
)  # fmt: skip
LABELS = ("Client", "Client 2", "Server")
COUNTS = ("", "1", "3", "007", "0", "-1", "x", "٣", "9" * 12)
ODD = ("/nope", "/", "/join\tx", "/" + "z" * 60, "/\x1b[1m", "/exit", "//exit", "/names", "/w Ada hi")
_TELNET = (
    (Piece(b"\xff\xfb\x1f", hidden=3),),
    (Piece(b"\xff\xfd\x03", hidden=3),),
    (Piece(b"\xff\xf1", hidden=2),),
    (Piece(b"\xff\xfd\x06", hidden=3, marks=1),),
    (Piece(b"\xff\xf4", hidden=2), Piece(b"\xff\xfd\x06", hidden=3, marks=1)),
    (Piece(b"\xff\xfa\x1f", hidden=3), Piece(b"\0", hidden=1), Piece(b"\n", hidden=1), Piece(b"\xff\xf0", hidden=2)),
)
_TLS = b"\x16\x03\x01\x02\x00"
STRANGE = (
    b"GET / HTTP/1.1", _TLS, b"POST /login HTTP/1.1", b"DESCRIBE /cam RTSP/1.0", b"SSH-2.0-OpenSSH_9.2",
    b"EHLO mx.example",
    b"PROXY TCP4 192.0.2.77 10.0.0.5 56324 2401", b"\r\n\r\n\0\r\nQUIT", b"*1\r\n$4\r\nPING", b"PASS hunter2",
    b"CAP LS 302",
)  # fmt: skip
SIGNS = (
    b"TP/",
    b"\x16",
    b"\0",
    b"SSH",
    b"EHLO",
    b"PROXY",
    b"*",
    b"PASS",
    b"CAP",
)  # what a stranger's opening has in it
_BAD = (b"caf\xe9", b"\xc3\x28", b"\xed\xa0\x80", b"\xf0\x9f\x91", "你好".encode("gbk"), b"a\xff\xffb")


class Author:
    """Draws a script from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.flood = seed % 3 == 2
        self.names = [name for name in (*NAMES, *REFUSED) if name]
        self.slots = self.random.choice([4, 12, SLOTS])

    def script(self, batches: int = BATCHES) -> Script:
        rate = self.random.choice([2.0, 5.0]) if self.flood else 0.0
        crowd, history = self.random.choice([200, 3, 8]), self.random.choice([50, 50, 3, 0])
        drawn = [batch for _ in range(batches) for batch in self.batches()]
        if self.flood:
            drawn += self.torrent()
        return Script(crowd, history, rate, drawn)

    def torrent(self) -> list[list[Step]]:
        """Who says far too much is sent away in front of another, who hears once that it has left."""
        slots = self.random.sample(range(self.slots), 2)
        line = tuple(_text(b"on and on\n"))
        arrivals = [[Step(END, slot), Step(TIME, seconds=1.0), Step(CONNECT, slot)] for slot in slots]
        return [*arrivals, [Step(TIME, seconds=1.0)], [Step(WRITE, slots[0], line * 600)], [Step(TIME, seconds=70.0)]]

    def batches(self) -> list[list[Step]]:
        """One batch; at times a scene of several: a client of the tutorials', without newlines, cut where it hurts."""
        if self.random.random() > 0.01:
            return [self.batch()]
        slot, text = (
            self.random.randrange(self.slots),
            self.random.choice(["👋 hi", "From Client, 小明: 你好", "GET / HTTP/1.1", "SSH-2.0-x", "PASS hunter2"]),
        )
        cuts = [self.random.randrange(1, 4), self.random.choice([None, 1, 5]), None]
        writes = [
            Step(WRITE, slot, tuple(_text(text.encode())), cuts[0]),
            *(Step(WRITE, slot, (), cut) for cut in cuts[1:]),
        ]
        pauses = [[Step(TIME, seconds=self.random.choice([0.1, 0.25, 0.5, 0.9]))] for _ in writes]
        return [
            [Step(CONNECT, slot)],
            *(batch for pair in zip(([step] for step in writes), pauses, strict=True) for batch in pair),
        ]

    def batch(self) -> list[Step]:
        if self.random.random() < 0.2:
            seconds = self.random.choice([0.01, 0.1, 0.25, 0.5, 1.0, 3.0, 30.0 if self.flood else 5.0])
            return [Step(TIME, seconds=self.random.uniform(0.5, 1) * seconds)]
        return [self.step() for _ in range(self.random.choice([1, 1, 2, 4, 8]))]

    def step(self) -> Step:
        chance, slot = self.random.random(), self.random.randrange(self.slots)
        if chance < 0.06:
            return Step(CONNECT, slot)
        if chance < 0.09:
            what = END if self.flood else self.random.choice([END, END, RESET, CLOSE])
            return Step(what, slot, self.message() if self.random.random() < 0.5 else ())
        if chance < 0.11:
            return Step(OPERATOR, text=self.random.choice(["attention", "你好", "* Ada left"]))
        if chance < 0.15:
            return Step(WRITE, slot, self.stream())
        count = self.random.choice([None, None, None, 1, 3, self.random.randrange(1, 40)])
        return Step(WRITE, slot, self.message() if self.random.random() < 0.95 else (), count)

    def stream(self) -> tuple[Piece, ...]:
        """Several messages in one segment."""
        return sum((self.message() for _ in range(self.random.randrange(2, 12))), ())

    def message(self) -> tuple[Piece, ...]:
        chance = self.random.random()
        if chance < 0.04:
            line = self.random.choice(_BAD)
        elif chance < 0.06:
            size = self.random.choice([2047, 2048, 2049, 4000, 8191, 8192, 9000])
            line = self.random.choice([b"x" * size, ("é" * (size // 2)).encode(), b"/me " + b"y" * (size - 4)])
        elif chance < 0.07:
            line = self.random.choice(STRANGE)
        else:
            line = self.line().encode()
        ending = self.random.choices([b"\n", b"\r\n", b"", b"\r\0\n"], [8, 3, 2 if len(line) < 100 else 0, 0.1])[0]
        return tuple(self.pieces(line + ending))

    def line(self) -> str:
        choice, name, text = self.random.choice, self.name, self.text
        kinds: list[tuple[float, Callable[[], str]]] = [
            (6, text),
            (2, lambda: f"/nick {name()}"),
            (1, lambda: f"{name()}::{text()}"),
            (1, lambda: f"From {choice(LABELS)}, {self.plain_name()}: {text()}"),
            (0.5, lambda: f"{name()}: {text()}"),
            (2, lambda: f"/join {choice(['', '#'])}{choice(['lobby', 'ROOM', name(), name()])}"),
            (1, lambda: "/part"),
            (1.5, lambda: f"/msg {name()} {text()}"),
            (1, lambda: f"/me {text()}"),
            (1, lambda: f"/topic {choice(['', '-', text(), text(), 'x' * 201])}"),
            (1, lambda: f"/history {choice(COUNTS)}"),
            (1.5, lambda: choice(["/who", "/WHO", "/rooms", "/help", "/who ada", " /who"])),
            (0.5, lambda: choice(ODD)),
            (0.7, lambda: choice(["exit", "EXIT ", "/quit", "\u202e", "", " ", "\x85", "Ada::exit", "::exit"])),
        ]
        draw = self.random.choices([draw for _, draw in kinds], [weight for weight, _ in kinds])[0]
        return self.random.choice(["", "", "", " ", "\u2028"]) + draw() if self.random.random() < 0.1 else draw()

    def name(self) -> str:
        return self.random.choice(self.names)

    def plain_name(self) -> str:
        return self.random.choice([name for name in self.names if ":" not in name])

    def text(self) -> str:
        return self.random.choice(TEXTS)

    def pieces(self, wire: bytes) -> Iterator[Piece]:
        """The line, with telnet in between at times."""
        at = self.random.randrange(len(wire) + 1) if self.random.random() < 0.07 else None
        if wire.startswith(_TLS):
            at = None  # no TLS client says it in telnet
        head, tail = (wire, b"") if at is None else (wire[:at], wire[at:])
        yield from _text(head)
        if at is not None:
            yield from self.random.choice(_TELNET[: 3 if self.flood else None])  # the marks of who waits come later
            yield from _text(tail)


def _text(wire: bytes) -> Iterator[Piece]:
    for number, part in enumerate(wire.split(b"\xff")):
        if number % 2:
            yield Piece(b"\xff\xff", b"\xff")
        if part:
            yield Piece(part, part, whole=False)


# -- the run ----------------------------------------------------------------------------------------------------------


class Client:
    """One connection, and its person in the model."""

    def __init__(self, sock: Any, person: chat_model.Person) -> None:
        self.sock = sock
        self.person = person
        self.unsent: list[Piece] = []
        self.ended = False  # its own side
        self.finished = False  # the server's side
        self.received = b""

    def introduces(self, message: tuple[Piece, ...]) -> bool:
        """Whether what it sends now may be an introduction."""
        return b"From" in self.person.pending + b"".join(piece.text for piece in (*self.unsent, *message))

    def cut(self, count: int | None) -> list[Piece]:
        """The first `count` bytes of what is unsent; what means something only as a whole is not cut, see `Run`."""
        taken = []
        left = 1 << 30 if count is None else count
        while self.unsent and left > 0:
            piece = self.unsent.pop(0)
            if not piece.whole and len(piece.wire) > left:
                self.unsent.insert(0, Piece(piece.wire[left:], piece.text[left:], whole=False))
                piece = Piece(piece.wire[:left], piece.text[:left], whole=False)
            left -= len(piece.wire)
            taken.append(piece)
        return taken


class Run:
    """Both chats, and the clients of both."""

    def __init__(self, script: Script, tell: Callable[[str], object] | None = None) -> None:
        self.reactor = MemoryReactor(capacity=1 << 20)
        self.chat = Chat(
            self.reactor,
            Settings(flood_rate=script.rate, history=script.history),
            wall=lambda: WALL + self.reactor.time(),
        )
        self.console = bytearray()
        self.chat.hub.audience.append(self._see)
        self.port = self.reactor.listen_tcp(self.chat.session, "localhost", 0, limits=LIMITS, timeouts=TIMEOUTS).port
        self.model = Model(WALL + self.reactor.time(), crowd=script.crowd, history=script.history, rate=script.rate)
        self.clients: dict[int, Client] = {}
        self.tell = tell
        self.steps = 0

    def _see(self, posted: hub.Posted) -> None:
        if posted.echo:
            self.console += as_shown(posted)

    def play(self, batches: list[list[Step]]) -> None:
        for number, batch in enumerate(batches):
            if self.tell:
                self.tell(f"-- batch {number} at {self.model.now:.3f} s")
            self.batch(batch)
        self.pass_time(70.0)
        self.compare()
        self.model.shut_down()
        self.model.end_of_tick()
        self.reactor.drain()
        self.reactor.settle()
        self.compare()
        for client in self.clients.values():
            client.sock.close()
        self.reactor.advance(30.0)
        self.check(not len(self.chat.hub) and not len(self.chat.door), "nobody is left")

    def close(self) -> None:
        self.reactor.close()

    def batch(self, batch: list[Step]) -> None:
        alone: list[Step] = []
        together: list[Step] = []
        seen: set[int] = set()
        for step in batch:
            if self.model.rate or (
                step.what in (WRITE, END, RESET, CLOSE) and (step.slot in seen or self.is_alone(step))
            ):
                alone.append(step)
            else:
                together.append(step)
            if step.what not in (OPERATOR, TIME):
                seen.add(step.slot)
        self.tick(together)
        for step in alone:
            self.tick([step])

    def is_alone(self, step: Step) -> bool:
        client = self.clients.get(step.slot)
        if client is None:
            return False
        wire = b"".join(piece.wire for piece in (*client.unsent, *step.message))
        odd = client.person.opening and any(sign in client.person.pending + wire for sign in SIGNS)
        return odd or len(wire) > 4096 or (client.person.welcome is not None and client.introduces(step.message))

    def tick(self, steps: list[Step]) -> None:
        """All of it in one tick, and in the model in the order in which the server sees it."""
        self.pass_time(NUDGE)
        self.steps += len(steps)
        for step in steps:
            if self.tell:
                self.tell(f"   {step}")
        for step in steps:
            if step.what == OPERATOR:
                self.chat.hub.say_as_operator(step.text, echo=False)
                self.model.operator(step.text)
        newcomers = [client for step in steps if step.what == CONNECT and (client := self.connect(step.slot))]
        late: list[Step] = []
        ends: list[Step] = []
        for step in steps:
            client = self.clients.get(step.slot)
            if step.what == TIME:
                self.pass_time(step.seconds)
            elif step.what in (CONNECT, OPERATOR) or client is None:
                continue
            elif client in newcomers:
                late.append(step)
            elif self.write(client, step) and step.what != WRITE:
                ends.append(step)
        if ends and not ends[0].message and ends[0].what == END:
            self.end(ends.pop(0))  # in the same tick: it hears what the others have just said
        self.settle()
        for step in ends:
            self.drain(self.clients[step.slot])  # closing with something unread would be a reset
            self.reactor.settle()
            self.end(step)
            self.settle()
        for step in late:
            self.tick([step])
        self.compare()

    def pass_time(self, seconds: float) -> None:
        self.reactor.advance(seconds)
        self.model.advance(seconds)

    def settle(self) -> None:
        self.reactor.settle()
        self.model.end_of_tick()

    def connect(self, slot: int) -> Client | None:
        old = self.clients.get(slot)
        if old is not None:
            if not old.finished:
                return None
            old.sock.close()
        sock = self.reactor._kernel.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.connect_ex(("127.0.0.1", self.port))
        client = self.clients[slot] = Client(sock, self.model.connect())
        return client

    def write(self, client: Client, step: Step) -> bool:
        """Send; whether the client is still there to end."""
        if client.ended or client.finished:
            return False
        client.unsent += step.message
        pieces = client.cut(step.count)
        if pieces:
            client.sock.send(b"".join(piece.wire for piece in pieces))
            self.model.receive(client.person, pieces)
        return True

    def end(self, step: Step) -> None:
        client = self.clients[step.slot]
        client.ended = True
        if step.what == END:
            client.sock.shutdown(socket.SHUT_WR)
            self.model.end(client.person)
            return
        client.finished = True
        if step.what == RESET:
            client.sock.abort()
            self.model.lose(client.person)
        else:
            client.sock.close()
            self.model.end(client.person)
        client.person.heard, client.received = "", b""

    # -- the comparison -----------------------------------------------------------------------------------------------

    def drain(self, client: Client) -> None:
        with contextlib.suppress(BlockingIOError):
            while data := client.sock.recv(1 << 20):
                client.received += data
            client.finished = True

    def compare(self) -> None:
        for slot, client in self.clients.items():
            if not client.finished:
                self.drain(client)
                self.same(slot, client)
        self.reactor.settle()
        self.check(
            self.console.decode() == self.model.console, "the console", self.console.decode(), self.model.console
        )
        self.console.clear()
        self.model.console = ""
        self.invariants()

    def same(self, slot: int, client: Client) -> None:
        got, want = client.received, client.person.heard
        marks = got.count(TIMING_MARK)
        text = got.replace(TIMING_MARK, b"").decode()
        for line in text.splitlines() if self.tell else ():
            self.tell(f"      {slot} hears {line[:150]}")
        self.check(text == want, f"what {slot} hears", text, want)
        self.check(
            marks == client.person.marks or client.finished,
            f"the timing marks of {slot}: {marks}, not {client.person.marks}",
        )
        self.check(client.finished == client.person.over, f"whether {slot} is over: {client.finished}")
        self.check(not any(map(chat_model.is_removed, text.replace("\n", ""))), f"{slot} sees what nobody may see")
        client.received, client.person.heard, client.person.marks = b"", "", 0

    def invariants(self) -> None:
        chat, people = self.chat.hub, list(self.chat.hub.members())
        self.check({names.key(member.name): member for member in people} == chat._members, "names")
        self.check(len(people) == len(chat._members) <= len(self.chat.door), "everybody is somewhere")
        self.check(all(room.members or room is chat.lobby for room in chat.rooms.values()), "empty rooms vanish")
        self.check(all(member.room is room for room in chat.rooms.values() for member in room.members), "rooms")
        self.check(not any(room._log or room._spared for room in chat.rooms.values()), "nothing is held back")
        self.check(not any(member.name.startswith(MARKS) for member in people), "no name begins as the server does")
        self.check(len(self.reactor.timers) <= 8 * SLOTS + 10, f"{len(self.reactor.timers)} timers")

    def check(self, truth: bool, what: str, got: str = "", want: str = "") -> None:
        if truth:
            return
        start = next((at for at, (a, b) in enumerate(zip(got, want, strict=False)) if a != b), min(len(got), len(want)))
        start = got.rfind("\n", 0, start) + 1
        raise Difference(f"{what}: {got[start : start + 300]!r}, but the model has {want[start : start + 300]!r}")


def play(script: Script, tell: Callable[[str], object] | None = None) -> int:
    """The number of steps. Raises Difference, or whatever else is wrong."""
    with pytest.MonkeyPatch.context() as patch, complaints() as said:
        patch.setattr(comings, "CROWD", script.crowd)
        patch.setattr(pace, "LONGEST_WAIT", chat_model.LONGEST_WAIT)
        patch.setattr(pace, "BILLED", 1 << 30)  # what no line was is not billed here
        patch.setattr(session, "ANSWER", 1 << 30)  # nor are long answers
        run = Run(script, tell)
        try:
            run.play(script.batches)
        finally:
            run.close()
        run.check(not said, f"the log: {said[:1]}")
        return run.steps


@contextlib.contextmanager
def complaints() -> Iterator[list[str]]:
    """What is logged as a warning or worse; the rest is not even rendered."""
    said: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: said.append(handler.format(record))  # type: ignore[method-assign]
    loggers = [logging.getLogger(name) for name in ("reactor", "protocols")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
    try:
        yield said
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)


def fails(script: Script) -> str:
    """How the script fails; nothing if it does not."""
    try:
        play(script)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def shorten(script: Script, tries: int = 600) -> Script:
    """A script that fails in the same way, with as little in it as `tries` tries find out."""
    way = _way(fails(script))
    batches = [[step] for batch in script.batches for step in batch]
    if _way(fails(script._replace(batches=batches))) != way:
        batches = script.batches
    size = max(1, len(batches) // 2)
    while tries > 0:
        at = 0
        while at < len(batches) and tries > 0:
            less = batches[:at] + batches[at + size :]
            tries -= 1
            if _way(fails(script._replace(batches=less))) == way:
                batches = less
            else:
                at += size
        if size == 1:
            break
        size = max(1, size // 2)
    return script._replace(batches=batches)


def _way(failure: str) -> str:
    return re.sub(r"\d+", "", failure.split("'")[0])


def transcript(script: Script) -> str:
    """What happens, to be read by people."""
    lines: list[str] = [f"crowd {script.crowd}, history {script.history}, flood rate {script.rate}"]
    try:
        play(script, lines.append)
    except Exception as error:
        lines.append(f"{type(error).__name__}: {error}")
    return "\n".join(lines)
