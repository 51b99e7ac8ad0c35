"""Several processes that serve the same addresses: started before anything else, restarted when they die, ended as one.

    parent   binds, forks, restarts; accepts nothing itself
      |-- worker 0   a reactor of its own, sockets of its own, the same port
      |-- worker 1   (SO_REUSEPORT: the kernel spreads newcomers by address and port)

Each listening socket has a queue of newcomers who are connected already, and to close the last copy of it resets them.
So the parent opens all sockets and keeps a copy: when a worker dies, its queue waits for the next one. Who waits there
waits for as long as the restart takes, which is at once, and at most `LONGEST` where workers die again and again.
A worker that drains says so, and the next one serves its queue while it sees its own connections off.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any, Protocol as Interface

from ..boundary import EXITS, log
from ..endpoints.listener import BACKLOG
from ..errors import ReactorError
from ..loop import forks
from ..loop.termination import ECHO, Requests, ignore
from ..reactor import Reactor
from ..sockets.listening import listening_sockets
from .worker import Worker, describe, fork

FIRST = 0.5  # seconds before the second restart in a row, doubled for each one more
LONGEST = 10.0  # seconds: a share of the newcomers waits meanwhile, and clients give up after 30 or so
STEADY = 10.0  # seconds after which a worker has proved itself, and its death is no longer one of a row
PATIENCE = 10.0  # seconds for all workers to end: their drain takes up to 5


class Backoff:
    """How long the next restart waits. Knows no clock: callers say how long the worker has lived.

    >>> backoff = Backoff()
    >>> [backoff.delay(lived) for lived in (0.1, 0.1, 0.1, 60.0, 0.1)]
    [0.0, 0.5, 1.0, 0.0, 0.5]
    """

    def __init__(self) -> None:
        self._next = 0.0

    def delay(self, lived: float) -> float:
        """Seconds to wait before what has just died after `lived` seconds is started again."""
        delay = 0.0 if lived >= STEADY else self._next
        self._next = min(max(FIRST, 2 * delay), LONGEST)
        return delay


class Processes(Interface):
    """What the supervisor asks of the system; the tests give their own."""

    def fork(self, become: Callable[[], None]) -> int: ...
    def status(self, pid: int) -> int | None: ...
    def kill(self, pid: int, signum: int) -> None: ...


class System:
    """The real thing."""

    def fork(self, become: Callable[[], None]) -> int:
        return fork(become)

    def status(self, pid: int) -> int | None:
        """How the child ended: its exit status, or the negative number of a signal; None while it lives."""
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0  # somebody else has asked before us, and had the answer
        return os.waitstatus_to_exitcode(status) if ended else None

    def kill(self, pid: int, signum: int) -> None:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            pass


class WorkerSlot:
    """One worker's place: who sits there, since when, and when it is taken again."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.backoff = Backoff()
        self.pid: int | None = None
        self.since = 0.0
        self.ready = False


