"""The log as a stream of Redis, and the few texts beside it. Two connections: a read that waits holds its own up.

PREFIXlog         a stream of some 20,000 entries with one field, e, of four parts: the server, the entry's number,
                  the number up to which it has read its own back, its inputs; four fields cost more to read than these
PREFIXsnap:NODE   the state at the entry with which NODE has joined, for 30 s
PREFIXlive        is there while somebody is in the cluster
PREFIXkept        what outlives a stop of all servers
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from typing import Any

from reactor import Reactor, Timer

from ...redis import Prepared, RedisClient, RedisError, ReplyError
from ...redis.url import Password
from .entries import BEGINNING, Entry, EntryID, parse_id
from .log import Reader

PREFIX = "chat:"
LENGTH = "20000"  # entries: an hour of a busy chat, a lease of the busiest
AT_ONCE = "100"  # entries in one read, a turn of the loop between two: who catches up evicts none of its people
BLOCK = "400"  # milliseconds that a read waits in Redis
PAUSE = 0.05  # seconds after a read that came back empty at once, as with redis #5299 and #7355
FAULT = 0.3  # seconds after a read that was refused
SNAPSHOT_LIFE = 30  # seconds
TIMEOUT = 2.0  # seconds: Redis is in the same place, and a line that is dead must be noticed within a lease
MAX_DELAY = 1.0  # seconds between attempts at most: a line that was cut for less than a lease is made again within it
WINDOW = 0.02  # seconds at most between two reads: what comes meanwhile is told in one go, see `_read_again`
GATHER = 0.004  # seconds at most that the first of a burst waits for the rest of it, where telling it takes long
TRIES, SKIPS = 4, 16  # waits in a row that bring nothing, and reads without one after them
ALONE, RARELY = 16, 64  # reads of one entry until another is expected; from then on every 64th measures, and may wait
LARGE = 0.001  # seconds for telling everybody from which on it is worth waiting: some hundred people


class RedisLog:
    """A `Log`. url, tls, password: see `RedisClient`."""

    def __init__(
        self,
        reactor: Reactor,
        url: str,
        *,
        prefix: str = PREFIX,
        tls: ssl.SSLContext | None = None,
        password: Password = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._reactor = reactor
        self._prefix = prefix
        self._add = Prepared("XADD", prefix + "log", "MAXLEN", "~", LENGTH, "*", "e")
        self._read_after = Prepared("XREAD", "COUNT", AT_ONCE, "BLOCK", BLOCK, "STREAMS", prefix + "log")
        self._reader: Reader | None = None
        self._last = BEGINNING
        self._stint = 0  # which `read_from` it is: answers to an earlier one are for nobody
        self._reading = False
        self._asked_at = 0.0
        self._gathering = 0  # entries that were there before the wait that is under way
        self._worth = TRIES  # waits in a row that may be in vain
        self._alone = 0  # reads in a row that have brought one entry
        self._cost = 0.0  # seconds that the telling took last
        self._timer: Timer | None = None
        options: dict[str, Any] = {"tls": tls, "password": password, "timeout": timeout, "max_delay": MAX_DELAY}
        self._writes = RedisClient(
            reactor, url, on_ready=self._on_ready, on_down=self._on_down, on_drain=self._on_drain, **options
        )
        self._reads = RedisClient(reactor, url, on_ready=self._on_ready, on_down=self._on_down, **options)
        self._is_up = False

    @property
    def is_up(self) -> bool:
        return self._is_up

    def open(self, reader: Reader) -> None:
        self._reader = reader

    def close(self) -> None:
        self.stop_reading()
        self._reader = None
        self._writes.close()
        self._reads.close()

    def _on_ready(self) -> None:
        if self._is_up or not (self._writes.connected and self._reads.connected):
            return
        if self._reading and self._last != BEGINNING:
            self._check()
        else:
            self._go_up(whole=True)

    def _go_up(self, *, whole: bool) -> None:
        self._is_up = True
        if self._reading:
            self._read(self._stint)
        if self._reader is not None:
            self._reader.on_up(whole=whole)

    def _on_down(self, error: Exception) -> None:
        self._is_up = False
        if self._reader is not None:
            self._reader.on_down(error)

    def _on_drain(self, grace: float) -> bool:
        return self._reader is not None and self._reader.on_drain(grace)

    # -- writing ------------------------------------------------------------------------------------------------

    def append(
        self, node: str, seq: int, data: bytes, read: int, answer: Callable[[EntryID | None], None] | None = None
    ) -> None:
        if not self._is_up:  # `on_up` follows, and with it what was written before this: nothing overtakes it
            if answer is not None:
                answer(None)
            return

        def on_reply(reply: Any) -> None:
            if answer is not None:
                answer(parse_id(reply) if isinstance(reply, bytes) else None)
            if isinstance(reply, ReplyError) and self._reader is not None:
                self._reader.on_refused(reply)  # where the connection was lost, `on_up` follows

        words = b"%b %d %d %b" % (node.encode(), seq, read, data)
        self._writes.send(on_reply, self._add(words), last=True)

    # -- reading ------------------------------------------------------------------------------------------------

    def read_from(self, last: EntryID) -> None:
        self.stop_reading()
        self._last, self._reading = last, True
        self._read(self._stint)

    def stop_reading(self) -> None:
        self._stint += 1
        self._reading = False
        if self._timer is not None:
            self._timer.cancel()

    def _read(self, stint: int) -> None:
        if stint == self._stint and self._reads.connected:
            self._asked_at = self._reactor.time()
            self._reads.send(partial(self._on_read, stint), self._read_after(b"%d-%d" % self._last), last=True)

    def _on_read(self, stint: int, reply: Any) -> None:
        if stint != self._stint:
            return
        if isinstance(reply, RedisError):
            return self._read_later(stint, FAULT)
        last, entries = _entries(reply)
        if last is None:
            quick = self._reactor.time() - self._asked_at < PAUSE
            return self._read_later(stint, PAUSE) if quick else self._read(stint)
        if self._gathers(len(entries)):
            return self._read_later(stint, min(self._cost / 2, GATHER))
        self._last = last
        began = self._reactor.time()
        if self._reader is not None and entries:
            self._reader.on_entries(entries)
        if self._is_followed_by_nothing(len(entries)):
            self._read(stint)
        elif stint == self._stint:
            self._reactor.call_later(0, self._read_again, stint, began)

    def _gathers(self, count: int) -> bool:
        """Whether to wait for the rest of a burst, and then to read it together with its beginning.

        Where lines come one at a time that is in vain: after some tries it is left be, and tried again now and then.
        """
        if self._gathering:
            self._worth = TRIES if count > self._gathering else self._worth - 1
            self._gathering = 0
        elif self._cost > LARGE and self._worth > 0:
            self._gathering = count
        elif self._worth <= 0:
            skips = SKIPS if self._alone <= ALONE else RARELY
            self._worth = self._worth - 1 if self._worth > -skips else 1
        return self._gathering > 0

    def _is_followed_by_nothing(self, count: int) -> bool:
        """Whether to ask for the next one in this tick: entries come alone, and there is none to be waited for.

        Otherwise each line costs a turn of the loop to see what telling costs, and another to wait that long.
        """
        self._alone = self._alone + 1 if count == 1 else 0
        gathers_next = self._cost > LARGE and self._worth > 0
        return self._alone > ALONE and self._alone % RARELY > 0 and not gathers_next

    def _read_again(self, stint: int, began: float) -> None:
        """Everybody has been told. If that took long, as in large rooms, let as much time go to what comes next.

        What costs is to tell everybody something, hardly how much of it.
        """
        self._cost = took = self._reactor.time() - began
        if took < LARGE:
            self._read(stint)
        else:
            self._read_later(stint, min(took, WINDOW))

    def _read_later(self, stint: int, seconds: float) -> None:
        if stint == self._stint:
            self._timer = self._reactor.call_later(seconds, self._read, stint)

    def _check(self) -> None:
        """There is a new connection: go on, unless the log has lost what was read of it."""
        if self._timer is not None:
            self._timer.cancel()
        self._stint += 1
        stint, key, last = self._stint, self._prefix + "log", str(self._last)
        found: list[Any] = []

        def on_reply(reply: Any) -> None:
            found.append(reply)
            if stint != self._stint or len(found) < 2:
                return
            if any(isinstance(one, ConnectionError | TimeoutError) for one in found):
                return  # another new connection follows
            if any(isinstance(one, RedisError) for one in found):
                self._timer = self._reactor.call_later(FAULT, self._check)
                return
            there, newest = found
            if not newest or parse_id(newest[0][0]) < self._last:
                self._last = BEGINNING
            self._go_up(whole=bool(there) or not newest)

        self._reads.call(on_reply, "XREVRANGE", key, last, last)
        self._reads.call(on_reply, "XREVRANGE", key, "+", "-", "COUNT", 1)

    # -- beside it ----------------------------------------------------------------------------------------------

    def offer_state(self, node: str, state: bytes) -> None:
        self._tell("SET", f"{self._prefix}snap:{node}", state, "EX", SNAPSHOT_LIFE, "NX")

    def fetch_state(self, node: str, answer: Callable[[bytes | None], None]) -> None:
        self._fetch(f"{self._prefix}snap:{node}", answer)

    def mark_live(self, seconds: float) -> None:
        self._tell("SET", f"{self._prefix}live", "1", "PX", max(1, int(seconds * 1000)))

    def claim(self, seconds: float, answer: Callable[[bool], None]) -> None:
        words = "SET", f"{self._prefix}live", "1", "NX", "PX", max(1, int(seconds * 1000))
        if self._writes.connected:
            self._writes.call(lambda reply: answer(reply == "OK"), *words)

    def keep(self, state: bytes) -> None:
        self._tell("SET", f"{self._prefix}kept", state)

    def fetch_kept(self, answer: Callable[[bytes | None], None]) -> None:
        self._fetch(f"{self._prefix}kept", answer)

    def _tell(self, *words: str | bytes | int) -> None:
        if self._writes.connected:
            self._writes.call(_ignore, *words)

    def _fetch(self, key: str, answer: Callable[[bytes | None], None]) -> None:
        if self._writes.connected:
            self._writes.call(lambda reply: None if isinstance(reply, RedisError) else answer(reply), "GET", key)


def _entries(reply: Any) -> tuple[EntryID | None, list[Entry]]:
    """What XREAD has given, and the last id. What is no entry of a chat server is left out."""
    last: EntryID | None = None
    found: list[Entry] = []
    if not reply:
        return last, found
    streams = reply.values() if isinstance(reply, dict) else [stream[1] for stream in reply]
    for id, fields in next(iter(streams)):
        last = parse_id(id)
        try:
            node, seq, read, data = fields[1].split(b" ", 3)
            found.append(Entry(last, node.decode(), int(seq), data, int(read)))
        except (LookupError, TypeError, ValueError):
            continue
    return last, found


def _ignore(reply: Any) -> None:
    """It is said again soon, and refused writing is noticed by the entries."""
