"""What is sent: the bytes of a request, and what a caller may not say."""

from __future__ import annotations

import io

import pytest

from protocols.http import Headers, basic_auth, bearer_auth
from protocols.http.client.request import IDEMPOTENT, make_request
from protocols.http.url import parse_url


def head(url="http://h/p?q", *, method="GET", headers=None, body=None, keep_alive=False, proxy=None):
    return (
        make_request(method, parse_url(url), headers, body).head(keep_alive=keep_alive, proxy=proxy).decode("latin-1")
    )


def test_a_plain_request():
    assert head() == (
        "GET /p?q HTTP/1.1\r\nHost: h\r\nUser-Agent: reactor-fetch\r\nAccept: */*\r\n"
        "Accept-Encoding: gzip, deflate\r\nConnection: close\r\n\r\n"
    )
    assert "Connection: keep-alive\r\n" in head(keep_alive=True)
    assert "Expect" not in head(method="POST", body=b"x" * 100_000)


@pytest.mark.parametrize(
    ("method", "body", "length"),
    [
        ("GET", None, None),
        ("GET", b"x", 1),
        ("POST", None, 0),
        ("POST", b"", 0),
        ("PUT", "é", 2),
        ("PATCH", None, 0),
        ("DELETE", None, None),
        ("DELETE", b"ab", 2),
        ("HEAD", None, None),
        ("POST", bytearray(3), 3),
        ("POST", memoryview(b"abcd"), 4),
    ],
)
def test_the_length_of_the_body_is_said(method, body, length):
    lines = [line for line in head(method=method, body=body).split("\r\n") if line.lower().startswith("content-length")]
    assert lines == ([] if length is None else [f"Content-Length: {length}"])


def test_a_file_is_sent_from_where_it_stands():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    request = make_request("PUT", parse_url("http://h/"), None, file)
    assert (request.size, request.start, file.tell()) == (6, 4, 4)


@pytest.mark.parametrize("body", [5, ["a"], io.StringIO("text"), object()])
def test_what_is_no_body(body):
    with pytest.raises(TypeError, match="a body is bytes, a str or a binary file"):
        head(method="POST", body=body)


def test_headers_of_the_caller():
    lines = head(headers=[("X", "1"), ("x", "2"), ("accept", "text/html"), ("User-Agent", None)]).split("\r\n")
    assert lines[4:] == ["X: 1", "x: 2", "accept: text/html", "", ""]
    assert not [line for line in lines if line.startswith(("User-Agent", "Accept: "))]
    assert "B: 2\r\nB: 3\r\n" in head(headers=Headers([("B", "2"), ("B", "3")]))
    assert "N: 5\r\n" in head(headers={"N": 5})
    assert "V: caf\xe9\r\n" in head(headers={"V": "café"})
    assert "V: \xe4\xbd\xa0\r\n" in head(headers={"V": "你".encode()})
    assert "V: a b\r\n" in head(headers={"V": " a b\t"})
    assert "V: \r\n" in head(headers={"V": ""})


def test_a_host_of_the_caller_comes_first_and_alone():
    assert head(headers={"host": "other"}).split("\r\n")[1] == "Host: other"
    assert head(headers={"host": "other"}).lower().count("host:") == 1
    with pytest.raises(ValueError, match="more than one Host"):
        head(headers=[("Host", "a"), ("host", "b")])


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"a b": "x"}, "a header's name"),
        ({"": "x"}, "a header's name"),
        ({"a:": "x"}, "a header's name"),
        ({"a\r\nb": "x"}, "a header's name"),
        ({"ü": "x"}, "a header's name"),
        ({"A": "x\r\nB: y"}, "control character"),
        ({"A": "x\ny"}, "control character"),
        ({"A": "x\0"}, "control character"),
        ({"A": "x\x7f"}, "control character"),
        ({"A": b"\r"}, "control character"),
        ({"A": "你"}, "not latin-1"),
        ({"Transfer-Encoding": "chunked"}, "cannot be given"),
        ({"Upgrade": "h2c"}, "cannot be given"),
        ({"Content-Length": "5"}, "the body has 0 bytes"),
    ],
)
def test_a_header_that_must_not_be_sent(headers, reason):
    for _ in range(2):  # what is cached is no way around
        with pytest.raises(ValueError, match=reason):
            head(headers=headers)


@pytest.mark.parametrize("value", [1.5, True, ["x"], object()])
def test_a_value_that_is_no_text(value):
    head(headers={"A": 1})  # which True equals
    with pytest.raises(TypeError, match="the value of the header A is text"):
        head(headers={"A": value})


def test_no_error_repeats_a_secret():
    with pytest.raises(ValueError, match="Authorization") as caught:
        head(headers={"Authorization": "Bearer hunter2\n"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("method", ["", "G T", "GET\r\n", "GET /", "CONNECT", "ü", None, b"GET"])
def test_what_is_no_method(method):
    with pytest.raises(ValueError, match=r"a method is a word|CONNECT"):
        head(method=method)


def test_methods_keep_their_case_but_for_those_everybody_knows():
    assert head(method="post").startswith("POST ")
    assert head(method="Brew").startswith("Brew ")
    assert "POST" not in IDEMPOTENT
    assert "PATCH" not in IDEMPOTENT


def test_credentials():
    assert "Authorization: Basic YWRhOnDDpHNz\r\n" in head("http://ada:p%C3%A4ss@h/")
    assert "ada" not in head("http://ada:secret@h/")
    assert "Authorization: Bearer t\r\n" in head("http://ada:x@h/", headers={"Authorization": bearer_auth("t")})
    assert "Basic" not in head("http://ada:x@h/", headers={"Authorization": bearer_auth("t")})
    assert basic_auth("ü", "é") == "Basic w7w6w6k="
    with pytest.raises(ValueError, match="colon"):
        basic_auth("a:b", "c")


def test_a_proxy_is_asked_by_the_whole_url():
    lines = head("http://ada:x@h:81/p", proxy=(("Proxy-Authorization", "Basic eA=="),)).split("\r\n")
    assert lines[:2] == ["GET http://h:81/p HTTP/1.1", "Host: h:81"]
    assert "Proxy-Authorization: Basic eA==" in lines
    assert "Proxy-Authorization" not in head("http://h/")
