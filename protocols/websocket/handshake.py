"""The opening handshake, both sides of it: requests checked and answered, made and their answers checked. Pure.

RFC 6455, 4. It reads heads that the wire of `protocols.http` has found to be right, and knows no connection.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ..http.errors import HTTPError
from ..http.headers import Headers
from ..http.server.response import Refusal
from . import deflate

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
VERSION = "13"
_VERSION_FIELD = {"Sec-WebSocket-Version": VERSION}  # 4.4: so that a client may try another

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2: the name of a subprotocol

ANY_ORIGIN = ("*",)
"""As `origins`: pages of every site may connect."""


class HandshakeError(HTTPError):
    """The server did not open a WebSocket. `status` of its answer, 0 where it was none; `headers` of it."""

    def __init__(self, message: str, *, status: int = 0, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = Headers() if headers is None else headers


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides know once the handshake is done."""

    subprotocol: str | None = None
    window: int | None = None
    """Bits of the largest window that our side may compress with, 0: it may not; None: permessage-deflate is off."""


def accept_key(key: str) -> str:
    """The proof that a server has read the request (4.2.2).

    >>> accept_key("dGhlIHNhbXBsZSBub25jZQ==")
    's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    digest = hashlib.sha1(key.encode("latin-1") + GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


# -- the server's side ------------------------------------------------------------------------------------------


def wants_websocket(headers: Headers) -> bool:
    """Whether a request asks for a WebSocket at all, rightly or not."""
    return "websocket" in _words(headers, "upgrade")


def check_request(method: str, version: str, headers: Headers) -> None:
    """Raises Refusal unless this is the request of a handshake (4.2.1)."""
    if not wants_websocket(headers):
        raise Refusal(426, "a WebSocket is here, and nothing else", {"Upgrade": "websocket", **_VERSION_FIELD})
    if method != "GET" or version == "1.0":
        raise Refusal(400, "a WebSocket begins with GET and HTTP/1.1")
    if "upgrade" not in _words(headers, "connection"):
        raise Refusal(400, "Connection must name Upgrade")
    if headers.get("content-length", "0") != "0" or "transfer-encoding" in headers:
        raise Refusal(400, "the request of a handshake has no body")
    if headers.get("sec-websocket-version", "") != VERSION:
        raise Refusal(426, f"the version must be {VERSION}", _VERSION_FIELD)
    if not _is_key(headers.get("sec-websocket-key", "")):
        raise Refusal(400, "Sec-WebSocket-Key must be 16 bytes in base64")


def check_origin(headers: Headers, origins: Collection[str] | None) -> None:
    """Raises Refusal (403) where a page of another site connects with its visitor's cookies and network (10.2).

    A request without Origin comes from no browser. `origins`: which are right, as "https://example.com"; None:
    only the site that Host names, by either scheme, because behind a proxy we see neither TLS nor the visitor.
    """
    origin = headers.get("origin")
    if origin is None or origins == ANY_ORIGIN:
        return
    host = headers.get("host", "")
    right = (f"http://{host}", f"https://{host}") if origins is None else origins
    if origin.lower() not in [one.lower() for one in right]:
        raise Refusal(403, "pages of this origin may not connect")


def answer(headers: Headers, subprotocols: Sequence[str], compression: bool) -> tuple[dict[str, str], Agreement]:
    """The fields that open the WebSocket with `Connection: Upgrade`, and what was agreed. Raises Refusal."""
    fields = {"Upgrade": "websocket", "Sec-WebSocket-Accept": accept_key(headers["sec-websocket-key"])}
    offered = _list(headers, "sec-websocket-protocol")
    if not all(_TOKEN.fullmatch(name) for name in offered):
        raise Refusal(400, "Sec-WebSocket-Protocol is malformed")
    subprotocol = next((name for name in offered if name in subprotocols), None)
    if subprotocol is not None:
        fields["Sec-WebSocket-Protocol"] = subprotocol
    try:
        extensions = headers.get("sec-websocket-extensions")
        agreed = deflate.agree(extensions) if extensions is not None else None
    except ValueError as error:
        raise Refusal(400, str(error)) from None
    if agreed is None or not compression:
        return fields, Agreement(subprotocol)
    fields["Sec-WebSocket-Extensions"] = agreed[1]
    return fields, Agreement(subprotocol, agreed[0])


# -- the client's side ------------------------------------------------------------------------------------------


def make_key() -> str:
    """A new Sec-WebSocket-Key (4.1)."""
    return base64.b64encode(os.urandom(16)).decode()


def request_head(
    target: str, host: str, key: str, subprotocols: Sequence[str], compression: bool, fields: Headers
) -> bytes:
    """The head that asks for a WebSocket (4.1). `fields` are the caller's own."""
    own = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": key,
        "Sec-WebSocket-Version": VERSION,
    }
    if subprotocols:
        own["Sec-WebSocket-Protocol"] = ", ".join(check_subprotocols(subprotocols))
    if compression:
        own["Sec-WebSocket-Extensions"] = deflate.OFFER
    for name in fields:
        if name.lower() in {one.lower() for one in own}:
            raise ValueError(f"{name} is the handshake's own")
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in [*own.items(), *fields.raw]), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def check_subprotocols(subprotocols: Sequence[str]) -> list[str]:
    """The names of subprotocols as a list. Raises ValueError for what is none."""
    for name in subprotocols:
        if not isinstance(name, str) or not _TOKEN.fullmatch(name) or list(subprotocols).count(name) > 1:
            raise ValueError(f"{name!r} is not the name of a subprotocol, or there twice")
    return list(subprotocols)


def check_answer(status: int, headers: Headers, key: str, subprotocols: Sequence[str], compression: bool) -> Agreement:
    """What the server's answer has agreed to. Raises HandshakeError (4.1)."""
    try:
        if status != 101:
            raise ValueError(f"the server answered {status} instead of opening a WebSocket")
        if not wants_websocket(headers) or "upgrade" not in _words(headers, "connection"):
            raise ValueError("the server changes to another protocol")
        if headers.get("sec-websocket-accept") != accept_key(key):
            raise ValueError("the server has not read the key of the handshake")
        subprotocol = headers.get("sec-websocket-protocol")
        if subprotocol is not None and subprotocol not in subprotocols:
            raise ValueError("the server chose a subprotocol that was not offered")
        extensions = headers.get("sec-websocket-extensions")
        if extensions is None:
            return Agreement(subprotocol)
        if not compression:
            raise ValueError("the server chose an extension that was not offered")
        return Agreement(subprotocol, deflate.accept(extensions))
    except ValueError as error:
        raise HandshakeError(str(error), status=status, headers=headers) from None


def _list(headers: Headers, name: str) -> list[str]:
    """The members of a list field; empty ones are skipped (RFC 9110, 5.6.1)."""
    return [word for part in headers.get(name, "").split(",") if (word := part.strip(" \t"))]


def _words(headers: Headers, name: str) -> list[str]:
    return [word.lower() for word in _list(headers, name)]


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        return False
