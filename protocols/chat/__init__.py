"""The chat: rooms, names, history, commands, limits, and the operator's console.

    chat = Chat(reactor)
    desk = open_desk(chat)
    reactor.listen_tcp(chat.session, "127.0.0.1", 2401, limits=LIMITS, timeouts=TIMEOUTS)
    reactor.open_stdio(lambda: Console(desk))

From the bottom up: `names`, `addresses`, `bans`, `tries`, `history`, `news`, `flood` and `silent` know only values;
`room` knows members, `hub` names and rooms, `commands` and `speech` what a message means. All of that is pure.
`session` and `console` put it on connections. `ban_file` and `passwords` are on the disk, `gate` makes operators of
members; `desk` is what operators can bring about, `operator` the words for it.
"""

from __future__ import annotations

from .console import LIMITS as CONSOLE_LIMITS, Console
from .enrol import enrol
from .flood import Door
from .hub import Hub
from .motd import read_motd
from .operator import open_desk
from .passwords import check as check_passwords
from .session import LIMITS, TIMEOUTS, Chat, Session, Settings

__all__ = [
    "CONSOLE_LIMITS", "LIMITS", "TIMEOUTS", "Chat", "Console", "Door", "Hub", "Session", "Settings", "check_passwords",
    "enrol", "open_desk", "read_motd",
]  # fmt: skip
