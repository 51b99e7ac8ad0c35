"""Everything that goes wrong between a client and Redis, by name. Knows nothing else of the package."""

from __future__ import annotations


class RedisError(Exception):
    """The root of what a question to Redis can fail with."""


class ReplyError(RedisError):
    """Redis has answered with an error: `WRONGTYPE Operation against a key ...`. Its first word is the code."""

    @property
    def code(self) -> str:
        """The first word: ERR, NOAUTH, READONLY, MOVED and so on."""
        return str(self).partition(" ")[0]


class ProtocolError(RedisError):
    """What came is not RESP, or is more of it than is accepted. The connection is dropped."""


class ConnectionLost(RedisError, ConnectionError):
    """The connection ended before the answer came. Whether Redis has done what it was asked is not known."""


class AnswerTimeout(RedisError, TimeoutError):
    """No answer came in time, or no connection to ask on."""


class LoginRefused(ReplyError):
    """Redis is there, and lets us not in: the password, the user or the database is wrong. Its text is Redis' own."""


class TooMuchWaiting(RedisError):
    """More is waiting for a connection than may wait; this question was not kept."""


class ClientClosed(RedisError):
    """The client was closed, or its reactor was."""
