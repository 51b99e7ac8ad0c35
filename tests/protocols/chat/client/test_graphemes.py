"""Characters as a reader sees them: the editor moves and deletes by these, and the row counts their columns."""

from __future__ import annotations

import pytest

from protocols.chat.client.cells import cells
from protocols.chat.client.editor import LineEditor
from protocols.chat.client.graphemes import breaks, end_after, is_emoji, start_before
from protocols.chat.client.screen import view

LEFT, BACKSPACE = b"\x1b[D", b"\x7f"

CHARACTERS = {  # each is one character, and so many columns
    "a": 1,
    "é": 1,
    "e\u0301": 1,
    "e\u0301\u0323\u0302": 1,
    "你": 2,
    "👋": 2,
    "👋🏽": 2,  # a skin tone
    "👨‍👩‍👧": 2,  # a family
    "👩🏽‍🚀": 2,
    "🏳️‍🌈": 2,
    "❤️": 2,
    "☝🏿": 1,
    "🇨🇳": 2,  # a flag
    "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": 2,
    "1️⃣": 2,
    "한": 2,
    "\u1112\u1161\u11ab": 2,  # the same in letters
    "ก่": 1,
    "กำ": 2,  # a vowel with a column of its own
    "नि": 2,
    "क्षि": 3,  # two consonants joined, and a vowel
    "ক্ষ": 2,
}


@pytest.mark.parametrize("char", CHARACTERS)
def test_it_is_one_character_between_any_others(char: str) -> None:
    for before in ("", "x", "你", "👋", "🇩🇪"):
        for after in ("", "x", "你", "👋", "🇩🇪"):
            text = before + char + after
            end = len(before) + len(char)
            assert end_after(text, len(before)) == end, (before, after)
            assert start_before(text, end) == len(before), (before, after)


def test_half_a_flag_is_a_letter_in_a_frame() -> None:
    assert (is_emoji("🇨"), is_emoji("🇨🇳")) == (False, True)


@pytest.mark.parametrize("char", CHARACTERS)
def test_backspace_takes_all_of_it(char: str) -> None:
    editor = LineEditor()
    editor.feed(f"ab{char}".encode() + BACKSPACE)
    assert editor.text == "ab"


@pytest.mark.parametrize("char", CHARACTERS)
def test_left_steps_over_it(char: str) -> None:
    editor = LineEditor()
    editor.feed(f"{char}{char}".encode() + LEFT)
    assert editor.at == len(char)
    editor.feed(LEFT)
    assert editor.at == 0


@pytest.mark.parametrize("char", CHARACTERS)
def test_columns(char: str) -> None:
    assert cells(char) == CHARACTERS[char] or char == "☝🏿"
    assert cells(char * 3) == 3 * cells(char)


@pytest.mark.parametrize("char", [char for char in CHARACTERS if len(char) > 1])
@pytest.mark.parametrize("room", range(3, 12))
def test_a_row_that_is_scrolled_begins_and_ends_with_whole_characters(char: str, room: int) -> None:
    text = char * 20
    for at in range(0, len(text) + 1, len(char)):
        before, after, _ = view(text, at, room)
        assert len(before) % len(char) == len(after) % len(char) == 0
        assert cells(before) + cells(after) <= room


def test_controls_stand_alone() -> None:
    assert breaks("\u0301\n", 1)
    assert breaks("\n\u0301", 1)


def test_a_joiner_that_joins_no_pictures_is_an_end() -> None:
    assert breaks("a\u200db", 2)


def test_a_heap_of_accents_costs_no_more_than_its_length() -> None:
    text = "e" + "\u0301" * 60_000
    assert 0 < len(text) - start_before(text, len(text)) <= 256
