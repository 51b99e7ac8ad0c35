"""Gives an operator a password: asked for twice at a terminal, else taken from one line of stdin."""

from __future__ import annotations

import getpass
import sys

from . import passwords
from .passwords import BadPassword


def enrol(path: str, name: str) -> None:
    """Ask for the password of `name` and put it into the file. Raises OSError and BadPassword."""
    passwords.put(path, name, _asked(name))


def _asked(name: str) -> str:
    if not sys.stdin or not sys.stdin.isatty():
        return sys.stdin.readline() if sys.stdin else ""
    try:
        password = getpass.getpass(f"password for {name}: ")
        if getpass.getpass("the same again: ") != password:
            raise BadPassword("these were two different passwords")
    except EOFError:
        raise BadPassword("no password was typed") from None
    return password
