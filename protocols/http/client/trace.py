"""What happens on the way, in lines for people: `* ` what is done, `> ` what is asked, `< ` what is answered. Pure."""

from __future__ import annotations

from .connection import HTTPConnection
from .response import Response

HIDDEN = frozenset({"authorization", "proxy-authorization"})  # a password is in no message


def describe_connection(connection: HTTPConnection) -> list[str]:
    """Where it leads, and by what TLS."""
    about = connection.transport.get_extra_info
    host, port = (about("peername") or ("?", "?"))[:2]
    lines = [f"* connected to {host} port {port}" + (", as before" if connection.has_served else "")]
    if connection.proxy is not None:
        how = ", by CONNECT" if connection.proxy_fields is None else ""
        lines.append(f"* through the proxy {connection.proxy}{how}")
    if (cipher := about("cipher")) is not None:
        lines.append(f"* {cipher[1]}, {cipher[0]}")
    return lines


def request_lines(head: bytes) -> list[str]:
    """The head of a request."""
    lines = []
    for line in head.decode("latin-1").split("\r\n")[:-1]:
        name, colon, value = line.partition(":")
        if colon and name.lower() in HIDDEN:
            line = f"{name}: {value.split()[0] if value.split() else ''} (hidden)"
        lines.append(f"> {line}")
    return lines


def response_lines(response: Response) -> list[str]:
    """The head of an answer."""
    lines = [f"HTTP/{response.version} {response.status} {response.reason}".rstrip()]
    lines += [f"{name}: {value}" for name, value in response.headers.raw]
    return [f"< {line}" for line in [*lines, ""]]
