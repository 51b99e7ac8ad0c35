"""OpenSSL as a pure engine: bytes in, bytes out. Knows no carrier and no loop; `tls` gives it both.

OpenSSL works on two `ssl.MemoryBIO`s, so it needs no descriptor and runs over anything.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Any

SLICE = 16 * 1024
"""Bytes put into a MemoryBIO at once, one record (RFC 8446, 5.1). OpenSSL never shrinks a BIO: filled with a whole read
of 120 KiB, it would hold 160 KiB for as long as the connection lasts."""

MOST = 8 * SLICE  # bytes encrypted for one send: about as much as a kernel buffer takes, so that little waits here

INFO = {
    "peercert": "getpeercert",
    "cipher": "cipher",
    "compression": "compression",
    "alpn_protocol": "selected_alpn_protocol",
    "alpn": "selected_alpn_protocol",
    "selected_alpn_protocol": "selected_alpn_protocol",
    "tls_version": "version",
}
"""What `get_extra_info` tells, and the method of `ssl.SSLObject` that knows. The first three are asyncio's names; for
ALPN there is no such name, and whoever comes from `ssl`, uvicorn or curl looks for another."""

KNOWN = frozenset({*INFO, "ssl_object", "sslcontext"})


class Records:
    """One end of a TLS session: `incoming` is what the peer sent, `outgoing` what it is to be sent.

    `SSLContext.wrap_bio` may raise ValueError or ssl.SSLError here.
    """

    __slots__ = ("_engine", "_server_hostname", "_ssl", "ended", "fault", "incoming", "outgoing")

    def __init__(self, context: ssl.SSLContext, server_side: bool, server_hostname: str | None) -> None:
        if context.check_hostname and not server_side and not server_hostname:
            # wrap_bio, unlike wrap_socket, would take anybody's certificate for the one that was meant.
            raise ValueError("a context that checks host names needs the server_hostname that the certificate is for")
        self.incoming = ssl.MemoryBIO()
        self.outgoing = ssl.MemoryBIO()
        if server_hostname:
            server_hostname = server_hostname.removesuffix(".")  # no certificate has the dot of the root (RFC 6066, 3)
        self._ssl = context.wrap_bio(self.incoming, self.outgoing, server_side, server_hostname)
        self._engine: Any = self._ssl
        if type(self._ssl) is ssl.SSLObject:  # and no subclass, which may add something
            # The object under ssl.SSLObject, which only passes calls on: a call of Python less for each record. It is
            # CPython's, and undocumented.
            self._engine = getattr(self._ssl, "_sslobj", self._ssl)
        self._server_hostname = server_hostname
        self.ended = False  # the peer said close_notify
        self.fault: OSError | None = None

    def handshake(self) -> bool:
        """Go on with what came; true when done. There may be something to send either way."""
        try:
            self._ssl.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def decrypt(self, data: bytes) -> list[bytes]:
        """All the plain text there is. Sets `ended` at the peer's end.

        It takes everything: the poller does not know of bytes that stay inside OpenSSL.
        A fault (a broken record, an alert) behind plain text is kept in `fault`, and raised by the next call.
        """
        if self.fault is not None:
            try:
                raise self.fault
            finally:
                self.fault = None
        incoming, engine = self.incoming, self._engine
        parts: list[bytes] = []
        try:
            # Written out here, and not a method: it is done for each record.
            for part in (data,) if len(data) <= SLICE else slices(data):
                incoming.write(part)
                try:
                    while True:
                        plain = engine.read(SLICE)
                        if not plain:
                            self.ended = True
                            break
                        parts.append(plain)
                        if not incoming.pending:  # all is read: spares the exception that another `read` would raise
                            break
                except ssl.SSLWantReadError:
                    pass  # the rest of a record is still to come
                except ssl.SSLZeroReturnError:
                    self.ended = True
        except OSError as exc:
            if not parts:
                raise
            self.fault = exc.with_traceback(None)  # its frames hold us, who hold it
        return parts

    def encrypt(self, data: bytes | memoryview) -> bytes:
        """The records for `data`, which is no more than MOST."""
        if len(data) <= SLICE:
            self._engine.write(data)
            return self.outgoing.read()
        parts = []
        for part in slices(memoryview(data)):
            self._engine.write(part)
            parts.append(self.outgoing.read())
        return b"".join(parts)

    def end(self) -> None:
        """Write close_notify. Nothing that came may wait to be decrypted: OpenSSL takes that for a breach."""
        try:
            self._ssl.unwrap()
        except ssl.SSLError:
            pass  # "want read": the peer has not said its own yet, and need not

    def name_host(self, exc: BaseException) -> BaseException:
        """Say whose certificate it was: OpenSSL does not."""
        if isinstance(exc, ssl.SSLError):
            exc.strerror = f"TLS with {self._server_hostname or 'the peer'}: {exc.strerror}"
        return exc

    def info(self, name: str) -> Any:
        """One of KNOWN; None where it is not known, or not yet."""
        if name == "ssl_object":
            return self._ssl
        if name == "sslcontext":
            return self._ssl.context
        try:
            return getattr(self._ssl, INFO[name])()
        except ValueError:
            return None  # the handshake is not done: there is no certificate yet


def slices(data: Any) -> Iterator[Any]:
    """`data` in pieces of SLICE bytes."""
    return (data[start : start + SLICE] for start in range(0, len(data), SLICE))
