"""The bans as a file that an operator may edit: one a line. What is written leaves the rest of the file as it stands.

    192.0.2.7                                         # an address
    192.0.2.0/24, until 2030-01-31 12:00Z             # a network, for a while; a time without Z is the local one
    Mallory                                           # a name
    Mallory, 192.0.2.7, until 2030-01-31 12:00:00Z    # a name, and where its holder was

Names hold no comma; a `#` in one is written ＃, which counts as the same character. A line that is not understood is
reported with its number, left alone, and bans nobody.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any

from reactor import Timer

from ...admission import addresses
from ..rooms import names
from ..storage import files
from .bans import Ban, Bans

log = logging.getLogger("protocols.chat")

REPORTED = 5  # lines that were not understood are named one by one, so that a file that is none fills no log
RETRY = 60.0  # seconds from a write that failed to the next try: a full disk is emptied by a person
EXIT_PATIENCE = 5.0  # seconds an exit waits for a write under way: a disk that hangs must not hold it back
HEADER = "# Who may not come in: an address, a network or a name on each line, or NAME, ADDRESS, until TIME\n"

Changes = dict[str, Ban | None]
"""What is to be written, by the key of the ban: None undoes it."""


class BadLine(ValueError):
    """A line that is no ban; the message says why."""


def parse_line(line: str) -> Ban | None:
    """The ban on one line; None if it has only a comment. Raises BadLine.

    >>> parse_line("Mallory, 192.0.2.7, until 1970-01-02 00:00Z  # a pest")
    Ban(name='Mallory', network=IPv4Network('192.0.2.7/32'), until=86400.0)
    """
    content = line.partition("#")[0].strip().removeprefix("\ufeff")
    if not content:
        return None
    first, *rest = (field.strip() for field in content.split(","))
    network, until = addresses.find_network(first), None
    try:
        name = "" if network else names.clean(first)
    except names.BadName as why:
        raise BadLine(f"{first!r:.60} is no address, and {why}") from None
    for field in rest:
        word, _, moment = field.partition(" ")
        if word.lower() == "until" and until is None:
            until = _time(moment)
        elif network is None and (network := addresses.find_network(field)) is not None:
            continue
        else:
            raise BadLine(f"{field!r:.60} is neither an address nor until TIME")
    return Ban(name, network, until)


def format_line(ban: Ban) -> str:
    """One ban as a line, without its end.

    >>> format_line(Ban("Agent #1", addresses.network("192.0.2.7"), until=86400.0))
    'Agent ＃1, 192.0.2.7, until 1970-01-02 00:00:00Z'
    """
    text = str(ban).replace("#", "＃")
    if ban.until is None:
        return text
    return f"{text}, until {datetime.fromtimestamp(math.ceil(ban.until), UTC):%Y-%m-%d %H:%M:%S}Z"


def parse(text: str) -> tuple[list[Ban], list[str]]:
    """All the bans of a file, and what is wrong with the lines that are none."""
    bans, faults = [], []
    for number, line in enumerate(text.split("\n"), 1):
        try:
            ban = parse_line(line)
        except BadLine as why:
            faults.append(f"line {number}: {why}")
        else:
            if ban is not None:
                bans.append(ban)
    return bans, faults


def rewrite(text: str, changes: Changes, now: float) -> str:
    """`text` with the changes made and without what is over. All other lines stay as they are.

    >>> rewrite("# pests\\nEve\\nMallory  # twice\\n", {"eve": None, "bob": Ban("Bob")}, now=0.0)
    '# pests\\nMallory  # twice\\nBob\\n'
    """
    to_add = {key: ban for key, ban in changes.items() if ban is not None}
    lines = []
    for line in (text or HEADER).removesuffix("\n").split("\n"):
        try:
            ban = parse_line(line)
        except BadLine:
            ban = None
        if ban is None or (ban.key not in changes and not ban.over(now)):
            lines.append(line)
        elif (new := to_add.pop(ban.key, None)) is not None:
            _, mark, comment = line.partition("#")
            lines.append(f"{format_line(new)}  #{comment}" if mark else format_line(new))
    lines += map(format_line, to_add.values())
    return "".join(f"{line}\n" for line in lines)


def _time(text: str) -> float:
    try:
        return float(math.floor(datetime.fromisoformat(text.strip()).timestamp()))
    except (ValueError, OverflowError, OSError):
        raise BadLine(f"{text!r:.60} is no time such as 2030-01-31 12:00Z") from None


class BanFile:
    """Bans that are kept in a file, if there is a path. They hold from the call on; the disk follows, off the loop.

    What could not be written is said once, holds all the same, and is tried again with the next change or reread, and
    every RETRY seconds until it is there, which is said as well, as loudly: who saw the complaint sees its end.

    run_in_thread, call_later: the reactor's; without the latter nothing is tried by itself. clock: seconds since 1970.
    """

    def __init__(
        self,
        path: str | None,
        run_in_thread: Callable[..., Future[Any]],
        clock: Callable[[], float] = time.time,
        bans: Bans | None = None,
        *,
        call_later: Callable[..., Timer] | None = None,
    ) -> None:
        self.bans = Bans() if bans is None else bans
        self.clock = clock
        self.on_reread: Callable[[], None] = lambda: None  # the file has been taken again; who is in may be banned now
        self.on_read: Callable[[list[Ban]], None] | None = None
        """Is given what stands in the file when it was reread, where others must have that too; they `adopt` it."""
        self._path = path or ""
        self._run_in_thread = run_in_thread
        self._call_later = call_later
        self._retry: Timer | None = None
        self._pending: Changes = {}
        self._writing: Changes = {}
        self._to_reread = False
        self._busy = False  # one job at a time, so that what was decided first is written first
        self._stuck = False  # the last write failed, and nothing has happened since
        self._complained = False
        self._askers: list[
            Callable[[str], None]
        ] = []  # are told if what is still to be written, or is being, cannot be
        self._finished = False
        self._lock = threading.Lock()  # held by who writes; only at the exit may there be two

    def load(self) -> None:
        """Read the file now, in this thread: before the first newcomer comes."""
        if self._path:
            try:
                self._have(*_load(self._path))
                if not os.path.exists(self._path):
                    self._note_absent()
                elif files.is_anybodys(self._path):
                    log.warning("bans: %s can be written by everybody on this machine: chmod 600 it", self._path)
            except OSError as error:
                log.warning("bans: %s cannot be read, and nobody is banned: %s", self._path, error.strerror)

    def _note_absent(self) -> None:
        """Whoever has mistyped the path believes that those in the file are kept out."""
        folder = os.path.dirname(os.path.abspath(self._path))
        if os.path.isdir(folder):
            log.info("bans: %s is not there yet, and nobody is banned", self._path)
        else:
            log.warning("bans: %s cannot be kept, and nobody is banned: there is no %s", self._path, folder)

    def add(self, ban: Ban) -> None:
        """Ban somebody. Raises TooManyBans."""
        self.bans.add(ban, self.clock())
        self._change({ban.key: ban})

    def remove(self, bans: Iterable[Ban]) -> None:
        """Undo these."""
        keys = [ban.key for ban in bans]
        for key in keys:
            self.bans.remove(key)
        self._change(dict.fromkeys(keys))

    def if_unwritten(self, tell: Callable[[str], None]) -> None:
        """Let `tell` be called with the reason, once, if what was changed last cannot be written at the first try."""
        if self._pending or self._writing:
            self._askers.append(tell)

    def reread(self) -> None:
        """The operator has edited the file: what stands in it holds, and what could not be written yet."""
        if self._path:
            self._to_reread, self._stuck = True, False
            self._go_on()

    def finish(self) -> None:
        """Write what is not written yet, in this thread: the program ends."""
        self._finished = True
        self._stop_retrying()
        changes = {**self._writing, **self._pending}
        if not changes:
            return
        if not self._lock.acquire(timeout=EXIT_PATIENCE):
            log.warning("bans: %s does not get written", self._path)
            return
        try:
            _write(self._path, changes, self.clock())
        except OSError as error:
            log.warning(
                "bans: %s cannot be written, and %d changes are lost: %s", self._path, len(changes), _reason(error)
            )
        finally:
            self._lock.release()

    def _change(self, changes: Changes) -> None:
        if self._path:
            self._pending.update(changes)
            self._stuck = False
            self._go_on()

    def _go_on(self) -> None:
        if self._busy or self._finished:
            return
        if self._pending and not self._stuck:
            self._writing, self._pending = self._pending, {}
            self._start(self._on_written, self._write, self._writing, self.clock())
        elif self._to_reread:
            self._to_reread = False
            self._start(self._on_reread, _load, self._path)

    def _start(self, on_done: Callable[[Future[Any]], None], fn: Callable[..., Any], *args: Any) -> None:
        self._busy = True
        self._run_in_thread(fn, *args).add_done_callback(on_done)

    def _write(self, changes: Changes, now: float) -> None:
        with self._lock:
            if not self._finished:  # `finish` takes these along, and what it has written must not be followed by them
                _write(self._path, changes, now)

    def _on_written(self, done: Future[None]) -> None:
        self._busy = False
        if (error := done.exception()) is None:
            self._writing = {}
            self._stop_retrying()
            if not self._pending:
                self._askers.clear()
            if self._complained:
                self._complained = False
                log.warning("bans: %s is written again", self._path)
        elif not self._finished:
            self._pending = {**self._writing, **self._pending}
            self._writing, self._stuck = {}, True
            self._complain(error)
            askers, self._askers = self._askers, []
            for tell in askers:
                tell(_reason(error))
            self._stop_retrying()
            if self._call_later is not None:
                self._retry = self._call_later(RETRY, self._try_again)
        self._go_on()

    def _try_again(self) -> None:
        self._stuck = False
        self._go_on()

    def _stop_retrying(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def _on_reread(self, done: Future[tuple[list[Ban], list[str]]]) -> None:
        self._busy = False
        if (error := done.exception()) is None:
            self._have(*done.result(), self.on_read)
            log.info("bans: %s reread, %d hold", self._path, len(self.bans))
            if self.on_read is None:
                self.on_reread()
        else:
            log.warning("bans: %s cannot be reread, all stays as it was: %s", self._path, _reason(error))
        self._go_on()

    def adopt(self, bans: Iterable[Ban]) -> None:
        """Have these bans and no others, here and in the file."""
        before = {ban.key: ban for ban in self.bans.all(self.clock())}
        self.bans.replace(bans, self.clock())
        after = {ban.key: ban for ban in self.bans.all(self.clock())}
        changes: Changes = {key: ban for key, ban in after.items() if before.get(key) != ban}
        changes |= dict.fromkeys(before.keys() - after.keys())
        if changes:
            self._change(changes)

    def _have(self, bans: list[Ban], faults: list[str], instead: Callable[[list[Ban]], None] | None = None) -> None:
        if faults:
            more = f"; and {len(faults) - REPORTED} lines more" if len(faults) > REPORTED else ""
            log.warning("bans: %s: ignored %s%s", self._path, "; ".join(faults[:REPORTED]), more)
        now = self.clock()
        record = {ban.key: ban for ban in bans}
        for key, ban in self._pending.items():
            record.pop(key, None)
            if ban is not None:
                record[key] = ban
        if instead is not None:
            return instead(list(record.values()))
        if left_out := self.bans.replace(record.values(), now):
            log.warning("bans: %s: %d more than the %d there can be", self._path, left_out, self.bans.limit)

    def _complain(self, error: BaseException) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "bans: %s cannot be written; they hold all the same, and each minute it is tried again: %s",
                self._path, _reason(error),
            )  # fmt: skip


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error)


def _load(path: str) -> tuple[list[Ban], list[str]]:
    return parse(_text(path))


def _write(path: str, changes: Changes, now: float) -> None:
    """Change the file as it is now: what an editor has saved meanwhile stays."""
    files.replace(path, rewrite(_text(path), changes, now).encode(errors="surrogateescape"))


def _text(path: str) -> str:
    """What stands in the file; nothing if it is not there yet. Comments may be in any encoding."""
    try:
        return files.read(path).decode(errors="surrogateescape")
    except FileNotFoundError:
        return ""
