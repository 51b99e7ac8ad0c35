"""Machines in memory and what joins them: descriptors, addresses, ports, names. Knows no reactor.

A machine is the `Kernel` of one reactor. Descriptor numbers are given lowest first, as Linux does, so that a number is
reused as soon as it is free and a stale one hits a stranger.
"""

from __future__ import annotations

import errno
import heapq
import ipaddress
import socket
from collections.abc import Callable
from typing import Any

from ..loop.kernel import AddressInfo, Kernel
from ..loop.timers import Timer, TimerHeap
from ..loop.wakeup import Wakeup
from .poller import MemoryPoller
from .sockets import CAPACITY, CONNECTED, CONNECTING, MemorySocket, Wire, fault

FIRST = 1 << 20  # the lowest descriptor: one that strays to the real kernel is EBADF there, and not somebody's file
DESCRIPTORS = 1 << 20  # of one machine: as many as Linux allows at most
EPHEMERAL = 49152  # the first port for whoever asks for any (RFC 6335, section 6)
LOOPBACK = ("127.0.0.1", "::1")
ANY: dict[int, str] = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}


class Network:
    """Machines, joined. What takes time is on `agenda`, by the clock that all share."""

    def __init__(self, clock: Callable[[], float], capacity: int = CAPACITY) -> None:
        self.clock = clock
        self.capacity = capacity
        self.agenda = TimerHeap(clock)
        self.machines: dict[str, Machine] = {}
        self.names: dict[str, list[str]] = {"localhost": list(LOOPBACK)}

    def machine(self, name: str) -> Machine:
        """A new machine, with an IPv4 and an IPv6 address that `name` resolves to; a successor keeps them."""
        number = len(self.names)
        machine = self.make_machine(name)
        self.names.setdefault(name, [f"10.0.{number >> 8}.{number & 255}", f"fd00::{number:x}"])
        for address in self.names[name]:
            self.machines[address] = machine
        return machine

    def make_machine(self, name: str) -> Machine:
        """To be overridden where machines have moods."""
        return Machine(self, name)

    def wire(self, sender: Machine, receiver: Machine) -> Wire:
        """What carries one way of one connection."""
        return Wire()

    def deliver(self) -> bool:
        """Do what is due on the agenda; true if there was anything."""
        now, agenda = self.clock(), self.agenda
        if not agenda.entries or agenda.entries[0][0] > now:
            return False
        agenda.fire_due(now)
        return True

    def later(self, seconds: float, fn: Callable[..., Any], *args: Any) -> Timer:
        """Put something on the agenda."""
        return self.agenda.arm(self.clock() + seconds, fn, args)


class Errands:
    """The worker threads of a machine in memory: no threads. A job is run where the agenda has it."""

    pending = 0

    def __init__(self, network: Network, delay: Callable[[], float]) -> None:
        self._network = network
        self._delay = delay

    def submit(self, job: Callable[[], None]) -> None:
        """Run `job()` after the machine's delay, outside every callback."""
        self._network.later(self._delay(), job)

    def close(self) -> None:
        """There is nothing to end."""


class MemoryWakeup(Wakeup):
    """The real one, over sockets in memory. Signals need no descriptor: a poll in memory never sleeps through one."""

    def signal_fileno(self) -> int:
        return -1


