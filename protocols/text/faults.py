"""What may come instead of a message. Knows no bytes."""

from __future__ import annotations

from enum import Enum


class Fault(Enum):
    """What came instead of a message. After a fatal one nothing more comes of the framer.

    The value completes the sentence "it sent ..." in a log, and never holds anything of what was sent.
    """

    LINE_TOO_LONG = "longer than 2,048 bytes"
    NOT_UTF8 = "not UTF-8"
    NO_NEWLINE = "8 KiB without a newline"
    HTTP = "an HTTP request"
    TLS = "a TLS handshake"
    SIP = "an RTSP or SIP request"
    SSH = "an SSH greeting"
    MAIL = "a mail client's greeting"
    IRC = "an IRC login"
    LOGIN = "another protocol's login"
    REDIS = "a Redis command"
    PROXY = "a proxy's header"
    BINARY = "a protocol that is no text"

    @property
    def fatal(self) -> bool:
        """Whether the connection can only be closed."""
        return self not in _HARMLESS

    @property
    def stranger(self) -> bool:
        """Whether it is the beginning of another protocol: nobody who came to talk."""
        return self not in _OF_PEOPLE


_HARMLESS = frozenset({Fault.LINE_TOO_LONG, Fault.NOT_UTF8})
_OF_PEOPLE = _HARMLESS | {Fault.NO_NEWLINE}
