"""What the arguments of options mean: text in, a value or an ArgumentTypeError in a person's words out."""

from __future__ import annotations

import getpass
import os
import re
import ssl
import sys
from argparse import ArgumentTypeError
from pathlib import Path
from urllib.parse import quote_from_bytes

from ..client.proxies.choice import make_proxy
from ..client.request import basic_auth
from ..url import parse_url

_SIZE = re.compile(r"([0-9]{1,18})([kmgt]?)b?", re.IGNORECASE)
_RANGES = re.compile(r" *(?:[0-9]+-[0-9]*|-[0-9]+) *(?:, *(?:[0-9]+-[0-9]*|-[0-9]+) *)*")  # RFC 9110, 14.1.1
_ESCAPED = re.compile("[\udc80-\udcff]")  # bytes of the command line that are no text (PEP 383)


def address(text: str) -> str:
    """A URL; without a scheme it is http, as in a browser of old. What was pasted with blanks around it is trimmed."""
    text = text.strip(" \t\r\n")
    if "://" not in text.partition("?")[0]:
        text = f"http:{text}" if text.startswith("//") else f"http://{text}"
    text = _ESCAPED.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", text)
    try:
        parse_url(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def template(text: str) -> str:
    """The format of -w; `@FILE` is what is in the file, as one line, `@-` what comes on stdin."""
    if not text.startswith("@"):
        return text
    return read(text[1:]).decode("utf-8", "surrogateescape").replace("\r", "").replace("\n", "")


def header(text: str) -> tuple[str, bytes | str | None]:
    """`Name: value`; `Name:` leaves a default out, `Name;` sends it empty, as curl has it. What is typed is sent."""
    name, colon, value = text.partition(":")
    if colon:
        return name.strip(), typed(value.strip()) or None
    if text.endswith(";"):
        return text[:-1].strip(), ""
    raise ArgumentTypeError(f"must be 'Name: value', not {text!r}")


def typed(text: str) -> bytes:
    """What was typed, byte by byte."""
    return text.encode("utf-8", "surrogateescape")


def referer(text: str) -> bytes:
    """A URL, or nothing. What curl makes of `;auto` is not here, and no server is to get the word."""
    if text.endswith(";auto"):
        raise ArgumentTypeError("curl's ';auto' is not here: give the URL alone")
    return typed(text)


def method(text: str) -> str:
    """A word."""
    if not text:
        raise ArgumentTypeError("needs a method, such as GET")
    return text


def seconds(text: str) -> float:
    """A time to wait."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"must be a number of seconds above 0, not {text!r}")
    return number


def pause(text: str) -> float:
    """A time that may be none."""
    return 0.0 if text.strip() in ("0", "0.0") else seconds(text)


def number(text: str) -> int:
    """A number of things."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ArgumentTypeError(f"must be a whole number from 0 up, not {text!r}")
    return int(text)


def redirects(text: str) -> int:
    """A number of redirects; -1 is any, as curl has it."""
    return 2**31 if text == "-1" else number(text)


def size(text: str) -> int:
    """A number of bytes: `1000`, `10k`, `4M`."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ArgumentTypeError(f"must be a number of bytes, such as 1000, 10k or 4M, not {text!r}")
    return int(match[1]) << 10 * " kmgt".index(match[2].lower() or " ")


def byte_range(text: str) -> str:
    """`0-499`, `500-`, `-500`, several with commas."""
    if not _RANGES.fullmatch(text):
        raise ArgumentTypeError(f"must be a range of bytes, such as 0-499, 500- or -500, not {text!r}")
    return text


def read(name: str) -> bytes:
    """What is in a file; `-` is what comes on stdin."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except (OSError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "standard input is closed"
        raise ArgumentTypeError(f"cannot read {name}: {reason}") from None


def data(text: str) -> bytes:
    """What to send; `@FILE` is what is in the file, `@-` what comes on stdin."""
    return read(text[1:]) if text.startswith("@") else typed(text)


def encoded_data(text: str) -> bytes:
    """`VALUE`, `=VALUE`, `NAME=VALUE`, `@FILE`, `NAME@FILE`: the value is percent-encoded, the name is not."""
    name, sign, value = text, "", ""
    for at, char in enumerate(text):
        if char in "=@":
            name, sign, value = text[:at], char, text[at + 1 :]
            break
    content = typed(name) if not sign else typed(value) if sign == "=" else read(value)
    encoded = quote_from_bytes(content, safe="").encode()
    return typed(name) + b"=" + encoded if sign and name else encoded


def user(text: str) -> str:
    """`NAME:PASSWORD` as Authorization has it; a password that is missing is asked for, where somebody can answer."""
    name, colon, password = text.partition(":")
    if not colon:
        if not (sys.stdin and sys.stdin.isatty()):
            raise ArgumentTypeError("must be NAME:PASSWORD: nobody is here to be asked for the password")
        password = getpass.getpass(f"password of {name}: ")
    return basic_auth(typed(name), typed(password))


def proxy(text: str) -> str:
    """The URL of a proxy; an empty one is none."""
    try:
        if text:
            make_proxy(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def trusted(text: str) -> ssl.SSLContext:
    """A context that trusts the certificates in a file, and no others."""
    try:
        return ssl.create_default_context(cafile=text)
    except OSError as error:
        reason = "there is no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise ArgumentTypeError(f"cannot use {text}: {reason}") from None


def piped(name: str) -> bytes | None:
    """What -T sends, where it can be read only once: stdin, a pipe, `<(command)`. None for a file."""
    if not name:
        raise ArgumentTypeError("-T needs the name of a file")
    if name == "-" or Path(name).is_fifo():
        return read(name)
    existing_file(name)
    return None


def existing_file(text: str) -> str:
    """A file that can be read."""
    try:
        with open(text, "rb"):
            return text
    except OSError as error:
        raise ArgumentTypeError(f"cannot read {os.fsdecode(text)}: {error.strerror}") from None