class Machine(Kernel):
    """A kernel in memory, for one reactor."""

    terminating = ()  # Ctrl-C is for whoever runs the test

    def __init__(self, network: Network, name: str) -> None:
        self.network = network
        self.name = name
        self.capacity = network.capacity
        self.limit = DESCRIPTORS
        self.descriptors: dict[int, MemorySocket] = {}
        self.wakeup_fds: list[int] = []
        self._given_back: list[int] = []
        self._listening: dict[tuple[int, str, int], MemorySocket] = {}
        self._port = EPHEMERAL

    # -- the kernel of a reactor --------------------------------------------------------------------------------

    def socket(self, family: int, kind: int) -> Any:
        if family not in ANY or kind != socket.SOCK_STREAM:
            raise fault(errno.EAFNOSUPPORT)
        return self._opened(self.make_socket(family))

    def make_room(self, sock: Any) -> None:
        """There is no table."""

    def socketpair(self) -> tuple[Any, Any]:
        """Two sockets joined."""
        pair = a, b = self._opened(MemorySocket(self)), self._opened(MemorySocket(self))
        a.peer, b.peer = b, a
        a.state = b.state = CONNECTED
        return pair

    def getaddrinfo(
        self, host: str | None, port: int, family: int = 0, kind: int = 0, flags: int = 0
    ) -> list[AddressInfo]:
        found = []
        for ip in self._resolve(host, flags):
            address: Any = (ip, port, 0, 0) if ":" in ip else (ip, port)
            its = socket.AF_INET6 if ":" in ip else socket.AF_INET
            if family in (0, its):
                found.append((int(its), kind, socket.IPPROTO_TCP, "", address))
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return found

    def _resolve(self, host: str | None, flags: int) -> list[str]:
        if host is None:
            return list(ANY.values()) if flags & socket.AI_PASSIVE else list(LOOPBACK)
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return [] if flags & socket.AI_NUMERICHOST else self.network.names.get(host, [])

    def poller(self) -> Any:
        return MemoryPoller(self.descriptors)

    def wakeup(self) -> Wakeup:
        pair = self.socketpair()
        self.wakeup_fds = [sock.fileno() for sock in pair]
        return MemoryWakeup(*pair)

    def workers(self, size: int, name: str) -> Any:
        return Errands(self.network, self.delay)

    # -- what differs where there are faults --------------------------------------------------------------------

    def make_socket(self, family: int) -> MemorySocket:
        """A socket without a descriptor yet."""
        return MemorySocket(self, family)

    def delay(self) -> float:
        """Seconds a worker takes for the next job."""
        return 0.0

    # -- what sockets ask ---------------------------------------------------------------------------------------

    def _opened(self, sock: MemorySocket) -> MemorySocket:
        sock.adopt(self.open(sock))
        return sock

    def open(self, sock: MemorySocket) -> int:
        """The lowest free descriptor, now of `sock`. Raises OSError (EMFILE)."""
        if len(self.descriptors) >= self.limit:
            raise fault(errno.EMFILE)
        fd = heapq.heappop(self._given_back) if self._given_back else FIRST + len(self.descriptors)
        self.descriptors[fd] = sock
        return fd

    def release(self, fd: int) -> None:
        """A descriptor is free again."""
        del self.descriptors[fd]
        heapq.heappush(self._given_back, fd)

    def bind(self, sock: MemorySocket, address: Any) -> None:
        """Give `sock` a local address of ours."""
        host, port, *rest = address
        if host != ANY[sock.family] and self.machine_at(host) is not self:
            raise fault(errno.EADDRNOTAVAIL)
        if port and self._holder(sock.family, host, port) is not None:
            raise fault(errno.EADDRINUSE)
        sock.local = (host, port or self._free_port(), *rest)

    def listen(self, sock: MemorySocket) -> None:
        """Let clients reach `sock`."""
        if not sock.local[1]:
            self.bind(sock, sock.local)
        host, port = sock.local[:2]
        if self._holder(sock.family, host, port) is not None:
            raise fault(errno.EADDRINUSE)
        self._listening[sock.family, host, port] = sock

    def unlisten(self, sock: MemorySocket) -> None:
        """Let nobody reach it any more."""
        del self._listening[sock.family, *sock.local[:2]]

    def connect(self, sock: MemorySocket, address: Any) -> int:
        """Send a SYN; the errno of what is wrong at once, else EINPROGRESS."""
        machine = self.machine_at(address[0])
        if machine is None:
            return errno.ENETUNREACH
        host, port = sock.local[:2]
        if host == ANY[sock.family]:
            host = address[0] if machine is self else self._own_address(sock.family)
        sock.local = (host, port or self._free_port(), *sock.local[2:])
        sock.remote = address
        sock.state = CONNECTING
        sock.wire, sock.back = self.network.wire(self, machine), self.network.wire(machine, self)
        sock.wire.carry(machine.on_client, sock)
        return errno.EINPROGRESS

    def on_client(self, client: MemorySocket) -> None:
        """A SYN arrives: whoever listens has it, else it is refused."""
        host, port = client.remote[:2]
        listener = self._holder(client.family, host, port)
        if listener is not None:
            listener.on_client(client)
        else:
            client.back.carry(client.on_reset)

    def crash(self) -> None:
        """The process is killed: the kernel closes what it had open, and the peers see ends and resets."""
        for sock in list(self.descriptors.values()):
            sock.close()

    def _holder(self, family: int, host: str, port: int) -> MemorySocket | None:
        """Who listens there; of the wildcard address, who listens anywhere on that port."""
        if host == ANY[family]:
            matches = [sock for (its, _, at), sock in self._listening.items() if (its, at) == (family, port)]
            return matches[0] if matches else None
        return self._listening.get((family, host, port)) or self._listening.get((family, ANY[family], port))

    def machine_at(self, host: str) -> Machine | None:
        """The machine that has this address, as seen from here."""
        if host == "::1" or host.startswith("127."):
            return self
        return self.network.machines.get(host)

    def _own_address(self, family: int) -> str:
        return self.network.names[self.name][family == socket.AF_INET6]

    def _free_port(self) -> int:
        while True:
            self._port = port = EPHEMERAL if self._port >= 65535 else self._port + 1
            if not any(at == port for _, _, at in self._listening):
                return port
