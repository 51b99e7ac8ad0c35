"""URLs of http and https: text in, the parts of a request out. Knows no network; resolves references (RFC 3986, 5).

`urllib.parse.urlsplit` is not used: it drops CR, LF and TAB wherever they stand, so a URL made from somebody's input
would pass the check that is there to stop it, and it does not tell `/?` from `/`.

Hosts that are not ASCII are asked for as browsers do (`idna`).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL = 64 * 1024  # characters: servers take 8 to 16 KiB, and what is longer is no address any more
MAX_HOST = 253  # characters of a name, as it is asked for (RFC 1035, 2.3.4), less the dot at its end
MAX_SHOWN = 200  # characters of a stranger's text in a message: enough to know it again
CACHED = 512  # parsed URLs that are kept: a program asks for the same few again and again

_PARTS = re.compile(r"(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#.*)?")  # appendix B
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HOST = re.compile(r"[a-z0-9._~-]+")  # what a reg-name is made of, less what no name server was ever asked for
_PORT = re.compile(r":0*([0-9]{1,5})")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")

# pchar and "/" (3.3), and the brackets, which are left alone by everybody. "%" stays: what is encoded is not again.
_PATH_SAFE = "/%:@!$&'()*+,;=[]~"
_QUERY_SAFE = _PATH_SAFE + "?"


@dataclass(frozen=True, slots=True)
class URL:
    """An absolute URL, ready to be asked for. `str` gives it without userinfo: nothing secret is in messages."""

    scheme: str
    host: str
    """To connect to: lower case, ASCII; an IPv6 address without brackets, with its zone."""
    port: int
    target: str
    """Path and query as they stand in the request line."""
    userinfo: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """Name and password, decoded."""
    netloc: str = field(init=False)
    """The Host field: the port only where it is not the scheme's, no userinfo, no zone (RFC 6874, 4)."""
    origin: tuple[str, str, int] = field(init=False)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        host = self.host.partition("%")[0]
        if ":" in host:
            host = f"[{host}]"
        netloc = host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"
        object.__setattr__(self, "netloc", netloc)
        object.__setattr__(self, "origin", (self.scheme, self.host, self.port))
        object.__setattr__(self, "text", f"{self.scheme}://{netloc}{self.target}")

    def __str__(self) -> str:
        return self.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def bracketed(self) -> str:
        """The host as it stands in a URL: an IPv6 address in brackets, without its zone."""
        return self.netloc if self.port == DEFAULT_PORTS[self.scheme] else self.netloc.rpartition(":")[0]

    @property
    def place(self) -> str:
        """What is looked up: a name below localhost is this machine, and no name server is asked (RFC 6761, 6.3)."""
        return "localhost" if self.host.endswith((".localhost", ".localhost.")) else self.host

    @property
    def certificate_name(self) -> str:
        """Whose certificate the server must have: no zone, and no dot at the end, which certificates never have."""
        return self.host.partition("%")[0].removesuffix(".")

    def join(self, reference: str) -> URL:
        """What `reference`, of a Location field, means here (RFC 3986, 5.2.2). Raises ValueError."""
        host = self.host.replace("%", "%25")  # a zone belongs to the machine that we are, so it lasts
        base = f"[{host}]" if ":" in host else host
        return parse_url(resolve(f"{self.scheme}://{base}:{self.port}{self.target}", reference))


@lru_cache(CACHED)
def parse_url(text: str) -> URL:
    """The parts of an absolute URL. Raises ValueError, which says what is wrong without repeating a password.

    What needs it in path and query is percent-encoded as UTF-8, what is encoded already stays; "." and ".." segments
    are resolved; the fragment is dropped, for it is never sent.

    >>> url = parse_url("HTTPS://ada:secret@Example.com:8443/a b/../ü?q=%41&r=é#part")
    >>> str(url), url.userinfo, url.netloc
    ('https://example.com:8443/%C3%BC?q=%41&r=%C3%A9', (b'ada', b'secret'), 'example.com:8443')
    """
    scheme, authority, path, query = split(text)
    if scheme is None:
        raise ValueError("the URL has no scheme: it must begin with http:// or https://")
    scheme = scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise ValueError(f"only http and https URLs can be fetched, not {brief(scheme)}:")
    if not authority:
        raise ValueError(f"the URL names no host: it must begin with {scheme}://HOST")
    if "\\" in authority:
        raise ValueError("the URL has a backslash in its host: browsers would take it for a slash")
    userinfo, at, hostport = authority.rpartition("@")
    host, port = _host_and_port(hostport)
    target = encode(remove_dot_segments(path) or "/", _PATH_SAFE)
    if query is not None:
        target += "?" + encode(query, _QUERY_SAFE)
    return URL(scheme, host, port or DEFAULT_PORTS[scheme], target, _userinfo(userinfo) if at else None)


