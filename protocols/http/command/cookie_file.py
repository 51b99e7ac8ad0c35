"""Cookies in a file, as curl and browsers keep them: one a line, seven fields with tabs. Knows no network.

`http.cookiejar.MozillaCookieJar` has the same format, but for cookies that end with their session: it writes nothing
for their time, which curl reads as a line that is none, and takes curl's 0 for a time that is long over.
"""

from __future__ import annotations

import os
import re
from http.cookiejar import Cookie, CookieJar
from pathlib import Path
from typing import Any

from ...places import check_place
from ..client.downloads.part import replace_with

HEADING = "# Netscape HTTP Cookie File\n# Kept by http_fetch. One cookie a line; see curl's documentation.\n\n"
AS_SENT = "latin-1"  # byte by byte, as the fields of HTTP are read: what a server has set is what it gets back
_HTTP_ONLY = "#HttpOnly_"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LOCAL = ".local"  # what the jar puts behind a name without a dot


def load_cookies(jar: CookieJar, path: str) -> bool:
    """Add what is in a file. A file that is not there has none; lines that are none are left out. Raises OSError.

    False where there are lines, and none of them is a cookie: it is another kind of file, such as one of heads.
    """
    check_place(path)
    try:
        text = Path(path).read_bytes().decode(AS_SENT)
    except FileNotFoundError:
        return True
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    cookies = [cookie for line in lines if (cookie := _cookie(line)) is not None]
    for cookie in cookies:
        if not cookie.is_expired():
            jar.set_cookie(cookie)
    return bool(cookies) or all(not line.strip() or line.startswith("#") for line in lines)


def cookie_text(jar: CookieJar) -> str:
    """All that there are, but for those that would be more than one line, or more fields."""
    lines = [line for cookie in jar if not _CONTROL.search("".join(line := _fields(cookie)))]
    return HEADING + "".join("\t".join(line) + "\n" for line in lines)


def save_cookies(jar: CookieJar, path: str) -> None:
    """Replace the file; what others can read is none of these. A device or a pipe is written to. Raises OSError."""
    check_place(path)
    text = cookie_text(jar).encode(AS_SENT)
    if os.path.exists(path) and not os.path.isfile(path):  # root could put a file in the place of /dev/null
        with open(path, "wb") as file:
            file.write(text)
    else:
        replace_with(Path(os.path.realpath(path)), text)


def _cookie(line: str) -> Cookie | None:
    rest: dict[str, Any] = {}
    if line.startswith(_HTTP_ONLY):
        line, rest = line[len(_HTTP_ONLY) :], {"HttpOnly": None}
    fields = line.split("\t")
    if line.startswith("#") or len(fields) not in (6, 7):
        return None
    domain, below, path, secure, expires, name, value = (*fields, "")[:7]
    if not name or not (expires or "0").lstrip("-").isdigit():
        return None
    if domain.lstrip(".") == "localhost":
        domain = f"localhost{_LOCAL}"
    elif below == "TRUE" and not domain.startswith("."):
        domain = f".{domain}"
    until = int(expires or "0") or None
    return Cookie(
        0, name, value, None, False, domain, below == "TRUE", domain.startswith("."), path or "/", True,
        secure == "TRUE", until, until is None, None, None, rest,
    )  # fmt: skip


def _fields(cookie: Cookie) -> list[str]:
    domain = cookie.domain.removesuffix(_LOCAL) if cookie.domain == f"localhost{_LOCAL}" else cookie.domain
    http_only = _HTTP_ONLY if cookie.has_nonstandard_attr("HttpOnly") or cookie.has_nonstandard_attr("httponly") else ""
    below = "TRUE" if cookie.domain.startswith(".") else "FALSE"
    secure = "TRUE" if cookie.secure else "FALSE"
    until = str(cookie.expires or 0)
    return [http_only + domain, below, cookie.path, secure, until, cookie.name, cookie.value or ""]
