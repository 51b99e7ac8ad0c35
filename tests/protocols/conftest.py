"""Protocols on a stage: the clients are `Peer`s."""

from __future__ import annotations

import pytest

from tests.kit import guards
from tests.kit.stage import Stage

no_gc = pytest.fixture(guards.no_gc)


@pytest.fixture
def scene(stage: Stage) -> Stage:
    return stage
