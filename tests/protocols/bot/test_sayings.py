"""What the bot says of its own accord."""

from __future__ import annotations

import pytest

from protocols.bot.sayings import BY_STATUS, TEXT_FAULTS, Fault, Saying, fault_of_status, is_chinese
from protocols.text import Fault as TextFault


@pytest.mark.parametrize(
    ("text", "chinese"),
    [
        ("你好", True),
        ("hello 你好", True),
        ("hello", False),
        ("naïve", False),
        ("1+1", None),
        ("？！", None),
        ("😀", None),
        ("", None),
        ("𠀀", True),
    ],
)
def test_the_rule_of_language(text: str, chinese: bool | None) -> None:
    for before in (True, False):
        assert is_chinese(text, before) is (before if chinese is None else chinese)


@pytest.mark.parametrize("saying", [*Saying, *Fault])
def test_each_is_one_short_line_in_its_language(saying: Saying | Fault) -> None:
    for chinese in (True, False):
        texts = [saying.say(chinese)]
        if isinstance(saying, Fault):
            texts.append(saying.say_in_the_middle(chinese))
        for text in texts:
            assert text.isprintable()
            assert 0 < len(text) <= 120
            assert is_chinese(text, not chinese) is chinese


def test_no_two_faults_sound_alike() -> None:
    assert len({fault.say(True) for fault in Fault}) == len({fault.say(False) for fault in Fault}) == len(Fault)


def test_every_status_has_its_fault() -> None:
    for status in range(100, 600):
        fault = fault_of_status(status)
        assert (fault is None) == (200 <= status < 300)
    assert set(BY_STATUS) <= set(range(300, 600))


def test_every_fault_of_text_but_the_strangers_has_words() -> None:
    strangers = {fault for fault in TextFault if fault.stranger}
    assert set(TextFault) - set(TEXT_FAULTS) == strangers - {TextFault.IRC}, "behind which there may be a person"