class Supervisor:
    """Keeps `count` workers running `serve(worker)`, on a reactor of the parent's own.

        def serve(worker):                               # in each worker; `worker.sockets` listen already
            with Reactor() as reactor:
                for sock in worker.sockets:
                    reactor.listen_socket(Echo, sock)
                worker.run(reactor)

        with Reactor() as reactor:
            Supervisor(reactor, serve, 4, prefork_sockets("127.0.0.1", 9000, 4)).run()

    sockets: owned from here on; shared out by address, so each worker serves every address. on_ready: called once, when
    all workers accept. Make it before any thread is started: a fork copies only the thread that forks, and locks as
    they are. Raises ReactorError where the system cannot fork.
    """

    def __init__(
        self,
        reactor: Reactor,
        serve: Callable[[Worker], None],
        count: int,
        sockets: list[socket.socket],
        *,
        on_ready: Callable[[], None] | None = None,
        patience: float = PATIENCE,
        processes: Processes | None = None,
    ) -> None:
        if not hasattr(os, "fork"):
            raise ReactorError("this system cannot fork: run one process")
        if count < 1:
            raise ValueError(f"at least one worker, not {count}")
        self.sockets = sockets
        self._reactor = reactor
        self._serve = serve
        self._slots = [WorkerSlot(number) for number in range(count)]
        self._on_ready = on_ready
        self._patience = patience
        self._processes = processes or System()
        self._leaving: dict[int, WorkerSlot] = {}  # by pid: they drain, and others have taken their places
        self._lifeline: list[int] = []  # the workers': a byte in it, which nobody takes, or its end says the end
        self._ready: list[int] = []
        self._proven = False
        self._stopping = False
        self._requests = Requests(reactor.clock)
        self._status = 0
        self._is_forking = False  # a worker, which keeps what another child must not have
        forks.tell_in_child(self)

    def run(self) -> int:
        """Start the workers and run until `stop`, SIGTERM or Ctrl-C has ended them all. Gives the exit status.

        0; or 1 if the workers never came to accept, in which case they are not tried again.
        """
        self._reactor._check_usable()
        # It would be a thread, and the parent has nothing to do that could take long.
        self._reactor._lookout.set_sentry(None, running=False)
        if threading.active_count() > 1:
            raise ReactorError("a process with threads is not to be forked: start the workers first")
        self._lifeline, self._ready = list(os.pipe()), list(os.pipe())
        signals: list[tuple[int, Callable[[], None]]] = [
            (signal.SIGCHLD, self._on_child), (signal.SIGTERM, self._on_asked), (signal.SIGINT, self._on_asked)
        ]  # fmt: skip
        for signum, call in signals:
            self._reactor.add_signal_handler(signum, call)
        self._reactor.add_reader(self._ready[0], self._on_words)
        for slot in self._slots:
            self._reactor.call_soon(self._start, slot)
        try:
            self._reactor.run()
        finally:
            self._close(signals)
        return self._status

    @property
    def pids(self) -> list[int]:
        """The processes of the workers that live."""
        return [slot.pid for slot in self._slots if slot.pid is not None] + list(self._leaving)

    def stop(self) -> None:
        """Let all workers drain and end, then return from `run`. A second time: let them end at once.

        What has not ended after `patience` seconds is killed.
        """
        if self._stopping:
            return self._hurry()
        self._stopping = True
        self._close_sockets()
        self._tell_workers()
        self._reactor.call_later(self._patience, self._lose_patience)
        self._check_over()

    def _on_asked(self) -> None:
        if self._requests.is_second() or not self._stopping:
            self.stop()

    def _hurry(self) -> None:
        """The first signal that a worker gets is never its second, so it gets two."""
        self._signal_all(signal.SIGTERM)
        self._reactor.call_later(ECHO * 1.2, self._signal_all, signal.SIGTERM)

    # -- the life of a worker -----------------------------------------------------------------------------------

    def _start(self, slot: WorkerSlot) -> None:
        if self._stopping:
            return
        slot.since, slot.ready = self._reactor.time(), False
        self._is_forking = True
        try:
            slot.pid = self._processes.fork(lambda: self._become(slot.number))
        except EXITS:
            raise
        except BaseException as exc:  # of whatever kind: a slot that stays empty would be noticed by nobody
            self._on_not_started(slot, exc)
        finally:
            self._is_forking = False

    def _on_not_started(self, slot: WorkerSlot, exc: BaseException) -> None:
        if isinstance(exc, OSError):
            return self._again(slot, f"cannot be started: {exc.strerror}")
        log.error("worker %d cannot be started: %r", slot.number, exc, exc_info=exc)
        if self._proven:
            self._again(slot, "cannot be started")
        else:
            self._status = 1
            self.stop()

    def _become(self, number: int) -> None:
        """In the child: leave behind what is the parent's, and serve."""
        self._is_forking = False
        self._reactor.close()
        lifeline, ready = self._lifeline.pop(0), self._ready.pop(1)
        own = share(self.sockets, len(self._slots), number)
        self.sockets = [sock for sock in self.sockets if sock not in own]
        self._on_forked()
        self._serve(Worker(number, own, lifeline, ready))

    def _on_forked(self) -> None:
        """In a child that is no worker, before its first line: hold nothing whose end somebody waits for.

        A child of the program's own, say of `multiprocessing`, would keep the workers from hearing of the parent's end,
        and the port in use after it.
        """
        if not self._is_forking:
            forks.disarm(self, frozenset())
            self._close_sockets()
            self._let_go(self._lifeline)
            self._let_go(self._ready)

    def _on_words(self) -> None:
        """A worker says its pid: it accepts; or the negative: it drains."""
        said = set(map(int, os.read(self._ready[0], 1 << 16).split()))
        for slot in self._slots:
            if slot.pid is not None and -slot.pid in said and not self._stopping:
                self._on_drains(slot, slot.pid)
            if slot.pid in said and not slot.ready:
                slot.ready = True
                log.info("worker %d (pid %d) accepts", slot.number, slot.pid)
        if not self._proven and all(slot.ready for slot in self._slots):
            self._proven = True
            if self._on_ready is not None:
                self._on_ready()

    def _on_drains(self, slot: WorkerSlot, pid: int) -> None:
        """Its share of the newcomers must not wait until it has ended, which may take all its grace."""
        slot.pid, self._leaving[pid] = None, slot
        delay = slot.backoff.delay(self._reactor.time() - slot.since)
        log.info("worker %d (pid %d) drains; the next starts in %g s", slot.number, pid, delay)
        self._reactor.call_later(delay, self._start, slot)

    def _on_child(self) -> None:
        """SIGCHLD: one ended, or several, or somebody else's."""
        for slot in self._slots:
            if slot.pid is not None and (status := self._processes.status(slot.pid)) is not None:
                pid, slot.pid = slot.pid, None
                if not self._stopping:
                    self._on_ended(slot, pid, status)
        for pid in list(self._leaving):
            if (status := self._processes.status(pid)) is not None:
                log.info("worker %d (pid %d) ended, %s", self._leaving.pop(pid).number, pid, describe(status))
        self._check_over()

    def _on_ended(self, slot: WorkerSlot, pid: int, status: int) -> None:
        how = f"(pid {pid}) ended, {describe(status)}"
        if not self._proven and not slot.ready:
            log.error("worker %d %s, before it accepted: giving up", slot.number, how)
            self._status = 1
            self.stop()
        else:
            self._again(slot, how)

    def _again(self, slot: WorkerSlot, why: str) -> None:
        delay = slot.backoff.delay(self._reactor.time() - slot.since)
        log.warning("worker %d %s; the next starts %s", slot.number, why, f"in {delay:g} s" if delay else "now")
        self._reactor.call_later(delay, self._start, slot)

    # -- the end ------------------------------------------------------------------------------------------------

    def _check_over(self) -> None:
        if self._stopping and not self.pids:
            self._reactor.stop()

    def _lose_patience(self) -> None:
        late = [slot.number for slot in self._slots if slot.pid is not None]
        late += [slot.number for slot in self._leaving.values()]
        log.warning("workers not ended in %g s, and killed: %s", self._patience, ", ".join(map(str, late)))
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, signum: int) -> None:
        for pid in self.pids:
            self._processes.kill(pid, signum)

    def _tell_workers(self) -> None:
        """The end of the pipe alone would not do: a child forked by other means than Python's holds a copy of it."""
        if self._lifeline:
            os.write(self._lifeline[1], b".")
        self._let_go(self._lifeline)

    def _let_go(self, pipe: list[int]) -> None:
        for fd in pipe:
            os.close(fd)
        pipe.clear()

    def _close(self, signals: list[tuple[int, Any]]) -> None:
        if self._reactor._termination.is_last and self._requests:
            ignore((signal.SIGTERM, signal.SIGINT))
        for signum, _ in signals:
            self._reactor.remove_signal_handler(signum)
        self._reactor.remove_reader(self._ready[0])
        self._close_sockets()
        self._tell_workers()
        self._let_go(self._ready)

    def _close_sockets(self) -> None:
        for sock in self.sockets:
            sock.close()
        self.sockets.clear()


