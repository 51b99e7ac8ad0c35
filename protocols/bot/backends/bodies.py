"""The body of a response read as it comes: JSON, a stream of JSON, or whichever of them it turns out to be. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ..sayings import Fault
from .backend import NoAnswer, Reply

MAX_JSON = 1024 * 1024  # bytes of an answer that comes in one piece: a novel's chapter, a hundred times what is shown
MAX_STREAM = 8 * 1024 * 1024  # bytes of one that comes in pieces: a model may think aloud for long, 300 bytes a word
MAX_VALUES = 50_000  # commas and brackets in one JSON: each may be an object, and 300,000 took 0.4 s
DONE = "[DONE]"  # how the stream of an OpenAI-compatible API ends
_BLANK = b" \t\r\n\xef\xbb\xbf"  # before the first byte that tells: white space and a BOM


class Piece(NamedTuple):
    """What one JSON object says: some text, perhaps none, and whether the answer ends with it."""

    text: str = ""
    end: bool = False


Read = Callable[[dict[str, Any]], Piece]
"""Gets the text out of one JSON object. Raises NoAnswer."""


def load(text: str) -> dict[str, Any]:
    """The JSON object in `text`. Raises NoAnswer for whatever else it is.

    >>> load('{"a": [1]}')
    {'a': [1]}
    >>> load("null")
    Traceback (most recent call last):
    protocols.bot.NoAnswer: GARBLED: NoneType, not a JSON object
    """
    if sum(map(text.count, ",[{")) > MAX_VALUES:
        raise NoAnswer(Fault.GARBLED, "JSON of too many values")
    try:
        value = json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise NoAnswer(Fault.GARBLED, "JSON nested too deeply") from None
    except ValueError:
        raise NoAnswer(Fault.GARBLED, "not JSON") from None
    if not isinstance(value, dict):
        raise NoAnswer(Fault.GARBLED, f"{type(value).__name__}, not a JSON object")
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON (RFC 8259, section 6)")


class JsonBody:
    """One JSON object, which is the whole answer. UTF-8 whatever the charset says (RFC 8259, section 8.1)."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._parts: list[bytes] = []
        self._size = 0
        self.done = False

    def feed(self, data: bytes) -> list[str]:
        self._size += len(data)
        if self._size > MAX_JSON:
            raise NoAnswer(Fault.TOO_LARGE, f"more than {MAX_JSON} bytes")
        self._parts.append(data)
        return []

    def finish(self) -> list[str]:
        try:
            text = b"".join(self._parts).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise NoAnswer(Fault.GARBLED, "not UTF-8") from None
        self.done = True
        return [self._read(load(text)).text]


class Splitter(Protocol):
    """Cuts a stream into the texts of its events."""

    def feed(self, data: bytes) -> list[str]: ...

    def finish(self) -> list[str]: ...


class StreamBody:
    """Many JSON objects, each with a piece of the answer."""

    def __init__(self, splitter: Splitter, read: Read) -> None:
        self._splitter = splitter
        self._read = read
        self._size = 0
        self._began = False
        self.done = False

    def feed(self, data: bytes) -> list[str]:
        self._size += len(data)
        if self._size > MAX_STREAM:
            raise NoAnswer(Fault.TOO_LARGE, f"more than {MAX_STREAM} bytes")
        return self._take(self._splitter.feed(data))

    def finish(self) -> list[str]:
        texts = self._take(self._splitter.finish())
        if not self._began:
            raise NoAnswer(Fault.GARBLED, "no stream of events")
        if not self.done:
            raise NoAnswer(Fault.LOST, "the stream ended before the answer did")
        return texts

    def _take(self, events: list[str]) -> list[str]:
        texts: list[str] = []
        for event in events:
            self._began = True
            if self.done:
                break
            if event.strip() == DONE:
                self.done = True
            else:
                text, self.done = self._read(load(event))
                texts.append(text)
        return texts


class SniffedBody:
    """Whichever of two it is: an object in one piece, or a stream. Its first byte tells, where servers mislabel it."""

    def __init__(self, whole: Callable[[], Reply], stream: Callable[[], Reply]) -> None:
        self._whole, self._stream = whole, stream
        self._body: Reply | None = None
        self._blank = 0

    @property
    def done(self) -> bool:
        return self._body is not None and self._body.done

    def feed(self, data: bytes) -> list[str]:
        if self._body is None:
            first = data.lstrip(_BLANK)
            if not first:
                self._blank += len(data)
                if self._blank > MAX_JSON:
                    raise NoAnswer(Fault.TOO_LARGE, "nothing but white space")
                return []
            self._body, data = (self._whole if first[:1] in b'{["n' else self._stream)(), first
        return self._body.feed(data)

    def finish(self) -> list[str]:
        if self._body is None:
            raise NoAnswer(Fault.GARBLED, "an empty body")
        return self._body.finish()
