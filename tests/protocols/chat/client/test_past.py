"""Which lines of a replay stand on the screen already, where one of several servers has told what it had missed."""

from __future__ import annotations

import pytest

from protocols.chat.client.past import ENOUGH, Past


def stamp(*lines: str) -> list[str]:
    return [f"[2026-11-22 21:05] {line}" for line in lines]


def said(first: int, last: int, name: str = "Bob") -> list[str]:
    return [f"{name}: {number}" for number in range(first, last)]


@pytest.fixture
def past() -> Past:
    """Ada has heard Bob's first twenty lines."""
    past = Past()
    past.names.add("Ada")
    for line in said(0, 20):
        past.hear(line)
    return past


def again(past: Past, *lines: str) -> list[str]:
    """What is shown of `lines`, which are replayed after a reconnect."""
    past.connected_again(passing=False)
    shown = [line for replayed in stamp(*lines) for line in past.hear(replayed)] + past.flush()
    return [line.partition("] ")[2] for line in shown]


def test_what_a_server_had_missed_and_has_told_with_its_time_is_not_shown_again(past: Past) -> None:
    for line in (*stamp("Eve: missed", "Bob: missed as well"), "Bob: and on"):
        past.hear(line)
    told = [*said(5, 20), "Eve: missed", "Bob: missed as well", "Bob: and on"]
    assert again(past, *told, "Eve: new") == ["Eve: new"]


def test_lines_of_one_server_alone_are_in_no_history_and_double_no_others(past: Past) -> None:
    """While it was cut off its people heard each other; the others' history has what came after that."""
    for line in ("Kim: only us", "Kim: two", *said(20, 20 + ENOUGH)):
        past.hear(line)
    assert again(past, *said(5, 20 + ENOUGH), "Ada: mine", "Bob: new") == ["Bob: new"]


def test_fewer_lines_than_tell_a_place_are_shown_again_rather_than_lost(past: Past) -> None:
    for line in ("Kim: only us", *said(20, 19 + ENOUGH)):
        past.hear(line)
    told = [*said(5, 19 + ENOUGH), "Bob: new"]
    assert again(past, *told) == told


def test_the_same_words_again_and_again_are_not_taken_for_each_other() -> None:
    past = Past()
    for line in ["Bob: ha"] * 3 * ENOUGH:
        past.hear(line)
    assert again(past, *["Bob: ha"] * 3 * ENOUGH, "Bob: no") == ["Bob: no"]


def test_what_was_asked_for_is_no_news(past: Past) -> None:
    past.asked("/history 3")
    for line in (*stamp(*said(17, 20)), "Bob: and on", *stamp("Eve: missed")):
        past.hear(line)
    assert again(past, *said(10, 20), "Bob: and on", "Eve: missed", "Eve: new") == ["Eve: new"]
