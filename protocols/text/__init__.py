"""People's bytes into messages, for everything that people type to: the chat, the greeting, the bot.

The files, from the bottom up; a file imports only from those above it in this list:

    sanitize     text from one person made safe to show to another; pure
    framer       bytes from people's clients into messages; pure
    protocol     the protocol that chat, greeting and bot share
"""

from __future__ import annotations

from .framer import Fault, TextFramer
from .protocol import PATIENCE, QUIET_GAP, SLICE, WORDS, TextProtocol
from .sanitize import sanitize

__all__ = ["PATIENCE", "QUIET_GAP", "SLICE", "WORDS", "Fault", "TextFramer", "TextProtocol", "sanitize"]
