"""The link that the server tells."""

from __future__ import annotations

import pytest

from protocols.chat.web.options import reachable


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.7", "::1", "fe80::1%eth0"])
def test_an_address_that_others_can_open_is_told_as_it_is(host):
    assert reachable((host, 8080)) == (host, 8080)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_all_interfaces_are_told_as_one_of_them(host):
    address, port = reachable((host, 8080))
    assert (":" in address) == (":" in host), "nobody answers on the other family"
    assert address not in ("0.0.0.0", "::")
    assert port == 8080
