"""Each pattern that meets strangers' bytes takes time in a straight line with their length, whatever they are."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from protocols.bot.answer import Answer
from protocols.bot.room_lines import hear as hear_line, question
from protocols.chat.rooms import names
from protocols.chat.rooms.hub import Hub
from protocols.chat.rooms.room import Member
from protocols.chat.rooms.speech import hear
from protocols.text import openings
from protocols.text.framer import TextFramer
from protocols.text.sanitize import sanitize
from protocols.text.standing import Standing
from protocols.text.telnet import Telnet

SHORT, LONG = 1024, 8192
UNITS = (
    " ", "\t", "a", "a ", " a", ":", "::", "a:", ",", "/", "@Bot", "@Bot ", "@Bot!", "oper", "oper ", "_",
    "\0", "\0\x01",
    "\x01", "\u200c", "\u200c\u200d", "e\u0301", "\u0301", "\ufdfa", "*1", "NICK ", "USER a ", "GET / ",
    "[private from ", "From a,", "From a, b:", "1", "1.", "\n", "<think>", "\x16\x03", "\U0001f1e6", "\ud55c",
)  # fmt: skip
ENDS = ("", "!", "\x01", "a", ":")


def talk(text: str) -> None:
    hub = Hub(lambda call: None)
    member = Member(lambda data: None, lambda: None)
    hub.enter(member)
    hear(hub, member, text)


def name(text: str) -> None:
    try:
        names.clean(text)
    except names.BadName:
        pass


def knock(text: str) -> None:
    line = text.encode(errors="replace")
    openings.stranger(line)
    openings.unfinished(line)
    openings.may_be_irc(line)
    openings.is_irc_user(line)


def stand(text: str) -> None:
    standing = Standing()
    standing.asked(f"/nick {text}")
    standing.heard(f"* you stay {text}")


WAYS: dict[str, Callable[[str], object]] = {
    "sanitize": sanitize,
    "openings": knock,
    "telnet": lambda text: Telnet().feed(text.encode(errors="replace").replace(b"a", b"\xff")),
    "framer": lambda text: TextFramer().feed(text.encode(errors="replace")),
    "name": name,
    "speech": talk,
    "bot hears": hear_line,
    "bot is asked": lambda text: question(text, ["Bot"]),
    "bot answers": lambda text: Answer(["key"]).feed(text),
    "standing": stand,
}


def cost(way: Callable[[str], object], text: str, enough: float = 0.0) -> float:
    """The least of some tries; the first that is not above `enough` will do."""
    best = 1.0
    for _ in range(5):
        start = time.thread_time()
        way(text)
        best = min(best, time.thread_time() - start)
        if best < enough:
            break
    return best


@pytest.mark.parametrize("way", WAYS)
def test_eight_times_the_length_costs_no_more_than_a_straight_line(way: str) -> None:
    for unit in UNITS:
        for end in ENDS:
            short, long = ((unit * (size // len(unit))) + end for size in (SHORT, LONG))
            # The square would be 64 times. What takes less than a tenth of a millisecond is too short to be compared.
            fair = 24 * max(cost(WAYS[way], short, 0.0001), 0.0001)
            assert cost(WAYS[way], long, fair) < fair, (unit, end)
