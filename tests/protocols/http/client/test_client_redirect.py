"""Redirects by the book: which request follows which answer."""

from __future__ import annotations

import pytest

from protocols.http import Headers, RedirectError
from protocols.http.client.redirect import is_redirect, next_request
from protocols.http.client.request import make_request
from protocols.http.url import parse_url

BODY = {"Content-Type": "text/plain", "Content-Language": "de", "X-Mine": "1"}


def follow(status, location="/next", *, method="GET", url="http://a/start", headers=None, body=None, **options):
    request = make_request(method, parse_url(url), headers, body)
    fields = Headers([("Location", part) for part in ([location] if isinstance(location, str) else location)])
    return next_request(request, status, fields, **options)


METHODS = [
    # status, method, the method that follows, whether the body goes along
    *[(status, "GET", "GET", status != 303) for status in (301, 302, 303, 307, 308)],
    *[(status, "HEAD", "HEAD", True) for status in (301, 302, 303, 307, 308)],
    (301, "POST", "GET", False),
    (302, "POST", "GET", False),
    (303, "POST", "GET", False),
    (307, "POST", "POST", True),
    (308, "POST", "POST", True),
    (301, "PUT", "PUT", True),
    (302, "DELETE", "DELETE", True),
    (303, "PUT", "GET", False),
    (303, "BREW", "GET", False),
    (307, "PUT", "PUT", True),
    (308, "PATCH", "PATCH", True),
    (301, "PATCH", "PATCH", True),
]


@pytest.mark.parametrize(("status", "method", "expected", "kept"), METHODS)
def test_the_method_and_the_body(status, method, expected, kept):
    following = follow(status, method=method, headers=BODY, body=b"data")
    assert following.method == expected
    assert following.url.text == "http://a/next"
    assert (following.body, following.size) == ((b"data", 4) if kept else (b"", 0))
    assert [name for name, _ in following.fields] == (list(BODY) if following.size else ["X-Mine"])


SECRET = {"Authorization": "a", "Cookie": "b", "Proxy-Authorization": "c", "Host": "d", "X-Mine": "e"}


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("/next", True),
        ("http://a:80/next", True),
        ("http://A/next", True),
        ("//a/next", True),
        ("http://b/", False),
        ("http://a:81/", False),
        ("https://a/", False),
        ("http://a.b/", False),
        ("http://a./", False),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_secrets_stay_within_an_origin(status, location, kept):
    following = follow(status, location, headers=SECRET)
    assert [name for name, _ in following.fields] == (list(SECRET) if kept else ["X-Mine"])


def test_credentials_of_the_url_stay_within_an_origin():
    assert follow(302, url="http://u:p@a/").url.userinfo == (b"u", b"p")
    assert follow(302, "http://b/", url="http://u:p@a/").url.userinfo is None
    there = follow(302, "http://b/", url="http://u:p@a/", headers=SECRET)
    back = next_request(there, 302, Headers([("Location", "http://a/")]))
    assert back.url.userinfo is None
    assert [name for name, _ in back.fields] == ["X-Mine"]


def test_from_https_to_http_only_when_asked():
    with pytest.raises(RedirectError, match="from https to http://a/next, which is not encrypted"):
        follow(302, "http://a/next", url="https://a/")
    assert follow(302, "http://a/next", url="https://a/", allow_downgrade=True).url.scheme == "http"
    assert follow(302, "https://a/next", url="http://a/").url.scheme == "https"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("ftp://a/", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("javascript:x", "only http"),
        ("http://", "names no host"),
        ("http://a:99999/", "port"),
        ("http://a\tb/", "control"),
        ("http://[::1/", "without"),
        (["/a", "/b"], "several places"),
    ],
)
def test_a_bad_location(location, reason):
    with pytest.raises(RedirectError, match=reason):
        follow(302, location)


def test_a_location_said_twice_is_said_once():
    assert follow(302, ["/a", "/a"]).url.target == "/a"


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/ä", "/%E4"),  # latin-1, as it came
        ("/\xd6\xd0\xce\xc4?\xd6=%D0 a", "/%D6%D0%CE%C4?%D6=%D0%20a"),  # GBK
        ("/\xe6\x97\xa5\xff", "/%E6%97%A5%FF"),  # neither the one nor the other: octets all the same
        ("//b/\xff#\xff", "/%FF"),
        ("/ä".encode().decode("latin-1"), "/%C3%A4"),
        ("/a b", "/a%20b"),
        ("?x=1#f", "/start?x=1"),
        ("", "/start"),
    ],
)
def test_a_location_as_servers_write_it(location, target):
    assert follow(302, location).url.target == target


def test_a_loop():
    with pytest.raises(RedirectError, match="redirect loop: http://a/start was asked for before"):
        follow(302, "/start#other", visited={("GET", "http://a/start")})
    assert follow(303, "/start", method="POST", visited={("POST", "http://a/start")}).method == "GET"


@pytest.mark.parametrize(
    ("status", "fields", "expected"),
    [
        (302, [("Location", "/")], True),
        (302, [], False),
        (300, [("Location", "/")], False),
        (304, [("Location", "/")], False),
        (305, [("Location", "/")], False),
        (306, [("Location", "/")], False),
        (201, [("Location", "/")], False),
    ],
)
def test_what_is_a_redirect(status, fields, expected):
    assert is_redirect(status, Headers(fields)) is expected
