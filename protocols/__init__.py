"""Protocols that live on the reactor: echo, greeting, and the chat. Each is pure logic with a thin `Protocol` on it."""

from __future__ import annotations

from .echo import Echo
from .greeting import Greeting
from .text import TextProtocol

__all__ = ["Echo", "Greeting", "TextProtocol"]
