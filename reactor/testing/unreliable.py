"""Sockets, pollers, wires and machines that have `Faults`. Each is the reliable one of its kind, and a draw before it.

Everything that is drawn happens to kernels too: it is late, comes in pieces, or is another error than hoped for.
"""

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from typing import Any

from ..loop.poller import READ, WRITE, Handler
from ..loop.timers import Timer
from ..sockets.addresses import show
from ..sockets.listening import KEEPALIVE_COUNT, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL
from .clock import FakeClock
from .faults import Dice, Faults
from .network import Machine, Network
from .poller import MemoryPoller
from .sockets import CONNECTED, CONNECTING, MemorySocket, Wire, fault

KEEPALIVE = KEEPALIVE_IDLE + KEEPALIVE_INTERVAL * KEEPALIVE_COUNT  # seconds until TCP gives up a link that is cut
TRACE = 2000  # lines kept: a short run whole, of a long one the end

Note = tuple[float, str, str, tuple[Any, ...]]


class UnreliableNetwork(Network):
    """A network with faults, and what has happened on it."""

    def __init__(self, clock: FakeClock, capacity: int, faults: Faults, dice: Dice) -> None:
        super().__init__(clock, capacity)
        self.faults = faults
        self.dice = dice
        self.notes: deque[Note] = deque(maxlen=TRACE)
        self.links: dict[frozenset[str], Link] = {}

    def note(self, who: str, what: str, *args: Any) -> None:
        """Keep one line of the trace; formatted only when it is read."""
        self.notes.append((self.clock(), who, what, args))

    def make_machine(self, name: str) -> UnreliableMachine:
        return UnreliableMachine(self, name)

    def wire(self, sender: Machine, receiver: Machine) -> Wire:
        return UnreliableWire(self, self.link(sender.name, receiver.name))

    def link(self, a: str, b: str) -> Link:
        """The cable between two machines."""
        return self.links.setdefault(frozenset((a, b)), Link())

    def cut(self, a: UnreliableMachine, b: UnreliableMachine) -> None:
        """Let nothing pass between two machines; TCP gives up after KEEPALIVE seconds."""
        link = self.link(a.name, b.name)
        if not link.is_cut:
            link.is_cut = True
            link.keepalive = self.later(KEEPALIVE, self._give_up, a, b)

    def heal(self, a: UnreliableMachine, b: UnreliableMachine) -> None:
        """Let everything pass again, first what has been held up."""
        link = self.link(a.name, b.name)
        link.is_cut = False
        if link.keepalive is not None:
            link.keepalive.cancel()
        owed, link.owed = link.owed, []
        for arrive in owed:
            self.later(0, arrive)

    def _give_up(self, a: UnreliableMachine, b: UnreliableMachine) -> None:
        a.lose(b)
        b.lose(a)


class Link:
    """The cable between two machines: while `is_cut`, what arrives waits for it to be healed."""

    def __init__(self) -> None:
        self.is_cut = False
        self.owed: list[Callable[[], None]] = []
        self.keepalive: Timer | None = None


class UnreliableWire(Wire):
    """Carries segments in order, each when its time has come."""

    def __init__(self, network: UnreliableNetwork, link: Link) -> None:
        self._network = network
        self._link = link
        self._due = 0.0
        self._segments: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def carry(self, arrive: Callable[..., None], *args: Any) -> None:
        network, faults = self._network, self._network.faults
        delay = network.dice.up_to(faults.latency)
        if network.dice.hit(faults.stall):
            network.note("network", "stalls for %.3f s", faults.stall_seconds)
            delay += faults.stall_seconds
        if not (delay or self._segments or self._link.is_cut):
            return arrive(*args)
        self._due = max(self._due, network.clock() + delay)
        self._segments.append((arrive, args))
        network.agenda.arm(self._due, self._arrive, ())

    def _arrive(self) -> None:
        if self._link.is_cut:
            self._link.owed.append(self._arrive)
        else:
            arrive, args = self._segments.popleft()
            arrive(*args)


