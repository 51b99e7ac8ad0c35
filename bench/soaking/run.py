"""One long run: people come until its time is over, each server is looked at again and again. Knows no output."""

import asyncio
import contextlib
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from runs import history, procs
from soaking import watch
from soaking.crowd import SEATED, Door, Place, Times, passed
from soaking.dialing import Fault, trusting
from soaking.ledger import Ledger
from soaking.members import LineMember, PageMember
from soaking.services import Service, start_all
from soaking.visits import Visits, serve_api

EVERY = 10.0  # seconds between two looks at a server
LOOKS = 40  # at least so many, in a short run more often
CHAT_VISIT, VISIT = 1.2, 0.8  # seconds from one visitor to the next on average, of each chat and of the rest
CROWD = 60  # visitors at once; a server that is slow gets no more
LEAVE = 45.0  # seconds after the time is over until who is still there is cut off: a stall takes so long
REST = 20.0  # seconds for what was said to arrive, and for descriptors to be closed
SEATING = 30.0  # seconds until all who stay are in


class Run:
    """Everything that belongs to one run; `figures` afterwards is what a report needs."""

    def __init__(self, seconds: float, seed: int, python: str) -> None:
        self.seconds, self.python, self.seed = seconds, python, seed
        self.dice = random.Random(seed)
        self.faults: Counter[str] = Counter()
        self.guests: set[asyncio.Task] = set()
        self.visitors = 0
        self.samples: dict[str, list[watch.Sample]] = {}
        self.interrupted = False

    async def go(self) -> dict:
        """The whole of it. Signals end it early, and it reports what there is."""
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            api = await asyncio.start_server(serve_api, "127.0.0.1", 0)
            port = api.sockets[0].getsockname()[1]
            services = await asyncio.to_thread(start_all, stack, self.python, folder, port)
            began = datetime.now(UTC).isoformat(timespec="minutes")
            self.start, cpu = time.monotonic(), time.process_time()
            places = self.places(services)
            visits = Visits({name: service.port for name, service in services.items()}, folder / "site", self.dice)
            await self.look(services)
            await self.live(services, places, visits)
            await self.settle(services)
            lived = time.monotonic() - self.start
            used = {name: service.process.cpu_so_far() for name, service in services.items()}
            for name, service in services.items():
                self.faults.update(f"{name} says: {line[:200]}" for line in service.complaints())
            api.close()
            figures = self.figures(places, visits, lived, used, time.process_time() - cpu)
            return figures | {"began": began, "machine": procs.machine(), "commit": history.commit()}

    def places(self, services: dict[str, Service]) -> list[Place]:
        """The chats, and where people come in."""
        tls = trusting()
        chat, secure = services["chat"], services["chat on TLS"]
        doors = {
            "chat": [Door(LineMember, chat.port), Door(PageMember, chat.web)],
            "chat on TLS": [Door(LineMember, secure.port, tls), Door(PageMember, secure.web, tls)],
        }
        nodes = [service for name, service in services.items() if name.startswith("cluster")]
        if nodes:
            doors["cluster"] = [Door(LineMember, node.port) for node in nodes]
            doors["cluster"] += [Door(PageMember, node.web) for node in nodes]
        return [Place(Ledger(name), found, self.dice) for name, found in doors.items()]

    async def live(self, services: dict[str, Service], places: list[Place], visits: Visits) -> None:
        """From the first who sits down to the last who leaves."""
        hosts = [(place, door) for place in places for door in place.doors for _ in range(SEATED)]
        times = Times(asyncio.Barrier(len(hosts) + 1))
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(signum, self.interrupt, times)
        staying = [asyncio.create_task(self.guarded(place.stay(door, times))) for place, door in hosts]
        try:
            async with asyncio.timeout(SEATING):
                await times.seated.wait()
        except TimeoutError:
            raise procs.BenchError(f"not all who stay were seated: {', '.join(self.faults)}") from None
        for visit in chain(*(place.rush() for place in places), visits.rush()):
            self.welcome(visit)
        coming = [asyncio.create_task(self.come(place.visit, CHAT_VISIT, times)) for place in places]
        coming.append(asyncio.create_task(self.come(visits.visit, VISIT, times)))
        watching = asyncio.create_task(self.watch(services, times))
        await passed(times.quiet, self.start + self.seconds - time.monotonic())
        times.quiet.set()
        await asyncio.gather(watching, *coming)
        await self.leave()
        await self.until(lambda: all(place.ledger.complete() for place in places))
        times.over.set()
        await asyncio.gather(*staying)

    def interrupt(self, times: Times) -> None:
        """End early, once: a second signal ends at once."""
        if self.interrupted:
            raise KeyboardInterrupt
        self.interrupted = True
        times.quiet.set()

    async def come(self, visit: Callable[[], Coroutine[Any, Any, None]], every: float, times: Times) -> None:
        """Visitors of one kind, at random moments."""
        while not await passed(times.quiet, self.dice.expovariate(1 / every)):
            if len(self.guests) < CROWD:
                self.welcome(visit())

    def welcome(self, visit: Coroutine[Any, Any, None]) -> None:
        """Let a visit begin."""
        self.visitors += 1
        guest = asyncio.create_task(self.guarded(visit))
        self.guests.add(guest)
        guest.add_done_callback(self.guests.discard)

    async def guarded(self, doing: Awaitable[None]) -> None:
        """What goes wrong with one is kept, and does not end the others."""
        try:
            await doing
        except Fault as fault:
            self.faults[str(fault)] += 1
        except (OSError, EOFError, ValueError) as error:
            self.faults[f"a visit breaks off: {error!r}"] += 1

    async def leave(self) -> None:
        """Let visitors finish; who takes too long is cut off."""
        if self.guests:
            _, late = await asyncio.wait(self.guests, timeout=0.0 if self.interrupted else min(LEAVE, self.seconds))
            for guest in late:
                guest.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def watch(self, services: dict[str, Service], times: Times) -> None:
        while not await passed(times.quiet, min(EVERY, self.seconds / LOOKS)):
            await self.look(services)

    async def look(self, services: dict[str, Service]) -> None:
        """A sample of each server."""
        for name, service in services.items():
            await self.guarded(self.look_at(name, service))

    async def look_at(self, name: str, service: Service) -> None:
        sample = await watch.look(service.process.pid, service.metrics, time.monotonic() - self.start)
        self.samples.setdefault(name, []).append(sample)

    async def settle(self, services: dict[str, Service]) -> None:
        """Everybody has left: descriptors go back to what they were, and that is the last sample."""
        before = {name: self.samples[name][0].descriptors for name in services}
        await self.until(lambda: all(watch.descriptors(s.process.pid) <= before[name] for name, s in services.items()))
        await self.look(services)

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until it is so, or REST is over: then the verdict says that it is not."""
        end = time.monotonic() + REST
        while not true() and time.monotonic() < end:
            await asyncio.sleep(0.1)

    def figures(self, places: list[Place], visits: Visits, lived: float, used: dict[str, float], load: float) -> dict:
        """What a report needs."""
        ledgers = [place.ledger for place in places]
        for ledger in ledgers:
            self.faults.update(ledger.faults())
        return {
            "seconds": lived,
            "asked": self.seconds,
            "seed": self.seed,
            "interrupted": self.interrupted,
            "visitors": self.visitors,
            "hosts": sum(hearing.stays for ledger in ledgers for hearing in ledger.hearings),
            "said": sum(len(ledger.order()) for ledger in ledgers),
            "promised": sum(len(ledger.promised) for ledger in ledgers),
            "heard": sum(len(hearing.lines) for ledger in ledgers for hearing in ledger.hearings),
            "whole": dict(visits.done),
            "cpu": used,
            "load_cpu": load,
            "faults": dict(self.faults),
            "samples": {name: [asdict(sample) for sample in found] for name, found in self.samples.items()},
        }
