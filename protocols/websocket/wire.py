"""What comes on a WebSocket: bytes in, messages and control frames out. Knows no sockets and no clock (RFC 6455, 5).

`feed` the wire, then ask `next_event` until it gives None without being `busy`. Nothing raises: what the peer does
wrong is the event `Failed`, behind the events of what was good before it, and the last one. A way of cutting the bytes
changes nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from .closing import INVALID_DATA, PROTOCOL_ERROR, Violation, read_close
from .frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASKED,
    MAX_CONTROL,
    PING,
    PONG,
    RSV1,
    TEXT,
    apply_mask,
)
from .messages import NOT_UTF8, Message

TURN = 512
"""Frames, or KiB of messages, that are read in a row, besides short messages: 1 to 5 ms. One read may bring 43,000
empty pieces, or 120 MiB once it is unpacked."""
KIB = 1024
MAX_MESSAGE = 1024 * KIB  # bytes: a peer that announces a length has us hold as much until the rest comes


class Ping(NamedTuple):
    """To be answered with a pong of the same payload."""

    payload: bytes


class Pong(NamedTuple):
    """The answer to a ping, or a sign of life that nobody has asked for."""

    payload: bytes


class Close(NamedTuple):
    """The peer says its end: nothing that follows counts."""

    code: int
    """1005 where it gave none."""
    reason: str


class Failed(NamedTuple):
    """The peer broke the protocol: say this in a close frame, and end."""

    code: int
    reason: str


Event = str | bytes | Ping | Pong | Close | Failed
"""A text message is a str, a binary one is bytes."""


class Wire:
    """The inbound half of one WebSocket.

    >>> from protocols.websocket.frames import pack
    >>> wire = Wire()
    >>> wire.feed(pack(TEXT, b"hello", key=b"abcd") + pack(PING, b"?", key=b"efgh"))
    >>> wire.next_event(), wire.next_event(), wire.next_event()
    ('hello', Ping(payload=b'?'), None)
    """

    __slots__ = (
        "_at", "_budget", "_data", "_final", "_inflates", "_key", "_left", "_longest", "_masked", "_max_message",
        "busy", "is_idle", "message", "over",
    )  # fmt: skip

    def __init__(self, *, client: bool = False, inflates: bool = False, max_message: int = MAX_MESSAGE) -> None:
        """client: we are one, so frames come unmasked. inflates: permessage-deflate was agreed."""
        self._masked = not client
        self._inflates = inflates
        self._max_message = max_message
        # Bytes of the longest message that `short` reads. It reads masked frames, and no client is sent any.
        self._longest = -1 if client else min(MAX_CONTROL, max_message)
        self._data = b""  # what was fed and not yet read, from _at on
        self._at = 0
        self.message: Message | None = None  # begun, and not at its end
        self._left = 0  # bytes of the frame's payload that are still to come
        self._key = b""  # of that frame, turned so that the next byte takes its first
        self._final = False  # that frame is the message's last
        self._budget = TURN  # what may still be read until `busy`: a frame takes one, and each KiB of a message
        self.busy = False  # `next_event` gave None because others should have their turn: ask it again
        self.is_idle = True  # all that was fed is read, and no message has begun
        self.over = False  # Close or Failed was given: what comes is dropped

    def feed(self, data: bytes, turn: int = TURN) -> None:
        """Some bytes came. turn: how many frames or KiB may be read before `busy`, bytes fed earlier included."""
        if not self.over:
            self._data = self._data[self._at :] + data if self._at < len(self._data) else data
            self._at = 0
            self._budget = turn
            self.is_idle = False

    def take_rest(self) -> bytes:
        """What was fed and not yet read, taken back: to be fed again later."""
        rest, self._data = self._data[self._at :], b""
        self._at = 0
        return rest

    def short(self, frame: bytes) -> str | bytes | None:
        """The message that `frame` is, if it is exactly one short message in one frame. Else None: then call `feed`.

        So is nearly every read of a server. It changes nothing. Call it instead of `feed` only while `is_idle`.
        """
        end = len(frame)
        size = end - 6
        if not (0 <= size <= self._longest and frame[1] == MASKED + size):
            return None
        first = frame[0]
        if first != _WHOLE_TEXT and first != _WHOLE_BINARY:
            return None
        # Take the frame as one number. `number & _KEY` is the key at its place in it; times _REPEATS[size] it becomes
        # the same four bytes again and again, behind the key: one XOR unmasks all (5.3).
        number = _from_bytes(frame, "little")
        number ^= _REPEATS[size] * (number & _KEY)
        payload = number.to_bytes(_ROOM, "little")[6:end]
        if first == _WHOLE_BINARY:
            return payload
        try:
            return payload.decode()
        except UnicodeDecodeError:
            return None  # the long way tells what is wrong

    def next_event(self) -> Event | None:
        """What came next; None: nothing until more bytes come, or, where `busy`, nothing in this turn."""
        data, at = self._data, self._at
        if at == len(data):
            self._data, self._at, self.busy = b"", 0, False
            self.is_idle = self.message is None
            return None
        if self.message is None and len(data) > at + 1 and (size := data[at + 1] & 0x7F) <= self._longest:
            end = at + 6 + size
            short = self.short(data[at:end])
            if short is not None:
                self._at = end
                return short
        try:
            return self._next()
        except Violation as fault:
            self.drop()
            return Failed(fault.code, fault.reason)

    def _next(self) -> Event | None:
        while self._budget > 0:
            self._budget -= 1
            event = self._read_payload() if self._left else self._read_frame()
            if event is not _GO_ON:
                self.busy = False
                return event
        self._budget, self.busy = TURN, True
        return None

    def drop(self) -> None:
        """Nothing more is wanted: what was fed and not given is forgotten, and what comes is dropped."""
        self.over = True
        self._longest = -1  # `short` reads nothing either
        self._data, self._at, self.message = b"", 0, None

    def _read_frame(self) -> Event | None:
        """The head of a frame. A control frame is taken whole, so is a message that fits; of others what is here."""
        data, at = self._data, self._at
        if len(data) < at + 2:
            return None
        first, second = data[at], data[at + 1]
        opcode, size = first & 0x0F, second & 0x7F
        self._check(first, second, opcode)
        extended = 0 if size < 126 else 2 if size == 126 else 8
        start = at + 2 + extended + (4 if self._masked else 0)
        if len(data) < start:
            return None
        if extended:
            size = _long_size(data[at + 2 : at + 2 + extended])
        key = data[start - 4 : start] if self._masked else b""
        here = len(data) - start
        if opcode >= CLOSE and here < size:
            return None
        if opcode >= CLOSE or (first & (FIN | RSV1) == FIN and self._fits(size, here)):
            self._at = start + size
            self._budget -= size // KIB
            payload = data[start : start + size]
            return self._read_whole(opcode, apply_mask(payload, key) if key else payload)
        self._begin(first, opcode, size)
        self._at, self._left, self._key = start, size, key
        self._final = bool(first & FIN)
        return self._read_payload()

    def _check(self, first: int, second: int, opcode: int) -> None:
        """What two bytes can break (5.2 and 5.5)."""
        if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
            raise Violation(PROTOCOL_ERROR, f"a frame with opcode {opcode}")
        if (second >= MASKED) is not self._masked:  # 5.1
            raise Violation(PROTOCOL_ERROR, "a frame without a mask" if self._masked else "a masked frame")
        if opcode >= CLOSE and (not first & FIN or second & 0x7F > 125):
            raise Violation(PROTOCOL_ERROR, "a control frame that is too long or in pieces")
        reserved = first & 0x70
        if reserved and (reserved != RSV1 or not self._inflates or opcode not in (TEXT, BINARY)):  # RFC 7692, 6.1
            raise Violation(PROTOCOL_ERROR, "a reserved bit that stands for nothing")
        if opcode < CLOSE and (opcode == CONTINUATION) is (self.message is None):  # 5.4
            text = "no message to go on with" if opcode == CONTINUATION else "a message inside another"
            raise Violation(PROTOCOL_ERROR, text)

    def _fits(self, size: int, here: int) -> bool:
        """True for a new message that is wholly here, within `max_message` and within what this turn may have."""
        return self.message is None and size <= min(here, self._max_message, (self._budget + 1) * KIB)

    def _begin(self, first: int, opcode: int, size: int) -> None:
        if self.message is None:
            self.message = Message(text=opcode == TEXT, deflated=bool(first & RSV1), max_size=self._max_message)
        self.message.announce(size)

    def _read_payload(self) -> Event | None:
        """What is here of a data frame, as much as this turn may still have; its message, if that ends here."""
        message = self.message
        assert message is not None
        if self._left:
            if self._at == len(self._data):
                return None
            self._read_piece(message)
        if self._left or not self._final:
            return _GO_ON
        self.message = None
        return message.finish()

    def _read_piece(self, message: Message) -> None:
        """Give the message what the budget allows of this frame."""
        at, key, before = self._at, self._key, message.size
        most = (self._budget + 1) * KIB  # the one that the frame took is for its first KiB
        piece = self._data[at : at + min(self._left, most)]
        size = len(piece)
        size -= message.add(apply_mask(piece, key) if key else piece, most)
        self._at = at + size
        self._left -= size
        self._budget -= (message.size - before) // KIB
        turned = size % 4
        self._key = key[turned:] + key[:turned]

    def _read_whole(self, opcode: int, payload: bytes) -> Event:
        if opcode == BINARY:
            return payload
        if opcode == TEXT:
            try:
                return payload.decode()
            except UnicodeDecodeError:
                raise Violation(INVALID_DATA, NOT_UTF8) from None
        if opcode == PING:
            return Ping(payload)
        if opcode == PONG:
            return Pong(payload)
        close = Close(*read_close(payload))
        self.drop()
        return close


_GO_ON = Pong(b"more")  # compared by identity: a frame was read, and is no event
_WHOLE_TEXT, _WHOLE_BINARY = FIN | TEXT, FIN | BINARY  # the first byte of a message in one frame
_from_bytes = int.from_bytes  # looked up once: each short message would pay for it
_KEY = 0xFFFFFFFF << 16  # selects the key: bytes 2 to 5 of a short frame as a number
_ROOM = 6 + 128  # bytes of a head, a key and the longest short payload, rounded up to 4
_REPEATS = tuple(_from_bytes(bytes(4) + b"\1\0\0\0" * ((size + 3) // 4), "little") for size in range(MAX_CONTROL + 1))


def _long_size(data: bytes) -> int:
    """Of a frame of 126 bytes or more: 5.2 wants the shortest form. One with its highest bit set is over any limit."""
    size = int.from_bytes(data, "big")
    if size < (126 if len(data) == 2 else 1 << 16):
        raise Violation(PROTOCOL_ERROR, "a length that is not in its shortest form")
    return size
