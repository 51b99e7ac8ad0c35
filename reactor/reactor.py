"""The reactor: the loop, and the verbs of the network. Everything else is found from here."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol as Interface

from .diagnostics.debug import equip, is_wanted
from .diagnostics.view import Inside
from .endpoints.connector import Connector
from .endpoints.listener import BACKLOG, Listener
from .endpoints.roster import DrainReport
from .limits import Limits, Timeouts, check_arguments, made
from .loop.budget import OUTPUT_BUDGET
from .loop.futures import settle
from .loop.kernel import Kernel
from .loop.poller import Poller
from .sockets.addresses import adopt_listening, check_port, listening_sockets, show
from .sockets.stdio import StdioSocket, descriptor
from .sockets.tls import check_server_context, client_carrier
from .sockets.unix import BoundPath, UnixPath, listening_unix_socket, show_path
from .transports.stream import StreamTransport

GRACE = 5.0  # seconds a drain gives; systemd and docker wait 10 and more before they kill


class Keeper(Interface):
    """What makes connections by itself, and has to leave it when they are to end: see `ReconnectingClient`."""

    def retire(self) -> None: ...


class Reactor(Inside):
    """A single-threaded event loop with sockets. One a thread; use it as a context manager, or call `close`.

    clock: a callable giving monotonic seconds; poller, kernel: see those modules. All three are for tests: see
        `reactor.testing`.
    output_budget: bytes that may wait in all stream connections together (None: any); beyond it those that hold the
        most are ended with LimitExceeded. 256 MiB; see `reactor.budget`.
    watchdog: a callback that holds the loop for so many seconds is logged while it does, with its stack. 0 is none;
        by default what REACTOR_WATCHDOG in the environment says, or 1 s; none where `clock` is given.
    debug: calls from the wrong thread raise, slow callbacks and what was never closed are logged, connections are held
        to their contract: see `reactor.debug`. By default what REACTOR_DEBUG=1 in the environment says.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] | None = None,
        poller: Poller | None = None,
        output_budget: int | None = OUTPUT_BUDGET,
        watchdog: float | None = None,
        debug: bool | None = None,
        kernel: Kernel | None = None,
    ) -> None:
        super().__init__(clock=clock, poller=poller, output_budget=output_budget, watchdog=watchdog, kernel=kernel)
        self._drain: Future[DrainReport] | None = None
        self.keepers: dict[Keeper, None] = {}
        if is_wanted(debug, os.environ.get("REACTOR_DEBUG")):
            equip(self)

    # -- running ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run until `stop()`. On the main thread SIGINT and SIGTERM drain and then stop; a second one ends at once.

        A handler that the program has set itself, here or with `signal.signal`, is left alone.
        """
        ours = [signum for signum in (signal.SIGINT, signal.SIGTERM) if self._may_handle(signum)]
        for signum in ours:
            self.add_signal_handler(signum, self._on_terminate)
        try:
            super().run()
        finally:
            for signum in ours:
                self._signals.remove(signum)

    def _may_handle(self, signum: int) -> bool:
        if threading.current_thread() is not threading.main_thread() or signum in self._signals:
            return False
        return signal.getsignal(signum) in (signal.SIG_DFL, signal.SIG_IGN, signal.default_int_handler)

    def _on_terminate(self) -> None:
        if self._drain is None or self._drain.done():
            self.drain()
        else:
            self.abort()
            self.stop()

    def drain(self, grace: float = GRACE) -> Future[DrainReport]:
        """Stop accepting, tell the protocols (`draining(grace)`), flush, close; cut what is left at the end; then stop.

        The future holds what was closed and what was cut. Works from a callback, and before `run` or `run_until`.
        """
        if self._drain is not None and not self._drain.done():
            return self._drain
        drain = self._drain = self.promise()
        self._retire_keepers()
        parts = [listener.drain(grace) for listener in list(self._listeners)]
        parts += [self._clients.drain(grace), self._datagrams.drain(grace)]

        def check(part: Future[DrainReport]) -> None:
            if all(part.done() for part in parts):
                self.call_soon(self._on_drained, drain, parts)

        for part in parts:
            part.add_done_callback(check)
        return drain

    def _on_drained(self, drain: Future[DrainReport], parts: list[Future[DrainReport]]) -> None:
        if not drain.done():
            self.stop()
            reports = [part.result() for part in parts]
            settle(drain, DrainReport(sum(r.closed for r in reports), [peer for r in reports for peer in r.cut]))

    def abort(self) -> None:
        """End every listener and connection at once."""
        self._retire_keepers()
        for listener in list(self._listeners):
            listener.abort()
        self._clients.abort()
        self._datagrams.abort()

    def _retire_keepers(self) -> None:
        for keeper in list(self.keepers):
            keeper.retire()

    def when_lost(self, transport: StreamTransport, fn: Callable[[], None]) -> None:
        """Call `fn()` after the `connection_lost` of an outgoing connection, whoever its protocol is by then."""
        self._clients.when_left(transport, fn)

    # -- verbs --------------------------------------------------------------------------------------------------

    def listen_tcp(
        self,
        factory: Callable[[], Any],
        host: str | None,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        backlog: int = BACKLOG,
        reuse_port: bool = False,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Listener:
        """Accept TCP connections; `factory()` makes a protocol for each.

        host: an address or a name, of which every address is listened on; None is every interface, IPv4 and IPv6.
        port: 0 is any free one, the same for all addresses; `Listener.port` tells.
        tls: a server's context, with its certificate; `connection_made` then waits for the handshake.
        reuse_port: several processes may listen on the port, and the kernel spreads the connections among them.
        Raises ListenError, which is an OSError, with the address in its message.

        >>> from reactor import Limits, Protocol, Reactor, Timeouts
        >>> with Reactor() as reactor:
        ...     bounds = {"limits": Limits(per_peer=10), "timeouts": Timeouts(idle=300)}
        ...     listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0, **bounds)
        ...     transport, protocol = reactor.run_until(reactor.connect_tcp(Protocol, "127.0.0.1", listener.port))
        ...     len(listener.connections)
        1
        """
        self.check_usable()
        check_arguments(factory, limits, timeouts)
        check_server_context(tls)
        sockets = listening_sockets(host, port, backlog=backlog, reuse_port=reuse_port, kernel=self.kernel)
        return self._listen(factory, sockets, limits, timeouts, tls)

    def listen_unix(
        self,
        factory: Callable[[], Any],
        path: UnixPath,
        *,
        tls: ssl.SSLContext | None = None,
        mode: int | None = None,
        backlog: int = BACKLOG,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Listener:
        """Accept connections on a Unix socket; `factory()` makes a protocol for each.

        path: beginning with a NUL it is an abstract address (Linux), which is in no directory.
        mode: who may connect, such as 0o660; it holds before anybody can. None leaves it to the umask.
        A socket that stands there is replaced if nobody is bound to it any more; what is alive, or no socket (a link
        to one included), never is. The path is removed at close unless it is another's by then.
        Peers have no address, so `Limits.per_peer` does not count here: the mode says who may come.
        Raises ListenError, which is an OSError, with the path in its message.

        >>> import tempfile
        >>> from reactor import Protocol, Reactor
        >>> with tempfile.TemporaryDirectory() as directory, Reactor() as reactor:
        ...     listener = reactor.listen_unix(Protocol, directory + "/door", mode=0o600)
        ...     transport, _ = reactor.run_until(reactor.connect_unix(Protocol, directory + "/door"))
        ...     transport.get_extra_info("peername") == listener.addresses[0] == directory + "/door"
        True
        """
        self.check_usable()
        check_arguments(factory, limits, timeouts)
        check_server_context(tls)
        sock, bound = listening_unix_socket(path, mode=mode, backlog=backlog)
        return self._listen(factory, [sock], limits, timeouts, tls, bound)

    def listen_socket(
        self,
        factory: Callable[[], Any],
        sock: socket.socket,
        *,
        tls: ssl.SSLContext | None = None,
        backlog: int = BACKLOG,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Listener:
        """Accept from a bound stream socket that the caller made, inherited or was given: see `activated_sockets`.

        From here on the listener owns it and closes it, without shutting it down for other processes that hold it. It
        becomes non-blocking, for them as well. One that listens already keeps its own backlog.
        Raises TypeError, ValueError or ListenError for a socket that cannot be accepted from, which stays the caller's.

        >>> import socket
        >>> from reactor import Protocol, Reactor
        >>> with Reactor() as reactor:
        ...     listener = reactor.listen_socket(Protocol, socket.create_server(("127.0.0.1", 0)))
        ...     transport, _ = reactor.run_until(reactor.connect_tcp(Protocol, "127.0.0.1", listener.port))
        ...     listener.is_accepting()
        True
        """
        self.check_usable()
        check_arguments(factory, limits, timeouts)
        check_server_context(tls)
        adopt_listening(sock, backlog)
        return self._listen(factory, [sock], limits, timeouts, tls)

    def _listen(
        self,
        factory: Callable[[], Any],
        sockets: list[socket.socket],
        limits: Limits | None,
        timeouts: Timeouts | None,
        tls: ssl.SSLContext | None = None,
        bound: BoundPath | None = None,
    ) -> Listener:
        gone = self._forget
        listener = Listener(self, factory, sockets, limits, timeouts, on_gone=gone, tls=tls, bound=bound)
        self._listeners[listener] = None
        return listener

    def _forget(self, listener: Listener) -> None:
        self._listeners.pop(listener, None)

    def connect_tcp(
        self,
        factory: Callable[[], Any],
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | bool | None = None,
        server_hostname: str | None = None,
        local: tuple[str, int] | None = None,
        allow: Callable[[Any], object] | None = None,
        timeout: float | None = 30.0,
        family: int = 0,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Future[tuple[StreamTransport, Any]]:
        """Connect to `host`, a name (resolved in a thread) or an address; the future holds `(transport, protocol)`.

        Several addresses are tried side by side, 250 ms apart (RFC 8305). `timeout` covers all of it, and so does
        `timeouts.connect` where `timeouts` is given: the lesser counts. None waits as long as TCP does. `local` is the
        address to connect from, a literal one ("" is any) and a port (0 is any). Cancelling the future cancels the
        attempt. It may hold ConnectRefused, ConnectError, ConnectTimeout (all three list every attempt), ResolveError,
        or what `factory` raised.

        tls: True verifies the certificate against the system's roots, or a context of your own; it must be for
        `server_hostname`, which is `host` unless given. A handshake that fails is ssl.SSLCertVerificationError,
        ssl.SSLError, OSError or HandshakeTimeout.

        allow: called with each socket address that `host` has come to, right before it is connected to; an OSError
        that it raises refuses this one, and is listed as an attempt that failed. Who connects to what strangers name
        checks here where that leads: a check of the name, or of a lookup of one's own, is about another address.

        >>> from reactor import ConnectRefused, Protocol, Reactor
        >>> with Reactor() as reactor:
        ...     listener = reactor.listen_tcp(Protocol, "127.0.0.1", 0)
        ...     listener.close()
        ...     try:
        ...         reactor.run_until(reactor.connect_tcp(Protocol, "127.0.0.1", listener.port))
        ...     except ConnectRefused as error:
        ...         print(error)
        cannot connect to 127.0.0.1:...: Connection refused
        """
        self.check_usable()
        if not isinstance(host, str):
            raise TypeError(f"a host is a name or an address, not {host!r}")
        if not 0 < check_port(port) <= 65535:
            raise ValueError(f"a port to connect to is 1 to 65535, not {port}")
        check_arguments(factory, limits, timeouts)
        if server_hostname is not None and not tls:
            raise ValueError("server_hostname is for the certificate: without tls= nobody looks at it")
        where = show((host, port))
        connector = Connector(
            self,
            factory,
            where,
            self._clients,
            timeout=_lesser(timeout, timeouts),
            local=local,
            allow=allow,
            secure=client_carrier(self, tls, host if server_hostname is None else server_hostname),
            limits=limits,
            timeouts=timeouts,
        )
        return connector.resolve(host, port, family)

    def connect_unix(
        self,
        factory: Callable[[], Any],
        path: UnixPath,
        *,
        tls: ssl.SSLContext | bool | None = None,
        server_hostname: str | None = None,
        timeout: float | None = 30.0,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Future[tuple[StreamTransport, Any]]:
        """Connect to a Unix socket; the future and `timeout` are as for `connect_tcp`. Example: see `listen_unix`.

        While the listener's backlog is full, we wait. The future may hold ConnectRefused (nobody listens there any
        more), ConnectError (no such path, no right to it, too long a path) or ConnectTimeout, with the path in them.
        With `tls` the certificate must be for `server_hostname`: a path is no name.
        """
        self.check_usable()
        check_arguments(factory, limits, timeouts)
        connector = Connector(
            self,
            factory,
            show_path(path),
            self._clients,
            timeout=_lesser(timeout, timeouts),
            secure=client_carrier(self, tls, server_hostname or ""),
            limits=limits,
            timeouts=timeouts,
        )
        return connector.reach(path)

    def open_stdio(
        self, factory: Callable[[], Any], *, limits: Limits | None = None, timeouts: Timeouts | None = None
    ) -> StreamTransport:
        """Standard input and output as one connection: a terminal, pipes, files, /dev/null or closed.

        The end of stdin is `eof_received`; a closed stdin ends at once. `close` ends both ways once all is written.
        """
        self.check_usable()
        protocol = made(factory)
        stdin, stdout = descriptor(sys.stdin), descriptor(sys.stdout)
        if stdout is not None:
            sys.stdout.flush()  # what was printed before comes first
        bounds = limits or Limits(), timeouts or Timeouts(write=None)  # Ctrl-S stalls a terminal; that is no fault
        carrier = StdioSocket(stdin, stdout)
        transport = self.kind(StreamTransport)(self, carrier, protocol, self._clients, "stdio", *bounds)
        self._clients.seat(transport)
        return transport

    def _on_forked(self) -> None:
        """In a forked child: what listens and is connected here is the parent's."""
        super()._on_forked()
        for listener in self._listeners:
            listener._on_forked()
        self._clients._on_forked()
        self._datagrams._on_forked()

    def abandon(self) -> None:
        """In a forked child: close the child's copies of the descriptors, so that the parent notices nothing."""
        for listener in self._listeners:
            listener._abandon()
        self._clients.abandon()
        self._datagrams.abandon()


def _lesser(timeout: float | None, timeouts: Timeouts | None) -> float | None:
    """The seconds for connecting: both count, where both are given."""
    other = None if timeouts is None else timeouts.connect
    return min((seconds for seconds in (timeout, other) if seconds is not None), default=None)
