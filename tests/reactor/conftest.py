"""Every test of the core gives back what it took: descriptors and threads are counted before and after."""

from __future__ import annotations

import pytest

from tests.kit import guards

_gives_back_what_it_took = pytest.fixture(autouse=True)(guards.gives_back_what_it_took)
no_gc = pytest.fixture(guards.no_gc)
