"""What is said first on each connection: who we are, RESP3, which database, is it the master. Knows no network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .errors import ConnectionLost, LoginRefused, RedisError, ReplyError
from .url import RedisURL
from .wire import encode

Ask = Callable[[Callable[[Any], object], bytes], None]


class Login:
    """All its questions leave at once; `done(error)` is called once the last is answered, or one of them is refused.

    AUTH comes before HELLO, so that a server older than RESP3 is logged in to by the same words. HELLO may be refused:
    RESP2 goes on. What is refused of the rest is a LoginRefused.
    """

    def __init__(self, url: RedisURL, password: str, done: Callable[[RedisError | None], None]) -> None:
        self._url = url
        self._password = password
        self._done: Callable[[RedisError | None], None] | None = done
        self._left = 0  # questions without an answer
        self.resp3 = False

    def begin(self, ask: Ask) -> None:
        """Ask all there is to ask."""
        url = self._url
        questions: list[tuple[Callable[[Any], RedisError | None], bytes]] = [(self._on_hello, encode(("HELLO", 3)))]
        if self._password:
            names = (url.username,) if url.username else ()
            questions.insert(0, (_needed, encode(("AUTH", *names, self._password))))
        if url.database:
            questions.append((_needed, encode(("SELECT", url.database))))
        if url.master:
            questions.append((_on_role, encode(("ROLE",))))
        self._left = len(questions)
        for read, question in questions:
            ask(partial(self._on_answer, read), question)

    def _on_answer(self, read: Callable[[Any], RedisError | None], reply: Any) -> None:
        self._left -= 1
        error = read(reply)
        if self._done is not None and (error is not None or not self._left):
            done, self._done = self._done, None
            done(error)

    def _on_hello(self, reply: Any) -> RedisError | None:
        self.resp3 = isinstance(reply, dict)
        if isinstance(reply, ReplyError) and reply.code != "NOAUTH":
            return None
        return _needed(reply)


def _needed(reply: Any) -> RedisError | None:
    if isinstance(reply, ReplyError) and "max number of clients" not in str(reply):
        return LoginRefused(str(reply))
    return reply if isinstance(reply, RedisError) else None


def _on_role(reply: Any) -> RedisError | None:
    if isinstance(reply, list) and reply[:1] != [b"master"]:
        return ConnectionLost("what the Sentinels call the master is none")
    return _needed(reply)
