"""The target of a request: its path, decoded and without dot segments, and its query. Pure (RFC 9112, 3.2; RFC 3986).

A path is cut at its slashes before it is decoded, so that an encoded slash is a character of a name and never cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote_to_bytes

from ..errors import ProtocolError
from ..hosts import check_host

CACHED = 1024  # paths that are kept, none longer than SHORT: clients ask for the same few again and again
SHORT = 256  # characters
MAX_PARAMETERS = 1000  # of a query: a form has some dozens, and each costs an object

_PLAIN = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)*+/?")  # nothing to decode, nothing to resolve
_ABSOLUTE = re.compile(r"https?://([^/?#]*)(.*)", re.IGNORECASE)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SAFE = "!$&'()*+,;=:@~"  # pchar of RFC 3986, 3.3, apart from what quote() leaves alone by itself


class Target(NamedTuple):
    """What a request asks for."""

    path: str
    """Decoded, beginning with a slash, but for slashes in names, which stay encoded as %2F. "*" for OPTIONS *."""
    segments: tuple[str, ...]
    """What stands between the slashes, decoded; the last one is "" where the path ends with a slash. Bytes that are no
    UTF-8 are surrogates, as `os.fsdecode` gives them for file names."""
    query: str
    """As sent, without its question mark."""


def parse_target(method: str, target: str) -> Target:
    """The parts of a target. Raises ProtocolError (status 400).

    >>> parse_target("GET", "/a/b%20c/../d?x=1")
    Target(path='/a/d', segments=('a', 'd'), query='x=1')
    """
    if target == "*" and method == "OPTIONS":  # 3.2.4
        return Target("*", (), "")
    path, _, query = target.partition("?")
    found = _short_path(path) if len(path) <= SHORT else _parse_path(path)
    if not query:
        return found
    if "#" in query:
        raise _fragment()
    return Target(found.path, found.segments, query)


def _parse_path(path: str) -> Target:
    if not path.startswith("/"):
        path = _origin_form(path)
    if _PLAIN.fullmatch(path):
        return Target(path, tuple(path[1:].split("/")), "")
    if "#" in path:
        raise _fragment()
    if _STRAY_PERCENT.search(path):
        raise ProtocolError("a percent sign in the path that encodes nothing")
    segments = tuple(_resolved(path))
    return Target("/" + "/".join(name.replace("/", "%2F") for name in segments), segments, "")


def _fragment() -> ProtocolError:
    return ProtocolError("a fragment in the target of a request")


_short_path = lru_cache(CACHED)(_parse_path)


def _origin_form(target: str) -> str:
    """3.2.2: a server takes the absolute form too."""
    found = _ABSOLUTE.fullmatch(target)
    if found is None or not found[1]:
        raise ProtocolError(f"a target that is no path: {target[:40]!r}")
    check_host(found[1])
    return found[2] if found[2].startswith("/") else "/" + found[2]


def _resolved(path: str) -> list[str]:
    """The segments of an absolute path, decoded, "." and ".." resolved. No path leads above the root: 400."""
    segments: list[str] = []
    cut = path[1:].split("/")
    for number, part in enumerate(cut):
        name = unquote_to_bytes(part).decode("utf-8", "surrogateescape")
        if "\0" in name:
            raise ProtocolError("a NUL in the path")
        if name == "..":
            if not segments:
                raise ProtocolError("a path that leads above its root")
            segments.pop()
        elif name != ".":
            segments.append(name)
            continue
        if number == len(cut) - 1:
            segments.append("")  # `/a/.` and `/a/b/..` are the directory `/a/` (RFC 3986, 5.2.4)
    return segments


def quoted(segments: tuple[str, ...]) -> str:
    """The path of decoded segments, as it stands in a Location or a link. It begins with exactly one slash.

    >>> quoted(("", "evil.example", "a b", ""))
    '/evil.example/a%20b/'
    """
    path = "/".join(quote(name.encode("utf-8", "surrogateescape"), _SAFE) for name in segments)
    return "/" + path.lstrip("/")


class Query(Mapping[str, str]):
    """The parameters of a query, decoded. Of a repeated one the last counts; `get_all` gives them all.

    >>> query = Query("a=1&b=x+y&a=%32&c")
    >>> query["a"], query.get_all("a"), query["b"], query["c"], query.get("d", "none")
    ('2', ['1', '2'], 'x y', '', 'none')
    """

    __slots__ = ("_pairs", "_values")

    def __init__(self, text: str) -> None:
        """Raises ProtocolError for more parameters than any form has."""
        try:
            self._pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_PARAMETERS) if text else []
        except ValueError:
            raise ProtocolError(f"a query of more than {MAX_PARAMETERS} parameters") from None
        self._values = dict(self._pairs)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get_all(self, name: str) -> list[str]:
        """Every value of that name, in order; empty when there is none."""
        return [value for known, value in self._pairs if known == name]

    def __repr__(self) -> str:
        return f"Query({self._pairs})"
