"""What is typed for the bot, without a program."""

from __future__ import annotations

import argparse

import pytest

from protocols.bot.command import LONGEST_TIMEOUT, seconds


@pytest.mark.parametrize("text", ["0.5", "1", f"{LONGEST_TIMEOUT:g}"])
def test_a_time_to_wait(text: str) -> None:
    assert seconds(text) == float(text)


@pytest.mark.parametrize("text", ["0", "-1", f"{LONGEST_TIMEOUT + 1:g}", "nan", "inf", "soon"])
def test_what_is_no_time_to_wait(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        seconds(text)
