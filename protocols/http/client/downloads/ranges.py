"""Parts of a representation: how to ask for the rest, and what a part is worth. Pure (RFC 9110, 13.1.5 and 14)."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...dates import http_date
from ...headers import Headers

_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/(?:([0-9]{1,19})|\*)", re.IGNORECASE)
_STRONG_TAG = re.compile(r'"[\x21\x23-\x7e\x80-\xff]*"')  # 8.8.3; a weak one begins with W/


class ContentRange(NamedTuple):
    """What a 206 holds, or a 416 could have had."""

    first: int | None
    """None in a 416: there is no such range."""
    last: int | None
    total: int | None
    """None: not known (yet)."""


def content_range(headers: Headers) -> ContentRange | None:
    """The Content-Range of an answer; None where there is none, or nonsense.

    >>> content_range(Headers([("Content-Range", "bytes 7-9/10")]))
    ContentRange(first=7, last=9, total=10)
    """
    match = _CONTENT_RANGE.fullmatch((headers.get("content-range") or "").strip())
    if match is None:
        return None
    first, last, total = (None if digits is None else int(digits) for digits in match.groups())
    if first is not None and last is not None and (last < first or (total is not None and last >= total)):
        return None
    return ContentRange(first, last, total)


def strong_validator(headers: Headers) -> str | None:
    """What If-Range can name, so that the rest of another version is never put behind this part. None: nothing.

    A strong ETag; or the Last-Modified, where the answer was made later than that second (8.8.2.2): within it the
    content may have changed once more.
    """
    tag = headers.get("etag") or ""
    if _STRONG_TAG.fullmatch(tag):
        return tag
    modified = headers.get("last-modified") or ""
    changed, made = http_date(modified), http_date(headers.get("date") or "")
    if changed is None or made is None or made < changed + 1:
        return None
    return modified


def rest_after(offset: int, validator: str | None) -> dict[str, str]:
    """The fields that ask for all but the first `offset` bytes, if the validator still holds; else for all of it.

    >>> rest_after(500, '"v1"')
    {'Range': 'bytes=500-', 'If-Range': '"v1"'}
    """
    fields = {"Range": f"bytes={offset}-"}
    return fields if validator is None else fields | {"If-Range": validator}
