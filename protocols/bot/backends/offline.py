"""The backend without a network: rules in the manner of Weizenbaum's ELIZA (CACM 9:1, 1966). Pure.

A question is tried against the skills (sums, the time, picking somebody, the words of the trade), then against the
tables of its language from the top; the first pattern that fits answers with one of its templates. In a template
`{1}` is what the pattern's first group held, seen from the other side ("my dog" becomes "your dog"), and `{name}` the
name, if it is known: `{,name}` brings its comma along. What was said about the speaker is kept, and brought up again
when nothing fits.
"""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from ..sayings import is_chinese
from . import offline_en, offline_zh, skills

KEPT = 8  # statements to come back to, the oldest forgotten first
LONGEST = 60  # characters of what was said that are said back: an echo of a whole paragraph is no conversation
LISTENED_TO = 500  # characters of a question that the patterns see: more would cost time and change nothing
LONGEST_NAME = 20  # characters of a name that somebody says to have
RECALL = 0.5  # of the times when nothing fits, something that was said earlier is brought up, if there is anything


class Language(NamedTuple):
    """What differs between the languages."""

    rules: list[tuple[re.Pattern[str], tuple[str, ...]]]
    fallback: tuple[str, ...]
    recall: tuple[str, ...]
    riddles: tuple[tuple[str, str], ...]
    name: re.Pattern[str]
    personal: re.Pattern[str]
    reflect: Callable[[str], str]
    comma: str
    others_name: str


def _language(module: object, comma: str, nobody: str) -> Language:
    get = module.__dict__.__getitem__
    rules = [(re.compile(pattern, re.IGNORECASE), templates) for pattern, templates in get("RULES")]
    return Language(
        rules,
        get("FALLBACK"),
        get("RECALL"),
        get("RIDDLES"),
        get("NAME"),
        get("PERSONAL"),
        get("reflect"),
        comma,
        nobody,
    )


CHINESE = _language(offline_zh, "，", "朋友")
ENGLISH = _language(offline_en, ", ", "my friend")


class Offline:
    """Answers by rules. The same seed and the same questions give the same answers.

    now: gives the local time.
    """

    secrets: tuple[str, ...] = ()

    def __init__(self, seed: int | None = None, now: Callable[[], datetime] = datetime.now) -> None:
        self._seed = seed
        self._now = now

    def meet(self, user_id: str) -> OfflineConversation:
        return OfflineConversation(random.Random(self._seed), self._now)


class OfflineConversation:
    """One person.

    >>> talk = Offline(seed=1).meet("u1")
    >>> talk.ask("My name is Ada", "")
    'Nice to meet you, Ada! What would you like to talk about?'
    >>> talk.ask("12 * 7 = ?", "")
    '12 * 7 = 84'
    """

    def __init__(self, rng: random.Random, now: Callable[[], datetime]) -> None:
        self._random = rng
        self._now = now
        self._name = ""  # as said in the conversation; stronger than the one of the connection
        self._said: deque[tuple[bool, str]] = deque(maxlen=KEPT)  # (in Chinese, reflected)
        self._last: dict[tuple[str, ...], str] = {}  # the template used last, not to be used twice in a row
        self._riddle: tuple[str, str] | None = None  # its two languages' own, while the answer is owed
        self._chinese = True
        self._again: tuple[str, ...] = ()  # the templates of the last answer by rules, for "another one"
        self._riddled = False  # the last answer was about a riddle, for the same

    def ask(self, question: str, name: str) -> str:
        """Answer at once. Never fails, whatever is said."""
        text = " ".join(question[:LISTENED_TO].split())
        self._chinese = is_chinese(text, self._chinese)
        language = CHINESE if self._chinese else ENGLISH
        name = self._learn_name(text, language) or self._name or name
        answer = self._riddles(text, language) or skills.answer(text, self._chinese, self._now(), self._random)
        return answer or self._by_rules(text, language, name)

    def heard(self, question: str, answer: str) -> None:
        """Nothing to do: what matters was kept when it was said."""

    def _learn_name(self, text: str, language: Language) -> str:
        found = language.name.match(text)
        if not found or len(found[1]) > LONGEST_NAME:
            return ""
        self._name = found[1].strip()
        return self._name

    def _riddles(self, text: str, language: Language) -> str:
        """A riddle, or its answer while that is owed."""
        if self._riddle is not None:
            _, solution = self._riddle
            if skills.GIVE_UP.search(text):
                self._riddle = None
                return f"答案是：{solution}" if self._chinese else f"The answer: {solution}."
            if solution.casefold() in text.casefold():
                self._riddle = None
                return "答对了！真聪明。" if self._chinese else "That is it! Well done."
        if not skills.RIDDLE.search(text) and not (self._riddled and skills.AGAIN.fullmatch(text.strip(" 。.!！"))):
            self._riddled = False
            return ""
        self._riddled = True
        self._riddle = self._random.choice(language.riddles)
        hint = "（猜一猜；想不出来就说“答案”）" if self._chinese else ' (Guess, or say "answer".)'
        return self._riddle[0] + hint

    def _by_rules(self, text: str, language: Language, name: str) -> str:
        plain = text.strip(" 　。！？!?.,，~～…")
        if skills.AGAIN.fullmatch(plain) and self._again:
            return self._fill(self._choose(self._again), [], name, language)
        for pattern, templates in language.rules:
            if found := pattern.search(plain):
                groups = [self._reflect(part or "", language) for part in found.groups()]
                answer = self._fill(self._choose(templates), groups, name, language)
                self._again = () if any("{1}" in template for template in templates) else templates
                break
        else:
            answer = self._fall_back(language, name)
            self._again = ()
        if language.personal.match(plain):
            self._said.append((self._chinese, self._reflect(plain, language)))
        return answer

    def _fall_back(self, language: Language, name: str) -> str:
        earlier = [said for chinese, said in self._said if chinese == self._chinese]
        if earlier and self._random.random() < RECALL:
            said = self._random.choice(earlier)
            self._said.remove((self._chinese, said))
            return self._fill(self._choose(language.recall), [said], name, language)
        return self._fill(self._choose(language.fallback), [], name, language)

    def _choose(self, templates: tuple[str, ...]) -> str:
        """One of them, and not the one of the last time."""
        last = self._last.get(templates)
        fresh = [template for template in templates if template != last] or list(templates)
        self._last[templates] = chosen = self._random.choice(fresh)
        return chosen

    def _reflect(self, text: str, language: Language) -> str:
        text = text.strip(" 　。！？!?.,，~～…")
        return language.reflect(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")

    def _fill(self, template: str, groups: list[str], name: str, language: Language) -> str:
        """Not `str.format`: what people say has braces in it."""
        values = {f"{{{number}}}": group for number, group in enumerate(groups, 1)}
        values["{,name}"] = language.comma + name if name else ""
        values["{name}"] = name or language.others_name
        return _FIELD.sub(lambda field: values.get(field[0], ""), template)


_FIELD = re.compile(r"\{(?:\d|,?name)\}")
