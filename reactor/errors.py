"""Every error the reactor raises by name. Knows nothing else of the package.

Two questions sort them. Whose fault is it? A `PeerError` is the peer's: it ends that connection with one quiet
log line and no traceback. Anything else raised in a callback is a bug in the program and is logged with its
traceback. And what would a caller catch? Timeouts are also `TimeoutError`, losses are also `ConnectionError`.
"""

from __future__ import annotations

from collections.abc import Sequence


class ReactorError(Exception):
    """The root of every error named here."""


class ReactorClosed(ReactorError):
    """The reactor was closed, so this can no longer happen."""


class FileTruncated(ReactorError, OSError):
    """A file that is being sent ended before the bytes that were to be sent; the connection ends with it."""


class PeerError(ReactorError):
    """The peer broke the rules of its protocol. Raised in a callback, it ends the connection at once and quietly.

    What was written and not yet sent is lost with it. To tell the peer why, write that and `close()` instead.
    """


class FramingError(PeerError):
    """The bytes received are not a frame of this protocol."""


class LimitExceeded(PeerError):
    """A bound in `Limits`, or one of a protocol such as `max_line`, was passed."""


class DatagramDropped(LimitExceeded, OSError):
    """A datagram was not sent because too much waits already (`Limits.output`). `errno` is ENOBUFS."""


class ConnectionTimeout(PeerError, TimeoutError):
    """A deadline in `Timeouts` passed. The subclass says which."""


class ConnectTimeout(ConnectionTimeout):
    """No connection within `timeout`, resolving included. `attempts`: as in ConnectError, with those under way."""

    def __init__(self, message: str = "", attempts: Sequence[tuple[str, OSError]] = ()) -> None:
        super().__init__(message)
        self.attempts = list(attempts)


class HandshakeTimeout(ConnectionTimeout):
    """The handshake of a carrier was not done within `Timeouts.handshake`."""


class IdleTimeout(ConnectionTimeout):
    """No byte in or out for `Timeouts.idle`."""


class WriteTimeout(ConnectionTimeout):
    """Bytes waited and none left for `Timeouts.write`."""


class CloseTimeout(ConnectionTimeout):
    """The peer had not taken everything within `Timeouts.close` after `close()`."""


class DrainTimeout(ConnectionTimeout):
    """The connection was still open when the grace of a drain ended."""


class ConnectError(ReactorError, ConnectionError):
    """No address could be connected to. `attempts` lists each `(address, error)` in the order tried."""

    def __init__(self, where: str, attempts: list[tuple[str, OSError]]) -> None:
        super().__init__(f"cannot connect to {where}: {reasons(where, attempts)}")
        self.attempts = attempts


class ConnectRefused(ConnectError, ConnectionRefusedError):
    """Every address answered, and nobody listens there."""


class ResolveError(ReactorError, OSError):
    """A name has no address, or none was found in time."""


class ListenError(ReactorError, OSError):
    """An address cannot be listened on; `errno` says why, the message says which."""


class ActivationError(ReactorError):
    """The sockets that this process was started with are not what its environment says."""


class HandOverError(ReactorError):
    """The successor did not come to accept. This process has lost nothing, and may go on serving."""


def reasons(where: str, attempts: Sequence[tuple[str, OSError]]) -> str:
    """Each address with what it came to; `where` itself is not said again."""
    return "; ".join(
        _reason(error) if address == where else f"{address}: {_reason(error)}" for address, error in attempts
    )


def _reason(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__
