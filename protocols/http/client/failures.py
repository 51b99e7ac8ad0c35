"""What the network and the caller do to a fetch, as `HTTPError`s. What a peer does to HTTP itself is in `errors`."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from typing import Any

from reactor import ConnectionTimeout, ReactorClosed, attempt

from ..errors import HTTPError, ProtocolError
from .guard import forbidden

_PLACES = re.compile(r"\[[A-Z_: 0-9]+\] | \(_ssl\.c:\d+\)")  # names of constants, lines of C


NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"})
"""What OpenSSL calls an answer that is no TLS, in its several versions."""


class ConnectionFailed(HTTPError):
    """No connection, or a sudden end of it: refused, not resolved, TLS, reset. `__cause__` is the system's error."""


class FetchTimeout(HTTPError, TimeoutError):
    """A bound of `FetchTimeouts` has passed. The message says which."""


class ClientClosed(HTTPError):
    """The client, or the reactor below it, was closed before the answer was complete."""


class ProxyError(HTTPError):
    """The proxy did not do what it was asked for."""


class CallbackFailed(HTTPError):
    """`on_head`, `on_data` or the file that the body goes to raised: `__cause__` says what."""


def network_failure(error: BaseException) -> HTTPError:
    """For what a connect failed with, or what ended a connection."""
    if isinstance(error, HTTPError):
        return error
    failure: HTTPError | None = forbidden(error)
    if failure is None:
        kind: type[HTTPError] = ConnectionFailed
        if isinstance(error, ConnectionTimeout):
            kind = FetchTimeout
        elif isinstance(error, ReactorClosed):
            kind = ClientClosed
        failure = kind(describe(error))
    failure.__cause__ = error
    return failure


def proxy_failure(proxy: object, error: BaseException) -> BaseException:
    """For what the way to a proxy failed with: it is not the server that is not there, or has a bad certificate."""
    kind = type(network_failure(error))
    if isinstance(error, HTTPError) or kind not in (ConnectionFailed, FetchTimeout):
        return error
    what = "no TLS with the proxy" if isinstance(error, ssl.SSLError) else "the proxy"
    failure = kind(f"{what} {proxy}: {describe(error, whose='its')}")
    failure.__cause__ = error
    return failure


def name_proxy(error: HTTPError, proxy: object) -> None:
    """What goes wrong on a connection through a proxy may be the proxy's doing: it is named."""
    if isinstance(error, ProtocolError | ConnectionFailed | FetchTimeout):
        error.args = (f"{error} (through the proxy {proxy})",)


def callback_failure(what: str, error: BaseException) -> CallbackFailed:
    """For what the caller's own code raised; an HTTPError is what it means to say."""
    failure = CallbackFailed(f"{what} failed: {describe(error)}")
    failure.__cause__ = error
    return failure


def ask(fn: Callable[..., Any], *args: Any, what: str) -> Any:
    """Call the caller's own code. Raises an HTTPError of its own as it is, and CallbackFailed for all else."""
    result, error = attempt(fn, *args)
    if isinstance(error, HTTPError):
        raise error
    if error is not None:
        raise callback_failure(what, error)
    return result


def describe(error: BaseException, whose: str = "the server's") -> str:
    """What went wrong in words, without the places in C files that OpenSSL's have in them."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{whose} certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason in NO_TLS:
        return "no TLS is spoken there: is it an http:// address?"
    if isinstance(error, ConnectionResetError):
        return f"{'it' if whose == 'its' else 'the server'} has reset the connection"
    if isinstance(error, ssl.SSLError):
        return _PLACES.sub("", error.strerror or str(error))
    if isinstance(error, OSError) and error.strerror and error.args[:1] != (error.strerror,):
        return error.strerror
    return str(error) or type(error).__name__
