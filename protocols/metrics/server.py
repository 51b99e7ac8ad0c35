"""The counters of a reactor for Prometheus, over the smallest HTTP/1.1 server that is one (RFC 9112).

    reactor.listen_tcp(lambda: Metrics(reactor), "127.0.0.1", 9100, limits=LIMITS, timeouts=TIMEOUTS)

It answers GET and HEAD of /metrics, one request a connection. It lives on the loop that it tells of: when the loop is
held, it does not answer, and a scrape that fails is the message. It asks for no password: give it an address that only
the scraper reaches.
"""

from __future__ import annotations

import re
from http import HTTPStatus

from reactor import Limits, Protocol, Reactor, StreamTransport, Timeouts

from .exposition import CONTENT_TYPE, render

MAX_HEAD = 8 * 1024  # bytes of a request: a scraper sends 300; what most servers take
HEAD_TIME = 5.0  # seconds for the whole of it: a byte now and then would be no idle time
LIMITS = Limits(connections=16, output=1 << 20)  # a scraper is one, two are spare; an answer has 5 KB
TIMEOUTS = Timeouts(idle=10.0, write=10.0, close=5.0)  # seconds: Prometheus gives up after ten

PATH = "/metrics"

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # RFC 9110, 5.6.2
_REQUEST = re.compile(rf"({_TOKEN}) ([!-~]+) HTTP/(1\.[01])")  # RFC 9112, 3
_FIELD = re.compile(rf"({_TOKEN}):[ \t]*[\t -~\x80-\xff]*")  # RFC 9112, 5; no folded lines


class Refusal(Exception):
    """A request that is not answered with the text: the status to answer with."""

    def __init__(self, status: HTTPStatus, **fields: str) -> None:
        super().__init__(status)
        self.status = status
        self.fields = fields


def requested(head: bytes) -> str:
    """The method of a request for PATH, from its head without the empty line at its end. Raises Refusal.

    >>> requested(b"GET /metrics HTTP/1.1\\r\\nHost: here")
    'GET'
    """
    line, *fields = head.decode("latin-1").split("\r\n")
    request = _REQUEST.fullmatch(line)
    if request is None:
        raise Refusal(HTTPStatus.BAD_REQUEST)
    method, target, version = request.groups()
    found = [_FIELD.fullmatch(text) for text in fields]
    hosts = [field for field in found if field is not None and field[1].lower() == "host"]
    if None in found or len(hosts) > 1 or (not hosts and version == "1.1"):  # RFC 9112, 3.2
        raise Refusal(HTTPStatus.BAD_REQUEST)
    if target.partition("?")[0] != PATH:
        raise Refusal(HTTPStatus.NOT_FOUND)
    if method not in ("GET", "HEAD"):
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, Allow="GET, HEAD")
    return method


def response(status: HTTPStatus, body: str, *, head_only: bool = False, **fields: str) -> bytes:
    """A whole answer, the last one of its connection."""
    content = body.encode()
    kind = CONTENT_TYPE if status is HTTPStatus.OK else "text/plain; charset=utf-8"
    fields = {"Content-Type": kind, "Content-Length": str(len(content)), **fields, "Connection": "close"}
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if head_only else content)


class Metrics(Protocol):
    """One scrape of `reactor`."""

    transport: StreamTransport

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._head = b""

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self._deadline = self._reactor.call_later(HEAD_TIME, self._refuse, Refusal(HTTPStatus.REQUEST_TIMEOUT))

    def data_received(self, data: bytes) -> None:
        self._head = (self._head + data).lstrip(b"\r\n")  # RFC 9112, 2.2: an empty line before a request is no fault
        head, end, _ = self._head.partition(b"\r\n\r\n")  # a body, or a second request, is not looked at
        if len(head) > MAX_HEAD:
            return self._refuse(Refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE))
        if not end:
            return
        try:
            method = requested(head)
        except Refusal as refusal:
            return self._refuse(refusal)
        self._answer(response(HTTPStatus.OK, render(self._reactor.stats()), head_only=method == "HEAD"))

    def eof_received(self) -> bool | None:
        if self._head and not self.transport.is_closing():
            self._refuse(Refusal(HTTPStatus.BAD_REQUEST))
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.cancel()

    def _refuse(self, refusal: Refusal) -> None:
        status = refusal.status
        head_only = self._head.startswith(b"HEAD ")
        self._answer(response(status, f"{status.value} {status.phrase}\n", head_only=head_only, **refusal.fields))

    def _answer(self, answer: bytes) -> None:
        self._deadline.cancel()
        self.transport.write(answer)
        self.transport.close()
