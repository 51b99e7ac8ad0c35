"""What one person writes must not act on another's terminal."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from protocols.text.sanitize import VISIBLE_FORMATS, sanitize, uncover

ZWJ, ZWNJ = "\u200d", "\u200c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "grüße",
        "小明",
        "a b",
        "👨‍👩‍👧 family",
        "❤️",
        "👋🏽",
        "می‌خواهم",
        "全角　空白",
        "a\u00a0b",
        "١٢\u0600٣",
    ],
)
def test_what_people_write_passes_unchanged(text: str) -> None:
    assert sanitize(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb", "a b"),
        ("a\x1b[31mb\x9b0m", "a[31mb0m"),
        ("a\rFrom Server, Admin: b", "aFrom Server, Admin: b"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf", "abcdef"),
        ("a\x00\x07\x08\x7fb", "ab"),
        ("a\u202eb\u2066c\u200ed\u061ce", "abcde"),
        ("Ad\u200bm\u2060i\ufeffn\u00ad", "Admin"),
        (f"a{ZWJ}b{ZWNJ}c", "abc"),
        (f"{ZWJ}👨{ZWJ}", "👨"),
        (f"👨{ZWJ}a", "👨a"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e007f", "\U0001f3f4"),
    ],
)
def test_what_acts_or_hides_is_removed(text: str, expected: str) -> None:
    assert sanitize(text) == expected


def test_every_code_point_as_this_python_knows_it() -> None:
    codes = map(chr, range(sys.maxunicode + 1))
    everything = [char for char in codes if unicodedata.category(char) not in ("Cn", "Co") and char != "\t"]
    kept = set(sanitize("é".join(["", *everything, ""])))  # between letters, where the joiners may stay
    wrong = [f"{ord(char):04X}" for char in everything if may_stay(char) != (char in kept)]
    assert not wrong


@pytest.mark.parametrize("before", ["", "a", "é"])
@pytest.mark.parametrize("after", ["", "a", "é"])
@pytest.mark.parametrize("run", [ZWJ, ZWNJ + ZWJ, ZWJ * 700])
def test_a_run_of_joiners_stays_only_where_both_sides_are_not_ascii(before: str, after: str, run: str) -> None:
    stays = before == after == "é"
    assert sanitize(before + run + after) == before + run * stays + after


def test_every_character_that_is_not_shown_covers_no_command() -> None:
    """Behind any of them a password would be read by all."""
    removed = [char for char in map(chr, range(sys.maxunicode + 1)) if char != "\t" and not sanitize(char)]
    assert {"\x7f", "\u200b", "\ufeff"} < set(removed)
    for blanks in ("", "  ", "\t", "\u3000"):
        for char in removed:
            assert uncover(f"{char}{blanks}{char}/who {char}") == f"{blanks}/who {char}"


@pytest.mark.parametrize(
    "text",
    ["", " ", "x", "  x = 1", "\tx = 1", "\u3000x", "👨\u200d👩", "/nick A\u200bda", "é\x7f", "\x7fx", "\u200bAda::x"],
)
def test_what_is_no_command_stays_as_it_is(text: str) -> None:
    assert uncover(text) == text


def may_stay(char: str) -> bool:
    category = unicodedata.category(char)
    if category == "Cf":
        return ord(char) in VISIBLE_FORMATS or char in (ZWJ, ZWNJ)
    return category not in ("Cc", "Zl", "Zp", "Cs")
