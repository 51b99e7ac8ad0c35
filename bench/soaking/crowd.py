"""Who comes to the chats when, and does what there: talk, leave, reset, stall, flood, move. Knows no measurements."""

import asyncio
import contextlib
import itertools
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from soaking.dialing import ANSWER, Fault, dial
from soaking.ledger import Ledger
from soaking.members import Member

SEATED = 2  # who stay, at each door
TALK = 4.0  # seconds between two lines of one who stays, on average
FLOOD = 40  # lines at once: ten pass, then two a second
STAY = (2.0, 20.0)  # seconds of a visit
RUSH = (
    3  # of each kind at each door, at the beginning, all at once: floods and stalls are rare, and seldom meet by chance
)
OPENINGS = (b"", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n", b"\xff" * 9000, b"\x16\x03")  # of who is wrong here


@dataclass
class Door:
    """Where people come in: a kind of member, a port, and with or without TLS."""

    kind: type[Member]
    port: int
    tls: ssl.SSLContext | None = None


@dataclass
class Times:
    """What all wait for: everybody who stays is seated; nobody new comes and talk ends; all is over."""

    seated: asyncio.Barrier
    quiet: asyncio.Event = field(default_factory=asyncio.Event)
    over: asyncio.Event = field(default_factory=asyncio.Event)


async def passed(event: asyncio.Event, seconds: float) -> bool:
    """Whether it happens within so long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


@dataclass
class Place:
    """One chat with its doors, and what was said there."""

    ledger: Ledger
    doors: list[Door]
    dice: random.Random
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    @contextlib.asynccontextmanager
    async def member(self, door: Door, *, stays: bool = False) -> AsyncIterator[Member]:
        """Somebody who is in, has a name, and listens while the block runs."""
        async with dial(door.port, door.tls) as line:
            member = door.kind(self.ledger, f"{'host' if stays else 'guest'}{next(self.numbers)}", line, stays=stays)
            await member.open()
            member.send(f"/nick {member.name}")
            listening = asyncio.create_task(member.listen())
            try:
                await in_time(member.named.wait(), f"{self.ledger.name}: {member.name} gets no name")
                yield member
            finally:
                listening.cancel()
                await asyncio.wait([listening])
                if not listening.cancelled() and (error := listening.exception()):
                    raise Fault(f"{self.ledger.name}: {member.name} cannot listen: {error!r}")

    async def stay(self, door: Door, times: Times) -> None:
        """Sit there from before the first line to the end, and talk."""
        async with self.member(door, stays=True) as member:
            await times.seated.wait()
            while not await passed(times.quiet, self.dice.expovariate(1 / TALK)):
                member.say()
            await times.over.wait()

    def rush(self) -> list[Coroutine[Any, Any, None]]:
        """The visits of the worst moment: everything that people do, several times, at every door."""
        return [act(self, door) for door in self.doors for act in ACTS for _ in range(RUSH)]

    async def visit(self) -> None:
        """One who comes, does one of the things that people do, and goes."""
        act = self.dice.choices(list(ACTS), weights=ACTS.values())[0]
        await act(self, self.dice.choice(self.doors))


async def in_time(what: Awaitable, fault: str) -> None:
    """Wait for it, but not for ever. Fault where it does not come."""
    try:
        async with asyncio.timeout(ANSWER):
            await what
    except TimeoutError:
        raise Fault(fault) from None


async def chatter(place: Place, member: Member) -> None:
    """Say a line now and then."""
    end = place.dice.uniform(*STAY)
    while end > 0:
        pause = min(end, place.dice.uniform(0.5, 5.0))
        await asyncio.sleep(pause)
        member.say()
        end -= pause


async def goodbye(place: Place, member: Member) -> None:
    """Leave as one should, and be told so."""
    member.send("exit")
    for _ in range(int(ANSWER / 0.1)):
        if member.farewell:
            return
        await asyncio.sleep(0.1)
    raise Fault(f"{place.ledger.name}: {member.name} was told no goodbye")


async def talk_and_leave(place: Place, door: Door) -> None:
    async with place.member(door) as member:
        await chatter(place, member)
        await goodbye(place, member)


async def talk_and_reset(place: Place, door: Door) -> None:
    """Gone in the midst of it."""
    async with place.member(door) as member:
        await chatter(place, member)
        member.say()
        member.line.reset()


async def stall(place: Place, door: Door) -> None:
    """Read nothing for a while, then all of it, or never again."""
    async with place.member(door) as member:
        member.reads.clear()
        await chatter(place, member)
        if place.dice.random() < 0.5:
            member.reads.set()
            await goodbye(place, member)
        else:
            member.line.reset()


async def flood(place: Place, door: Door) -> None:
    """Far more than a person can say: the rest waits for its turn, and is heard unless who said it has gone."""
    async with place.member(door) as member:
        for _ in range(FLOOD):
            member.say()
        if place.dice.random() < 0.5:
            await goodbye(place, member)
        else:
            await asyncio.sleep(place.dice.uniform(0.1, 3.0))
            member.line.reset()


async def move(place: Place, door: Door) -> None:
    """To rooms that nobody else is in, and back; what it hears is not judged."""
    async with place.member(door) as member:
        place.ledger.hearings.remove(member.hearing)
        for _ in range(3):
            member.send(f"/join room{place.dice.randrange(1000)}")
            await asyncio.sleep(place.dice.uniform(0.6, 2.0))
        member.send("/part")
        await goodbye(place, member)


async def stranger(place: Place, door: Door) -> None:
    """One who speaks something else, or says nothing and goes."""
    async with dial(door.port) as line:
        line.writer.write(place.dice.choice(OPENINGS))
        await asyncio.sleep(place.dice.uniform(0.0, 2.0))
        if place.dice.random() < 0.5:
            line.reset()


ACTS: dict[Callable[[Place, Door], Coroutine[Any, Any, None]], int] = {
    talk_and_leave: 8,
    talk_and_reset: 4,
    stall: 3,
    flood: 1,
    move: 2,
    stranger: 4,
}
"""What visitors do, and how many of them."""
