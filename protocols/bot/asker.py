"""One person who asks, wherever it sits: on a connection of its own, or in a chat room. Knows neither."""

from __future__ import annotations

from collections.abc import Callable

from .answer import Answer
from .api_call import ApiCall
from .backends.backend import NoAnswer
from .bot import Bot
from .sayings import Fault, Saying, is_chinese

Tell = Callable[[list[str], bool], None]
Notice = Callable[[str], None]


class Asker:
    """Its questions, and the conversation they belong to.

    tell: is given lines of an answer, and whether it ends with them. There is at least one line for each question that
        was begun, whatever goes wrong.
    notice: is given one line which is no answer, and may come in the midst of one.

    No line comes after `leave`.
    """

    def __init__(self, bot: Bot, tell: Tell, notice: Notice) -> None:
        self._bot = bot
        self._tell = tell
        self._notice = notice
        self._conversation = bot.backend.meet(bot.new_user_id())
        self._call: ApiCall | None = None
        self._question = ""
        self._answer = Answer()
        self.name = ""
        self.chinese = True
        """The language of what was said last."""
        self._in_chinese = True  # the language of the question under way: by now something else may have been said

    @property
    def waiting(self) -> bool:
        """Whether an answer is still to come."""
        return self._bot.turns.is_busy_with(self)

    def ask(self, question: str) -> None:
        """Something was said, which is sanitized."""
        question = question.strip()
        self.chinese = is_chinese(question, self.chinese)
        if not question:
            return self._say(Saying.NOTHING)
        refusal = self._bot.turns.ask(self, question)
        if refusal is not None:
            self._say(refusal)

    def leave(self) -> None:
        """Nobody is here any more: what is under way is cancelled. Harmless twice."""
        if self._call is not None:
            self._call.cancel()
            self._call = None
        self._tell = self._notice = _nobody  # they refer back to this: TLS and all would wait for the collector
        self._bot.turns.leave(self)

    # -- called by `Turns` -----------------------------------------------------------------------------------------

    def begin(self, question: str) -> None:
        """It is this one's turn."""
        self._question = question
        self._in_chinese = is_chinese(question, self._in_chinese)
        self._answer = Answer(self._bot.backend.secrets)
        try:
            answer = self._conversation.ask(question, self.name)
        except NoAnswer as no_answer:
            self._bot.report(no_answer.fault, str(no_answer))
            return self._end(no_answer.fault)
        if isinstance(answer, str):
            self._on_text(answer)
            return self._end(None)
        bot = self._bot
        self._call = ApiCall(bot.reactor, bot.fetch, answer, bot.timeout, self._on_text, self._end, bot.report)

    def give_up(self, question: str) -> None:
        """Its turn does not come."""
        self._say(Fault.BUSY)

    # -- called by `ApiCall` ------------------------------------------------------------------------------------

    def _on_text(self, text: str) -> bool:
        if lines := self._answer.feed(text):
            self._tell(lines, False)
        return self._answer.cut

    def _end(self, fault: Fault | None) -> None:
        self._call = None
        lines = self._answer.finish()
        if fault is None and self._answer.lines:
            self._bot.answered()
            self._conversation.heard(self._question, "\n".join(self._answer.lines))
        else:
            fault = fault or Fault.EMPTY
            lines.append(
                fault.say_in_the_middle(self._in_chinese) if self._answer.lines else fault.say(self._in_chinese)
            )
        if self._answer.cut:
            lines.append(Saying.CUT.say(self._in_chinese))
        self._tell(lines, True)
        self._bot.turns.free(self)

    def _say(self, saying: Saying | Fault) -> None:
        self._notice(saying.say(self.chinese))


def _nobody(*said: object) -> None:
    """Who is told once somebody has left."""
