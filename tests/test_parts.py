"""The processes beside the first: what failed there is the last line of the run."""

from __future__ import annotations

import pytest

from tests.kit.parts import verdict


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
