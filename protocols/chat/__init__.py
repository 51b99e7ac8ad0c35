"""The chat: rooms, names, history, commands, limits, and the operator's console.

    chat = Chat(reactor)
    reactor.listen_tcp(chat.session, "127.0.0.1", 2401, limits=LIMITS, timeouts=TIMEOUTS)
    reactor.open_stdio(lambda: Console(chat.hub))

From the bottom up: `names`, `history`, `news`, `flood` and `silent` know only values; `room` knows members, `hub` names
and rooms, `commands` and `speech` what a message means. All of that is pure. `session` and `console` put it on
connections.
"""

from __future__ import annotations

from .console import LIMITS as CONSOLE_LIMITS, Console
from .flood import Door
from .hub import Hub
from .motd import read_motd
from .session import LIMITS, TIMEOUTS, Chat, Session, Settings

__all__ = ["CONSOLE_LIMITS", "LIMITS", "TIMEOUTS", "Chat", "Console", "Door", "Hub", "Session", "Settings", "read_motd"]
