"""The way there: proxies from the environment, and the guard's verdicts."""

from __future__ import annotations

import pytest

from protocols.http import AddressForbidden, Guard, parse_url
from protocols.http.client.proxies.choice import make_proxy, proxies_from_environment


@pytest.fixture
def environment(monkeypatch):
    import os

    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name == "REQUEST_METHOD":
            monkeypatch.delenv(name)
    return lambda **values: [monkeypatch.setenv(name, value) for name, value in values.items()]


def chosen(url):
    proxy = proxies_from_environment()(parse_url(url))
    return None if proxy is None else str(proxy)


def test_the_variable_of_the_scheme(environment):
    assert chosen("http://a/") is None
    environment(http_proxy="http://p:3128", HTTPS_PROXY="q:3129")
    assert chosen("http://a/") == "http://p:3128"
    assert chosen("https://a/") == "http://q:3129"


def test_all_proxy_is_for_what_has_none_of_its_own(environment):
    environment(all_proxy="http://p:1", https_proxy="http://q:2")
    assert (chosen("http://a/"), chosen("https://a/")) == ("http://p:1", "http://q:2")


def test_a_cgi_script_does_not_take_its_proxy_from_a_client(environment):
    environment(REQUEST_METHOD="GET", HTTP_PROXY="http://evil:1")
    assert chosen("http://a/") is None
    environment(http_proxy="http://good:1")
    assert chosen("http://a/") == "http://good:1"


NO_PROXY = [
    ("*", "http://a/", False),
    ("a", "http://a/", False),
    ("A", "http://a/", False),
    ("a", "http://b/", True),
    ("a", "http://aa/", True),
    ("example.com", "http://example.com/", False),
    ("example.com", "http://www.example.com/", False),
    (".example.com", "http://www.example.com/", False),
    (".example.com", "http://example.com/", False),
    ("example.com", "http://notexample.com/", True),
    ("example.com", "http://example.com./", False),
    ("example.com:8080", "http://example.com:8080/", False),
    ("example.com:8080", "http://example.com/", True),
    ("x, a ,y", "http://a/", False),
    ("127.0.0.1", "http://127.0.0.1/", False),
    ("127.0.0.1:80", "http://127.0.0.1/", False),
    ("127.0.0.1:80", "http://127.0.0.1:81/", True),
    ("10.0.0.0/8", "http://10.1.2.3/", False),
    ("10.0.0.0/8", "http://11.1.2.3/", True),
    ("10.1.2.3/8", "http://10.9.9.9/", False),
    ("0.0.1", "http://127.0.0.1/", True),
    ("::1", "http://[::1]/", False),
    ("[::1]:80", "http://[::1]/", False),
    ("[::1]:81", "http://[::1]/", True),
    ("fd00::/8", "http://[fd12::1]/", False),
    ("x a", "http://a/", False),
    ("x\ta,y", "http://a/", False),
    ("a.", "http://a/", False),
    ("..example.com", "http://www.example.com/", False),
    ("[0:0::1]", "http://[::1]/", False),
    ("[0::1]:80", "http://[::1]/", False),
    (".", "http://a./", True),
    ("", "http://a/", True),
    (",,", "http://a/", True),
]


@pytest.mark.parametrize(("no_proxy", "url", "proxied"), NO_PROXY)
def test_no_proxy(environment, no_proxy, url, proxied):
    environment(http_proxy="http://p:1", no_proxy=no_proxy)
    assert (chosen(url) is not None) is proxied


def test_a_proxy_that_is_none(environment):
    environment(http_proxy="socks5://p:1")
    with pytest.raises(ValueError, match="the proxy for http in the environment cannot be used: only http and https"):
        chosen("http://a/")


def test_socks_is_not_spoken(environment):
    for address in ("socks5://p:1", "SOCKS4a://p", "socks5h://u:p@p:1"):
        environment(all_proxy=address)
        with pytest.raises(ValueError, match="this one speaks SOCKS"):
            chosen("http://a/")


def test_a_proxy_with_a_password_does_not_show_it():
    proxy = make_proxy("http://ada:secret@p:3128")
    assert proxy.fields == (("Proxy-Authorization", "Basic YWRhOnNlY3JldA=="),)
    assert "secret" not in f"{proxy} {proxy!r}"
    assert make_proxy("p:3128").fields == ()


