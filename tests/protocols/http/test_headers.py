"""Header fields: names without case, order kept, and nothing let through that must not be sent."""

from __future__ import annotations

import pytest

from protocols.http.headers import Headers


@pytest.fixture
def headers() -> Headers:
    return Headers([("Via", "a"), ("Set-Cookie", "x=1"), ("VIA", "b"), ("set-cookie", "y=2"), ("Host", "h")])


def test_a_name_has_no_case(headers: Headers) -> None:
    assert headers["host"] == headers["HOST"] == "h"
    assert "hOsT" in headers
    assert "Accept" not in headers
    assert 5 not in headers


def test_repeated_fields_are_joined(headers: Headers) -> None:
    assert headers["via"] == "a, b"
    assert headers.get_all("VIA") == ["a", "b"]
    assert headers.get_all("set-cookie") == ["x=1", "y=2"]
    assert headers.get("set-cookie") == "x=1, y=2"


def test_what_is_missing(headers: Headers) -> None:
    with pytest.raises(KeyError, match="X-None"):
        headers["X-None"]
    assert headers.get("X-None") is None
    assert headers.get("X-None", "") == ""
    assert headers.get_all("X-None") == []


def test_it_is_a_mapping_and_keeps_the_fields(headers: Headers) -> None:
    assert list(headers) == ["Via", "Set-Cookie", "Host"]
    assert len(headers) == 3
    assert dict(headers) == {"Via": "a, b", "Set-Cookie": "x=1, y=2", "Host": "h"}
    assert list(headers.items())[-1] == ("Host", "h")
    assert headers.raw[2] == ("VIA", "b")
    assert Headers(headers).raw == headers.raw
    assert "Set-Cookie" in repr(headers)


def test_equality_has_no_case() -> None:
    assert Headers({"A": "1", "b": "2"}) == Headers([("B", "2"), ("a", "1")])
    assert Headers({"A": "1"}) != Headers({"A": "2"})
    assert Headers({"A": "1"}) != {"A": "1"}
    assert Headers() == Headers([])


def test_it_cannot_be_changed(headers: Headers) -> None:
    with pytest.raises(TypeError):
        headers["x"] = "y"  # type: ignore[index]
    with pytest.raises(AttributeError):
        headers.x = "y"  # type: ignore[attr-defined]


def test_blanks_around_a_value_are_no_part_of_it() -> None:
    assert Headers({"X": " \ta b\t "}).raw == (("X", "a b"),)


@pytest.mark.parametrize("name", ["", " ", "a b", "a:", "a\r\nb", "a\n", "\0", "é", "a\x7f", "(a)", "\u212a"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ValueError, match="not the name"):
        Headers({name: "x"})


@pytest.mark.parametrize(
    "value", ["secret\r\nX: y", "secret\n", "\nsecret", "secret\r", "secret\0", "secret\x7f", "secret\x1b", "secret€"]
)
def test_a_value_that_must_not_be_sent_is_not_told(value: str) -> None:
    with pytest.raises(ValueError, match="header X-Key") as caught:
        Headers({"X-Key": value})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "a\tb", "caf\xe9", "\xff\x80"])
def test_a_value_that_may_be_sent(value: str) -> None:
    assert Headers({"X": value})["x"] == value


@pytest.mark.parametrize("fields", [{"X": 5}, {"X": None}, {"X": b"y"}, {b"X": "y"}, ["X: secret"], [("X",)],
                                    [("X", "y", "z")], [5], {"X": ["secret"]}])  # fmt: skip
def test_what_is_no_pair_of_str(fields: object) -> None:
    with pytest.raises(ValueError, match="pair of str") as caught:
        Headers(fields)  # type: ignore[arg-type]
    assert "secret" not in str(caught.value)
