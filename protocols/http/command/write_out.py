"""`-w`: a line about a fetch by a format, as curl has it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAMES = frozenset(
    {
        "content_type", "errormsg", "exitcode", "filename_effective", "http_code", "http_version", "method",
        "num_redirects", "num_retries", "redirect_url", "response_code", "scheme", "size_download", "speed_download",
        "time_starttransfer", "time_total", "url", "url_effective", "urlnum",
    }
)  # fmt: skip

_PART = re.compile(r"%\{([^}]*)\}|%%|\\([nrt\\])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}


def unknown(template: str) -> str | None:
    """The first variable that there is none of.

    >>> unknown("%{http_code} %{nope}"), unknown("%{http_code}")
    ('nope', None)
    """
    return next((name for name, _ in _PART.findall(template) if name and name not in NAMES), None)


def write_out(template: str, values: Mapping[str, object]) -> str:
    """The format, with its variables.

    >>> write_out("%{http_code}\\\\t%% %{url}\\\\n", {"http_code": 200, "url": "http://a/"})
    '200\\t% http://a/\\n'
    """

    def put(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return _ESCAPES[found[2]] if found[2] else str(values.get(found[1], ""))

    return _PART.sub(put, template)
