"""What is said about a fetch, in lines for people. A server's words are made safe for a terminal in all of them."""

from __future__ import annotations

import re
import ssl

from ...text.sanitize import sanitize
from ..client.redirect import Downgrade, TooManyRedirects
from ..client.response import Response
from ..url import parse_url

UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})  # X509_verify_cert: who has signed it is not among those trusted

_ESCAPED = re.compile("[\udc80-\udcff]")  # bytes that are no text (PEP 383)

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def status_line(response: Response) -> str:
    """For a message: `503 Service Unavailable; the server asks to wait for 120 s`."""
    wait = response.retry_after
    asks = "" if wait is None else f"; the server asks to wait for {wait:g} s"
    return f"{response.status} {response.reason}".strip() + asks


def head_lines(response: Response) -> list[str]:
    """The head as it came, but for folded lines; the blank line is its last."""
    lines = [f"HTTP/{response.version} {response.status} {response.reason}".rstrip()]
    lines += [f"{name}: {value}" for name, value in response.headers.raw]
    return [*lines, ""]


def head_text(response: Response, *, for_terminal: bool) -> bytes:
    """The head: exact, or with nothing in it that a terminal would obey."""
    lines = head_lines(response)
    if for_terminal:
        lines = [safe(line) for line in lines]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8" if for_terminal else "latin-1")


def safe(text: str) -> str:
    """One line of a server's for a terminal: raw UTF-8, which came in as latin-1, is read as it was meant."""
    try:
        text = text.encode("latin-1").decode()
    except UnicodeError:
        pass
    return sanitize(text)


def one_line(text: str) -> str:
    """A message that has a server's words in it, or the name of a file that is no text: its bytes are shown."""
    return " ".join(sanitize(_ESCAPED.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)).split())


def shown(url: str) -> str:
    """The URL as messages have it: without a password."""
    return str(parse_url(url))


def size(count: float) -> str:
    """Bytes, for people."""
    for unit in UNITS:
        if count < 1000 or unit == UNITS[-1]:
            break
        count /= 1024
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"


def remedy(error: BaseException, *, proxy: bool = False) -> str:
    """What may be done, half a sentence to put behind the reason; "" where there is none.

    proxy: the failure is on the way to a proxy.
    """
    if isinstance(error, Downgrade):
        return "; --allow-downgrade follows it"
    if isinstance(error, TooManyRedirects):
        return "; --max-redirs N follows more"
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__
    if cause is None:
        return ""
    trusts = "--proxy-cacert" if proxy else "--cacert"
    trust = f"{trusts} FILE trusts who has signed it, and " if cause.verify_code in UNKNOWN_ISSUER else ""
    return f"; {trust}-k takes any certificate"
