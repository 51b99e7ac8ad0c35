"""One call of an API, from its request to its answer or its fault, within a deadline. Knows nobody who asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from reactor import Reactor, Timer

from ..http import BodyTooLarge, DecodingError, NoResponse, ProtocolError, Truncated
from .backends.backend import Call, NoAnswer
from .sayings import Fault, fault_of_status

log = logging.getLogger("protocols.bot")

LINGER = 1.0  # seconds that the end of a body may take when the answer is complete: its connection can be used again

Fetch = Callable[..., "Future[Any]"]
"""`protocols.http.Client.fetch`, or what behaves like it."""


class ApiCall:
    """A call under way. Exactly one of `on_end(None)` and `on_end(fault)` comes, unless it is cancelled.

    fetch: makes the request.
    timeout: seconds for all of it, to the last byte.
    on_text: is given pieces of the answer as they come, and true if that is enough.
    """

    def __init__(
        self,
        reactor: Reactor,
        fetch: Fetch,
        call: Call,
        timeout: float,
        on_text: Callable[[str], bool],
        on_end: Callable[[Fault | None], None],
    ) -> None:
        self._reactor = reactor
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
        self._give_up()

    def _on_head(self, head: Any) -> None:
        if fault := fault_of_status(head.status):
            self._end(fault, f"status {head.status}")

    def _on_data(self, data: bytes) -> None:
        if not self._over:
            self._read(self._reply.feed, data)

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
        if self._over:
            return
        if future.cancelled():
            self._end(Fault.LOST, "cancelled")
        elif (error := future.exception()) is not None:
            self._end(fault_of_error(error), f"{type(error).__name__}")
        elif fault := fault_of_status(future.result().status):
            self._end(fault, f"status {future.result().status}")  # without a body there may have been no head
        else:
            self._read(self._reply.finish)

    def _on_timeout(self) -> None:
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
            log.info("no answer: %s, %s", fault.name, why)
        self._on_end(fault)

    def _give_up(self) -> None:
        self._timer.cancel()
        if self._future is not None:
            self._future.cancel()


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
