"""The chatbot: people on connections of their own or in a chat room, and the backends that answer them.

    bot = Bot(reactor, make_backend("offline"))
    reactor.listen_tcp(Parlour(bot).session, "127.0.0.1", 9999, limits=LIMITS, timeouts=TIMEOUTS)

From the bottom up; all but the last row is pure:

    sayings                                what the bot says of its own accord, and the language it says it in
    backend                                what a backend is: a question in, an answer or an HTTP request out
    streams bodies                         server-sent events, NDJSON and JSON, as they come
    tuling models offline                  the backends; offline has skills, glossary and two tables of rules
    settings                               a backend from what the operator set
    answer desk                            text into lines that may be shown; who is served when
    hearing                                what the lines of a chat room mean to a bot
    errand guest service session member    the call, who asks, what is shared, and the two places to sit
"""

from __future__ import annotations

from .backend import Backend, BadSetting, Call, Conversation, NoAnswer, Request
from .member import Lobby, Member
from .offline import Offline
from .sayings import WELCOME, Fault, Saying
from .service import TIMEOUT, Bot
from .session import LIMITS, TIMEOUTS, Parlour, Session
from .settings import KINDS, make_backend

__all__ = [
    "KINDS",
    "LIMITS",
    "TIMEOUT",
    "TIMEOUTS",
    "WELCOME",
    "Backend",
    "BadSetting",
    "Bot",
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
