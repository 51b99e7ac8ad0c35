"""A successor process takes over the listening sockets, so that a restart refuses nobody. Knows no protocol.

    old process                              successor
    start_successor(...)  -- fork, exec -->  activated_sockets()
      goes on accepting                      listen_socket(...)
      future done         <-- "ready" -----  say_ready()
      drain: closes its copies,              accepts alone
      serves what it has, ends

Both accept from the same sockets meanwhile, so the queue of newcomers is never without somebody who empties it, and
is never closed. The successor may be any program that knows systemd's protocol: see `activation`.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Protocol as Interface

from ..boundary import log
from ..endpoints.listener import Listener
from ..errors import HandOverError
from ..loop.futures import Promise, settle
from ..reactor import Reactor
from .activation import FIRST, PATIENCE, READY_FD, VARIABLES, notify
from .worker import describe

START = 60.0  # seconds a successor has to say that it accepts: large programs take long to import
SET_PID = 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"'  # for sh, because only the new process knows its number


class Open(Interface):
    """A listener or a supervisor."""

    @property
    def sockets(self) -> list[socket.socket]: ...


def hand_over(
    reactor: Reactor, given: Mapping[str, Open], leave: Callable[[], object] | None = None, *, timeout: float = START
) -> Callable[[], None]:
    """A function, for a signal, that starts this program again, and leaves once the new one accepts.

        reactor.add_signal_handler(signal.SIGUSR2, hand_over(reactor, {"echo": listener}))

    given: the listeners (or a supervisor) whose sockets go over, by name. leave: if None, a supervisor's `stop`,
    or `reactor.drain` where there is none. Where the
    new process does not come up, one line is logged and this one goes on serving. Called again meanwhile, or when
    nothing is open any more, it does nothing.
    """
    under_way: list[Future[int]] = []

    def own() -> None:
        stops = [stop for owner in given.values() if (stop := getattr(owner, "stop", None)) is not None]
        for stop in stops:  # a supervisor waits for its workers, and then ends
            stop()
        if not stops:
            reactor.drain()

    def begin() -> None:
        sockets = {name: owner.sockets for name, owner in given.items()}
        if not under_way and any(sockets.values()):
            under_way.append(start_successor(reactor, sockets, timeout=timeout))
            under_way[0].add_done_callback(done)

    def done(successor: Future[int]) -> None:
        under_way.clear()
        error = None if successor.cancelled() else successor.exception()
        if isinstance(error, HandOverError):
            log.warning("the hand-over failed, and process %d goes on serving: %s", os.getpid(), error)
        elif error is None and not successor.cancelled():
            for owner in given.values():
                if isinstance(owner, Listener):
                    owner.keep_path()
            log.info("process %d accepts, and process %d leaves", successor.result(), os.getpid())
            (leave or own)()

    return begin


def start_successor(
    reactor: Reactor,
    sockets: Mapping[str, Sequence[socket.socket]],
    command: Sequence[str] | None = None,
    *,
    timeout: float | None = START,
) -> Promise[int]:
    """Start `command` with these sockets; the future holds its process number once it accepts (`say_ready`).

    sockets: by name, as `activated_sockets` gives them there; they stay open here. command: this program, as it was
    started, if None. The future may hold HandOverError (it ended, could not be started, or is not ready within
    `timeout` seconds); then, and where the future is cancelled or the reactor closed, the successor is killed.

    >>> from reactor import Protocol
    >>> with Reactor() as reactor:
    ...     listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
    ...     successor = start_successor(reactor, {"web": listener.sockets}, ["/bin/sh", "-c", "exit 3"])
    ...     reactor.run_until(successor, timeout=60)
    Traceback (most recent call last):
    reactor.HandOverError: the successor (pid ...) ended before it accepted, status 3
    """
    names = [name for name, group in sockets.items() for _ in group]
    fds = [sock.fileno() for group in sockets.values() for sock in group]
    _check(names, fds)
    reactor._check_usable()
    try:
        ready, said = os.pipe()
    except OSError as exc:
        return _failed(reactor, exc)
    try:
        pid = _spawn(list(command or [sys.executable, *sys.orig_argv[1:]]), names, fds, said)
    except OSError as exc:
        os.close(ready)
        return _failed(reactor, exc)
    finally:
        os.close(said)
    return Successor(reactor, pid, ready, timeout).future


def _failed(reactor: Reactor, exc: OSError) -> Promise[int]:
    failed: Promise[int] = reactor.promise()
    settle(failed, error=HandOverError(f"the successor cannot be started: {exc.strerror}"))
    return failed


def _check(names: list[str], fds: list[int]) -> None:
    if not hasattr(os, "posix_spawn"):
        raise HandOverError("this system cannot pass sockets to a program that it starts")
    if not fds or min(fds) < 0:
        raise ValueError("there are no open sockets to hand over")
    for name in names:
        if ":" in name or not name.isprintable():
            raise ValueError(f"a name of a socket must be printable, and without a colon: {name!r}")


def _spawn(command: list[str], names: list[str], fds: list[int], said: int) -> int:
    """Start `command` with `fds` as 3, 4, 5 and so on, and `said` behind them.

    posix_spawn rather than a fork: it is safe where there are threads, and it renumbers. What is renumbered is first
    copied above, for the number that one shall have may be another's now.
    """
    import fcntl  # not on Windows, which must be able to import this module

    end = FIRST + len(fds)
    above: list[int] = []
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment |= {"LISTEN_FDS": str(len(fds)), "LISTEN_FDNAMES": ":".join(names), READY_FD: str(end)}
    shell = ["sh", "-c", SET_PID, "sh", *command]
    try:
        for fd in (*fds, said):
            above.append(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, end + 1))
        moves = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(above, FIRST)]
        # Python ignores SIGPIPE, and what it starts would go on ignoring it.
        return os.posix_spawn("/bin/sh", shell, environment, file_actions=moves, setsigdef=[signal.SIGPIPE])
    finally:
        for fd in above:
            os.close(fd)


class Successor:
    """A process that has been started, until it says that it accepts."""

    def __init__(self, reactor: Reactor, pid: int, ready: int, timeout: float | None) -> None:
        self._reactor = reactor
        self._pid = pid
        self._ready = ready
        self._timer = None if timeout is None else reactor.call_later(timeout, self._on_late, timeout)
        self._ended = False
        self.future: Promise[int] = reactor.promise()
        self.future.add_done_callback(self._on_done)
        reactor.add_reader(ready, self._on_words)

    def _on_words(self) -> None:
        if os.read(self._ready, 64):
            notify(f"MAINPID={self._pid}", patience=PATIENCE)  # the service manager watches the successor from now on
            settle(self.future, self._pid)
        else:
            self._fail(self._end())

    def _on_late(self, timeout: float) -> None:
        self._fail(f"did not say within {timeout:g} s that it accepts, and was killed")

    def _fail(self, how: str) -> None:
        settle(self.future, error=HandOverError(f"the successor (pid {self._pid}) {how}"))

    def _on_done(self, future: Future[int]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if not self._reactor.closed:
            self._reactor.remove_reader(self._ready)
        os.close(self._ready)
        if future.cancelled() or future.exception():
            self._end()

    def _end(self) -> str:
        """Kill it unless it has ended; says how it ended."""
        if self._ended:
            return ""
        self._ended = True
        try:
            os.kill(self._pid, signal.SIGKILL)
            status = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        except (ProcessLookupError, ChildProcessError):
            return "ended before it accepted"  # somebody else has asked how
        return f"ended before it accepted, {describe(status)}"
