"""Redis URLs: what they mean, what is none, and that no message tells a password."""

from __future__ import annotations

import pytest

from protocols.redis import parse_redis_url


@pytest.mark.parametrize(
    ("url", "host", "username", "password", "database", "tls", "master"),
    [
        ("redis://example.com", ("example.com", 6379), "", "", 0, False, ""),
        ("redis://example.com/", ("example.com", 6379), "", "", 0, False, ""),
        ("REDIS://h:7/15", ("h", 7), "", "", 15, False, ""),
        ("rediss://:p%2Fw@h", ("h", 6379), "", "p/w", 0, True, ""),
        ("redis://a%3Ab:p:w@[::1]:7000/1", ("::1", 7000), "a:b", "p:w", 1, False, ""),
        ("redis://u:p@w@h", ("h", 6379), "u", "p@w", 0, False, ""),
        ("redis+sentinel://h/my%20master", ("h", 26379), "", "", 0, False, "my master"),
        ("rediss+sentinel://u:p@h:1,i:2/m/3", ("h", 1), "u", "p", 3, True, "m"),
    ],
)
def test_what_a_url_says(url, host, username, password, database, tls, master):
    parsed = parse_redis_url(url)
    assert parsed.hosts[0] == host
    assert (parsed.username, parsed.password, parsed.database) == (username, password, database)
    assert (parsed.tls, parsed.master) == (tls, master)


@pytest.mark.parametrize(
    "url",
    ["", "redis", "http://h", "redis:h", "redis://", "redis:///0", "redis://secret@h", "redis://:secret@", "redis://h:0",
     "redis://h:65536", "redis://h:x", "redis://h/x", "redis://h/-1", "redis://h/1/2", "redis://h/²", "redis://h?db=1",
     "redis://h#x", "redis://h i", "redis://:secret%@h", "redis://:secret%zz@h", "redis://:secret%ff@h", "redis://::1",
     "redis://[::1", "redis://[::1]x", "redis://[h]", "redis://h,i", "redis+sentinel://h", "redis+sentinel://h/",
     "redis+sentinel://h/m/x", "redis+sentinel://h,/m", "redis://a..b", "redis://h/1\n", "redis://" + "a" * 64],
)  # fmt: skip
def test_what_is_no_url(url):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse_redis_url(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["redis://u:secret@h:1/2", "rediss://h", "redis+sentinel://a:1,[::1]:2/m/0"])
def test_a_url_as_people_read_it(url):
    parsed = parse_redis_url(url)
    assert "secret" not in f"{parsed} {parsed!r}"
    assert parse_redis_url(str(parsed)).hosts == parsed.hosts


def test_a_url_is_text():
    with pytest.raises(TypeError):
        parse_redis_url(b"redis://h")
