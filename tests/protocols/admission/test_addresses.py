"""Which addresses are one."""

from __future__ import annotations

import pytest

from protocols.admission import addresses


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:0:0:ffff::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("/run/chat.sock", ""),
    ],
)
def test_the_key_of_an_address(address: str, key: str) -> None:
    assert addresses.key(address) == key


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.7/24", "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::1/128", "2001:db8::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("fe80::1%eth0/64", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_what_an_operator_may_mean(text: str, shown: str) -> None:
    assert addresses.show(addresses.network(text)) == shown


@pytest.mark.parametrize("text", ["", "1", "7", "Mallory", "192.0.2", "192.0.2.1/33", "192.0.2.256", "a/b", "::g"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        addresses.network(text)
