"""What is sent: `-d` and its kin, `--json`, `-T`. Pure, but for the file of -T."""

from __future__ import annotations

import argparse
import os
from typing import IO, Any

FORM = "application/x-www-form-urlencoded"  # what -d sends unless -H says otherwise, as curl does
JSON = "application/json"


class BadBody(Exception):
    """What was asked to be sent does not go together."""


def settle(options: argparse.Namespace) -> None:
    """Method, body and the fields that go with them, of what was typed. Raises BadBody."""
    ways = {"-d": options.data is not None, "--json": options.json is not None, "-T": options.upload is not None}
    given = [name for name, is_given in ways.items() if is_given]
    if len(given) > 1:
        raise BadBody(f"{given[0]} and {given[1]} are two bodies, and a request has one")
    if options.head and given and not options.get:
        raise BadBody(f"-I asks for the head alone: there is nothing to send with {given[0]}")
    if options.get and options.upload is not None:
        raise BadBody("-G puts data into the URL, and -T sends a file")
    names = {name.lower() for name, _ in options.headers}
    if options.json is not None:
        options.data = b"".join(options.json)
        add_missing(options.headers, names, [("Content-Type", JSON), ("Accept", JSON)])
    elif options.data is not None:
        options.data = b"&".join(options.data)
        if not options.get:
            add_missing(options.headers, names, [("Content-Type", FORM)])
    options.query = None
    if options.get and options.data is not None:
        options.query, options.data = options.data, None
    options.method = options.request or method(options)


def one_upload(options: argparse.Namespace) -> str | None:
    """The file of -T. curl gives each URL its own; sent to several, one would be stored under another's name."""
    uploads, urls = options.upload or [], len(options.urls)
    if uploads and (len(uploads) > 1 or urls > 1):
        raise BadBody(f"-T puts one file to one URL, and here are {len(uploads)} of -T and {urls} URLs: once for each")
    return uploads[0] if uploads else None


def method(options: argparse.Namespace) -> str:
    """What the other options come to."""
    if options.head:
        return "HEAD"
    if options.upload is not None:
        return "PUT"
    return "GET" if options.data is None else "POST"


def add_missing(headers: list[Any], names: set[str], fields: list[tuple[str, str]]) -> None:
    """Defaults of an option: what -H says counts more."""
    headers += [field for field in fields if field[0].lower() not in names]


def with_query(url: str, query: bytes | None) -> str:
    """The URL with what -G puts into it.

    >>> with_query("http://a/b?c=1#d", b"e=2"), with_query("http://a", b"e=2")
    ('http://a/b?c=1&e=2#d', 'http://a?e=2')
    """
    if query is None:
        return url
    place, hash_sign, fragment = url.partition("#")
    sign = "" if place.endswith(("?", "&")) else "&" if "?" in place else "?"
    return place + sign + query.decode("utf-8", "surrogateescape") + hash_sign + fragment


def with_name(url: str, upload: str | None) -> str:
    """A URL that is a folder gets the name of the file that is put into it.

    >>> with_name("http://a/b/", "x/y.txt"), with_name("http://a/b", "y.txt"), with_name("http://a", "y z.txt")
    ('http://a/b/y.txt', 'http://a/b', 'http://a/y%20z.txt')
    """
    if upload in (None, "-"):
        return url
    from urllib.parse import quote

    place, _, rest = url.partition("?")
    _, _, path = place.partition("://")
    if "/" not in path:
        place += "/"
    if not place.endswith("/"):
        return url
    return place + quote(os.fsencode(os.path.basename(str(upload))), safe="") + (f"?{rest}" if rest else "")


def content(options: argparse.Namespace) -> bytes | IO[bytes] | None:
    """The body of one request. Raises OSError for the file of -T, which is opened here, and closed by its job."""
    if options.upload is None:
        data: bytes | None = options.data
        return data
    if options.piped is not None:
        piped: bytes = options.piped
        return piped
    return open(options.upload, "rb")
