"""Which watermarks there are, and what a write compares with."""

from __future__ import annotations

import pytest

from reactor import Limits
from reactor.transports.watermarks import HIGH, LOW, chosen, least


@pytest.mark.parametrize(
    ("given", "marks"),
    [
        ((None, None), (HIGH, LOW)),
        ((1000, None), (1000, 250)),
        ((None, 1000), (4000, 1000)),
        ((1000, 1000), (1000, 1000)),
        ((0, 0), (0, 0)),
    ],
)
def test_both_follow_from_what_is_given(given, marks):
    assert chosen(*given) == marks


@pytest.mark.parametrize("given", [(1, 2), (1, -1), (-1, None)])
def test_what_cannot_be_is_refused(given):
    with pytest.raises(ValueError, match="must not be below"):
        chosen(*given)


@pytest.mark.parametrize(
    ("output", "soft", "bound"),
    [(None, None, 100), (200, 300, 100), (50, None, 50), (None, 40, 40), (50, 40, 40), (40, 50, 40), (0, None, 0)],
)
def test_a_write_compares_with_the_least_of_three_bounds(output, soft, bound):
    assert least(100, Limits(output=output, output_soft=soft)) == bound