VERDICTS = [
    ("0.0.0.0", "unspecified"),
    ("127.0.0.1", "loopback"),
    ("127.255.0.9", "loopback"),
    ("10.0.0.1", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.0.1", "private"),
    ("169.254.169.254", "link-local"),
    ("100.64.0.1", "public internet"),
    ("224.0.0.1", "multicast"),
    ("239.1.1.1", "multicast"),
    ("240.0.0.1", "private"),
    ("255.255.255.255", "private"),
    ("192.0.2.1", "private"),
    ("198.18.0.1", "private"),
    ("0.1.2.3", "private"),
    ("::", "unspecified"),
    ("::1", "loopback"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("fc00::1", "private"),
    ("fd00:ec2::254", "private"),
    ("ff02::1", "multicast"),
    ("fec0::1", "reserved"),
    ("2001:db8::1", "private"),
    ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "private"),
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.0.0.1", "private"),
    ("::ffff:169.254.169.254", "link-local"),
    ("::127.0.0.1", "loopback"),
    ("64:ff9b::127.0.0.1", "loopback"),
    ("64:ff9b::a9fe:a9fe", "link-local"),
    ("2002:7f00:1::", "loopback"),
    ("2002:a00:1::", "private"),
    ("192.0.0.192", "private"),  # where a cloud has kept keys
    ("192.0.0.8", "private"),
    ("::ffff:192.0.0.192", "private"),
    ("64:ff9b::c000:c0", "private"),
    ("2002:c000:c0::", "private"),
    ("::ffff:0:127.0.0.1", "loopback"),
    ("::7f00:1", "loopback"),
    ("2606:4700::5efe:10.0.0.1", "private"),
    ("2606:4700::200:5efe:7f00:1", "loopback"),
    ("fe80::5efe:8.8.8.8", "link-local"),
    ("192.88.99.1", "public internet"),
    ("198.51.100.1", "private"),
    ("203.0.113.1", "private"),
    ("168.63.129.16", "a cloud"),
    ("64:ff9b:1::1", "private"),
    ("3fff::1", "private"),
    ("5f00::1", "public internet"),
    ("100::1", "public internet"),
    ("2001:20::1", "private"),
    ("4000::1", "public internet"),
    ("::ffff:0:8.8.8.8", None),
    ("2002:808:808::", None),
    ("2001:4860:4860::8888", None),
    ("host", "not an address"),
    ("1.1.1.1", None),
    ("8.8.8.8", None),
    ("172.32.0.1", None),
    ("2606:4700:4700::1111", None),
    ("::ffff:8.8.8.8", None),
    ("64:ff9b::808:808", None),
]


@pytest.mark.parametrize(("address", "reason"), VERDICTS)
def test_verdicts(address, reason):
    verdict = Guard().verdict(address)
    assert verdict is None if reason is None else reason in verdict


def test_the_verdict_does_not_come_from_a_table_that_changes_with_python(monkeypatch):
    import ipaddress

    for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        for name in ("is_private", "is_global", "is_reserved", "is_loopback", "is_link_local", "is_multicast"):
            monkeypatch.setattr(kind, name, property(lambda address: pytest.fail("asked Python")))
    for address, reason in VERDICTS:
        assert (Guard().verdict(address) is None) is (reason is None)


def test_what_the_guard_lets_through_all_the_same():
    guard = Guard(allow=["10.1.0.0/16", "fd00::/8"])
    assert [guard.verdict(address) for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1")] == [None] * 3
    assert guard.verdict("10.2.0.1") == "a private address"


def test_ports():
    guard = Guard(ports=[80, 443])
    guard.check_connect(("8.8.8.8", 443))
    with pytest.raises(OSError, match="refused by the guard: port 22 is not one of those allowed"):
        guard.check_connect(("8.8.8.8", 22))


def test_what_the_guard_cannot_see_behind_a_proxy():
    with pytest.raises(AddressForbidden, match=r"the proxy looks example\.com up, and the guard cannot see"):
        Guard().check_proxied("example.com", 80)
    Guard(trust_proxy=True).check_proxied("example.com", 80)
    Guard().check_proxied("8.8.8.8", 80)
    with pytest.raises(AddressForbidden, match=r"10\.0\.0\.1: refused by the guard: a private address"):
        Guard(trust_proxy=True).check_proxied("10.0.0.1", 80)
