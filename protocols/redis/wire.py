"""RESP2 and RESP3: commands into bytes, bytes into replies, bounded. Knows no connection and no command.

The specification is "Redis serialization protocol specification" (redis.io, develop/reference/protocol-spec). A reply
may be cut anywhere: what is whole inside it is taken at once and kept on a stack, so nothing is ever parsed twice, and
a reply of a million elements costs as much in a thousand pieces as in one. Streamed strings and aggregates (`$?`) are
in the specification's drafts, no Redis sends them, and they are refused.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

from .errors import ProtocolError, ReplyError

Argument = str | bytes | int | float

MAX_LINE = 64 * 1024  # bytes: the longest line of Redis itself is an inline command of so many
MAX_REPLY = 64 * 1024 * 1024  # bytes of one reply: far beyond what is asked for, far below memory's end
MAX_ITEMS = 1 << 20  # elements in one reply, nested ones included: an empty element costs its sender 4 bytes, us 64
MAX_DEPTH = 64  # aggregates inside each other: COMMAND, the deepest reply of Redis, has 7

_ARRAY, _ATTRIBUTE, _PUSH, _STRING = ord("*"), ord("|"), ord(">"), ord("$")
_AGGREGATES = {_ARRAY: 1, ord("~"): 1, _PUSH: 1, ord("%"): 2, _ATTRIBUTE: 2}  # values for each element announced
_STRINGS = frozenset(b"$!=")
_VALUE = 0  # the "type" of a line that is itself the whole value
_KNOWN_HEADS: dict[bytes, tuple[int, int]] = {
    b"%c%d\r\n" % (sort, count): (sort, count)
    for sort, most in ((_STRING, 512), (_ARRAY, 16), (_PUSH, 4), (ord("%"), 4))
    for count in range(most)
}
"""What heads a short string or aggregate: to look a line up costs less than to check and read it."""
_NONE: tuple[int, Any, int] = (0, None, 0)  # no aggregate: its type, its elements so far, how many are missing
_LONGEST_KNOWN = 24  # characters of a word that is kept encoded
_MOST_KNOWN = 1000  # words: 150 KiB
_known: dict[str, bytes] = {}
_LONGEST_NUMBER = 20  # digits of a 64-bit number and its sign
_LONGEST_LENGTH = 18  # digits of a length: more may be no size in memory


class Push(list[Any]):
    """What Redis tells without being asked: a message of a channel, an invalidated key."""


def encode(arguments: tuple[Argument, ...]) -> bytes:
    """A command as an array of strings. Raises TypeError for what is no str, bytes, int or float, else ValueError.

    >>> encode(("SET", b"k", 7))
    b'*3\\r\\n$3\\r\\nSET\\r\\n$1\\r\\nk\\r\\n$1\\r\\n7\\r\\n'
    """
    if not arguments:
        raise ValueError("a command has at least its name")
    parts = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        if type(argument) is str:
            if (part := _known.get(argument)) is None:
                part = _learn(argument)
            parts.append(part)
            continue
        if type(argument) is not bytes:
            argument = _as_bytes(argument)
        parts.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(parts)


class Prepared:
    """A command that is sent often, where only the last argument changes: the rest is encoded once.

    >>> Prepared("ECHO")(b"hi")
    b'*2\\r\\n$4\\r\\nECHO\\r\\n$2\\r\\nhi\\r\\n'
    """

    def __init__(self, *arguments: Argument) -> None:
        self._begun = encode((*arguments, b"")).removesuffix(b"$0\r\n\r\n")

    def __call__(self, last: bytes) -> bytes:
        """The command with its last argument."""
        return b"%b$%d\r\n%b\r\n" % (self._begun, len(last), last)


def _learn(word: str) -> bytes:
    """The bytes of a str, and of a short one the next time too: commands, options and keys come again and again.

    XADD of 100 B with six such words in it: 270,000 a second of CPU become 330,000 (bench/clients/redis_client.py).
    """
    data = word.encode()
    part = b"$%d\r\n%b\r\n" % (len(data), data)
    if len(word) <= _LONGEST_KNOWN:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        _known[word] = part
    return part


def _as_bytes(argument: object) -> bytes:
    if isinstance(argument, bool):
        raise TypeError("a bool is 1 or 0, true or false, t or f: say which")
    if isinstance(argument, bytes):
        return bytes(argument)
    if isinstance(argument, str):
        return str.encode(argument)
    if isinstance(argument, int):
        return b"%d" % argument
    if isinstance(argument, float):
        if math.isnan(argument):
            raise ValueError("Redis has no number NaN")
        return float.__repr__(argument).encode()
    raise TypeError(f"Redis takes str, bytes, int and float, not {type(argument).__name__}")


class ReplyWire:
    """Bytes in, replies out. After an `error` nothing more comes out: where the next reply begins is not known.

    Simple strings are str, bulk and verbatim strings bytes, errors `ReplyError`, also inside of arrays. Arrays are
    lists, maps dicts, sets sets; a map's key or a set's element that cannot be hashed is made a tuple. Attributes are
    left out.

    >>> wire = ReplyWire()
    >>> wire.feed(b"+OK\\r\\n*2\\r\\n:1\\r\\n$5\\r\\nhel")
    ['OK']
    >>> wire.feed(b"lo\\r\\n")
    [[1, b'hello']]
    >>> wire.feed(b"HTTP/1.1 400 Bad Request\\r\\n"), wire.error
    ([], ProtocolError('no reply begins with 0x48'))
    """

    def __init__(
        self,
        *,
        max_line: int = MAX_LINE,
        max_reply: int = MAX_REPLY,
        max_items: int = MAX_ITEMS,
        max_depth: int = MAX_DEPTH,
    ) -> None:
        self.error: ProtocolError | None = None
        self._max_line = max_line
        self._max_reply = max_reply
        self._max_items = max_items
        self._max_depth = max_depth
        self._tail = bytearray()  # what no value could be taken from
        self._wanted = 0  # bytes of it before it is worth another look
        self._stack: list[tuple[int, Any, int]] = []  # the aggregates around the innermost
        self._innermost: tuple[int, Any, int] = _NONE
        self._bytes = self._items = 0  # of the reply that is under way

    def feed(self, data: bytes) -> list[Any]:
        """The replies that are whole with `data`. Never raises: see `error`."""
        replies: list[Any] = []
        if self.error is not None:
            return replies
        if self._tail:
            self._tail += data
            if len(self._tail) < self._wanted:
                return replies
            data = bytes(self._tail)
            self._tail = bytearray()
        try:
            self._take(BytesIO(data), replies)
        except ProtocolError as error:
            self.error = error
            self._stack, self._innermost = [], _NONE
        return replies

    def _take(self, data: BytesIO, replies: list[Any]) -> None:
        """Take all values that are whole; what has come of the next is kept."""
        kind, items, missing = self._innermost
        begun = -self._bytes  # where in `data` this reply begins; below 0: before it
        while line := data.readline():
            if (head := _KNOWN_HEADS.get(line) or self._read_head(line)) is None:
                break
            sort, value = head
            if sort in _STRINGS:
                string, ending = data.read(value), data.read(2)
                if ending != b"\r\n":
                    lacks = value + 2 - len(string) - len(ending)
                    self._check_size(data.tell() + lacks - begun)
                    self._keep(line + string + ending, lacks)
                    break
                value = string if sort == _STRING else _special_string(sort, string)
            elif sort in _AGGREGATES:
                if count := self._announced_items(sort, value):
                    self._stack.append((kind, items, missing))
                    kind, items, missing = sort, [], count
                if count or sort == _ATTRIBUTE:
                    continue
                value = _finished(sort, [])
            while items is not None:
                items.append(value)
                missing -= 1
                if missing:
                    break
                closed, value = kind, items if kind == _ARRAY else _finished(kind, items)
                kind, items, missing = self._stack.pop()
                if closed == _ATTRIBUTE:
                    break
            else:
                self._check_size(data.tell() - begun)
                replies.append(value)
                begun, self._items = data.tell(), 0
        self._innermost = kind, items, missing
        self._bytes = data.tell() - len(self._tail) - begun
        self._check_size(self._bytes)

    def _keep(self, begun: bytes, lacks: int) -> None:
        """Keep `begun` until `lacks` bytes more have come. Raises ProtocolError."""
        if lacks <= 0:
            raise ProtocolError("a string that is longer than announced")
        self._tail += begun
        self._wanted = len(begun) + lacks

    def _check_size(self, size: int) -> None:
        if size > self._max_reply:
            raise ProtocolError(f"a reply of more than {self._max_reply} bytes")

    def _read_head(self, line: bytes) -> tuple[int, Any] | None:
        """Type and announced size of a value, or `_VALUE` and the value; None if the line is cut (then kept)."""
        if len(line) > self._max_line:
            raise ProtocolError(f"a line of more than {self._max_line} bytes")
        if not line.endswith(b"\n"):
            self._keep(line, 1)
            return None
        if not line.endswith(b"\r\n"):
            raise ProtocolError("a line that ends without a carriage return")
        sort, rest = line[0], line[1:-2]
        if rest != b"-1" and (sort in _STRINGS or sort in _AGGREGATES):
            return sort, _count(rest)
        return _VALUE, _simple(sort, rest)

    def _announced_items(self, sort: int, announced: int) -> int:
        if sort == _PUSH and self._stack:
            raise ProtocolError("a push inside of a reply")
        if len(self._stack) >= self._max_depth:
            raise ProtocolError(f"more than {self._max_depth} aggregates inside each other")
        count = announced * _AGGREGATES[sort]
        self._items += count + 1
        if self._items > self._max_items:
            raise ProtocolError(f"a reply of more than {self._max_items} elements")
        return count


def _count(line: bytes) -> int:
    if not line.isdigit() or len(line) > _LONGEST_LENGTH:
        raise ProtocolError("a length that is no number")
    return int(line)


def _special_string(sort: int, value: bytes) -> Any:
    """An error, or text without its format."""
    if sort == ord("!"):
        return ReplyError(_text(value))
    if value[3:4] != b":":  # "txt:" or "mkd:" comes first
        raise ProtocolError("a verbatim string without its format")
    return value[4:]


def _simple(sort: int, line: bytes) -> Any:
    """The value of what is one line alone. Raises ProtocolError."""
    try:
        return _SIMPLE[sort](line)
    except KeyError:
        raise ProtocolError(f"no reply begins with 0x{sort:02x}") from None
    except ValueError:
        raise ProtocolError(f"not a value of type {chr(sort)}") from None


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _integer(line: bytes) -> int:
    if len(line) > _LONGEST_NUMBER:
        raise ValueError("beyond 64 bits")
    return _big_number(line)


def _big_number(line: bytes) -> int:
    if not line[line[:1] in (b"-", b"+") :].isdigit():  # int() would take 1_000 and blanks too
        raise ValueError("no number")
    return int(line)


def _double(line: bytes) -> float:
    if not line or line.strip(b"0123456789+-.eEinfaINFA"):
        raise ValueError("no number")
    return float(line)


def _null(line: bytes) -> None:
    if line not in (b"", b"-1"):
        raise ValueError("not nothing")


def _boolean(line: bytes) -> bool:
    if line not in (b"t", b"f"):
        raise ValueError("neither")
    return line == b"t"


_SIMPLE: dict[int, Any] = {
    ord("+"): _text,
    ord("-"): lambda line: ReplyError(_text(line)),
    ord(":"): _integer,
    ord("("): _big_number,
    ord(","): _double,
    ord("#"): _boolean,
    ord("_"): _null,
    ord("$"): _null,  # $-1 and *-1: how RESP2 says it
    ord("*"): _null,
}


def _finished(sort: int, items: list[Any]) -> Any:
    """The value of an aggregate that has all its elements."""
    if sort == _ARRAY:
        return items
    if sort == _PUSH:
        return Push(items)
    if sort == ord("~"):
        return {_hashable(item) for item in items}
    keys = iter(items)
    return {_hashable(key): value for key, value in zip(keys, keys, strict=True)}


def _hashable(value: Any) -> Any:
    if type(value) is bytes:
        return value
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, dict):
        return tuple((key, _hashable(item)) for key, item in value.items())
    return value
