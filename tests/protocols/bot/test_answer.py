"""Pieces of text into lines that may be shown."""

from __future__ import annotations

import random
from typing import Any

import pytest

from protocols.bot.answer import LONGEST, Answer, fit


def shown(*pieces: str, **options: Any) -> list[str]:
    answer = Answer(**options)
    lines = [line for piece in pieces for line in answer.feed(piece)]
    lines += answer.finish()
    assert lines == answer.lines
    return lines


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one", ["one"]),
        ("one\ntwo\r\nthree\rfour\u2028five\x85six", ["one", "two", "three", "four", "five", "six"]),
        ("\n\n  one  \n \u200b\n", ["one"]),
        ("a\x1b[31mb\u202ec\x00", ["a[31mbc"]),
        ("<think>hm\nhm</think>\n\nfour", ["four"]),
        ("  <think>hm</think>four", ["four"]),
        ("<think>for ever", []),
        ("<thinker> is a word", ["<thinker> is a word"]),
        ("<thi", ["<thi"]),
        ("I say <think>this</think>", ["I say <think>this</think>"]),
        ("its key is S3cret.", ["its key is ***."]),
        ("s3\u200bCRET s3\u00adcret", ["*** ***"]),
        ("", []),
    ],
)
def test_lines(text: str, lines: list[str]) -> None:
    assert shown(text, secrets=["s3cret"]) == lines
    assert shown(*text, secrets=["s3cret"]) == lines
    for cut in range(len(text)):
        assert shown(text[:cut], text[cut:], secrets=["s3cret"]) == lines


def test_an_answer_is_bounded_in_any_pieces() -> None:
    rng = random.Random(3)
    for _ in range(50):
        answer = Answer(longest=100)
        while not answer.cut:
            answer.feed("x" * rng.randrange(60) + "\n" * rng.randrange(2))
        answer.finish()
        assert sum(map(len, answer.lines)) == 100
    assert not Answer().cut


def test_long_thoughts_take_no_memory() -> None:
    answer = Answer()
    answer.feed("<think>")
    for _ in range(1000):
        assert answer.feed("hm " * 1000) == []
        assert len(answer._pending) < 10_000
    assert answer.feed("</thi") == []
    assert answer.feed("nk> four\n") == ["four"]
    assert not answer.cut


def test_a_secret_at_the_cut_is_not_shown_by_half() -> None:
    assert shown("x" * (LONGEST - 3) + "s3cret", secrets=["s3cret"]) == ["x" * (LONGEST - 3) + "***"]


def test_no_secrets_and_empty_ones_hide_nothing() -> None:
    assert shown("hello", secrets=["", ""]) == shown("hello") == ["hello"]


def test_fit() -> None:
    assert fit("x" * 10, 10, "…") == "x" * 10
    assert fit("你" * 10, 20, "(cut)") == "你" * 5 + "(cut)"
    for size in range(10, 40):
        assert len(fit("a😀你é" * 9, size, "…").encode()) <= size


def test_blanks_before_an_answer_are_not_kept() -> None:
    """A model that says nothing but blanks, a word at a time, must not have all of them looked at with each."""
    answer = Answer()
    for _ in range(1000):
        assert answer.feed(" \n") == []
    assert answer._pending == ""
    assert answer.feed("  one") + answer.finish() == ["one"]
