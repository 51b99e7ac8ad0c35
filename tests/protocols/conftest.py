"""Protocols on a stage: the clients are `Peer`s."""

from __future__ import annotations

import pytest

from tests.kit.stage import Stage


@pytest.fixture
def scene(stage: Stage) -> Stage:
    return stage
