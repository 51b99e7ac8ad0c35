"""HTTP/1.1 on the reactor: a client, and below it the wire for both roles.

    from protocols.http import get
    print(get("http://example.com/").text)

The map, from the bottom up:

    errors headers events              failures by name; fields; what a wire tells
    states chunked framing heads wire  messages: bytes in, events out
    coding                             gzip and deflate undone
    url request redirect ranges        what is asked for; pure, like all above
    response timeouts proxy guard      what comes back; bounds; the way there, and where it must not lead
    failures                           what the network does, as errors
    connection tunnel pool             connections, made and kept
    patience fetching client           how long, one fetch, and the verbs
    download                           a file that has its name once it is whole
"""

from __future__ import annotations

from .client import MAX_BODY, MAX_REDIRECTS, Client, fetch, get
from .download import Download, DownloadError
from .errors import (
    BodyTooLarge,
    DecodingError,
    HeadTooLarge,
    HTTPError,
    NoResponse,
    ProtocolError,
    Truncated,
    UnknownCoding,
)
from .failures import CallbackFailed, ClientClosed, ConnectionFailed, FetchTimeout, ProxyError
from .guard import AddressForbidden, Guard
from .headers import Headers
from .ranges import ContentRange, content_range, rest_after, strong_validator
from .redirect import RedirectError
from .request import basic_auth, bearer_auth
from .response import Response
from .timeouts import FetchTimeouts
from .url import URL, encode, parse_url

__all__ = [
    "MAX_BODY",
    "MAX_REDIRECTS",
    "URL",
    "AddressForbidden",
    "BodyTooLarge",
    "CallbackFailed",
    "Client",
    "ClientClosed",
    "ConnectionFailed",
    "ContentRange",
    "DecodingError",
    "Download",
    "DownloadError",
    "FetchTimeout",
    "FetchTimeouts",
    "Guard",
    "HTTPError",
    "HeadTooLarge",
    "Headers",
    "NoResponse",
    "ProtocolError",
    "ProxyError",
    "RedirectError",
    "Response",
    "Truncated",
    "UnknownCoding",
    "basic_auth",
    "bearer_auth",
    "content_range",
    "encode",
    "fetch",
    "get",
    "parse_url",
    "rest_after",
    "strong_validator",
]
