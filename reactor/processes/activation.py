"""Sockets that whoever started us has opened, and telling it that we accept. Knows the environment, and no loop.

The protocol is systemd's, sd_listen_fds(3) and sd_notify(3): descriptors from 3 on are listening sockets, LISTEN_FDS
says how many, LISTEN_PID for whom, LISTEN_FDNAMES their names. `handover` speaks it too, so a server that can be
activated can also be handed its predecessor's sockets.
"""

from __future__ import annotations

import errno
import os
import socket
import stat

from ..boundary import log
from ..errors import ActivationError

FIRST = 3  # SD_LISTEN_FDS_START: after stdin, stdout and stderr
UNNAMED = "unknown"  # what sd_listen_fds_with_names(3) calls a socket without a name
VARIABLES = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDNAMES")
READY_FD = "REACTOR_READY_FD"  # a pipe of the process that hands over to us: see `handover`

PATIENCE = 5.0  # seconds that READY=1 waits for room in the service manager's queue, at a start of many services


def activated_sockets(*, unset: bool = True) -> dict[str, list[socket.socket]]:
    """The listening sockets that this process was started with, by name; empty if there are none for it.

    They are the caller's, usually to be given to `Reactor.listen_socket`, and are not inherited by programs that this
    process starts. unset: take the variables out of the environment, so that nobody adopts the sockets twice.
    Raises ActivationError, having taken no socket, where the variables are wrong or a descriptor does not listen.

    >>> activated_sockets()
    {}
    """
    given = [os.environ.get(name) for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")]
    if unset:
        for name in VARIABLES:
            os.environ.pop(name, None)
    pid, count, names = given
    if pid is None or count is None or _number("LISTEN_PID", pid) != os.getpid():
        return {}  # a program between the service manager and us was meant
    fds = range(FIRST, FIRST + _number("LISTEN_FDS", count))
    for fd in fds:
        _check(fd)
    labels = names.split(":") if names is not None else [UNNAMED] * len(fds)
    if len(labels) != len(fds):
        raise ActivationError(f"LISTEN_FDNAMES has {len(labels)} names for {len(fds)} sockets: {names!r}")
    sockets: dict[str, list[socket.socket]] = {}
    for name, fd in zip(labels, fds, strict=True):
        os.set_inheritable(fd, False)
        sockets.setdefault(name, []).append(socket.socket(fileno=fd))
    return sockets


def say_ready() -> None:
    """Tell whoever started us that we accept: systemd (`Type=notify`), and the predecessor that hands over to us.

    Harmless where nobody wants to know, and twice.

    >>> say_ready()
    """
    notify("READY=1", patience=PATIENCE)
    fd = os.environ.pop(READY_FD, None)
    if fd is None or not fd.isdecimal():
        return
    try:
        os.write(int(fd), b"\n")
        os.close(int(fd))
    except OSError:
        pass  # the predecessor is gone: nobody is left who waits


def notify(state: str, *, patience: float = 0.0) -> bool:
    """Tell the service manager, `READY=1` or `STOPPING=1` for example; see sd_notify(3). False if none could be told.

    patience: seconds to wait, blocking, while its queue is full: for what is said once and decides over life or death.

    >>> notify("STATUS=counting")
    False
    """
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@") or len(path) < 2:
        return False
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.settimeout(patience)
            sock.sendto(state.encode(), path.replace("@", "\0", 1) if path[0] == "@" else path)
    except OSError as exc:
        if isinstance(exc, (TimeoutError, BlockingIOError)) and patience:
            log.warning("the service manager was not told %s: %s", state, exc.strerror or exc)
        return False  # it has its own way to notice; to serve matters more
    return True


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ActivationError(f"{name} is {text!r}, not a number")
    return int(text)


def _check(fd: int) -> None:
    """Refuse what nobody can accept from, without taking it over."""
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            raise ActivationError(f"descriptor {fd}, which LISTEN_FDS announces, is not a socket")
        sock = socket.socket(fileno=os.dup(fd))
    except OSError as exc:
        text = "is not open" if exc.errno == errno.EBADF else f"cannot be used: {exc.strerror}"
        raise ActivationError(f"descriptor {fd}, which LISTEN_FDS announces, {text}") from None
    with sock:
        if sock.type != socket.SOCK_STREAM or not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            raise ActivationError(f"descriptor {fd}, which LISTEN_FDS announces, is not a listening stream socket")