class UnreliableSocket(MemorySocket):
    """A socket that obeys when it likes."""

    machine: UnreliableMachine

    def recv(self, size: int, flags: int = 0) -> bytes:
        if flags:
            return super().recv(size, flags)  # a look takes nothing, and the dice stay as they lie
        here = len(self._received)
        if here or self._ended:
            self._perhaps("spurious", "recv")
            self._perhaps_reset("recv")
        dice, faults = self.machine.dice, self.machine.faults
        if here > 1 and dice.hit(faults.partial_read):
            size = min(size, dice.part(here))
            self.changed()  # the rest is told as an arrival: an edge would not be repeated
        data = super().recv(size)
        self._note("recv %d of %d", len(data), here)
        return data

    def send(self, data: Any) -> int:
        if self.state is CONNECTED and len(data):
            self._perhaps("spurious", "send")
            self._perhaps_reset("send")
        dice, faults, size = self.machine.dice, self.machine.faults, len(data)
        if size > 1 and dice.hit(faults.partial_write):
            data = data[: dice.part(size)]
        sent = super().send(data)
        self._note("send %d of %d", sent, size)
        return sent

    def accept(self) -> tuple[MemorySocket, Any]:
        if self._queue:
            self._perhaps("spurious", "accept")
            if self.machine.is_exhausted():
                raise fault(errno.EMFILE)
            if self.machine.dice.hit(self.machine.faults.reset):
                self._note("accept: ECONNABORTED")
                sock = self._queue.popleft()
                sock.abort()
                self._admit()
                raise fault(errno.ECONNABORTED)
        sock, address = super().accept()
        self._note("accept %s", show(address))
        return sock, address

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        self._note("shutdown %d", how)

    def close(self) -> None:
        if self._fd >= 0:
            self._note("close")
        super().close()

    def fail(self, error: int) -> None:
        self._note("fails: %s", errno.errorcode[error])
        super().fail(error)

    def _perhaps(self, name: str, call: str) -> None:
        if self.machine.dice.hit(getattr(self.machine.faults, name)):
            self._note("%s: EAGAIN", call)
            self.changed()  # else this edge would be lost
            raise fault(errno.EAGAIN)

    def _perhaps_reset(self, call: str) -> None:
        if self.state is CONNECTED and self.machine.dice.hit(self.machine.faults.reset) and self.peer is not None:
            self._note("%s: a reset", call)
            self.wire.carry(self.peer.on_reset)
            self.on_reset()

    def _note(self, what: str, *args: Any) -> None:
        remote = self.remote[1] if self.remote else "-"
        self.machine.network.note(self.machine.name, f"{self.local[1]}>{remote} {what}", *args)


class UnreliablePoller(MemoryPoller):
    """A poller that tells late, in any order, and what is not so."""

    def __init__(self, machine: UnreliableMachine) -> None:
        super().__init__(machine.descriptors)
        self._machine = machine

    def poll(self, timeout: float | None) -> list[tuple[Handler, int]]:
        dice, faults = self._machine.dice, self._machine.faults
        ready = self.ready()
        self.idle = not ready and timeout != 0
        if not self.idle and dice.hit(faults.spurious):
            ready.extend(self._not_so())
        if len(ready) > 1 and dice.hit(faults.reorder):
            dice.random.shuffle(ready)
        if faults.late:
            ready = [event for event in ready if not dice.hit(faults.late)]
        return self.told(ready)

    def _not_so(self) -> list[tuple[int, int]]:
        """One descriptor that is watched for reading, and is not readable."""
        fd = self._machine.dice.random.choice(list(self._handlers))
        sock = self._machine.descriptors.get(fd)
        if sock is None or sock.state is CONNECTING or not self._interest[fd] & READ or sock.events() & ~WRITE:
            return []
        return [(fd, READ)]


class UnreliableMachine(Machine):
    """A machine with faults."""

    network: UnreliableNetwork

    def __init__(self, network: UnreliableNetwork, name: str) -> None:
        super().__init__(network, name)
        self.dice = network.dice
        self.faults = network.faults

    def make_socket(self, family: int) -> MemorySocket:
        return UnreliableSocket(self, family)

    def poller(self) -> Any:
        return UnreliablePoller(self)

    def delay(self) -> float:
        return self.dice.up_to(self.faults.stall_seconds) if self.dice.hit(self.faults.slow) else 0.0

    def is_exhausted(self) -> bool:
        """No descriptor is free: others have them all."""
        exhausted = self.dice.hit(self.faults.exhausted)
        if exhausted:
            self.network.note(self.name, "EMFILE")
        return exhausted

    def connect(self, sock: MemorySocket, address: Any) -> int:
        if self.is_exhausted():
            return errno.EMFILE
        self.network.note(self.name, "connect to %s", show(address))
        return super().connect(sock, address)

    def on_client(self, client: MemorySocket) -> None:
        if self.dice.hit(self.faults.refuse):
            self.network.note(self.name, "refuses %s", show(client.local))
            client.back.carry(client.on_reset)
        else:
            self.network.later(self.delay(), super().on_client, client)

    def lose(self, other: Machine) -> None:
        """TCP gives up the connections with `other`: nothing has come from there for a long time."""
        for sock in list(self.descriptors.values()):
            if sock.remote and self.machine_at(sock.remote[0]) is other:
                sock.fail(errno.ETIMEDOUT)
