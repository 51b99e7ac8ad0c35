"""The verb of datagrams, and what is open of them. `Reactor` adds the verbs of streams."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..limits import Limits, Timeouts, check_arguments, made
from ..loop.loop import Loop
from ..sockets.udp import HostPort, adopt, open_socket, peer_of, refuse_names
from ..transports.datagram import DatagramTransport
from .roster import Roster


class DatagramLoop(Loop):
    """The loop with `open_udp`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._datagrams: Roster[DatagramTransport] = Roster(self)

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
        >>> class Echo(DatagramProtocol):
        ...     def connection_made(self, transport):
        ...         self.transport = transport
        ...     def datagram_received(self, data, addr):
        ...         self.transport.sendto(data, addr)
        >>> class Ask(DatagramProtocol):
        ...     def connection_made(self, transport):
        ...         transport.sendto(b"anybody there?")
        ...     def datagram_received(self, data, addr):
        ...         print(data)
        ...         reactor.stop()
        >>> with Reactor() as reactor:
        ...     echo = reactor.open_udp(Echo, local=("127.0.0.1", 0))
        ...     ask = reactor.open_udp(Ask, remote=echo.get_extra_info("sockname"))
        ...     reactor.run()
        b'anybody there?'
        """
        self.check_usable()
        check_arguments(factory, limits, timeouts)
        if self._running:
            refuse_names(local, remote)
        if sock is None:
            sock = open_socket(local, remote, family, broadcast=broadcast, reuse_port=reuse_port)
        elif local or remote or family or broadcast or reuse_port:
            raise ValueError("a socket of the caller's has its addresses and options: give `sock` alone")
        else:
            adopt(sock)
        try:
            protocol = made(factory)
        except BaseException:
            sock.close()
            raise
        bounds = limits or Limits(), timeouts or Timeouts(write=None)
        transport = self.kind(DatagramTransport)(self, sock, protocol, self._datagrams, peer_of(sock), *bounds)
        self._datagrams.seat(transport)
        return transport
