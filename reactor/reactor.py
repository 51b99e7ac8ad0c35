"""The reactor: the loop, and the verbs of the network. What only some verbs need is imported in them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .diagnostics import asked
from .diagnostics.watchdog import watch
from .endpoints.inventory import Inventory
from .endpoints.listener import BACKLOG, Listener
from .limits import Limits, Timeouts, check_arguments, made
from .loop.budget import OUTPUT_BUDGET
from .loop.futures import Promise
from .loop.kernel import Kernel
from .loop.loop import Loop
from .loop.poller import Poller
from .loop.termination import Termination
from .protocol import AnyProtocol, P
from .sockets.addresses import check_port, show
from .sockets.contexts import check_server_context, client_carrier
from .sockets.listening import adopt_listening, listening_sockets
from .transports.stream import StreamTransport

if TYPE_CHECKING:
    import ssl

    from .diagnostics.stats import Stats
    from .endpoints.drain import DrainReport
    from .sockets.udp import HostPort
    from .sockets.unix import UnixPath
    from .transports.datagram import DatagramTransport

GRACE = 5.0  # seconds a drain gives; systemd and docker wait 10 and more before they kill


class Reactor(Loop):
    """A single-threaded event loop with sockets. One a thread; use it as a context manager, or call `close`.

    clock: a callable giving monotonic seconds; poller, kernel: see those modules. All three are for tests: see
        `reactor.testing`.
    output_budget: bytes that may wait in all stream connections together (None: any); beyond it those that hold the
        most are ended with LimitExceeded. 256 MiB; see `reactor.loop.budget`.
    watchdog: a callback that holds the loop for so many seconds is logged while it does, with its stack. 0 is none;
        by default what REACTOR_WATCHDOG in the environment says, or 1 s; none where `clock` is given.
    debug: calls from the wrong thread raise, slow callbacks and what was never closed are logged, connections are held
        to their contract: see `reactor.diagnostics.debug`. By default what REACTOR_DEBUG=1 in the environment says.
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
        threshold = asked.seconds(watchdog, clock is None, os.environ.get("REACTOR_WATCHDOG"))
        super().__init__(clock=clock, poller=poller, output_budget=output_budget, kernel=kernel)
        self._inventory: Inventory = Inventory(self)
        self._termination = Termination(self, self._signals, self._kernel.terminating)
        watch(self, threshold)
        if asked.debug(debug, os.environ.get("REACTOR_DEBUG")):
            from .diagnostics.debug import equip

            equip(self)

    # -- running ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Run until `stop()`. On the main thread SIGINT, SIGTERM and SIGHUP drain and then stop; a second ends at once.

        Within half a second of the first it is no second one but the same request: see `loop.termination`. A handler
        that the program has set itself, here or with `signal.signal`, is left alone, SIG_IGN included.
        """
        self._check_idle()
        with self._termination:
            super().run()

    def add_signal_handler(self, signum: int, fn: Callable[..., Any], *args: Any) -> None:
        """Call `fn(*args)` on the loop when the signal comes. Main thread only (ValueError elsewhere)."""
        self._check_usable()
        self._signals.add(signum, fn, args)

    def remove_signal_handler(self, signum: int) -> bool:
        """Put back the handler that was there before; False if there was none of ours."""
        return self._signals.remove(signum)

    def flush(self) -> None:
        """Send what was written in this tick so far. After every few dozen of a crowd: the first need not wait for all.

        Who is written to again in this tick has a second send. May call `pause_writing` and `resume_writing`.
        """
        self._inventory.flush()

    def drain(self, grace: float = GRACE) -> Promise[DrainReport]:
        """Stop accepting, tell the protocols (`draining(grace)`), flush, close; cut what is left at the end; then stop.

        The future holds what was closed and what was cut. Works from a callback, and before `run` or `run_until`. What
        asyncio runs until a coroutine is done, on the loop of `reactor.aio`, is not stopped: `await` it there.
        """
        return self._inventory.drain(grace, self.stop if self._host is None else self._host.drained)

    def abort(self) -> None:
        """End every listener and connection at once."""
        self._inventory.abort()

    # -- verbs --------------------------------------------------------------------------------------------------

    def listen_tcp(
        self,
        factory: Callable[[], AnyProtocol],
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
        self._check_usable()
        check_arguments(factory, limits, timeouts)
        check_server_context(tls)
        sockets = listening_sockets(host, port, backlog=backlog, reuse_port=reuse_port, kernel=self._kernel)
        return self._inventory.listen(factory, sockets, limits, timeouts, tls)

    def listen_unix(
        self,
        factory: Callable[[], AnyProtocol],
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
        self._check_usable()
        check_arguments(factory, limits, timeouts)
        check_server_context(tls)
        from .sockets.unix import listening_unix_socket

        sock, bound = listening_unix_socket(path, mode=mode, backlog=backlog)
        return self._inventory.listen(factory, [sock], limits, timeouts, tls, bound)

    def listen_socket(
        self,
        factory: Callable[[], AnyProtocol],
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
        self._check_usable()
        check_arguments(factory, limits, timeouts)
        check_server_context(tls)
        adopt_listening(sock, backlog)
        return self._inventory.listen(factory, [sock], limits, timeouts, tls)

    def connect_tcp(
        self,
        factory: Callable[[], P],
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
    ) -> Promise[tuple[StreamTransport, P]]:
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
        self._check_usable()
        if not isinstance(host, str):
            raise TypeError(f"a host is a name or an address, not {host!r}")
        if not 0 < check_port(port) <= 65535:
            raise ValueError(f"a port to connect to is 1 to 65535, not {port}")
        check_arguments(factory, limits, timeouts)
        if server_hostname is not None and not tls:
            raise ValueError("server_hostname is for the certificate: without tls= nobody looks at it")
        from .endpoints.connector import Connector, lesser

        connector = Connector(
            self,
            factory,
            show((host, port)),
            self._inventory.clients,
            timeout=lesser(timeout, timeouts),
            local=local,
            allow=allow,
            secure=client_carrier(self, tls, host if server_hostname is None else server_hostname),
            limits=limits,
            timeouts=timeouts,
        )
        return connector.resolve(host, port, family)

    def connect_unix(
        self,
        factory: Callable[[], P],
        path: UnixPath,
        *,
        tls: ssl.SSLContext | bool | None = None,
        server_hostname: str | None = None,
        timeout: float | None = 30.0,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> Promise[tuple[StreamTransport, P]]:
        """Connect to a Unix socket; the future and `timeout` are as for `connect_tcp`. Example: see `listen_unix`.

        While the listener's backlog is full, we wait. The future may hold ConnectRefused (nobody listens there any
        more), ConnectError (no such path, no right to it, too long a path) or ConnectTimeout, with the path in them.
        With `tls` the certificate must be for `server_hostname`: a path is no name.
        """
        self._check_usable()
        check_arguments(factory, limits, timeouts)
        from .endpoints.connector import Connector, lesser
        from .sockets.unix import show_path

        connector = Connector(
            self,
            factory,
            show_path(path),
            self._inventory.clients,
            timeout=lesser(timeout, timeouts),
            secure=client_carrier(self, tls, server_hostname or ""),
            limits=limits,
            timeouts=timeouts,
        )
        return connector.reach(path)

    def open_udp(
        self,
        factory: Callable[[], Any],
        *,
        local: HostPort | None = None,
        remote: HostPort | None = None,
        family: int = 0,
        broadcast: bool = False,
        reuse_port: bool = False,
        sock: Any = None,
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
    ) -> DatagramTransport:
        """Open a UDP socket; `factory()` makes its protocol, whose `connection_made` has run when this returns.

        local: the address to receive on; a host of None is every interface, IPv4 unless `family` is AF_INET6. Without
            it the kernel chooses one.
        remote: the only address to send to and to receive from, so that its refusals (ICMP) come to `error_received`.
        broadcast: may send to broadcast addresses. reuse_port: several processes may receive on the port, and the
            kernel spreads the peers among them, except for multicast, which all of them get.
        sock: instead of all these, a datagram socket that the caller made or was given; the transport closes it.
        limits: `output` counts here, and what does not fit is dropped and told to `error_received`. timeouts: `idle`,
            `close` and `write`; by default a network that takes nothing for a while ends no socket (write=None).
        A name is looked up in the calling thread, as a server does once before it serves. While the loop runs that
        would stop it, so there only addresses are taken (ValueError). Raises ListenError, ConnectError, ResolveError,
        each an OSError with the address in its message, or what `factory` raises.

        >>> from reactor import DatagramProtocol, Reactor
        >>> class Hear(DatagramProtocol):
        ...     def datagram_received(self, data, addr):
        ...         print(data)
        ...         reactor.stop()
        >>> with Reactor() as reactor:
        ...     hear = reactor.open_udp(Hear, local=("127.0.0.1", 0))
        ...     ask = reactor.open_udp(DatagramProtocol, remote=hear.get_extra_info("sockname"))
        ...     ask.sendto(b"anybody there?")
        ...     reactor.run()
        b'anybody there?'
        """
        self._check_usable()
        check_arguments(factory, limits, timeouts)
        from .endpoints.datagrams import open_datagram

        options = (local, remote, family, broadcast, reuse_port, sock, limits, timeouts)
        return open_datagram(self._inventory.datagrams, factory, *options)

    def open_stdio(
        self, factory: Callable[[], Any], *, limits: Limits | None = None, timeouts: Timeouts | None = None,
        keep_input: bool = False,
    ) -> StreamTransport:  # fmt: skip
        """Standard input and output as one connection: a terminal, pipes, files, /dev/null or closed.

        The end of stdin is `eof_received`; a closed stdin ends at once. `close` ends both ways once all is written.
        So does a stdout that fails; with `keep_input` what is written then is dropped with a WARNING, until it works.
        """
        self._check_usable()
        from .sockets.stdio import standard_streams

        bounds = limits or Limits(), timeouts or Timeouts(write=None)  # Ctrl-S stalls a terminal; that is no fault
        protocol = made(factory)
        return self._inventory.clients.open(standard_streams(keep_input=keep_input), protocol, "stdio", *bounds)

    # -- seeing inside ------------------------------------------------------------------------------------------

    def connections(self) -> list[StreamTransport | DatagramTransport]:
        """All that is open: accepted, made by us, datagram sockets; each in order of arrival."""
        return self._inventory.transports()

    def stats(self) -> Stats:
        """Counters since the start, and what there is now. Looks at each connection: 1 ms for a thousand."""
        from .diagnostics import view

        return view.stats(self, self._inventory)

    def dump(self, limit: int = asked.MAX_CONNECTIONS) -> str:
        """All that is open, in lines for an operator's eyes: at most `limit` connections, the most troubled first.

        What comes from peers is shown without control characters. `reactor.serving` prints it on SIGUSR1.

        >>> from reactor import Reactor
        >>> with Reactor() as reactor:
        ...     print(reactor.dump())
        up ...: connections 0, datagram sockets 0, listeners 0, timers 0, calls in threads 0
        ...
        """
        from .diagnostics import view

        return view.dump(self, self._inventory, limit)
