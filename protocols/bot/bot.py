"""The bot itself: a backend, a way to make requests, and the turns of those who ask."""

from __future__ import annotations

import logging
import secrets
from itertools import count

from reactor import Reactor

from .api_call import Fetch
from .backends.backend import Backend
from .sayings import FOR_THE_OPERATOR, Fault
from .turns import AT_ONCE, Turns

log = logging.getLogger("protocols.bot")

TIMEOUT = 30.0  # seconds for an answer: a large model's first words may take ten, and few people wait a minute


class Bot:
    """What all who ask share.

    fetch: `protocols.http.Client.fetch` or its like; None is enough for a backend that makes no calls.
    timeout: seconds, at most, for the whole of an answer, and as many at most for its turn to come.
    """

    def __init__(
        self,
        reactor: Reactor,
        backend: Backend,
        fetch: Fetch | None = None,
        *,
        timeout: float = TIMEOUT,
        at_once: int = AT_ONCE,
    ) -> None:
        self.reactor = reactor
        self.backend = backend
        self.timeout = timeout
        self.turns = Turns(reactor.call_later, timeout, at_once)
        self._fetch = fetch
        self._numbers = count(1)
        self._run = secrets.token_hex(4)  # an API that remembers people does not take us for those of an earlier run
        self._reported: set[Fault] = set()

    @property
    def fetch(self) -> Fetch:
        """How requests are made."""
        if self._fetch is None:
            raise RuntimeError("this backend makes calls, and there is no fetch to make them with")
        return self._fetch

    def new_user_id(self) -> str:
        """Letters and digits that nobody else has been given."""
        return f"{self._run}{next(self._numbers):x}"

    def report(self, fault: Fault, why: str) -> None:
        """Tell whoever runs the bot why there was no answer: of each kind once, until there are answers again."""
        for secret in filter(None, self.backend.secrets):
            why = why.replace(secret, "***")
        told = fault in FOR_THE_OPERATOR and fault not in self._reported
        if told:
            self._reported.add(fault)
        log.log(logging.WARNING if told else logging.INFO, "people get no answers: %s: %s", fault.name, why)

    def answered(self) -> None:
        """Somebody got an answer: what goes wrong from now on is news."""
        self._reported.clear()
