"""What a Redis URL says: where, who, which database, by TLS, by which Sentinels. Pure; no message holds a password.

    redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]                         rediss://... for TLS
    redis+sentinel://[[USER]:PASSWORD@]HOST[:PORT][,HOST[:PORT]]/MASTER[/DB]      rediss+sentinel://... for TLS

User, password and master are percent-encoded. An IPv6 address stands in brackets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

PORT = 6379
SENTINEL_PORT = 26379

_SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel")

Password = str | Callable[[], str] | None


@dataclass(frozen=True, slots=True)
class RedisURL:
    """A URL that was understood. `str` of it is for people to read, and tells neither user nor password."""

    hosts: tuple[tuple[str, int], ...]
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    database: int = 0
    tls: bool = False
    master: str = ""
    """What the Sentinels at `hosts` call the server; empty where `hosts` is the server itself."""

    def __str__(self) -> str:
        scheme = ("rediss" if self.tls else "redis") + ("+sentinel" if self.master else "")
        hosts = ",".join(f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.hosts)
        return f"{scheme}://{hosts}" + (f"/{self.master}" if self.master else "") + f"/{self.database}"


def parse_redis_url(url: str) -> RedisURL:
    """Raises ValueError that says what is wrong with the URL, and TypeError for what is no str.

    >>> parse_redis_url("redis://:p%40ss@example.com/2")
    RedisURL(hosts=(('example.com', 6379),), database=2, tls=False, master='')
    """
    if not isinstance(url, str):
        raise TypeError(f"a URL is a str, not {type(url).__name__}")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in _SCHEMES:
        raise ValueError("a Redis URL begins with redis://, rediss://, redis+sentinel:// or rediss+sentinel://")
    if any(not "!" <= character <= "~" or character in '?#"<>\\^`{|}' for character in rest):
        raise ValueError("a Redis URL has no blanks, queries or fragments: such characters are percent-encoded")
    is_sentinel = scheme.lower().endswith("+sentinel")
    place, _, path = rest.partition("/")
    login, at, hosts = place.rpartition("@")
    username, password = _login(login) if at else ("", "")
    master, database = _path(path, is_sentinel)
    port = SENTINEL_PORT if is_sentinel else PORT
    found = tuple(_host(host, port) for host in hosts.split(","))
    if len(found) > 1 and not is_sentinel:
        raise ValueError("several hosts are for redis+sentinel://")
    return RedisURL(found, username, password, database, scheme.lower().startswith("rediss"), master)


def _login(text: str) -> tuple[str, str]:
    username, colon, password = text.partition(":")
    if not colon:
        raise ValueError("before the @ stands USER:PASSWORD or :PASSWORD")
    return _decoded(username), _decoded(password)


def _decoded(text: str) -> str:
    for part in text.split("%")[1:]:
        if len(part) < 2 or part[:2].strip("0123456789abcdefABCDEF"):
            raise ValueError("a % in a URL is followed by two hexadecimal digits")
    return unquote(text, errors="strict")


def _path(path: str, is_sentinel: bool) -> tuple[str, int]:
    parts = [_decoded(part) for part in path.split("/")] if path else []
    master = parts.pop(0) if is_sentinel and parts else ""
    if is_sentinel and not master:
        raise ValueError("with Sentinels the path is the name of the master: redis+sentinel://HOST/MASTER")
    database = parts.pop(0) if parts else ""
    if any(parts) or not ((database.isascii() and database.isdigit()) or not database) or len(database) > 9:
        raise ValueError("the path of a Redis URL is the number of a database")
    return master, int(database or 0)


def _host(text: str, port: int) -> tuple[str, int]:
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in host or (rest and rest[0] != ":"):
            raise ValueError("an IPv6 address in a URL stands in brackets")
        digits = rest[1:]
    else:
        host, _, digits = text.partition(":")
    if not host or len(host) > 253 or any(not label or len(label) > 63 for label in host.rstrip(".").split(".")):
        raise ValueError("a Redis URL names a host")
    if digits and not (digits.isascii() and digits.isdigit() and 0 < int(digits[:9]) <= 65535):
        raise ValueError("a port is a number from 1 to 65535")
    return host, int(digits or port)


def password_from_file(path: str | Path) -> Callable[[], str]:
    """A password that is read from a file at each login, so that a changed one needs no restart.

    The file's first line is it. What cannot be read is an OSError at the login, and is tried again.
    """

    def read() -> str:
        return Path(path).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")

    return read
