"""Heads of messages: the block of lines before the content into its first line and its fields.

Bytes that break the grammar are refused, and not repaired, with three exceptions: obs-fold becomes a space, as a user
agent must (RFC 9112, 5.2), a reason may be missing with the space before it, as many servers do, and a line of a
response may end with a bare LF (RFC 9112, 2.2), as old CGI programs do and browsers, curl and h11 accept. Requests
and trailers get no such leave: there a second reading of what ends a line is how requests are smuggled.
"""

from __future__ import annotations

import re

from ..errors import HeadTooLarge, ProtocolError, UnknownVersion
from ..events import Head, RequestHead
from ..headers import Headers

MAX_HEAD = 64 * 1024  # bytes, the blank line included: eight times what nginx and Apache send at most by default
MAX_LINES = 256  # of a head, folded ones counted each: ten times a busy site's

# Each piece is possessive (`++`), so that a head made to be slow is still read once. A value that ends with blanks is
# left to `_fields_one_by_one`.
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_NAME = rf"{_TOKEN}++"
_METHOD = rf"{_TOKEN}{{1,32}}+"  # no method in use has more than 17 letters
_FIELD = re.compile(
    rf"^({_NAME}):[ \t]*+([^\0\r\n]*+)(?<![ \t])\r\n", re.MULTILINE
)  # RFC 9112, 5: no blank before the colon
_FIELD_LINE = re.compile(rf"({_NAME}):[ \t]*+([^\0\r\n]*+)")
_TEXT = r"[\t\x20-\x7e\x80-\xff]*+"  # of a reason: no control characters (RFC 9112, 4)
_STATUS_LINE = re.compile(rf"HTTP/(1\.[0-9]) ([1-9][0-9]{{2}})(?: ({_TEXT}))?\r\n")
_REQUEST_LINE = re.compile(rf"({_METHOD}) ([\x21-\x7e]++) HTTP/(1\.[0-9])\r\n")  # RFC 9112, 3: one space each
_OTHER_VERSION = re.compile(rf"{_METHOD} [\x21-\x7e]++ HTTP/[02-9]\.[0-9]\r\n")

TELLING = 64  # bytes by which a peer that speaks no HTTP is told

_BLANK_LINE = re.compile(rb"\n\r?\n")
_BARE_LF = re.compile(r"(?<!\r)\n")
_ODD = re.compile(r"[\0\r\n]")
_RESPONSE = b"HTTP/1."
_REQUEST = re.compile(rf"(?:{_METHOD})?(?: |\Z)".encode())


def find_end(data: bytes | bytearray, start: int) -> int:
    """Where the head at the beginning of `data` ends, its blank line included; -1: not yet. Looks from `start` on."""
    blank = _BLANK_LINE.search(data, start)
    return blank.end() if blank else -1


def check_response(seen: bytes) -> None:
    """ProtocolError unless `seen`, perhaps only the beginning of a head, may be one of HTTP/1.

    Empty lines before it are not skipped: RFC 9112, 2.2 lets servers do so, and a response has no use for it. What
    does not begin with HTTP/1. is HTTP/0.9 or another protocol, and may never send the end of a head.
    """
    if not _RESPONSE.startswith(seen[: len(_RESPONSE)]):
        raise ProtocolError(f"not an HTTP/1 response: it begins with {seen[:40]!r}")


def check_request(seen: bytes) -> None:
    """ProtocolError unless `seen`, perhaps only the beginning of a head, may be a request: TLS, say, is none."""
    if not _REQUEST.match(seen[:33]):
        raise ProtocolError(f"not an HTTP request: it begins with {seen[:40]!r}")


def check_size(seen: bytes, max_head: int, max_lines: int) -> None:
    """HeadTooLarge if `seen`, a head with its blank line or the beginning of one, is over a bound."""
    if len(seen) > max_head or seen.count(b"\n") > max_lines + 1:
        raise HeadTooLarge(f"a head of more than {max_head} bytes or {max_lines} lines")


def parse_response(block: bytes) -> Head:
    """The head in `block`, which ends with its blank line."""
    text = block.decode("latin-1")
    try:
        return _response(text)
    except ProtocolError:
        check_response(block)
        if not _BARE_LF.search(text):
            raise
    return _response(_BARE_LF.sub("\r\n", text))


def _response(text: str) -> Head:
    line = _STATUS_LINE.match(text)
    if line is None:
        raise ProtocolError(f"a status line that is none: {_shown(text)}")
    version, status, reason = line.groups("")
    return Head(version, int(status), reason, parse_fields(text, line.end()))


def parse_request(block: bytes) -> RequestHead:
    """The head in `block`, which ends with its blank line."""
    text = block.decode("latin-1")
    line = _REQUEST_LINE.match(text)
    if line is None:
        check_request(block)
        kind = UnknownVersion if _OTHER_VERSION.match(text) else ProtocolError
        raise kind(f"a request line that is none: {_shown(text)}")
    if "\n " in text or "\n\t" in text:  # RFC 9112, 5.2: a server rejects it, or replaces it
        raise ProtocolError("a folded line in a request")
    method, target, version = line.groups()
    return RequestHead(version, method, target, parse_fields(text, line.end()))


def parse_fields(text: str, start: int = 0) -> Headers:
    """The fields in `text` from `start` on: lines that end with CRLF, and a blank one."""
    if not text.endswith("\r\n"):
        raise ProtocolError("a blank line that is LF alone")  # RFC 9112, 2.1
    fields = _FIELD.findall(text, start)
    # Each field found stands between one line feed and the next. If there are as many as lines, nothing was left out.
    if len(fields) != text.count("\n", start) - 1:
        return Headers.parsed(_fields_one_by_one(text[start:-2]))
    return Headers.parsed(fields)


def _fields_one_by_one(text: str) -> list[tuple[str, str]]:
    """The fields where some are folded or end with blanks, or the reason why a line is no field."""
    fields: list[tuple[str, list[str]]] = []
    for line in text.removesuffix("\r\n").split("\r\n"):
        if _ODD.search(line):
            raise ProtocolError(f"CR, LF or NUL inside a line: {_shown(line)}")  # RFC 9110, 5.5; RFC 9112, 2.2
        if line[:1] in (" ", "\t") and fields:
            fields[-1][1].append(line.strip(" \t"))  # RFC 9112, 5.2
            continue
        field = _FIELD_LINE.fullmatch(line)
        if field is None:  # RFC 9112, 2.2 (a blank before the first field) and 5.1 (a blank before the colon)
            raise ProtocolError(f"a header line that is none: {_shown(line)}")
        fields.append((field[1], [field[2].rstrip(" \t")]))
    return [(name, " ".join(parts).strip(" ")) for name, parts in fields]


def _shown(text: str) -> str:
    """Enough of a line to know it by, without its control characters."""
    line = text.split("\n", 1)[0].rstrip("\r")
    return repr(line if len(line) <= 60 else line[:57] + "...")
