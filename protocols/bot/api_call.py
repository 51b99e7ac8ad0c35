"""One call of an API, from its request to its answer or its fault, within a deadline. Knows nobody who asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from reactor import Reactor, Timer

from ..http import BodyTooLarge, DecodingError, Headers, HTTPError, NoResponse, ProtocolError, Truncated, decoder_for
from ..text.sanitize import sanitize
from .backends.backend import Call, NoAnswer
from .backends.bodies import MAX_STREAM
from .sayings import Fault, fault_of_status

LINGER = 1.0  # seconds that the end of a body may take when the answer is complete: its connection can be used again
WORDS_TIME = 1.0  # seconds to hear why an API refuses, for the log; whoever asked has been told by then
LINES_AT_ONCE = 1000  # of an answer: each may be an event, and 87,000 of `{}` took more than a second
WORDS_BYTES = 4096  # of what it says then; more is a page for people
WORDS = 200  # characters of that in the log

Fetch = Callable[..., "Future[Any]"]
"""`protocols.http.Client.fetch`, or what behaves like it."""


class ApiCall:
    """A call under way. Exactly one of `on_end(None)` and `on_end(fault)` comes, unless it is cancelled.

    fetch: makes the request.
    timeout: seconds for all of it, to the last byte.
    on_text: is given pieces of the answer as they come, and true if that is enough.
    report: is given each fault with what is known of it, for whoever runs the bot: the address, the status, the API's
        own words; no key, unless the API says it.
    """

    def __init__(
        self,
        reactor: Reactor,
        fetch: Fetch,
        call: Call,
        timeout: float,
        on_text: Callable[[str], bool],
        on_end: Callable[[Fault | None], None],
        report: Callable[[Fault, str], None],
    ) -> None:
        self._where = address(call.request.url)
        self._report = report
        self._refused: tuple[Fault, str] | None = None  # by an API whose words are still to come
        self._words = b""
        self._undoes = "Accept-Encoding" in call.request.headers
        self._decode: Callable[[bytes], Iterator[bytes]] = lambda data: iter((data,))
        self._decoded: Callable[[], None] = lambda: None  # raises for content that is cut
        self._soon = reactor.call_soon
        self._behind = b""  # what has come, and is not read yet
        self._turn: Future[None] | None = None  # what the fetch waits for meanwhile
        self._reply = call.reply
        self._on_text = on_text
        self._on_end = on_end
        self._over = False
        self._future: Future[Any] | None = None
        self._timer: Timer = reactor.call_later(timeout, self._on_timeout)
        try:
            self._future = fetch(
                call.request.url,
                method=call.request.method,
                headers=call.request.headers,
                body=call.request.body,
                timeout=timeout,
                max_redirects=0,
                repeatable=True,  # a question may be asked twice, and an API closes the connections that we keep
                on_head=self._on_head,
                on_data=self._on_data,
            )
        except ValueError as error:
            reactor.call_soon(self._end, Fault.NOT_FOUND, type(error).__name__)
        else:
            self._future.add_done_callback(self._on_done)

    def cancel(self) -> None:
        """Nobody waits for the answer any more. Harmless at any time."""
        self._over = True
        self._tell_refusal()
        self._give_up()

    def _on_head(self, head: Any) -> None:
        """Where a request says that it wants no coding, the fetch undoes none; some servers send one all the same."""
        fields = getattr(head, "headers", None) or Headers()
        if self._undoes and (decoder := decoder_for(fields, limit=MAX_STREAM)) is not None:
            self._decode, self._decoded = decoder.feed, decoder.finish
        if not self._over and (fault := fault_of_status(head.status)):
            self._on_refusal(fault, head)

    def _on_refusal(self, fault: Fault, head: Any) -> None:
        """It will be no answer. Whoever asked is told now; what the API says is read for the log."""
        self._over = True
        where = getattr(head, "headers", {}).get("location", "")
        self._refused = fault, f"status {head.status}" + (f", see {address(where)}" if where else "")
        self._timer.reset(WORDS_TIME)
        self._on_end(fault)

    def _on_data(self, data: bytes) -> Future[None] | None:
        """Reads some of it; the fetch waits for the rest, and others have their turns in between."""
        if self._refused is not None:
            with suppress(HTTPError):  # what is garbled says nothing
                for piece in self._decode(data):
                    self._words += piece[:WORDS_BYTES]
            if len(self._words) >= WORDS_BYTES:
                self._tell_refusal()
                self._give_up()
        elif not self._over:
            try:
                self._behind += b"".join(self._decode(data))
            except HTTPError as error:
                self._end(fault_of_error(error), f"{type(error).__name__}: {error}")
                return None
            if self._turn is None:
                self._read_slice()
            if self._behind and self._turn is None:
                self._turn = Future()
                self._soon(self._go_on)
        return self._turn

    def _go_on(self) -> None:
        if not self._over:
            self._read_slice()
        if self._behind and not self._over:
            return self._soon(self._go_on)
        turn, self._turn, self._behind = self._turn, None, b""
        if turn is not None:
            turn.set_result(None)

    def _read_slice(self) -> None:
        behind = self._behind
        lines = behind.count(b"\n") + behind.count(b"\r")
        end = len(behind) if lines <= LINES_AT_ONCE else len(behind) * LINES_AT_ONCE // lines + 1
        self._behind = behind[end:]
        self._read(self._reply.feed, behind[:end])

    def _tell_refusal(self) -> None:
        if self._refused is not None:
            (fault, status), self._refused = self._refused, None
            words = spoken(self._words[:WORDS_BYTES])
            self._report(fault, f"{self._where}: {status}{f': {words}' if words else ''}")

    def _read(self, read: Callable[..., list[str]], *data: bytes) -> None:
        try:
            texts = read(*data)
        except NoAnswer as no_answer:
            return self._end(no_answer.fault, str(no_answer))
        enough = False
        for text in texts:
            enough = self._on_text(text) or enough
        if self._reply.done and not self._over:
            self._end_well()
        elif enough:
            self._end(None)

    def _on_done(self, future: Future[Any]) -> None:
        self._timer.cancel()
        self._tell_refusal()
        if self._over:
            return
        if future.cancelled():
            self._end(Fault.LOST, "cancelled")
        elif (error := future.exception()) is not None:
            self._end(fault_of_error(error), f"{type(error).__name__}: {error}")
        elif fault := fault_of_status(future.result().status):
            self._on_refusal(fault, future.result())  # without a body there may have been no head
            self._tell_refusal()
            self._timer.cancel()
        else:
            while self._behind and not self._over:  # the fetch has not waited
                self._read_slice()
            try:
                self._decoded()
            except HTTPError as cut:
                self._end(fault_of_error(cut), f"{type(cut).__name__}: {cut}")
            if not self._over:
                self._read(self._reply.finish)

    def _on_timeout(self) -> None:
        self._tell_refusal()
        self._end(Fault.TIMEOUT, "the deadline")

    def _end_well(self) -> None:
        """The answer is complete. What is left of the body is read, or the connection could not be used again."""
        self._over = True
        if self._future is not None and not self._future.done():
            self._timer.reset(LINGER)
        else:
            self._timer.cancel()
        self._on_end(None)

    def _end(self, fault: Fault | None, why: str = "") -> None:
        if self._over:
            return self._give_up()
        self._over = True
        self._give_up()
        if fault is not None:
            self._report(fault, f"{self._where}: {why}")
        self._on_end(fault)

    def _give_up(self) -> None:
        self._timer.cancel()
        if self._future is not None:
            self._future.cancel()


def address(url: str) -> str:
    """The part of a URL in which no key is.

    >>> address("https://ada:secret@api.example:8443/v1/chat?key=secret")
    'https://api.example:8443/v1/chat'
    """
    try:
        parts = urlsplit(sanitize(url))
    except ValueError:
        return "an address that is none"
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"[:WORDS] if host else parts.path[:WORDS]


def spoken(body: bytes) -> str:
    """What an API says in the body of a refusal, for a line of the log.

    >>> spoken(b'{"error":{"message":"no such  model","code":404}}'), spoken(b"<h1>Not  Found</h1>")
    ('no such model', '<h1>Not Found</h1>')
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    for name in ("error", "message"):
        if isinstance(value, dict):
            value = value.get(name, value)
    said = sanitize(" ".join((value if isinstance(value, str) else text).split()))
    return said if len(said) <= WORDS else f"{said[: WORDS - 1]}…"


_BY_ERROR: tuple[tuple[type[BaseException], Fault], ...] = (
    (TimeoutError, Fault.TIMEOUT),
    (BodyTooLarge, Fault.TOO_LARGE),
    (NoResponse, Fault.BROKEN),
    (Truncated, Fault.LOST),
    (ProtocolError, Fault.GARBLED),
    (DecodingError, Fault.GARBLED),
)
"""The first that fits, so what is more particular comes first."""


def fault_of_error(error: BaseException) -> Fault:
    """What a failed fetch means to who asked.

    >>> from protocols.http import HTTPError
    >>> fault_of_error(TimeoutError()).name, fault_of_error(HTTPError("reset", received=5)).name
    ('TIMEOUT', 'LOST')
    """
    for kind, fault in _BY_ERROR:
        if isinstance(error, kind):
            return fault
    return Fault.LOST if getattr(error, "received", 0) else Fault.UNREACHABLE
