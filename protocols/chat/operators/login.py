"""Where a member becomes an operator: guesses are counted, and looked at one at a time, in a thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from reactor import ReactorClosed

from ...admission.attempts import Attempts, Wait
from . import passwords

log = logging.getLogger("protocols.chat")

QUEUE = 8  # guesses that may wait for their turn: a second or two, after which people believe that nothing happens

Answer = Callable[[str | None, str], None]
"""Is given the operator's name in the file, None for somebody who is none; and what to tell."""


class OperatorLogin:
    """Asks for the password. `path` None: nobody can become an operator.

    run_in_thread: `reactor.run_in_thread`. clock: seconds, of any beginning.
    """

    def __init__(
        self,
        path: str | None,
        run_in_thread: Callable[..., Future[Any]],
        clock: Callable[[], float],
        tries: Attempts | None = None,
    ) -> None:
        self._path = path
        self._run_in_thread = run_in_thread
        self._clock = clock
        self._attempts = Attempts() if tries is None else tries
        self._waiting: deque[tuple[str, str, Hashable, Answer]] = deque()
        self._busy = False

    @property
    def is_open(self) -> bool:
        """Whether there are passwords at all."""
        return self._path is not None

    def ask(self, password: str, address: str, connection: Hashable, answer: Answer) -> None:
        """Look whether it is one of the passwords; `answer` is called once, at once or later on the loop.

        connection: what tells it from others of the same address.
        """
        if self._path is None:
            return answer(None, "there are no passwords here")
        if len(self._waiting) >= QUEUE:
            return answer(None, "too many are at the passwords now; try again in a minute")
        if wait := self._attempts.begin(address, connection, self._clock()):
            return answer(None, self._must_wait(wait))
        self._waiting.append((password, address, connection, answer))
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._busy:
            self._busy = True
            password, address, connection, answer = self._waiting.popleft()
            done = self._run_in_thread(passwords.find, self._path, password)
            done.add_done_callback(lambda done: self._on_found(done, address, connection, answer))

    def _on_found(self, done: Future[str | None], address: str, connection: Hashable, answer: Answer) -> None:
        self._busy = False
        error = done.exception()
        if isinstance(error, ReactorClosed):
            return
        if error is not None:
            self._attempts.right(address, connection)  # it was not the address that failed
            log.warning(
                "oper: %s: nobody becomes an operator: %s", self._path, getattr(error, "strerror", None) or error
            )
            answer(None, "the passwords cannot be read now; the server's console says why")
        elif (name := done.result()) is not None:
            self._attempts.right(address, connection)
            answer(name, "you are an operator now; /help lists what you can do")
        else:
            answer(None, f"that is not the password; {self._what_is_left(address, connection)}")
        self._go_on()

    def _what_is_left(self, address: str, connection: Hashable) -> str:
        left = self._attempts.left(address, connection, self._clock())
        if left > 0:
            return f"{left} more {'try' if left == 1 else 'tries'}"
        return f"you wait up to {_minutes(self._attempts.wait)} now"

    def _must_wait(self, wait: Wait) -> str:
        if wait.by_others:
            return f"too many wrong passwords came from your address: the next may be tried in {_minutes(wait.seconds)}"
        return f"after {self._attempts.tries} wrong passwords you wait: {_minutes(wait.seconds)} left"


def _minutes(seconds: float) -> str:
    """A time to wait as people say it.

    >>> _minutes(600.0), _minutes(1.0), _minutes(61.0)
    ('10 minutes', '1 minute', '2 minutes')
    """
    minutes = -int(-seconds // 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"
