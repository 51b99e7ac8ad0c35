"""The chatbot: people on connections of their own or in a chat room, and the backends that answer them.

    bot = Bot(reactor, make_backend("offline"))
    server = BotServer(bot)
    reactor.listen_tcp(server.session, "127.0.0.1", 9999, limits=server.limits, timeouts=TIMEOUTS)

The map, from the bottom up; a file imports only from those above it in this list:

    sayings      what the bot says of its own accord, and in which language
    backends/    what answers a question
    answer       pieces of text into lines that may be shown
    turns        who is served when
    room_lines   what the lines of a chat room mean to a bot
    api_call     one call of an API
    bot          the bot itself: what all who ask share
    asker        one person who asks
    session      one person's connection to the bot
    member       the bot as a member of a chat room
    command      the command line: `python -m protocols.bot`
"""

from __future__ import annotations

from .backends.backend import Backend, BadSetting, Call, Conversation, NoAnswer, Request
from .backends.offline import Offline
from .backends.settings import KINDS, make_backend
from .bot import TIMEOUT, Bot
from .member import Lobby, Member
from .sayings import WELCOME, Fault, Saying
from .session import LIMITS, TIMEOUTS, BotServer, Session

Parlour = BotServer  # an earlier name

__all__ = [
    "KINDS",
    "LIMITS",
    "TIMEOUT",
    "TIMEOUTS",
    "WELCOME",
    "Backend",
    "BadSetting",
    "Bot",
    "BotServer",
    "Call",
    "Conversation",
    "Fault",
    "Lobby",
    "Member",
    "NoAnswer",
    "Offline",
    "Parlour",
    "Request",
    "Saying",
    "Session",
    "make_backend",
]

for _name in __all__:  # errors are named by the package that people import them from, in tracebacks too
    if isinstance(_thing := globals()[_name], type) and issubclass(_thing, Exception):
        _thing.__module__ = __name__
del _name, _thing
