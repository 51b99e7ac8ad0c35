"""Servers of several processes, as a user runs them. Whatever they leave behind is killed after the scene."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.program import Group
from tests.kit.theatre import Theatre


@pytest.fixture
def street(tmp_path: Path) -> Iterator[Theatre]:
    street = Theatre(tmp_path, Group)
    yield street
    street.close()
