"""The table of routes, and the targets that are looked up in it; both pure."""

from __future__ import annotations

import re
import time

import pytest

from protocols.http.errors import ProtocolError
from protocols.http.server import Refusal
from protocols.http.server.routing import Routes
from protocols.http.server.targets import Query, parse_target, quoted


def handler(name):
    return lambda request: name


@pytest.fixture
def routes():
    routes = Routes()
    for pattern in ("/", "/a", "/a/{x}", "/a/b", "/a/{x}/c", "/a/{x}/{y}", "/a/*", "/*", "/{x}/b", "/é", "/z/", "/q/*"):
        routes.add("GET", pattern, handler(pattern))
    routes.add("POST", "/a/b", handler("POST"))
    return routes


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/", "/"), ("/a", "/a"), ("/a/b", "/a/b"), ("/a/x", "/a/{x}"), ("/a/x/c", "/a/{x}/c"),
        ("/a/x/d", "/a/{x}/{y}"),        ("/a/x/d/e", "/a/*"), ("/a/", "/a/*"), ("/x/b", "/{x}/b"),
        ("/x", "/*"), ("/x/y/z", "/*"), ("//", "/*"),
        ("/%C3%A9", "/é"), ("/z/", "/z/"), ("/z", "/*"), ("/a/%7Bx%7D", "/a/{x}"), ("/q", "/q/*"), ("/a/b/", "/a/*"),
        ("/a/x%2Fc", "/a/{x}"), ("/./a", "/a"), ("/b/../a/b", "/a/b"),
    ],
)  # fmt: skip
def test_the_most_specific_pattern_decides(routes, path, pattern):
    assert routes.find("GET", parse_target("GET", path)).route.call(None) == pattern


def test_a_method_that_the_most_specific_pattern_lacks(routes):
    with pytest.raises(Refusal) as refused:
        routes.find("DELETE", parse_target("DELETE", "/a/b"))
    assert refused.value.response.status == 405
    assert refused.value.response.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize(
    ("method", "pattern"),
    [
        ("GET", "a"), ("GET", ""), ("GET", "/*/a"), ("GET", "/a*"), ("GET", "/**"), ("get", "/x"), ("", "/x"),
        ("TRACE", "/x"), ("CONNECT", "/x"), ("GÜT", "/x"), ("GET", "/a"), ("GET", "/a/{x}"),
    ],
)  # fmt: skip
def test_routes_that_cannot_be(routes, method, pattern):
    with pytest.raises(ValueError, match=r"a path begins|a handler"):
        routes.add(method, pattern, print)


def test_a_handler_that_is_none(routes):
    with pytest.raises(TypeError, match="a handler is a function"):
        routes.add("GET", "/new", "no function")


def test_a_route_that_comes_after_its_path_was_asked_for(routes):
    target = parse_target("GET", "/a/late")
    assert routes.find("GET", target).route.call(None) == "/a/{x}"
    routes.add("GET", "/a/late", handler("late"))
    assert routes.find("GET", target).route.call(None) == "late"


def test_what_is_kept_of_a_path_is_no_handlers_to_change(routes):
    target = parse_target("GET", "/a/x")
    routes.find("GET", target).parameters["x"] = "changed"
    assert routes.find("GET", target).parameters == {"x": "x"}
    assert parse_target("GET", "/a/x?q=1") == ("/a/x", ("a", "x"), "q=1")
    assert parse_target("GET", "/a/x").query == ""


def test_a_method_of_ones_own(routes):
    routes.add("PROPFIND", "/dav", handler("dav"))
    assert routes.find("PROPFIND", parse_target("PROPFIND", "/dav")).route.call(None) == "dav"


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("/", ("",)), ("/a", ("a",)), ("/a/", ("a", "")), ("//", ("", "")), ("/a//b", ("a", "", "b")),
        ("/a/.", ("a", "")), ("/a/..", ("",)), ("/a/../", ("",)), ("/a/b/../c", ("a", "c")), ("/...", ("...",)),
        ("/.a", (".a",)), ("/%2e", ("",)), ("/a%2fb", ("a/b",)), ("/%25", ("%",)), ("/a+b", ("a+b",)),
        ("/%ff", ("\udcff",)), ("/a;b=c/d", ("a;b=c", "d")), ("/a%5Cb", ("a\\b",)), ("/%E2%80%AE", ("\u202e",)),
        ("/a/./b/.", ("a", "b", "")), ("/a\\..\\b", ("a\\..\\b",)),
    ],
)  # fmt: skip
def test_segments(path, segments):
    assert parse_target("GET", path).segments == segments


@pytest.mark.parametrize(
    "target",
    ["/..", "/a/../..", "/%2e%2e", "/%00", "/%", "/%g0", "*", "", "a", "//#", "/a?b#c", "http://h/a?#", "http://"],
)
def test_targets_that_are_none(target):
    with pytest.raises(ProtocolError) as refused:
        parse_target("GET", target)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    "segments", [("", "evil.example", ""), ("", "", "x"), ("a", ""), ("a:b",), ("\\", "x"), ("é",)]
)
def test_a_quoted_path_is_of_this_host_and_leads_back(segments):
    path = quoted(segments)
    assert re.fullmatch(r"/(?!/)[!-~]*", path)
    assert "\\" not in path
    assert [name for name in parse_target("GET", path).segments if name] == [name for name in segments if name]


def test_a_path_that_is_made_to_be_slow():
    """A pattern that tries again and again would need years."""
    start = time.process_time()
    for path in (
        "/" + "a/" * 20_000 + "%zz",
        "/" + "a" * 60_000 + "!",
        "/" + "../" * 20_000,
        "/" + "a./" * 20_000 + "%41",
    ):
        try:
            parse_target("GET", path)
        except ProtocolError:
            pass
    assert time.process_time() - start < 5


def test_a_query():
    query = Query("a=1&a=2&b=%C3%BC+x&c&=d&e=f=g&%3d=%26")
    assert dict(query) == {"a": "2", "b": "ü x", "c": "", "": "d", "e": "f=g", "=": "&"}
    assert (len(query), query.get_all("a"), query.get_all("z"), query.get("z")) == (6, ["1", "2"], [], None)
    assert repr(Query("a=1")) == "Query([('a', '1')])"
