"""The processes beside the first: each test runs in one of them, and what failed there is the last line of the run."""

from __future__ import annotations

import pytest

from tests.kit.parts import BESIDE, TESTS, verdict


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (0, "==== 3 passed in 2s ====\n", ""),
        (
            1,
            "FAILED a\n==== 2 failed, 3 passed, 1 error in 2s ====\n",
            "FAILED beside: 2 failed, 1 error in bench system",
        ),
        (-9, "", "FAILED beside: status -9 in bench system"),
    ],
)
def test_the_last_line_tells_what_failed_beside(status, text, said):
    assert verdict([(("bench", "system"), status, text), (("typing",), 0, "")]) == said


def test_each_file_of_tests_is_run_by_one_process():
    """The first leaves out what lies at or under a name of the others; none of these is missing, or under another."""
    named = [TESTS / name for names in BESIDE for name in names]
    for path in named:
        assert any(path.rglob("test_*.py")) if path.is_dir() else path.is_file(), path
        assert [other for other in named if path.is_relative_to(other)] == [path]