def split(text: str) -> tuple[str | None, str | None, str, str | None]:
    """Scheme, authority, path and query; None is what is not there at all. Raises ValueError and TypeError."""
    if not isinstance(text, str):
        raise TypeError(f"a URL is a str, not {type(text).__name__}")
    if len(text) > MAX_URL:
        raise ValueError(f"the URL is longer than {MAX_URL} characters")
    if found := _CONTROL.search(text):
        raise ValueError(f"the URL has a control character in it: {found[0]!r} at position {found.start()}")
    match = _PARTS.fullmatch(text)
    assert match is not None  # every part may be missing, and the path takes what is left
    scheme, authority, path, query = match.groups()
    return scheme, authority, path, query


def resolve(base: str, reference: str) -> str:
    """`reference` as it is meant in `base`, an absolute URL (RFC 3986, 5.2.2). The fragment is dropped."""
    scheme, authority, path, query = split(reference)
    if scheme is not None:
        return reference
    base_scheme, base_authority, base_path, base_query = split(base)
    if authority is None:
        authority = base_authority
        if not path:
            path = base_path
            query = base_query if query is None else query
        elif not path.startswith("/"):
            path = base_path[: base_path.rfind("/") + 1] + path
    return f"{base_scheme}://{authority}{path}" + ("" if query is None else f"?{query}")


def remove_dot_segments(path: str) -> str:
    """`/a/./b/../c` is `/a/c` (RFC 3986, 5.2.4, for a path that begins with a slash)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def encode(text: str, safe: str = _QUERY_SAFE) -> str:
    """Percent-encode as UTF-8 what may not stand in a URL; what is encoded already is left. Raises ValueError."""
    try:
        return quote(_STRAY_PERCENT.sub("%25", text), safe)
    except UnicodeEncodeError:
        raise ValueError("the URL has half of a surrogate pair in it, which no encoding can say") from None


def brief(text: object) -> str:
    """The beginning of what a stranger has chosen, for a message."""
    whole = str(text)
    return whole if len(whole) <= MAX_SHOWN else f"{whole[:MAX_SHOWN]}..."


def _userinfo(text: str) -> tuple[bytes, bytes]:
    user, _, password = text.partition(":")
    try:
        name = unquote_to_bytes(user)
        secret = unquote_to_bytes(password)
    except UnicodeEncodeError:
        raise ValueError("the name or password in the URL cannot be encoded") from None
    if b":" in name:
        raise ValueError("the name in the URL has a colon in it, which Basic authentication cannot say")  # RFC 7617, 2
    return name, secret


def _host_and_port(text: str) -> tuple[str, int | None]:
    if text.startswith("["):
        literal, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise ValueError("the URL has a [ without its ]")
        return _ipv6(literal), _port(rest)
    if text.count(":") > 1:
        raise ValueError("the URL's host has several colons: an IPv6 address must be in brackets, [::1]")
    name, colon, digits = text.partition(":")
    return _name(name), _port(colon + digits)


def _port(text: str) -> int | None:
    """Of `:8080`, or of nothing."""
    if text in ("", ":"):
        return None
    match = _PORT.fullmatch(text)
    port = int(match[1]) if match else 0
    if not 0 < port <= 65535:
        shown = f", not {port}" if match else ""  # what is no number may be part of a password that has a slash in it
        raise ValueError(f"the URL's port must be a number from 1 to 65535{shown}")
    return port


def _ipv6(literal: str) -> str:
    address, percent, zone = literal.partition("%")
    zone = zone.removeprefix("25")  # RFC 6874 wants %25eth0; people write %eth0
    try:
        if percent and not re.fullmatch(r"[A-Za-z0-9._~-]+", zone):
            raise ValueError
        return ipaddress.IPv6Address(address).compressed + (f"%{zone}" if percent else "")
    except ValueError:
        raise ValueError(f"the URL's host is no IPv6 address: {literal[:70]!r}") from None


def _name(name: str) -> str:
    if len(name) > MAX_HOST + 1:  # before it is encoded: 20,000 labels took half a second
        raise ValueError(f"the URL's host is longer than a name can be: {name[:70]!r}...")
    host = name
    if not name.isascii():
        from .idna import ascii_name  # with tables that ASCII does not need

        try:
            host = ascii_name(name)
        except UnicodeError as exc:
            raise ValueError(f"the URL's host {name[:70]!r} cannot be written in ASCII: {exc}") from None
    host = host.lower()
    if not host:
        raise ValueError("the URL names no host")
    if not _HOST.fullmatch(host):
        raise ValueError(f"the URL's host has something in it that no host name has: {name[:70]!r}")
    if len(host) > MAX_HOST + 1 or any(len(label) > 63 for label in host.split(".")):
        raise ValueError(f"the URL's host is longer than a name can be: {name[:70]!r}...")
    if ".." in host or host[0] == ".":
        raise ValueError(f"the URL's host has an empty label: {name[:70]!r}")
    return host
