"""Servers of several processes, as a user runs them. Whatever they leave behind is killed after the scene."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.program import Group
from tests.kit.theatre import Theatre
from tests.system.cluster_scene import Scene


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Theatre]:
    street = Theatre(tmp_path, Group)
    yield street
    street.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Chat servers on a redis-server. Skips where none is installed."""
    scene = Scene(tmp_path)
    yield scene
    scene.close()
