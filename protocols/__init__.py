"""Protocols on the reactor: echo, greeting, chat, HTTP, Redis, the chatbot: pure logic, and a thin `Protocol` on it.

The map, from the bottom up; imports only point up in this list, and the docstring of each folder lists its files so:

    echo           what comes goes back
    text/          people's bytes into messages
    admission/     how many may come, how fast one may speak, from where
    http/          HTTP/1.1: the wire, a client, a server
    websocket/     messages both ways, for browsers and programs
    metrics/       a reactor's counters for Prometheus
    redis/         a client of Redis and Valkey
    chat/          rooms, names, operators, history
    bot/           the chatbot
    greeting       the tutorial's server
"""

from __future__ import annotations

from .echo import Echo
from .greeting import Greeting
from .text.protocol import TextProtocol

__all__ = ["Echo", "Greeting", "TextProtocol"]
