"""Cookies: from one redirect to the next, from one fetch to the next where they share a jar, and never elsewhere."""

from __future__ import annotations

import random
from http.cookiejar import CookieJar

import pytest

from protocols.http import CallbackFailed, Client, Headers, RedirectError, fetch, parse_url
from protocols.http.client.cookies import MAX_COOKIES, MAX_FIELD, MAX_FIELDS, MAX_SENT, Cookies, join_cookies
from tests.kit.work import is_straight

from .scenes import Server, answer, redirect, stage

reactor = pytest.fixture(stage)


@pytest.fixture
def server(reactor):
    return Server(reactor)


def sent(server):
    return [request.headers.get("cookie") for request in server.requests]


def wall(peer):
    """Lets in only who brings its cookie, as the walls of news sites do."""
    if "seen=1" in (peer.server.requests[-1].headers.get("cookie") or ""):
        return peer.do(answer(b"inside"))
    return peer.do(redirect(peer.server.requests[-1].target, Set_Cookie="seen=1; Path=/"))


def test_a_cookie_wall_is_passed(reactor, server):
    server.answers = [[wall]]
    response = reactor.run_until(fetch(reactor, f"{server.url}/news", proxy=False))
    assert (response.body, sent(server)) == (b"inside", [None, "seen=1"])
    response = reactor.run_until(fetch(reactor, f"{server.url}/news", proxy=False))
    assert sent(server)[2:] == [None, "seen=1"], "nothing is kept for another fetch"


def test_a_wall_that_lets_nobody_in_is_a_failure_all_the_same(reactor, server):
    server.answers = [redirect("/", Set_Cookie="a=1")]
    with pytest.raises(RedirectError, match="more than 10 redirects"):
        reactor.run_until(fetch(reactor, server.url, proxy=False))


def test_a_login_sends_back_to_where_it_came_from(reactor, server):
    ways = {
        ("/", None): redirect("/login"),
        ("/login", None): redirect("/consent", Set_Cookie="session=1; Path=/"),
        ("/consent", "session=1"): redirect("/login", Set_Cookie="consent=1; Path=/"),
        ("/login", "session=1; consent=1"): redirect("/"),
        ("/", "session=1; consent=1"): answer(b"inside"),
    }
    server.answers = [[lambda peer: peer.do(ways[server.requests[-1].target, sent(server)[-1]])]]
    assert reactor.run_until(fetch(reactor, server.url, proxy=False)).body == b"inside"


def test_a_jar_is_shared_by_the_fetches_of_a_client(reactor, server):
    server.answers = [answer(Set_Cookie="a=1"), answer()]
    jar = CookieJar()
    with Client(reactor, proxy=False, cookies=jar) as client:
        for _ in range(2):
            reactor.run_until(client.fetch(server.url))
        reactor.run_until(client.fetch(server.url, headers={"Cookie": "b=2; a=3"}))
    assert sent(server) == [None, "a=1", "b=2; a=3"]
    assert [cookie.name for cookie in jar] == ["a"]
    reactor.run_until(fetch(reactor, server.url, proxy=False, cookies=jar))
    assert sent(server)[-1] == "a=1"


def test_another_host_gets_none_of_them(reactor, server):
    other = Server(reactor, host="127.0.0.1")
    server.answers = [redirect(f"http://127.0.0.1:{other.port}/", Set_Cookie="a=1")]
    other.answers = [answer()]
    reactor.run_until(fetch(reactor, server.url, proxy=False, headers={"Cookie": "mine=1"}))
    assert (sent(server), sent(other)) == (["mine=1"], [None])


RULES = [  # what is set at http://www.example.com/a/b, where it is asked for next, whether it is sent
    ("x=1", "http://www.example.com/a/c", True),
    ("x=1", "http://www.example.com/b", False),
    ("x=1; Path=/", "http://www.example.com/b", True),
    ("x=1; Path=/", "http://example.com/", False),
    ("x=1; Path=/; Domain=example.com", "http://other.example.com/", True),
    ("x=1; Path=/; Domain=other.example.com", "http://other.example.com/", False),
    ("x=1; Path=/; Domain=com", "http://a.com/", False),
    ("x=1; Path=/; Secure", "http://www.example.com/", False),
    ("x=1; Path=/; Secure", "https://www.example.com/", True),
    ("x=1; Path=/; Max-Age=0", "http://www.example.com/", False),
    ("x=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://www.example.com/", False),
    ("", "http://www.example.com/a/c", False),
    ("=", "http://www.example.com/a/c", False),
]


@pytest.mark.parametrize(("field", "url", "is_sent"), RULES)
def test_the_rules(field, url, is_sent):
    cookies = Cookies()
    cookies.store(parse_url("http://www.example.com/a/b"), Headers([("Set-Cookie", field)]))
    assert (cookies.header_for(parse_url(url)) is not None) is is_sent


def test_a_whole_country_has_no_cookie():
    cookies = Cookies()
    cookies.store(parse_url("http://www.example.co.uk/"), Headers([("Set-Cookie", "x=1; Domain=co.uk")]))
    assert cookies.header_for(parse_url("http://other.co.uk/")) is None


