"""Opens datagram sockets. What a program sees of it is `Reactor.open_udp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..limits import Limits, Timeouts, made
from ..sockets.udp import HostPort, adopt, open_socket, peer_of, refuse_names
from ..transports.datagram import DatagramTransport
from .roster import Roster


def open_datagram(
    roster: Roster[DatagramTransport],
    factory: Callable[[], Any],
    local: HostPort | None,
    remote: HostPort | None,
    family: int,
    broadcast: bool,
    reuse_port: bool,
    sock: Any,
    limits: Limits | None,
    timeouts: Timeouts | None,
) -> DatagramTransport:
    """A transport in `roster`, on a socket of its own or the one that is given."""
    if roster.is_served():
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
    return roster.open(sock, protocol, peer_of(sock), limits or Limits(), timeouts or Timeouts(write=None))
