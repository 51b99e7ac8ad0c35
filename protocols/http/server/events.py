"""Server-sent events (HTML, 9.2): a stream of a browser's `EventSource`, and its sign of life. Knows no connection."""

from __future__ import annotations

import re

from .request import Request
from .sending import Stream

FIELDS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
"""The last one keeps nginx from collecting events until they fill a buffer."""

SILENCE = 20.0  # seconds: as WebSocket's; HTML, 9.2.7 advises 15 "or so", proxies close what is silent for 60

MAX_WAITING = 1 << 20  # bytes on one stream before its reader is given up: as WebSocket's

_LINE_END = re.compile(r"\r\n|\r|\n")


def event(data: str, *, name: str | None = None, id: str | None = None, retry: float | None = None) -> str:
    """One event as text: also for a handler that is an iterator. Raises ValueError for a line end in a name or an id.

    >>> event("two\\nlines", name="news")
    'event: news\\ndata: two\\ndata: lines\\n\\n'
    """
    lines = []
    for field, value in (("event", name), ("id", id)):
        if value is not None:
            if _LINE_END.search(value) or "\0" in value:
                raise ValueError(f"a line end or a NUL in the {field} of an event: {value!r}")
            lines.append(f"{field}: {value}\n")
    if retry is not None:
        lines.append(f"retry: {round(retry * 1000)}\n")
    lines += [f"data: {line}\n" for line in _LINE_END.split(data)]
    return "".join(lines) + "\n"


class EventStream:
    """The events of one client. `closed` once it is gone: forget the stream then, or at `request.on_close`.

    A client that takes nothing while `max_waiting` bytes wait for it is given up: it comes back by itself, and says in
    `Last-Event-ID` how far it had come.
    silence: seconds without an event after which a comment is sent, and again: proxies keep the connection open, and a
        client that has gone without a word is found out, for a closed tab looks like one that waits until something
        is sent. None: never, and nobody who has gone is noticed then.
    """

    __slots__ = ("_max_waiting", "_reactor", "_said", "_silence", "stream")

    def __init__(self, request: Request, max_waiting: int = MAX_WAITING, *, silence: float | None = SILENCE) -> None:
        if silence is not None and not silence > 0:
            raise ValueError(f"silence is seconds above 0, or None, not {silence!r}")
        self.stream: Stream = request.respond(200, FIELDS)
        self.stream.endless = True
        self._max_waiting = max_waiting
        self._silence = silence
        self._reactor = request.reactor
        self._said = self._reactor.time()
        self._wait()

    @property
    def closed(self) -> bool:
        """Nothing more is sent."""
        return self.stream.ended

    def send(self, data: str, *, name: str | None = None, id: str | None = None) -> None:
        """One event. Ignored once the stream is closed."""
        self._write(event(data, name=name, id=id))

    def comment(self, text: str = "") -> None:
        """A line that the browser ignores. By itself one is sent after `silence`."""
        self._write("".join(f": {line}\n" for line in _LINE_END.split(text)) + "\n")

    def close(self) -> None:
        """End the stream; the browser will come back."""
        self.stream.end()

    def _wait(self) -> None:
        """Look again when it will have been silent for long: one timer, that no event has to touch."""
        if self._silence is not None and not self.stream.ended:
            due = self._said + self._silence - self._reactor.time()
            self.stream.timer = self._reactor.call_later(max(0.0, due), self._look)

    def _look(self) -> None:
        if self._silence is not None and self._reactor.time() - self._said >= self._silence:
            self.comment()
        self._wait()

    def _write(self, text: str) -> None:
        self._said = self._reactor.time()
        self.stream.write(text)
        if self.stream.waiting() > self._max_waiting:
            self.stream.abort()
