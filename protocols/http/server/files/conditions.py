"""Whether a request's conditions hold for a file (RFC 9110, 13). Pure."""

from __future__ import annotations

import re

from ...dates import http_date
from ...headers import Headers

NAMES = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "range"})
"""The fields that make an answer anything but the whole file."""

_TAGS = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')  # 8.8.3


def status(headers: Headers, tag: str, modified: float) -> int | None:
    """The status where a condition of a GET or HEAD fails: 412 or 304. None: go on. The order is that of 13.2.2.

    tag: the strong entity tag with its quotes. modified: whole seconds, as Last-Modified has them.
    """
    match = headers.get("if-match")
    if match is not None:
        if not _lists(match, tag, weak=False):
            return 412
    elif (since := _date(headers, "if-unmodified-since")) is not None and modified > since:
        return 412
    none_match = headers.get("if-none-match")
    if none_match is not None:
        return 304 if _lists(none_match, tag, weak=True) else None
    since = _date(headers, "if-modified-since")
    return 304 if since is not None and modified <= since else None


def wants_part(headers: Headers, tag: str, modified: float, now: float) -> bool:
    """If-Range: the part is wanted only of this very version (13.1.5); without it, always."""
    value = headers.get("if-range")
    if value is None:
        return True
    if value.startswith(('"', "W/")):
        return value == tag
    # A date is a strong validator only for what has not changed in the second in which it was asked for (8.8.2.2).
    return http_date(value) == modified and now >= modified + 1


def _date(headers: Headers, name: str) -> float | None:
    value = headers.get(name)
    return None if value is None else http_date(value)


def _lists(value: str, tag: str, *, weak: bool) -> bool:
    """`value` is "*" or has `tag` in its list. A weak tag is equal only where `weak` comparison is asked for."""
    if value.strip() == "*":
        return True
    return any(opaque == tag and (weak or not is_weak) for is_weak, opaque in _TAGS.findall(value))
