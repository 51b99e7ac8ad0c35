"""How other protocols begin: browsers, scanners, health checks and clients of other servers knock on every port. Pure.

What such a peer sends first may hold a password, so it must never be said to anybody. A person may begin with words
that look alike ("pass me the salt"): only what nobody would type is taken for a protocol, in the protocol's own case.
"""

from __future__ import annotations

import re

from .faults import Fault

TLS_RECORD = b"\x16\x03"  # handshake, any version (RFC 8446, 5.1)

_REQUEST = re.compile(rb"[A-Z_]{3,20} \S+ (HTTP|RTSP|SIP)/\d(?:\.\d)?")  # RFC 9112 3, RFC 7826 20.1, RFC 3261 7.1
_REQUEST_START = re.compile(rb"[A-Z_]{3,20} (?:/|https?:|rtsps?:|sips?:|\*)")
_NICK = re.compile(rb"NICK :?\S+")  # RFC 2812, 3.1.2; a person may type that too, so what follows decides
_USER = re.compile(rb"USER \S.*")

_OPENINGS = (
    (re.compile(rb"SSH-\d.*", re.DOTALL), Fault.SSH),  # RFC 4253, 4.2
    (re.compile(rb"(?:EHLO|HELO|LHLO)(?: \S+)?"), Fault.MAIL),  # RFC 5321, 4.1.1.1
    (re.compile(rb"PASS (?::.*|\S+)|CAP (?:LS|LIST|REQ|END)\b.*|USER(?: \S+){3} .*"), Fault.IRC),  # RFC 2812, 3.1
    (re.compile(rb"USER \S+|AUTH \S+(?: \S+)?|[\w.]{1,8} LOGIN \S+ \S+"), Fault.LOGIN),  # FTP, POP3, Redis, IMAP
    (re.compile(rb"\*\d{1,10}"), Fault.REDIS),  # an array, as all its clients begin
    (re.compile(rb"PROXY (?:TCP4|TCP6|UNKNOWN)\b.*"), Fault.PROXY),  # HAProxy's header, version 1
    (re.compile(rb"\0"), Fault.PROXY),  # version 2: CR LF CR LF NUL CR LF QUIT LF, of which the first lines are empty
    (
        re.compile(rb"\x13BitTorrent protocol.*|RFB \d{3}\.\d{3}|@RSYNCD:.*|<(?:stream:stream|policy-file)\b.*"),
        Fault.BINARY,
    ),
)

# NUL beside another control that no keyboard sends in a row: lengths and versions of binary protocols (SOCKS, MQTT,
# RDP, X11, databases). A single NUL is a C program's end of text, and several at the end are its buffer.
_BINARY = re.compile(rb"\0[\0-\x06\x0e-\x1a]")
_BINARY_END = re.compile(rb"[\x01-\x06\x0e-\x1a]\0")


def stranger(line: bytes) -> Fault | None:
    """Which protocol begins with this line, given without its end; None for what a person may say.

    >>> stranger(b"GET / HTTP/1.1"), stranger(b"PASS hunter2"), stranger(b"pass me the salt")
    (<Fault.HTTP: 'an HTTP request'>, <Fault.IRC: 'an IRC login'>, None)
    """
    if request := _REQUEST.fullmatch(line):
        return Fault.HTTP if request[1] == b"HTTP" else Fault.SIP
    for opening, fault in _OPENINGS:
        if opening.fullmatch(line):
            return fault
    return Fault.BINARY if _BINARY.search(line.rstrip(b"\0")) or _BINARY_END.search(line) else None


def may_be_irc(line: bytes) -> bool:
    """Whether the line after this one decides: NICK alone is a person's, NICK and USER are a client's."""
    return _NICK.fullmatch(line) is not None


def is_irc_user(line: bytes) -> bool:
    """Whether this line, after NICK, is an IRC client's."""
    return _USER.fullmatch(line) is not None


def unfinished(pending: bytes) -> bool:
    """Whether more must follow of what came without a line's end."""
    if pending == TLS_RECORD[:1] or (_REQUEST_START.match(pending) and not _REQUEST.fullmatch(pending)):
        return True
    try:
        pending.decode()
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return False
