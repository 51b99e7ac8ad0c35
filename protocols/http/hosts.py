"""The grammar of Host: a name or an address, and perhaps a port (RFC 9110, 7.2; RFC 3986, 3.2.2). Pure."""

from __future__ import annotations

import re

from .errors import ProtocolError

# A registered name may be empty, and has no userinfo, no blank, no slash. ":" within brackets only.
_HOST = re.compile(
    r"(?:\[(?:[0-9A-Fa-f:.]{2,45}|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]"
    r"|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*+)(?::[0-9]{0,5})?"
)


def check_host(host: str) -> None:
    """ProtocolError unless `host` may stand in a Host field.

    >>> check_host("[::1]:8000")
    >>> check_host("user@example.com")
    Traceback (most recent call last):
    protocols.http.ProtocolError: a Host that is none: 'user@example.com'
    """
    if not _HOST.fullmatch(host):
        raise ProtocolError(f"a Host that is none: {host[:60]!r}")
