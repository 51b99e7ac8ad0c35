"""The site in memory, for every test that wants it."""

from __future__ import annotations

import pytest

from .kit import Stage


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.close()
