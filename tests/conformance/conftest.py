"""One set of tests for every carrier: `pair` gives a test each carrier in turn."""

from __future__ import annotations

import socket
import tempfile

import pytest

from tests.conformance.carriers import CARRIERS
from tests.kit import guards

_gives_back_what_it_took = pytest.fixture(autouse=True)(guards.gives_back_what_it_took)
no_gc = pytest.fixture(guards.no_gc)


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


ALIKE = {"tcp6", "tls-socketpair", "tls-unix"}  # each is made of parts that two others have


def pytest_collection_modifyitems(config, items):
    """Leave out what `--all-carriers` brings in: six seconds for the same code."""
    if config.getoption("all_carriers"):
        return
    left = [item for item in items if hasattr(item, "callspec") and item.callspec.params.get("carrier") in ALIKE]
    config.hook.pytest_deselected(items=left)
    alike = set(left)
    items[:] = [item for item in items if item not in alike]


@pytest.fixture(params=CARRIERS)
def carrier(request, stage):
    """A carrier that is not connected yet. `@needs("half_close")` leaves out those that lack it."""
    kind = CARRIERS[request.param]
    for mark in request.node.iter_markers("needs"):
        for ability in mark.args:
            if not getattr(kind, ability):
                pytest.skip(f"{request.param} has no {ability}")
    if request.param == "tcp6" and not has_ipv6():
        pytest.skip("no IPv6 here")
    with tempfile.TemporaryDirectory(prefix="c") as stage.directory:  # short: a Unix path has 107 bytes
        carrier = kind(stage)
        yield carrier
        stage.reactor.close()
        carrier.close()
