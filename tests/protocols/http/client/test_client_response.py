"""What an answer means: its text, its JSON, when to come back, and what a part of it is a part of."""

from __future__ import annotations

import pytest

from protocols.http import ContentRange, FetchTimeouts, Headers, Response, content_range, rest_after, strong_validator
from protocols.http.client.response import RETRY_AFTER_MAX, retry_after
from protocols.http.client.timeouts import make_timeouts
from protocols.http.dates import http_date


def response(body, content_type=None):
    return Response(200, "OK", Headers([("Content-Type", content_type)] if content_type else []), body)


TEXTS = [
    ("text/html; charset=utf-8", "héllo".encode(), "héllo"),
    ("text/html; charset=UTF8", "héllo".encode(), "héllo"),
    ("text/html; charset=utf-8", b"\xef\xbb\xbfa", "a"),
    ("text/html; charset=iso-8859-1", b"caf\xe9", "café"),
    ('text/html; Charset="gbk"; x=y', "你好".encode("gbk"), "你好"),
    ("text/html; charset=gb2312", "朱镕基".encode("gb18030"), "朱镕基"),
    ("text/html;charset='big5'", "你好".encode("big5"), "你好"),
    ("text/html; charset=utf-16", "héllo".encode("utf-16"), "héllo"),
    ("text/plain; charset=utf-8", b"a\xffb", "a\ufffdb"),
    (None, b"\xef\xbb\xbfh\xc3\xa9", "hé"),
    (None, "hé".encode("utf-16"), "hé"),
    (None, "hé".encode("utf-32"), "hé"),
    (None, b"\xfe\xff\x00a", "a"),
    (None, "héllo 你".encode(), "héllo 你"),
    (None, b"caf\xe9 \x80", "café €"),
    (None, b"\x81", "\ufffd"),
    (None, b"", ""),
    # bogus ones do not raise, and say nothing
    ("text/html; charset=nonsense", "é".encode(), "é"),
    ("text/html; charset=", "é".encode(), "é"),
    ("text/html; charset=rot13", b"uryyb", "uryyb"),
    ("text/html; charset=base64", b"aGk=", "aGk="),
    ("text/html; charset=idna", b"xn--a", "xn--a"),
    ("text/html; charset=unicode_escape", b"\\u0041", "\\u0041"),
    ("text/html; charset=undefined", b"a", "a"),
    ("text/html; charset=zlib", b"a", "a"),
    ("text/html; charset=utf-8\x00", b"a", "a"),
    ("text/html; charset=../../etc/passwd", b"a", "a"),
    ("text/html; charset=" + "x" * 10_000, b"a", "a"),
]


@pytest.mark.parametrize(("content_type", "body", "text"), TEXTS, ids=[f"{row[0]!s:.40}" for row in TEXTS])
def test_text(content_type, body, text):
    headers = Headers.parsed([("Content-Type", content_type)] if content_type else [])
    assert Response(200, "OK", headers, body).text == text


def test_every_codec_there_is_can_be_named():
    import encodings
    import pkgutil

    for module in pkgutil.iter_modules(encodings.__path__):
        assert isinstance(response(bytes(range(256)), f"text/plain; charset={module.name}").text, str)


def test_json():
    assert response(b'{"a": "\xc3\xa9"}').json() == {"a": "é"}
    assert response('"é"'.encode("utf-16")).json() == "é"
    assert response('"你"'.encode("gbk"), "application/json; charset=gbk").json() == "你"
    assert response(b'\xef\xbb\xbf"a"', "application/json; charset=utf-8").json() == "a"


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a":', b"\xff\xfe\xfd", b"[" * 200_000])
def test_what_is_no_json_is_a_value_error(body):
    with pytest.raises(ValueError, match=r"."):
        response(body).json()


NOW = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's own example


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "9" * 400}, RETRY_AFTER_MAX),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "1.5"}, None),
        ({"Retry-After": "1_0"}, None),
        ({"Retry-After": "\xb2"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT"}, 30.0),
        ({"Retry-After": "Sunday, 06-Nov-94 08:50:07 GMT"}, 30.0),
        ({"Retry-After": "Sun Nov  6 08:50:07 1994"}, 30.0),
        ({"Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT"}, 0.0),
        ({"Retry-After": "Sun, 06 Nov 9994 08:50:07 GMT"}, RETRY_AFTER_MAX),
        ({"Retry-After": "Sun, 06 Nov 1994 09:00:07 GMT", "Date": "Sun, 06 Nov 1994 09:00:00 GMT"}, 7.0),
    ],
)
def test_retry_after(fields, seconds):
    assert retry_after(Headers(fields), NOW) == seconds


def test_dates():
    assert http_date("Sun, 06 Nov 1994 08:49:37 GMT") == NOW
    for nonsense in ("", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "0", "Sun, 06 Nov 1994"):
        assert http_date(nonsense) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes 0-9/10", ContentRange(0, 9, 10)),
        ("bytes 5-9/*", ContentRange(5, 9, None)),
        ("bytes */10", ContentRange(None, None, 10)),
        ("BYTES 1-1/2", ContentRange(1, 1, 2)),
        ("bytes 9-5/10", None),
        ("bytes 0-10/10", None),
        ("bytes 0-9", None),
        ("items 0-9/10", None),
        ("", None),
        ("bytes -5-9/10", None),
        ("bytes 0x0-9/10", None),
        ("bytes 0-" + "9" * 5000 + "/*", None),
    ],
)
def test_content_range(value, expected):
    assert content_range(Headers({"Content-Range": value})) == expected


MODIFIED = {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"ETag": '"abc"'}, '"abc"'),
        ({"ETag": 'W/"abc"'}, None),
        ({"ETag": "abc"}, None),
        (MODIFIED, None),
        (MODIFIED | {"Date": "Sun, 06 Nov 1994 08:49:37 GMT"}, None),
        (MODIFIED | {"Date": "Sun, 06 Nov 1994 08:49:38 GMT"}, MODIFIED["Last-Modified"]),
        (MODIFIED | {"Date": "Mon, 07 Nov 1994 08:49:38 GMT", "ETag": 'W/"x"'}, MODIFIED["Last-Modified"]),
    ],
)
def test_what_the_rest_of_the_same_version_is_known_by(fields, expected):
    assert strong_validator(Headers(fields)) == expected


def test_the_fields_for_the_rest():
    assert rest_after(5, None) == {"Range": "bytes=5-"}


def test_timeouts():
    assert make_timeouts(5).total == 5
    assert make_timeouts(5).idle is None
    assert make_timeouts(None).total is None
    assert make_timeouts(None).idle == 60
    assert make_timeouts(30).connect is None
    for bad in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=r"FetchTimeouts.total must be positive"):
            make_timeouts(bad)
    with pytest.raises(TypeError, match="a number of seconds or None, not '5'"):
        FetchTimeouts(idle="5")
