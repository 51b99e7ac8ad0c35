"""Protocols on the reactor: echo, greeting, chat, HTTP, Redis, the chatbot: pure logic, and a thin `Protocol` on it.

The map, from the bottom up; imports only point up in this list, and the docstring of each folder lists its files so:

    echo           what comes goes back
    places         where files are put, and who else may have put one there first
    admission/     how many may come, how fast one may speak, from where
    text/          people's bytes into messages
    http/          HTTP/1.1: the wire, a client, a server
    websocket/     messages both ways, for browsers and programs
    metrics/       a reactor's counters for Prometheus
    redis/         a client of Redis and Valkey
    chat/          rooms, names, operators, history
    bot/           the chatbot
    greeting       the tutorial's server
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .echo import Echo

if TYPE_CHECKING:
    from .greeting import Greeting
    from .text.protocol import TextProtocol

__all__ = ["Echo", "Greeting", "TextProtocol"]

_LATER = {"Greeting": "greeting", "TextProtocol": "text.protocol"}
"""What an echo server need not load, and where it is (PEP 562)."""

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return found