def test_what_a_server_may_have_kept_is_bounded():
    url, jar = parse_url("http://example.com/"), CookieJar()
    cookies = Cookies(jar)
    cookies.store(url, Headers([("Set-Cookie", f"n{number}=x") for number in range(2 * MAX_FIELDS)]))
    assert len(jar) == MAX_FIELDS
    cookies.store(url, Headers([("Set-Cookie", "long=" + "x" * MAX_FIELD)]))
    assert len(jar) == MAX_FIELDS
    for many in range(0, 2 * MAX_COOKIES, MAX_FIELDS):
        cookies.store(url, Headers([("Set-Cookie", f"m{many + n}={'x' * 20}") for n in range(MAX_FIELDS)]))
    assert MAX_COOKIES <= len(jar) < MAX_COOKIES + MAX_FIELDS
    header = cookies.header_for(url)
    assert header is not None
    assert MAX_SENT - 100 < len(header) <= MAX_SENT
    assert not header.endswith(";")


def test_nothing_of_a_server_s_breaks_the_jar():
    for junk in (
        "\x80=\xff",
        "a" * 4000,
        ";;;=;=",
        "x=1; expires=" + "1" * 3000,
        'x=1; port="80"; version=1',
        "a=b; domain=",
    ):
        cookies = Cookies()
        cookies.store(parse_url("http://[::1]/"), Headers.parsed([("Set-Cookie", junk), ("set-cookie", "good=1")]))
        assert "good=1" in (cookies.header_for(parse_url("http://[::1]/")) or "")


def test_names_are_joined_once():
    assert join_cookies("a=1", "a=2; b=3") == "a=1; b=3"
    assert join_cookies(" a = 1;b=2", "b=3; c=4") == " a = 1;b=2; c=4"


def test_what_happens_is_told_and_no_password(reactor, server):
    server.answers = [redirect("/b", Set_Cookie="s=1"), answer(b"x")]
    lines = []
    url = server.url.replace("://", "://ada:secret@")
    with Client(reactor, proxy=False) as client:
        reactor.run_until(client.fetch(url, trace=lines.append))
    assert lines[0].startswith("* connected to ")
    assert "> GET / HTTP/1.1" in lines
    assert "< HTTP/1.1 302 Found" in lines
    assert "< HTTP/1.1 200 OK" in lines
    assert "> Cookie: s=1" in lines
    assert "> Authorization: Basic (hidden)" in lines
    assert "c2VjcmV0" not in "".join(lines)
    assert [line for line in lines if line.startswith("* ")][1].endswith(", as before")


@pytest.mark.parametrize("sign", ["*", ">", "<"])
def test_a_trace_that_raises_ends_its_fetch_and_nothing_else(reactor, server, sign):
    def trace(line):
        assert not line.startswith(sign), "as I said"

    server.answers = [redirect("/"), answer()]
    with Client(reactor, proxy=False) as client:
        with pytest.raises(CallbackFailed, match="trace failed: as I said"):
            reactor.run_until(client.fetch(server.url, trace=trace))
        server.answers = [answer(b"x")]
        assert reactor.run_until(client.fetch(server.url)).body == b"x"


PARTS = [
    "a", "=", "b", ";", "; ", "expires", "max-age", "domain", "path", "version", "port", "secure", "9" * 400, "nan",
    "-", '"', "\\", ",", "Sun, 06 Nov 1994 08:49:37 GMT", "06-Nov-99999 1:1:1", "Thu Feb 31 25:61:61 2999", "\xff", ".",
    "example.com", ".com", "/", " ", "\t", "[", "::1", "0x10", "$Version", "1_000", "31 Dec 999999999999", "+9999",
]  # fmt: skip


def test_no_field_makes_the_jar_tell_of_a_bug_or_costs_another_its_place(request):
    """Of a Max-Age that is no number it tells on stderr, with a traceback, and takes nothing more."""
    dice = random.Random(7)
    for _ in range(40 * request.config.getoption("--seeds")):
        field = "".join(dice.choices(PARTS, k=dice.randint(1, 14)))
        if dice.random() < 0.5:
            field = f"a=b; {dice.choice(['expires', 'max-age', 'version', 'port', 'domain'])}={field}"
        cookies, url = (
            Cookies(),
            parse_url(dice.choice(["http://a.example.com/x", "http://[::1]/", "http://localhost/"])),
        )
        cookies.store(url, Headers.parsed([("Set-Cookie", field), ("Set-Cookie", "good=1")]))
        assert "good=1" in (cookies.header_for(url) or "")


@pytest.mark.parametrize("shape", ["a={}", "{}", "a=b; expires={}", "a=b; path={}", "a=b; domain={}", "a=b; port={}"])
@pytest.mark.parametrize("fill", [" ", ";", '"', "1", "1-", ".", "a.", "/", ",", "=,", "\\"])
def test_a_field_costs_what_it_has_bytes(shape, fill):
    url = parse_url("http://a.example.com/")

    def store(field):
        Cookies().store(url, Headers.parsed([("Set-Cookie", field)] * 10))

    assert is_straight(store, lambda size: shape.replace("{}", fill * (size // len(fill))), small=400)


def test_a_cookie_of_the_callers_own_in_any_script_is_sent_as_utf_8():
    jar, url = CookieJar(), parse_url("http://example.com/")
    Cookies(jar).store(url, Headers([("Set-Cookie", "a=1"), ("Set-Cookie", "b=\xe4")]))
    jar_cookies = {cookie.name: cookie for cookie in jar}
    assert Cookies(jar).header_for(url) == "a=1; b=\xe4"
    jar_cookies["a"].value = "\u20ac"
    assert Cookies(jar).header_for(url).startswith("a=\u20ac".encode().decode("latin-1"))
