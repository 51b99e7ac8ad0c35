"""The chat: rooms, names, history, commands, limits, and the operator's console.

    chat = Chat(reactor)
    powers = set_up_operators(chat)
    reactor.listen_tcp(chat.session, "127.0.0.1", 2401, limits=chat.limits, timeouts=TIMEOUTS)
    reactor.open_stdio(lambda: Console(powers))

The map, from the bottom up; a file imports only from those above it in this list:

    journal      the chat's log: one line an event
    newcomers    who has not said anything yet, oldest first
    rooms/       names, rooms, what a message means; pure
    motd         the message of the day
    storage/     what outlives the process
    session      one person's connection
    client/      the client at a terminal: `python -m protocols.chat.client`
    operators/   bans, passwords, commands, the console
    cluster/     one chat on many servers
    web/         the page for browsers
    command      the server's command line: `python -m protocols.chat`
"""

from __future__ import annotations

from ..admission.door import Door
from .motd import read_motd
from .operators.console import LIMITS as CONSOLE_LIMITS, Console
from .operators.enrol import enrol
from .operators.operator_commands import set_up_operators
from .operators.passwords import check as check_passwords
from .rooms.hub import Hub
from .session import LIMITS, TIMEOUTS, Chat, Session, Settings

open_desk = set_up_operators  # an earlier name

__all__ = [
    "CONSOLE_LIMITS", "LIMITS", "TIMEOUTS", "Chat", "Console", "Door", "Hub", "Session", "Settings", "check_passwords",
    "enrol", "open_desk", "read_motd", "set_up_operators",
]  # fmt: skip
