"""The opening handshake, both sides of it, without a connection."""

from __future__ import annotations

import pytest

from protocols.http.headers import Headers
from protocols.http.server import Refusal
from protocols.websocket.deflate import OFFER, accept, agree, parse_extensions
from protocols.websocket.handshake import (
    ANY_ORIGIN,
    HandshakeError,
    accept_key,
    answer,
    check_answer,
    check_origin,
    check_request,
    request_head,
)

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # RFC 6455, 1.3
GOOD = {
    "Host": "here.example",
    "Upgrade": "websocket",
    "Connection": "keep-alive, Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": KEY,
}


def test_the_example_of_the_rfc():
    check_request("GET", "1.1", Headers(GOOD))
    fields, agreed = answer(Headers(GOOD), (), True)
    assert fields == {"Upgrade": "websocket", "Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}
    assert agreed.subprotocol is None
    assert agreed.window is None


@pytest.mark.parametrize(
    ("status", "method", "version", "changes"),
    [
        (426, "GET", "1.1", {"Upgrade": None}),
        (426, "GET", "1.1", {"Upgrade": "h2c"}),
        (400, "POST", "1.1", {}),
        (400, "HEAD", "1.1", {}),
        (400, "GET", "1.0", {}),
        (400, "GET", "1.1", {"Connection": None}),
        (400, "GET", "1.1", {"Connection": "keep-alive"}),
        (400, "GET", "1.1", {"Content-Length": "5"}),
        (400, "GET", "1.1", {"Transfer-Encoding": "chunked"}),
        (426, "GET", "1.1", {"Sec-WebSocket-Version": "8"}),
        (426, "GET", "1.1", {"Sec-WebSocket-Version": None}),
        (400, "GET", "1.1", {"Sec-WebSocket-Key": None}),
        (400, "GET", "1.1", {"Sec-WebSocket-Key": "abc"}),
        (400, "GET", "1.1", {"Sec-WebSocket-Key": KEY[:-4]}),
        (400, "GET", "1.1", {"Sec-WebSocket-Key": f"{KEY}, {KEY}"}),
        (400, "GET", "1.1", {"Sec-WebSocket-Key": "é" * 24}),
    ],
)
def test_requests_that_are_refused(status, method, version, changes):
    headers = Headers([(name, value) for name, value in {**GOOD, **changes}.items() if value is not None])
    with pytest.raises(Refusal) as refused:
        check_request(method, version, headers)
    response = refused.value.response
    assert response.status == status
    if status == 426:
        assert response.headers["Sec-WebSocket-Version"] == "13"


def test_names_are_without_case_and_lists_are_lists():
    check_request("GET", "1.1", Headers({**GOOD, "Upgrade": "foo, WebSocket", "Connection": "UPGRADE"}))


@pytest.mark.parametrize(
    ("origin", "origins", "passes"),
    [
        (None, None, True),
        ("http://here.example", None, True),
        ("https://here.example", None, True),
        ("https://HERE.example", None, True),
        ("http://evil.example", None, False),
        ("http://here.example:8080", None, False),
        ("http://here.example.evil.example", None, False),
        ("null", None, False),
        ("", None, False),
        ("file://", None, False),
        ("ftp://here.example", None, False),
        ("http://evil.example", ANY_ORIGIN, True),
        ("http://other.example", ("http://other.example",), True),
        ("http://here.example", ("http://other.example",), False),
    ],
)
def test_origins(origin, origins, passes):
    headers = Headers(GOOD if origin is None else {**GOOD, "Origin": origin})
    if passes:
        check_origin(headers, origins)
    else:
        with pytest.raises(Refusal) as refused:
            check_origin(headers, origins)
        assert refused.value.response.status == 403


def test_two_origins_are_none():
    with pytest.raises(Refusal):
        check_origin(Headers([("Host", "a"), ("Origin", "http://a"), ("Origin", "http://a")]), None)


@pytest.mark.parametrize(
    ("offered", "known", "chosen"),
    [
        ("a, b", ("b", "a"), "a"),
        ("x,b", ("a", "b"), "b"),
        ("x", ("a",), None),
        ("A", ("a",), None),
        (" , a , ", ("a",), "a"),
    ],
)
def test_the_clients_first_subprotocol_that_we_know(offered, known, chosen):
    fields, agreed = answer(Headers({**GOOD, "Sec-WebSocket-Protocol": offered}), known, True)
    assert agreed.subprotocol == chosen
    assert fields.get("Sec-WebSocket-Protocol") == chosen


@pytest.mark.parametrize("field", ["Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"])
@pytest.mark.parametrize("value", ["a b", "a;;b", '"', "a, b=c", "(x)"])
def test_malformed_lists_are_refused(field, value):
    with pytest.raises(Refusal) as refused:
        answer(Headers({**GOOD, field: value}), ("a",), True)
    assert refused.value.response.status == 400


@pytest.mark.parametrize(
    ("offer", "window", "said"),
    [
        ("permessage-deflate", 15, ""),
        ("permessage-deflate; client_max_window_bits", 15, ""),
        ("permessage-deflate; client_max_window_bits=10", 15, ""),
        ('permessage-deflate; server_max_window_bits="9"', 9, "; server_max_window_bits=9"),
        ("permessage-deflate; server_max_window_bits=15", 15, ""),
        ("Permessage-Deflate; server_no_context_takeover; client_no_context_takeover", 15, ""),
        ("x-other; a=1, permessage-deflate", 15, ""),
        ("permessage-deflate; server_max_window_bits=8, permessage-deflate", 15, ""),
        (
            "permessage-deflate; later_parameter, permessage-deflate; server_max_window_bits=12",
            12,
            "; server_max_window_bits=12",
        ),
        ("permessage-deflate; later_parameter", None, None),
        ("permessage-deflate; server_max_window_bits", None, None),
        ("permessage-deflate; server_max_window_bits=16", None, None),
        ("permessage-deflate; server_max_window_bits=09", None, None),
        ("permessage-deflate; server_no_context_takeover=1", None, None),
        ("permessage-deflate; client_max_window_bits=7", None, None),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", None, None),
        ("x-webkit-deflate-frame", None, None),
    ],
)
def test_what_is_agreed_about_compression(offer, window, said):
    agreed = agree(offer)
    if window is None:
        assert agreed is None
    else:
        assert agreed == (window, f"permessage-deflate; server_no_context_takeover; client_no_context_takeover{said}")
    assert answer(Headers({**GOOD, "Sec-WebSocket-Extensions": offer}), (), False)[1].window is None


@pytest.mark.parametrize(
    "value", ["", ",", "a,", ";a", "a;", "a=1", "a b", "a;b=", "a;b=(", 'a;b="', "a,,b", "a; b==1"]
)
def test_extensions_that_are_malformed(value):
    with pytest.raises(ValueError, match="Sec-WebSocket-Extensions"):
        parse_extensions(value)


def test_what_our_client_asks_our_server_agrees_to():
    head = request_head("/chat?a=1", "here.example", KEY, ["a", "b"], True, Headers({"Origin": "http://here.example"}))
    line, *lines = head.decode().removesuffix("\r\n\r\n").split("\r\n")
    assert line == "GET /chat?a=1 HTTP/1.1"
    headers = Headers([tuple(line.split(": ", 1)) for line in lines])
    assert headers["Sec-WebSocket-Extensions"] == OFFER
    check_request("GET", "1.1", headers)
    check_origin(headers, None)
    fields, agreed = answer(headers, ("b",), True)
    got = check_answer(101, Headers({**fields, "Connection": "Upgrade"}), KEY, ["a", "b"], True)
    assert got == agreed
    assert (got.subprotocol, got.window) == ("b", 15)


def test_a_caller_does_not_change_the_handshake():
    with pytest.raises(ValueError, match="own"):
        request_head("/", "h", KEY, [], True, Headers({"sec-websocket-KEY": "mine"}))
    for bad in (["a b"], ["a", "a"], [""], [3]):
        with pytest.raises(ValueError, match="subprotocol"):
            request_head("/", "h", KEY, bad, True, Headers())


RIGHT = {"Upgrade": "WebSocket", "Connection": "upgrade", "Sec-WebSocket-Accept": accept_key(KEY)}


@pytest.mark.parametrize(
    ("status", "changes"),
    [
        (200, {}),
        (302, {"Location": "/"}),
        (101, {"Upgrade": "h2c"}),
        (101, {"Connection": "close"}),
        (101, {"Sec-WebSocket-Accept": "wrong"}),
        (101, {"Sec-WebSocket-Accept": ""}),
        (101, {"Sec-WebSocket-Protocol": "c"}),
        (101, {"Sec-WebSocket-Extensions": "x-other"}),
        (101, {"Sec-WebSocket-Extensions": "permessage-deflate"}),
        (101, {"Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover; client_max_window_bits"}),
        (101, {"Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover; x"}),
        (
            101,
            {"Sec-WebSocket-Extensions": "permessage-deflate; server_no_context_takeover, permessage-deflate"},
        ),
    ],
)
def test_answers_that_open_nothing(status, changes):
    with pytest.raises(HandshakeError) as failed:
        check_answer(status, Headers({**RIGHT, **changes}), KEY, ["a", "b"], True)
    assert failed.value.status == status


def test_what_a_server_may_say_about_our_window():
    start = "permessage-deflate; server_no_context_takeover"
    assert accept(start) == 15
    assert accept(f"{start}; client_no_context_takeover; client_max_window_bits=10; server_max_window_bits=9") == 10
    assert accept(f"{start}; client_max_window_bits=8") == 0, "zlib cannot, so nothing is compressed"
    with pytest.raises(HandshakeError):
        check_answer(101, Headers({**RIGHT, "Sec-WebSocket-Extensions": start}), KEY, [], False)
