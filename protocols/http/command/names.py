"""The name of a file that a URL (-O) or a server (-J) gives: never a way out of the folder, and one that fits. Pure."""

from __future__ import annotations

import os
import re
from urllib.parse import quote, unquote

from ...text.sanitize import sanitize
from ..client.downloads.part import cut_name
from ..headers import Headers

LONGEST = 240  # bytes: what file systems take, less what a part of it is called besides

_PARAMETER = re.compile(r';\s*+(filename\*?)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s";]++))', re.IGNORECASE)
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*+'(.*)", re.IGNORECASE)


def name_of_url(url: str) -> str | None:
    """The last part of the URL's path, as it was typed; None where there is none.

    >>> name_of_url("http://a/b/c%20d.tgz?x=/y#z"), name_of_url("http://a"), name_of_url("http://a/..")
    ('c%20d.tgz', None, None)
    """
    _, _, place = re.split(r"[?#]", url, maxsplit=1)[0].partition("://")
    return as_name(place.rpartition("/")[2]) if "/" in place else None


def name_of_answer(headers: Headers) -> str | None:
    """What Content-Disposition suggests (RFC 6266); None where it suggests nothing that is a name.

    >>> name_of_answer(Headers([("Content-Disposition", 'attachment; filename="../../.bashrc"')]))
    'bashrc'
    """
    found = {name.lower(): quoted or plain for name, quoted, plain in _PARAMETER.findall(_disposition(headers))}
    extended = _EXTENDED.fullmatch(found.get("filename*", ""))
    if extended is not None:
        name = unquote(extended[2], extended[1].lower(), "replace")
    else:
        name = re.sub(r"\\(.)", r"\1", found.get("filename", ""))
        try:
            name = name.encode("latin-1").decode()
        except UnicodeError:
            pass
    # Both kinds of slash: what one system takes for a name is a path on another. A dot would hide what has come, and a
    # hyphen would be an option of whatever is called with `*`.
    return as_name(sanitize(re.split(r"[/\\]", name)[-1]).lstrip("-. "))


def as_name(text: str) -> str | None:
    """A name that may be given to a file here; None for what is none."""
    name = sanitize(text).strip()
    if name in ("", ".", "..") or "/" in name or (os.sep != "/" and os.sep in name):
        return None
    try:
        raw = os.fsencode(name)
    except UnicodeEncodeError:  # the locale has no such letters: as -O has it from a URL
        return as_name("".join(char if char.isascii() else quote(char) for char in name))
    if len(raw) <= LONGEST:
        return name
    stem, dot, ending = name.rpartition(".")
    behind = os.fsencode(dot + ending) if dot and len(os.fsencode(ending)) < 16 else b""
    return cut_name(os.fsencode(stem) if behind else raw, LONGEST - len(behind)) + os.fsdecode(behind)


def _disposition(headers: Headers) -> str:
    value = headers.get("content-disposition") or ""
    return value if value.startswith(";") or ";" not in value else ";" + value.partition(";")[2]
