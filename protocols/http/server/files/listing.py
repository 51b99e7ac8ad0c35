"""A directory as a page: every name as text, and as a link that leads back to it. Knows no request."""

from __future__ import annotations

import html
import os
import stat
import time
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from ..response import Response

LARGE = 200  # names from which on a page is kept for a moment: fewer are read and written in 2 ms
FRESH = 1.0  # seconds that it is kept: so a directory costs what it costs once a second, however often it is asked for
PAGES = 4  # that are kept: one has up to 1 MB, or some more where names are long
MOST = 5000  # names on a page: they hold the loop for 50 ms (measured), and nobody reads more

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font-family: system-ui, sans-serif }}
table {{ border-spacing: 1em .2em }}
td:first-child {{ overflow-wrap: anywhere; white-space: pre-wrap }}
td {{ text-align: right }} td:first-child {{ text-align: left }}
</style>
<h1>{title}</h1>
<table>
{rows}
</table>
{more}</html>
"""
_ROW = '<tr><td><a href="{link}">{name}</a><td>{size}<td>{date}'


class Entry(NamedTuple):
    """One name of a directory."""

    name: str
    is_directory: bool
    size: int
    modified: float


class Recent:
    """Large pages as they were up to FRESH seconds ago. The oldest goes when there is no room."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, ...], tuple[float, Response]] = {}

    def get(self, key: tuple[str, ...], now: float) -> Response | None:
        """The page, unless there is none that is fresh."""
        made, response = self._kept.get(key, (0.0, None))
        return response if now - made < FRESH else None

    def put(self, key: tuple[str, ...], now: float, response: Response) -> None:
        """Keep it in place of what was there."""
        self._kept.pop(key, None)
        self._kept[key] = now, response
        if len(self._kept) > PAGES:
            del self._kept[next(iter(self._kept))]


def entries(fd: int, status: Callable[[str], os.stat_result]) -> list[Entry]:
    """The files and directories in an open directory, by name, directories first. Others cannot be asked for.

    status: what stands under a name; an OSError leaves it out.
    """
    found = []
    with os.scandir(fd) as names:  # one after the other: there may be a million
        for name in names:
            try:
                about = status(name.name)
            except OSError:
                continue
            if stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode):
                found.append(Entry(name.name, stat.S_ISDIR(about.st_mode), about.st_size, about.st_mtime))
                if len(found) > MOST:
                    break
    return sorted(found, key=lambda entry: (not entry.is_directory, entry.name.casefold(), entry.name))


def page(title: str, found: list[Entry], *, is_root: bool) -> bytes:
    """The page. `title` is the decoded path."""
    rows = [] if is_root else [_ROW.format(link="../", name="../", size="", date="")]
    rows += [_row(entry) for entry in found[:MOST]]
    more = f"<p>and more than these {MOST}</p>\n" if len(found) > MOST else ""
    text = _PAGE.format(title=html.escape(_shown(title)), rows="\n".join(rows), more=more)
    return text.encode()


def _row(entry: Entry) -> str:
    slash = "/" if entry.is_directory else ""
    return _ROW.format(
        link="./" + quote(entry.name.encode("utf-8", "surrogateescape"), "") + slash,  # "./": a colon is no scheme
        name=html.escape(_shown(entry.name)) + slash,
        size="" if entry.is_directory else f"{entry.size:,}",
        date=time.strftime("%Y-%m-%d %H:%M", time.gmtime(max(0.0, min(entry.modified, 253402300799.0)))),
    )


def _shown(name: str) -> str:
    """A name that is not UTF-8 has a sign in place of what is not; a line break stays, and is shown."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
