"""Header fields: names without case, values in the order they came. Knows nothing of messages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping


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

    __slots__ = ("raw",)

    raw: tuple[tuple[str, str], ...]
    """The fields in order, in the spelling they came in."""

    def __init__(self, fields: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> None:
        """Fields that a caller passes. ValueError for a name or value that must not be sent."""
        raise NotImplementedError

    def __getitem__(self, name: str) -> str:
        raise NotImplementedError

    def __iter__(self) -> Iterator[str]:
        """Each name once, in the spelling of its first field."""
        raise NotImplementedError

    def __len__(self) -> int:
        """How many names."""
        raise NotImplementedError

    def get_all(self, name: str) -> list[str]:
        """The value of each field of that name, in order; empty when there is none."""
        raise NotImplementedError
