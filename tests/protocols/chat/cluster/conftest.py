from __future__ import annotations

import pytest

from tests.protocols.chat.cluster.town import Town


@pytest.fixture
def town():
    town = Town()
    yield town
    town.close()
