"""The chat beside a plain model of it: dozens of clients do everything, and each must hear the same from both.

    pytest tests/system/test_chat_model.py --seeds 8000      a thousand runs of three thousand steps
    pytest tests/system/test_chat_model.py --seed 4711       one again

A failing run is cut down to what it takes to fail, and told as a transcript.
"""

from __future__ import annotations

from typing import Any

import pytest

from protocols.admission import buckets as flood
from protocols.chat import session
from protocols.chat.rooms import history, hub, names, news, room, speech
from protocols.text.framer import TextFramer
from tests.system import chat_runs

SHARE = 8  # a run here is as long as so many of the simulator's


def pytest_generate_tests(metafunc: Any) -> None:
    if "seed" in metafunc.fixturenames:
        only, count = (metafunc.config.getoption(name) for name in ("--seed", "--seeds"))
        metafunc.parametrize("seed", range(max(3, count // SHARE)) if only is None else [only])


def test_the_chat_is_what_its_model_says(seed: int) -> None:
    script = chat_runs.Author(seed).script()
    try:
        steps = chat_runs.play(script)
    except Exception as error:
        error.add_note(f"again: pytest tests/system/test_chat_model.py --seed {seed}")
        error.add_note(chat_runs.transcript(chat_runs.shorten(script)))
        raise
    assert steps > chat_runs.BATCHES


# -- who watches the watchman: bugs that the comparison must find ----------------------------------------------------


def the_sender_hears_itself(patch: Any) -> None:
    real = room.Room.post
    patch(room.Room, "post", lambda self, line, sender=None, deaf=(): real(self, line))


def private_words_overtake_public_ones(patch: Any) -> None:
    patch(room.Member, "give", lambda self, lines: lines and self.write(lines))


def the_last_line_is_not_replayed(patch: Any) -> None:
    real = history.History.replay
    patch(history.History, "replay", lambda self: b"".join(real(self).splitlines(keepends=True)[:-1]))


def a_name_is_free_too_late(patch: Any) -> None:
    real = hub.Hub.leave

    def leave(self: Any, member: Any, *word: str) -> None:
        held = names.key(member.name) if member.room is not None else None
        real(self, member, *word)
        if held is not None:
            self._members[held] = member
            self.comings._later(0.1, lambda: self._members.pop(held, None))

    patch(hub.Hub, "leave", leave)


def who_was_never_announced_is_announced_to_leave(patch: Any) -> None:
    real = hub.Hub.leave

    def leave(self: Any, member: Any, *word: str) -> None:
        member.announced = True
        real(self, member, *word)

    patch(hub.Hub, "leave", leave)


def who_is_sent_away_leaves_twice(patch: Any) -> None:
    real = hub.Hub.dismiss

    def dismiss(self: Any, member: Any, goodbye: str, **options: Any) -> None:
        if member.room is not None and member.announced and goodbye:
            self.comings.went(member.room, member, "left")
        real(self, member, goodbye, **options)

    patch(hub.Hub, "dismiss", dismiss)


def empty_rooms_stay(patch: Any) -> None:
    patch(hub.Hub, "_quit_room", lambda self, its, member: its.remove(member))


def private_words_are_remembered(patch: Any) -> None:
    real = hub.Hub.whisper

    def whisper(self: Any, member: Any, other: Any, text: str) -> None:
        real(self, member, other, text)
        self._remember(member.room, self._wall(), f"{text}\n".encode())

    patch(hub.Hub, "whisper", whisper)


def case_tells_people_apart(patch: Any) -> None:
    patch(names, "key", lambda name: name)


def who_ends_its_side_misses_the_last_tick(patch: Any) -> None:
    patch(session.Session, "eof_received", session.TextProtocol.eof_received)


def news_of_a_crowd_forget_who_came_back(patch: Any) -> None:
    patch(news.News, "come", lambda self, member: self._came.setdefault(member))


def half_an_emoji_is_half_a_message(patch: Any) -> None:
    patch(TextFramer, "flush_quiet", lambda self: self._end_pending() if self.waiting else [])


def text_is_not_cleaned(patch: Any) -> None:
    patch(speech, "sanitize", lambda text: text)


def nobody_waits(patch: Any) -> None:
    patch(flood.TokenBucket, "spend", lambda *_: 0.0)


BUGS = [
    the_sender_hears_itself,
    private_words_overtake_public_ones,
    the_last_line_is_not_replayed,
    a_name_is_free_too_late,
    who_was_never_announced_is_announced_to_leave,
    who_is_sent_away_leaves_twice,
    empty_rooms_stay,
    private_words_are_remembered,
    case_tells_people_apart,
    who_ends_its_side_misses_the_last_tick,
    news_of_a_crowd_forget_who_came_back,
    half_an_emoji_is_half_a_message,
    text_is_not_cleaned,
    nobody_waits,
]


@pytest.mark.loud
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug: Any, monkeypatch: Any) -> None:
    bug(monkeypatch.setattr)
    seeds = (2, 11, *range(12))  # one of the first two finds each of them
    assert any(chat_runs.fails(chat_runs.Author(seed).script(500)) for seed in seeds)


def test_a_failing_run_becomes_a_short_transcript(monkeypatch: Any) -> None:
    the_sender_hears_itself(monkeypatch.setattr)
    script = chat_runs.shorten(chat_runs.Author(0).script(100))
    assert sum(map(len, script.batches)) <= 4
    assert "the model has" in chat_runs.transcript(script)
