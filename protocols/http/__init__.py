"""HTTP/1.1 on the reactor: a client and a server, and below them the wire for both roles.

    from protocols.http import get
    print(get("http://example.com/").text)

`Response` is what a fetch gives; what a handler of the server gives is `protocols.http.server.Response`.

The map, from the bottom up; a file imports only from those above it in this list:

    errors       failures by name
    dates        HTTP-date
    headers      fields: names without case, values in the order they came
    hosts        what a Host field may say
    events       what a wire gives for the bytes it is fed
    idna         names of hosts that are not ASCII
    url          URLs of http and https
    wire/        messages: bytes in, events out
    client/      one fetch, and the connections that are kept for the next
    command/     the program: python -m protocols.http URL
    server/      routes, handlers, files
"""

from __future__ import annotations

from .client.client import Client, fetch, get
from .client.content.codings import decoder_for
from .client.downloads.download import Download, DownloadError
from .client.downloads.ranges import ContentRange, content_range, rest_after, strong_validator
from .client.failures import CallbackFailed, ClientClosed, ConnectionFailed, FetchTimeout, ProxyError
from .client.guard import AddressForbidden, Guard
from .client.options import MAX_BODY, MAX_REDIRECTS
from .client.redirect import RedirectError
from .client.request import basic_auth, bearer_auth
from .client.response import Response
from .client.timeouts import FetchTimeouts
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
from .headers import Headers
from .server.events import EventStream
from .server.files import Files
from .server.request import Request
from .server.response import Refusal, Upgrade
from .server.server import Server
from .server.uploads import Upload
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
    "EventStream",
    "FetchTimeout",
    "FetchTimeouts",
    "Files",
    "Guard",
    "HTTPError",
    "HeadTooLarge",
    "Headers",
    "NoResponse",
    "ProtocolError",
    "ProxyError",
    "RedirectError",
    "Refusal",
    "Request",
    "Response",
    "Server",
    "Truncated",
    "UnknownCoding",
    "Upgrade",
    "Upload",
    "basic_auth",
    "bearer_auth",
    "content_range",
    "decoder_for",
    "encode",
    "fetch",
    "get",
    "parse_url",
    "rest_after",
    "strong_validator",
]

for _name in __all__:  # errors are named by the package that people import them from, in tracebacks too
    if isinstance(_thing := globals()[_name], type) and issubclass(_thing, Exception):
        _thing.__module__ = __name__
del _name, _thing
