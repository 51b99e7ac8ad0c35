"""Which proxy a request goes through, by the environment's word. Knows no connection.

The rules are those of `urllib.request`: `http_proxy`, `https_proxy` and `all_proxy`, in lower or upper case, and
`no_proxy`. Where REQUEST_METHOD is set, HTTP_PROXY is what some client sent as a header `Proxy:` to a CGI script, and
only the lower case counts (httpoxy, CVE-2016-1000110). In `no_proxy`, `example.com` also means what is below it,
networks may be given (`10.0.0.0/8`), a port narrows it (`example.com:8080`), and `*` is everything. Its parts are
separated by commas, blanks or both, as curl takes them.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass

from ...url import URL, parse_url
from ..request import basic_auth


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and what it is told. `fields` stand in what is sent to it, and never go beyond.

    tls: for a proxy that is spoken to by TLS; None takes the context that the fetch has for its server.
    """

    url: URL
    tls: ssl.SSLContext | None = None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Proxy-Authorization, where its URL has a name and a password."""
        return (("Proxy-Authorization", basic_auth(*self.url.userinfo)),) if self.url.userinfo else ()

    def __str__(self) -> str:
        return str(self.url).removesuffix("/")


Choose = Callable[[URL], Proxy | None]


def straight(url: URL) -> None:
    """Go straight there."""


def make_proxy(text: str, tls: ssl.SSLContext | None = None) -> Proxy:
    """A proxy of its URL; `host:port` is taken for http. Raises ValueError."""
    if text.lower().startswith("socks"):
        raise ValueError("only http and https proxies can be used, and this one speaks SOCKS")
    return Proxy(parse_url(text if "://" in text else f"http://{text}"), tls)


def all_through(proxy: Proxy, no_proxy: str = "") -> Choose:
    """One proxy for all but what `no_proxy` names, as the variable of that name does."""
    exceptions = _exceptions(no_proxy)
    return lambda url: None if any(_matches(exception, url) for exception in exceptions) else proxy


def proxies_from_environment(no_proxy: str | None = None) -> Choose:
    """What the environment says now, as a function of a URL, which raises ValueError for a proxy that is none.

    no_proxy: counts instead of the variable of that name.

    >>> import os
    >>> os.environ |= {"http_proxy": "http://proxy.example:3128", "no_proxy": "intern.example, 10.0.0.0/8"}
    >>> choose = proxies_from_environment()
    >>> print(choose(parse_url("http://example.com/")), choose(parse_url("http://www.intern.example/")))
    http://proxy.example:3128 None
    >>> del os.environ["http_proxy"], os.environ["no_proxy"]
    """
    known = _known()
    exceptions = _exceptions(known.pop("no", "") if no_proxy is None else no_proxy)
    if not known:
        return straight

    def choose(url: URL) -> Proxy | None:
        address = known.get(url.scheme) or known.get("all")
        if not address or any(_matches(exception, url) for exception in exceptions):
            return None
        try:
            return make_proxy(address)
        except ValueError as exc:
            raise ValueError(f"the proxy for {url.scheme} in the environment cannot be used: {exc}") from None

    return choose


def _exceptions(text: str) -> list[str]:
    return text.lower().replace(",", " ").split()


def _known() -> dict[str, str]:
    """The proxies by scheme, and "no"."""
    if sys.platform not in ("darwin", "win32") and not any(name[-6:].lower() == "_proxy" for name in os.environ):
        return {}
    import urllib.request  # 30 ms, with all that it imports: a third of the time that the smallest program takes

    return urllib.request.getproxies()


def _matches(exception: str, url: URL) -> bool:
    if exception == "*":
        return True
    address = _address(url.host)
    if address is not None and (network := _network(exception)) is not None:
        return address in network
    name, port = _name_and_port(exception)
    if port and port != str(url.port):
        return False
    name = name.strip("[]").lstrip(".").rstrip(".")
    if address is not None:
        return (network := _network(name)) is not None and address in network
    host = url.host.rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _name_and_port(exception: str) -> tuple[str, str]:
    if exception.count(":") > 1 and not exception.startswith("["):
        return exception, ""  # an IPv6 address without brackets
    name, colon, port = exception.rpartition(":")
    return (name, port) if colon and port.isdigit() else (exception, "")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
