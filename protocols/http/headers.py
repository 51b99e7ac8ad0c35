"""Header fields: names without case, values in the order they came. Knows nothing of messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, overload

T = TypeVar("T")

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, 5.5: no control characters, which would end the line


class Headers(Mapping[str, str]):
    """The fields of a message: an immutable mapping, and behind it the fields as they were sent.

    As a mapping, a name (any case) gives its values joined with ", ", which is what they mean together (RFC 9110,
    5.2). Set-Cookie is the one field that may be repeated and must not be joined (5.3): read it with `get_all`.
    Values are str and on the wire latin-1: bytes above 0x7F have no agreed meaning (5.5), and
    `value.encode("latin-1")` gives them back.

    >>> headers = Headers([("Via", "a"), ("via", "b"), ("Set-Cookie", "c=1"), ("Set-Cookie", "d=2")])
    >>> headers["VIA"], headers.get_all("set-cookie"), headers.get("Host", "none"), "via" in headers
    ('a, b', ['c=1', 'd=2'], 'none', True)
    >>> list(headers), headers.raw[1]
    (['Via', 'Set-Cookie'], ('via', 'b'))
    """

    __slots__ = ("_joined", "raw")

    raw: tuple[tuple[str, str], ...]
    """The fields in order, in the spelling they came in."""

    def __init__(self, fields: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        """Fields that a caller passes, blanks around values removed.

        ValueError for what must not be sent. Its message names the field, and never the value: that may be a secret.
        """
        if isinstance(fields, Headers):
            fields = fields.raw
        elif isinstance(fields, Mapping):
            fields = fields.items()
        self._keep([_checked(field) for field in fields])

    @classmethod
    def parsed(cls, fields: list[tuple[str, str]]) -> Headers:
        """Fields that a parser has found to be right."""
        headers = object.__new__(cls)
        headers._keep(fields)
        return headers

    def _keep(self, fields: list[tuple[str, str]]) -> None:
        self.raw = tuple(fields)
        self._joined = {name.lower(): value for name, value in fields}
        if len(self._joined) < len(fields):
            self._joined = {key: ", ".join(self.get_all(key)) for key in self._joined}

    def __getitem__(self, name: str) -> str:
        try:
            return self._joined[name.lower()]
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._joined

    def has_any(self, names: frozenset[str]) -> bool:
        """Whether a field has one of these names, which are in lower case: one call where many are looked for."""
        return not names.isdisjoint(self._joined)

    @overload
    def get(self, name: str) -> str | None: ...

    @overload
    def get(self, name: str, default: T) -> str | T: ...

    def get(self, name: str, default: T | None = None) -> str | T | None:
        """As `headers[name]`, or `default`."""
        return self._joined.get(name.lower(), default)

    def get_all(self, name: str) -> list[str]:
        """The value of each field of that name, in order; empty when there is none."""
        key = name.lower()
        return [value for name, value in self.raw if name.lower() == key]

    def __iter__(self) -> Iterator[str]:
        """Each name once, in the spelling of its first field."""
        seen: dict[str, str] = {}
        for name, _ in self.raw:
            seen.setdefault(name.lower(), name)
        return iter(seen.values())

    def __len__(self) -> int:
        """How many names."""
        return len(self._joined)

    def __eq__(self, other: object) -> bool:
        return self._joined == other._joined if isinstance(other, Headers) else NotImplemented

    def __repr__(self) -> str:
        return f"Headers({list(self.raw)})"


def _checked(field: object) -> tuple[str, str]:
    if not (isinstance(field, tuple | list) and len(field) == 2 and all(isinstance(part, str) for part in field)):
        raise ValueError(f"a header is a pair of str, name and value, not {_told(field)}")
    name, value = field[0], field[1].strip(" \t")  # RFC 9110, 5.5: blanks around a value are no part of it
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a header")
    if not _VALUE.fullmatch(value):
        raise ValueError(f"the value of the header {name} has a character that must not be sent")
    return name, value


def _told(field: object) -> str:
    if isinstance(field, tuple | list) and field:
        return f"{field[0]!r} with {', '.join(type(part).__name__ for part in field[1:]) or 'nothing'}"
    return type(field).__name__
