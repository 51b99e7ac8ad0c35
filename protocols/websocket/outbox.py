"""Large messages on their way to become frames, one slice in each turn of the loop, and what waits behind them.

To compress 16 MiB takes 0.3 s, to mask them 0.03 s: in one call nobody else would be served meanwhile.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Generator
from weakref import WeakKeyDictionary

from reactor import Reactor

from .deflate import LEVEL, deflate
from .frames import apply_mask, head, pack

KIB = 1024
SLICE = 256 * KIB  # bytes compressed or masked in a row: 5 ms at most. Up to here a message is framed within the call
SAVING = 64 * KIB  # bytes that each slice must have saved so far: zlib holds back as much. A picture saves nothing

Steps = Generator[None, None, bytes]


def pack_slowly(opcode: int, payload: bytes, window: int | None, key: bytes | None = None) -> Steps:
    """As `frames.pack`, and compressed where `window` is one and it helps: some of it for each `next`."""
    small = (yield from _deflate(payload, window)) if window else None
    body = payload if small is None else small
    frame = [head(opcode, len(body), deflated=small is not None, masked=key is not None)]
    if key is None:
        frame.append(body)
    else:
        frame.append(key)
        # A slice is a multiple of four bytes, so each begins with the key's first.
        for at in range(0, len(body), SLICE):
            frame.append(apply_mask(body[at : at + SLICE], key))
            yield
    return b"".join(frame)


def _deflate(payload: bytes, window: int) -> Generator[None, None, bytes | None]:
    """As `deflate.deflate`; it is given up where it saves nothing from the first slice on."""
    stream = zlib.compressobj(LEVEL, zlib.DEFLATED, -window)
    made, size = [], 0
    for at in range(0, len(payload), SLICE):
        piece = stream.compress(payload[at : at + SLICE])
        made.append(piece)
        size += len(piece)
        if at + SLICE <= len(payload) and size > at + SLICE - SAVING:
            return None
        yield
    made.append(stream.flush(zlib.Z_SYNC_FLUSH)[:-4])
    small = b"".join(made)
    return small if len(small) < len(payload) else None


def make(reactor: Reactor, opcode: int, payload: bytes, window: int | None, key: bytes | None) -> bytes | Work:
    """A message as a frame, or the work that makes one of a large message."""
    if len(payload) > SLICE and (window or key):
        return Work(reactor, pack_slowly(opcode, payload, window, key), len(payload))
    small = deflate(payload, window) if window else None
    return pack(opcode, payload if small is None else small, deflated=small is not None, key=key)


class Work:
    """A message that is being made, for one WebSocket or for many."""

    __slots__ = ("_steps", "_waiting", "frame", "size")

    def __init__(self, reactor: Reactor, steps: Steps, size: int) -> None:
        self._steps = steps
        self._waiting: dict[Outbox, None] = {}
        self.size = size  # of the message
        self.frame: bytes | None = None  # once it is made
        works = _works.setdefault(reactor, deque())
        works.append(self)
        if len(works) == 1:
            reactor.call_soon(_take_turn, reactor, works)

    def add(self, outbox: Outbox) -> None:
        """It is told when the frame is made."""
        self._waiting[outbox] = None

    def remove(self, outbox: Outbox) -> None:
        """It does not want it any more. Where nobody does, no more is done."""
        self._waiting.pop(outbox, None)

    def go_on(self) -> bool:
        """Make a slice of it. Whether there is another."""
        if not self._waiting:
            return False
        try:
            next(self._steps)
        except StopIteration as done:
            self.frame = done.value
            for outbox in list(self._waiting):
                outbox.flush()
            return False
        except BaseException:
            for outbox in list(self._waiting):
                outbox.abort()
            raise
        return True


_works: WeakKeyDictionary[Reactor, deque[Work]] = WeakKeyDictionary()
"""What is being made on each reactor: one slice in a turn of the loop, however many messages there are."""


def making(reactor: Reactor) -> int:
    """Bytes of all messages that are being made, or wait for it."""
    return sum(work.size for work in _works.get(reactor, ()))


def _take_turn(reactor: Reactor, works: deque[Work]) -> None:
    is_unfinished = False
    try:
        is_unfinished = works[0].go_on()  # it stays there meanwhile: who sends from inside finds that turns are taken
    finally:
        work = works.popleft()
        if is_unfinished:
            works.append(work)  # the others have a slice before its next
        if works:
            reactor.call_soon(_take_turn, reactor, works)


class Outbox:
    """What one WebSocket has to send, behind a message that is being made.

    send: takes a frame. done: called when nothing waits any more. abort: ends the connection.
    """

    def __init__(
        self, send: Callable[[bytes], object], done: Callable[[], object], abort: Callable[[], object]
    ) -> None:
        self._send = send
        self._done = done
        self._items: deque[Work | bytes] = deque()
        self.abort = abort
        self.size = 0  # bytes that wait, messages being made included

    def add(self, item: Work | bytes) -> None:
        """A frame, or a message that will be one."""
        self._items.append(item)
        self.size += item.size if isinstance(item, Work) else len(item)
        if isinstance(item, Work):
            item.add(self)

    def flush(self) -> None:
        """A message is made: send what is ready up to the next that is not."""
        items = self._items
        while items:
            item = items[0]
            frame = item.frame if isinstance(item, Work) else item
            if frame is None:
                return
            items.popleft()
            self.size -= item.size if isinstance(item, Work) else len(item)
            self._send(frame)
        self._done()

    def drop(self) -> None:
        """Nothing of it is to be sent."""
        for item in self._items:
            if isinstance(item, Work):
                item.remove(self)
        self._items.clear()
        self.size = 0
