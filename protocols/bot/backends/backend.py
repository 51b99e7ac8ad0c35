"""What a backend is: a question in, and out comes an answer or an HTTP request to make for it. No sockets here.

Backend.meet(user_id)          -> Conversation      one for each person, which remembers what was said
Conversation.ask(text, name)   -> str | Call        an answer at once, or a request and the reader of its response
Call.reply.feed(bytes)         -> pieces of text    as the body comes
Call.reply.finish()            -> the last pieces   when the body is over
Conversation.heard(text, answer)                    what was answered, so that it can be referred to
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from ..sayings import Fault


class NoAnswer(Exception):
    """There will be no answer, or no more of it. `why` is for the log only, and never holds a body or a key."""

    def __init__(self, fault: Fault, why: str = "") -> None:
        super().__init__(f"{fault.name}: {why}" if why else fault.name)
        self.fault = fault


class BadSetting(ValueError):
    """A backend cannot be made of these settings: the message is one line for whoever gave them."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. Its repr shows nothing in which a key could be."""

    url: str = field(repr=False)
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


class Reply(Protocol):
    """Reads the body of one response."""

    @property
    def done(self) -> bool:
        """The answer is complete, although the body may go on."""

    def feed(self, data: bytes) -> list[str]:
        """The pieces of text that `data` completes. Raises NoAnswer."""

    def finish(self) -> list[str]:
        """The body is over: the last pieces. Raises NoAnswer, also where the answer is not complete."""


@dataclass(frozen=True, slots=True)
class Call:
    """What must be asked of an API, and who reads what it says."""

    request: Request
    reply: Reply


class Conversation(Protocol):
    """What one person and the backend say to each other. One question at a time."""

    def ask(self, question: str, name: str) -> str | Call:
        """The answer, or the call that brings it. `name` is empty for who has not said it. Raises NoAnswer."""

    def heard(self, question: str, answer: str) -> None:
        """`answer` is what was shown for `question`, whole."""


class Backend(Protocol):
    """Where answers come from."""

    secrets: tuple[str, ...]
    """What must never be shown or logged, whatever an API says."""

    def meet(self, user_id: str) -> Conversation:
        """Begin to talk with somebody. `user_id` is short, plain ASCII, and nobody else's."""
