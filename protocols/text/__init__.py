"""People's bytes into messages, for everything that people type to: the chat, the greeting, the bot.

The files, from the bottom up; a file imports only from those above it in this list:

    sanitize     text from one person made safe to show to another; pure
    faults       what may come instead of a message
    openings     how other protocols begin; pure
    telnet       telnet's commands taken out of text; pure
    standing     what a client of the chat may believe of itself; pure
    framer       bytes from people's clients into messages; pure
    protocol     the protocol that chat, greeting and bot share
"""

from __future__ import annotations

from .faults import Fault
from .framer import TextFramer
from .protocol import QUIET_GAP, SLICE, UNFINISHED_GAP, WORDS, TextProtocol
from .sanitize import sanitize

PATIENCE = UNFINISHED_GAP  # an earlier name

__all__ = [
    "PATIENCE", "QUIET_GAP", "SLICE", "UNFINISHED_GAP", "WORDS", "Fault", "TextFramer", "TextProtocol", "sanitize",
]  # fmt: skip
