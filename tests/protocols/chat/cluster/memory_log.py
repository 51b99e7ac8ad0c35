"""A log in memory, with all that can go wrong with a real one, under moved time and drawn from a seed."""

from __future__ import annotations

import random
from bisect import bisect_right
from operator import attrgetter

from protocols.chat.cluster.entries import BEGINNING, Entry, EntryID


class Shelf:
    """What Redis holds. `refuses`: the share of writes that it refuses; `offset`: of its clock."""

    def __init__(self, reactor, dice=None):
        self.reactor = reactor
        self.entries = []
        self.texts = {}
        self.refuses = 0.0
        self.dice = dice or random.Random(0)
        self.offset = 0.0
        self.logs = []
        self.requests = 0

    def wall(self):
        return 1_800_000_000.0 + self.reactor.time() + self.offset

    def add(self, node, seq, data, read=0):
        self.requests += 1
        if self._is_refused():
            return None
        ms = int(self.wall() * 1000)
        last = self.entries[-1].id if self.entries else BEGINNING
        id = EntryID(ms, 0) if ms > last.ms else EntryID(last.ms, last.number + 1)
        self.entries.append(Entry(id, node, seq, data, read))
        for log in self.logs:
            log.wake()
        return id

    def _is_refused(self):
        return bool(self.refuses) and self.dice.random() < self.refuses

    def get(self, key):
        value, until = self.texts.get(key, (None, None))
        return None if until is not None and until <= self.reactor.time() else value

    def set(self, key, value, seconds=None, *, only_new=False):
        if self._is_refused() or (only_new and self.get(key) is not None):
            return False
        self.texts[key] = value, None if seconds is None else self.reactor.time() + seconds
        return True

    def empty(self):
        """FLUSHALL."""
        self.entries.clear()
        self.texts.clear()


class MemoryLog:
    """One server's way to the shelf. `cut` and `heal` it; `freeze` and `thaw` are those of the server's process."""

    def __init__(self, shelf, dice=None, latency=0.0005):
        self.shelf = shelf
        self.reactor = shelf.reactor
        self.dice = dice or random.Random(0)
        self.latency = latency
        self.reader = None
        self.last = BEGINNING
        self.reading = False
        self.is_up = False
        self.is_cut = False
        self.frozen = None
        self.closed = False
        self._epoch = 0
        self._due = 0.0
        self._waking = False
        shelf.logs.append(self)
        self.reactor.call_later(latency, self._up, 0)

    # -- faults

    def cut(self, notice=0.0):
        """No byte comes or goes; who looks notices after `notice` seconds."""
        self.is_cut = True
        self._epoch += 1
        self.reactor.call_later(notice, self._down, self._epoch)

    def heal(self, after=0.05):
        self.is_cut = False
        self._epoch += 1
        self.reactor.call_later(after, self._up, self._epoch)

    def flap(self):
        """CLIENT KILL."""
        self.cut()
        self.heal()

    def freeze(self):
        """SIGSTOP of the server."""
        self.frozen = []

    def thaw(self):
        calls, self.frozen = self.frozen, None
        for fn, *args in calls:
            fn(*args)

    def _down(self, epoch):
        if self.frozen is not None:
            return self.frozen.append((self._down, epoch))
        if self.is_cut and not self.closed:
            self.is_up = False
            self.reader.on_down(ConnectionError("cut"))

    def _up(self, epoch):
        if self.frozen is not None:
            return self.frozen.append((self._up, epoch))
        if epoch == self._epoch and not self.closed and self.reader is not None:
            if self.is_up:
                self.is_up = False
                self.reader.on_down(ConnectionError("a new connection"))
            self.is_up = True
            entries = self.shelf.entries
            whole = not entries or self.last == BEGINNING or any(entry.id == self.last for entry in entries)
            if not entries or entries[-1].id < self.last:
                self.last = BEGINNING
            self.reader.on_up(whole=whole)
            self.wake()

    # -- the way there and back

    def ask(self, do, answer=None):
        """Do something there. If the line is cut meanwhile no answer comes, and perhaps nothing is done."""
        if not self.is_up or self.closed:
            return answer and answer(None)
        epoch = self._epoch
        now = self.reactor.time()
        self._due = max(self._due, now + self.latency * (0.5 + self.dice.random()))
        self.reactor.call_at(self._due, self._arrive, epoch, do, answer)

    def _arrive(self, epoch, do, answer):
        if epoch != self._epoch and (self.is_cut or self.dice.random() < 0.5):
            return answer and self.reactor.call_later(0, self._answer, epoch, answer, None)
        result = do()
        if answer is not None:
            delay = self.latency * (0.5 + self.dice.random())
            self.reactor.call_later(delay, self._answer, epoch, answer, result)

    def _answer(self, epoch, answer, result):
        if self.frozen is not None:
            return self.frozen.append((self._answer, epoch, answer, result))
        if not self.closed:
            answer(result if epoch == self._epoch else None)

    # -- Log

    def open(self, reader):
        self.reader = reader

    def append(self, node, seq, data, read, answer=None):
        def on_answer(id):
            if answer is not None:
                answer(id)
            if id is None and self.is_up:
                self.reader.on_refused(ValueError("OOM"))

        self.ask(lambda: self.shelf.add(node, seq, data, read), on_answer)

    def read_from(self, last):
        self.last, self.reading = last, True
        self.wake()

    def stop_reading(self):
        self.reading = False

    def wake(self):
        if not self._waking and self.reading and not self.closed:
            self._waking = True
            self.reactor.call_later(self.latency * (0.5 + self.dice.random()), self._deliver)

    def _deliver(self):
        self._waking = False
        if self.frozen is not None:
            return self.frozen.append((self._deliver,))
        if not self.reading or not self.is_up or self.is_cut or self.closed:
            return
        start = bisect_right(self.shelf.entries, self.last, key=attrgetter("id"))
        entries = self.shelf.entries[start : start + self.dice.randrange(1, 100)]
        if entries:
            self.last = entries[-1].id
            self.reader.on_entries(entries)
            self.wake()

    def offer_state(self, node, state):
        self.ask(lambda: self.shelf.set(f"snap:{node}", state, 30, only_new=True))

    def fetch_state(self, node, answer):
        self.ask(lambda: self.shelf.get(f"snap:{node}"), answer)

    def mark_live(self, seconds):
        self.ask(lambda: self.shelf.set("live", b"1", max(seconds, 0.001)))

    def claim(self, seconds, answer):
        self.ask(lambda: self.shelf.set("live", b"1", seconds, only_new=True), lambda mine: answer(bool(mine)))

    def keep(self, state):
        self.ask(lambda: self.shelf.set("kept", state))

    def fetch_kept(self, answer):
        self.ask(lambda: self.shelf.get("kept"), answer)

    def close(self):
        self.closed = True
        if self in self.shelf.logs:
            self.shelf.logs.remove(self)
