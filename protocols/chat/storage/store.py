"""What is said, on its way to the disk: a queue, one thread that writes it down, and what is said when that fails.

    loop's thread                       the store's thread
    add --> Backlog (bounded) --> every 100 ms one transaction --> Archive
                 ^                             |
                 +---- put back, retried <-- a fault

The chat never waits for a disk, and never ends because of one. While the disk fails, lines wait in memory; when they
are too many the oldest are given up, because the newest are what a newcomer is shown. The thread is a daemon: a disk
that hangs for ever holds back neither Ctrl-C nor the end of the program beyond the deadline of `close`.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable

from reactor import attempt

from ...text.sanitize import sanitize
from .archive import FORGOTTEN, KEEP_LINES, KEEP_ROOMS, TOPIC, Archive, Row, reason
from .backlog import Backlog

log = logging.getLogger("protocols.chat")

GROUP = 0.1  # seconds that lines are collected for one transaction: ten a second at most, and a kill loses no more
FIRST_RETRY = 1.0  # seconds after a fault; twice that after the next
LAST_RETRY = 60.0  # seconds: a disk with room again is noticed within a minute
CALM = 600.0  # seconds without a fault after which one is news again: a disk on the brink is one warning, not hundreds
LASTING = 10.0  # seconds after which a fault is news all the same: a disk that is full again is not on the brink
STALLED = 10.0  # seconds after which a transaction that is not done is a fault: five times the wait for a lock

SILENT_DISK = "the disk does not answer"
_RETRIED = (sqlite3.Error, OSError)  # the disk's or the file's fault; any other is ours, and trying again is in vain


class Store:
    """The history of rooms in the SQLite file `path`; the newest 500 lines (`lines` if that is more) of 200 rooms.

    lines: how many of each room `load` gives.
    on_fault: is called with one line of text that names the file, once until the file has worked again; within ten
        minutes after that only for a fault that lasts for ten seconds, or has cost lines when all ends. From the
        thread of the caller in `load`, `add` and `close`, else from the store's own thread: hand it over with
        `reactor.call_soon_threadsafe` where that matters. During `close` it is called only by `close` itself, so that
        it may print although no loop runs any more.
    on_mended: is called in the same way once the file works again after a fault that was reported, with how many
        lines were not kept; without it that is logged at INFO, as it is after a fault that was no news.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lines: int,
        on_fault: Callable[[str], None],
        on_mended: Callable[[str], None] | None = None,
        keep_lines: int = KEEP_LINES,
        keep_rooms: int = KEEP_ROOMS,
    ) -> None:
        self._archive = Archive(os.path.abspath(path), max(lines, keep_lines), keep_rooms)
        self._lines = lines
        self._on_fault = on_fault
        self._on_mended = log.info if on_mended is None else on_mended
        self._complained = False
        self._clock = time.monotonic
        self._backlog = Backlog()
        self._topics: dict[str, str] = {}
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()  # there are rows
        self._closing = threading.Event()
        self._busy_since: float | None = None  # when the transaction under way began
        self._delay = FIRST_RETRY
        self._retry_at = -math.inf
        self._lock = threading.Lock()  # of the five below, which any thread may change
        self._failing = False
        self._last_fault = self._failing_since = -math.inf
        self._unsaid = ""  # why it fails, where nobody was told
        self._told = 0  # lost lines that were spoken of

    def load(self) -> dict[str, list[tuple[float, bytes]]]:
        """The last `lines` lines of each room as (Unix time, complete line), oldest first. Call once, before the rest.

        The room that was spoken in last comes last, the lobby after it. Blocks, for about two seconds where another
        program has locked the file. Raises nothing: a file that cannot be used gives {} and one call of `on_fault`.
        Rows that people should not see (not one line of clean UTF-8: the chat did not write them) are left out, with
        one call for all.
        """
        rooms: dict[str, list[tuple[float, bytes]]] = {}
        try:
            rooms, damaged = self._archive.read(self._lines)
            self._topics = self._archive.topics()
        except Exception as error:
            self._fault(reason(error))
        else:
            if damaged:
                self._report(f"damaged lines in {self._path}, not shown: {damaged}")
        self._archive.close()  # the thread opens it for itself
        self._start()
        return rooms

    def topics(self) -> dict[str, str]:
        """What rooms were about when `load` read the file, by their keys."""
        return self._topics

    def set_topic(self, room: str, topic: str) -> None:
        """Keep what `room` is about; an empty text forgets it. Never raises or blocks."""
        self.add(room, TOPIC, topic.encode())

    def forget(self, room: str) -> None:
        """Forget what was said in `room`. Never raises or blocks."""
        self.add(room, FORGOTTEN, b"")

    def add(self, room: str, when: float, line: bytes) -> None:
        """Keep `line`, complete with its end, said in `room` at `when` (Unix time). Never raises or blocks."""
        if self._closing.is_set():
            return log.info("a line came after the history was closed, and is not kept")
        kept = self._backlog.put((room, when, line))
        if not self._wake.is_set():
            self._wake.set()
        if self._failing:
            return
        busy = self._busy_since
        if not kept:
            self._fault("the disk does not keep up")
        elif busy is not None and self._clock() - busy > STALLED:
            self._fault(SILENT_DISK)

    def close(self, timeout: float = 5.0) -> None:
        """Write down what is left; takes at most `timeout` seconds. What cannot be kept is said. Harmless twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._wake.set()
        if self._thread is None:  # the system had none to give
            self._finish()
        else:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._fault(SILENT_DISK)
        if lost := self._newly_lost(waiting=len(self._backlog)):
            if self._unsaid:
                self._report(f"the history could not be kept in {self._path}: {self._unsaid}; lines not kept: {lost}")
            else:
                log.info("the history is closed; lines not kept: %d", lost)

    @property
    def _path(self) -> str:
        """The file's name as it may be shown, on one line."""
        return sanitize(self._archive.path)

    def _start(self) -> None:
        thread = threading.Thread(target=self._work, name="chat-history", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # lines wait, and `close` writes them
            return self._fault(reason(error))
        self._thread = thread

    # in the store's thread

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._closing.wait(self._pause())
            self._write()
        self._finish()

    def _pause(self) -> float:
        """Seconds until what waits is to be written."""
        return max(GROUP, self._retry_at - self._clock())

    def _write(self) -> None:
        """Put all that waits into the archive, as far as it takes it."""
        self._wake.clear()
        done = 0
        while rows := self._backlog.take():
            if not self._commit(rows):
                self._wake.set()
                return
            done += len(rows)
        if done and self._failing:
            self._recover()

    def _finish(self) -> None:
        """The last attempt, even if the next was to come later."""
        self._write()
        self._archive.close()

    def _commit(self, rows: list[Row]) -> bool:
        """Write down the rows that were taken; false if that is to be tried again later."""
        self._busy_since = self._clock()
        try:
            self._archive.append(rows)
        except _RETRIED as error:
            self._archive.close()  # to be opened anew: whatever is wrong with it is looked at again
            self._backlog.put_back()
            self._back_off()
            self._fault(reason(error))
            return False
        except Exception as error:
            self._archive.close()
            self._backlog.done(lost=True)
            self._fault(f"lines that cannot be written: {len(rows)}, {reason(error)}")
        else:
            self._backlog.done()
        finally:
            self._busy_since = None
        return True

    def _back_off(self) -> None:
        now = self._clock()
        self._delay = FIRST_RETRY if now - self._last_fault > CALM else min(2 * self._delay, LAST_RETRY)
        self._retry_at = now + self._delay

    # in any thread

    def _fault(self, why: str) -> None:
        """Something is wrong. Say so if that is news."""
        with self._lock:
            now = self._clock()
            if not self._failing:
                self._failing, self._failing_since, self._unsaid = True, now, why
                news = now - self._last_fault > CALM
            else:
                news = bool(self._unsaid) and now - self._failing_since >= LASTING
            self._last_fault = now
            if news := news and not self._closing.is_set():  # else `close` tells it
                self._complained, self._unsaid = True, ""
        if news:
            self._report(f"the history cannot be kept in {self._path}: {why}; the chat goes on, and this is retried")

    def _recover(self) -> None:
        """After a fault all is written, or has been given up."""
        with self._lock:
            self._failing, self._unsaid = False, ""
            tell = self._on_mended if self._complained else log.info
            self._complained = False
        tell(f"the history is kept again; lines not kept: {self._newly_lost()}")

    def _newly_lost(self, waiting: int = 0) -> int:
        """How many lines were given up, or wait in vain, since this was asked last."""
        lost = self._backlog.lost + waiting
        new, self._told = lost - self._told, lost
        return new

    def _report(self, text: str) -> None:
        _, error = attempt(self._on_fault, text)
        if error is not None:
            log.error("%s; and telling that raised", text, exc_info=error)

    def __repr__(self) -> str:
        state = "failing" if self._failing else "working"
        return f"<Store {self._archive.path!r} {state}, {len(self._backlog)} lines waiting>"