def prefork_sockets(host: str | None, port: int, count: int, *, backlog: int = BACKLOG) -> list[socket.socket]:
    """Listening sockets for `count` workers on every address of `host`, all with one port; 0 is any free one.

    One for each worker where the kernel spreads newcomers among them (Linux), else one for all. Raises ListenError;
    also where another server with SO_REUSEPORT has the port, which the system would let us share.

    >>> sockets = prefork_sockets("127.0.0.1", 0, 4)
    >>> len({sock.getsockname() for sock in sockets})
    1
    >>> for sock in sockets:
    ...     sock.close()
    """
    spread = count > 1 and sys.platform == "linux"  # elsewhere the option exists, and gives every newcomer to one
    if spread and port:
        refuse_taken(host, port)
    sockets = listening_sockets(host, port, backlog=backlog, reuse_port=spread)
    port = sockets[0].getsockname()[1]
    for _ in range(count - 1 if spread else 0):
        sockets += listening_sockets(host, port, backlog=backlog, reuse_port=True)
    return sockets


def refuse_taken(host: str | None, port: int) -> None:
    """Raise ListenError where a worker could not listen, before there are any: each would say so, at length."""
    for sock in listening_sockets(host, port, backlog=1, reuse_port=False):
        sock.close()


def share(sockets: list[socket.socket], count: int, number: int) -> list[socket.socket]:
    """What worker `number` of `count` accepts from: of each address its part, and never none."""
    addresses: dict[Any, list[socket.socket]] = {}
    for sock in sockets:
        addresses.setdefault(sock.getsockname(), []).append(sock)
    return [sock for group in addresses.values() for sock in group[number::count] or [group[number % len(group)]]]
