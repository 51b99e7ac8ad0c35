"""URLs by tables: what is taken, as what, and what is refused before anything is done with it."""

from __future__ import annotations

import pytest

from protocols.http.url import MAX_URL, encode, parse_url, remove_dot_segments, resolve

GOOD = [
    # URL, text, host, port, target, Host field
    ("http://a", "http://a/", "a", 80, "/", "a"),
    ("http://a/", "http://a/", "a", 80, "/", "a"),
    ("HTTP://EXAMPLE.com/Path", "http://example.com/Path", "example.com", 80, "/Path", "example.com"),
    ("https://a", "https://a/", "a", 443, "/", "a"),
    ("https://a:443/", "https://a/", "a", 443, "/", "a"),
    ("http://a:443/", "http://a:443/", "a", 443, "/", "a:443"),
    ("http://a:/", "http://a/", "a", 80, "/", "a"),
    ("http://a:00080/", "http://a/", "a", 80, "/", "a"),
    ("http://a:65535", "http://a:65535/", "a", 65535, "/", "a:65535"),
    ("http://a?q", "http://a/?q", "a", 80, "/?q", "a"),
    ("http://a/?", "http://a/?", "a", 80, "/?", "a"),
    ("http://a/x#part?no", "http://a/x", "a", 80, "/x", "a"),
    ("http://a#f", "http://a/", "a", 80, "/", "a"),
    ("http://a/b c", "http://a/b%20c", "a", 80, "/b%20c", "a"),
    ("http://a/%41%zz%", "http://a/%41%25zz%25", "a", 80, "/%41%25zz%25", "a"),
    ("http://a/你?q=好", "http://a/%E4%BD%A0?q=%E5%A5%BD", "a", 80, "/%E4%BD%A0?q=%E5%A5%BD", "a"),
    ('http://a/"<>\\^`{|}', "http://a/%22%3C%3E%5C%5E%60%7B%7C%7D", "a", 80, "/%22%3C%3E%5C%5E%60%7B%7C%7D", "a"),
    ("http://a/a/./b/../c", "http://a/a/c", "a", 80, "/a/c", "a"),
    ("http://a/../../x", "http://a/x", "a", 80, "/x", "a"),
    ("http://a//x", "http://a//x", "a", 80, "//x", "a"),
    ("http://a/x?y=/../z", "http://a/x?y=/../z", "a", 80, "/x?y=/../z", "a"),
    ("http://a/x;p=[1]?b[]=!$&'()*+,;=:@", "http://a/x;p=[1]?b[]=!$&'()*+,;=:@", "a", 80, None, "a"),
    ("http://[::1]/", "http://[::1]/", "::1", 80, "/", "[::1]"),
    ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/", "2001:db8::1", 8080, "/", "[2001:db8::1]:8080"),
    ("http://[fe80::1%25eth0]:81/", "http://[fe80::1]:81/", "fe80::1%eth0", 81, "/", "[fe80::1]:81"),
    ("http://[fe80::1%eth0]/", "http://[fe80::1]/", "fe80::1%eth0", 80, "/", "[fe80::1]"),
    ("http://bücher.example/", "http://xn--bcher-kva.example/", "xn--bcher-kva.example", 80, "/", None),
    ("http://straße.example/", "http://xn--strae-oqa.example/", "xn--strae-oqa.example", 80, "/", None),
    ("http://STRAẞE.example/", "http://xn--strae-oqa.example/", "xn--strae-oqa.example", 80, "/", None),
    ("http://Βόλος.example/", "http://xn--nxasmm1c.example/", "xn--nxasmm1c.example", 80, "/", None),
    ("http://ΒΌΛΟΣ.example/", "http://xn--nxasmq6b.example/", "xn--nxasmq6b.example", 80, "/", None),
    ("http://例え.jp/", "http://xn--r8jz45g.jp/", "xn--r8jz45g.jp", 80, "/", None),
    ("http://example.com./", "http://example.com./", "example.com.", 80, "/", "example.com."),
    ("http://under_score.example/", "http://under_score.example/", "under_score.example", 80, "/", None),
    ("http://127.1/", "http://127.1/", "127.1", 80, "/", "127.1"),
]


@pytest.mark.parametrize(("url", "text", "host", "port", "target", "netloc"), GOOD, ids=[row[0] for row in GOOD])
def test_what_a_url_comes_to(url, text, host, port, target, netloc):
    parsed = parse_url(url)
    assert (str(parsed), parsed.host, parsed.port) == (text, host, port)
    assert target is None or parsed.target == target
    assert netloc is None or parsed.netloc == netloc
    assert str(parse_url(str(parsed))) == str(parsed)  # nothing is encoded twice


CONTROLS = [*map(chr, range(0x20)), "\x7f"]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
@pytest.mark.parametrize("template", ["{}http://a/b", "ht{}tp://a/b", "http://a{}/b", "http://a/b{}c", "http://a/?b{}"])
def test_a_control_character_is_refused_wherever_it_stands(template, control):
    with pytest.raises(ValueError, match="control character"):
        parse_url(template.format(control))


BAD = [
    ("", "no scheme"),
    ("example.com", "no scheme"),
    ("/path", "no scheme"),
    ("//a/b", "no scheme"),
    (" http://a/", "no scheme"),
    ("ftp://a/", "only http and https"),
    ("file:///etc/passwd", "only http and https"),
    ("javascript:alert(1)", "only http and https"),
    ("localhost:8000/x", "only http and https URLs can be fetched, not localhost:"),
    ("http:/a", "names no host"),
    ("http:a", "names no host"),
    ("http://", "names no host"),
    ("http:///x", "names no host"),
    ("http://:80/", "names no host"),
    ("http://u@/", "names no host"),
    ("http://a:0/", "port must be a number from 1 to 65535, not 0"),
    ("http://a:65536/", "not 65536"),
    ("http://a:123456/", "port"),
    ("http://a:-1/", "port"),
    ("http://a:+80/", "port"),
    ("http://a:8_0/", "port"),
    ("http://a:٨٠/", "port"),
    ("http://a:80:80/", "colons"),
    ("http://a b/", "no host name"),
    ("http://a%41/", "no host name"),
    ("http://a,b/", "no host name"),
    ("http://<a>/", "no host name"),
    ("http://a..b/", "empty label"),
    ("http://.a/", "empty label"),
    ("http://" + "a" * 64 + ".de/", "longer than a name can be"),
    ("http://" + "a." * 130 + "de/", "longer than a name can be"),
    ("http://a\u200db.example/", r"ZERO WIDTH JOINER \(U\+200D\)"),
    ("http://a\u200cb.example/", "write the xn-- form"),
    ("http://" + "ß" * 63 + "/", "longer than a name can be"),
    ("http://ü" + "a" * 70 + "/", "ASCII"),
    ("http://evil.example\\@good.example/", "backslash"),
    ("http://[::1/", r"\[ without"),
    ("http://::1/", "in brackets"),
    ("http://fe80::1:8080/", "in brackets"),
    ("http://[::g]/", "IPv6"),
    ("http://[127.0.0.1]/", "IPv6"),
    ("http://[v1.x]/", "IPv6"),
    ("http://[fe80::1%25]/", "IPv6"),
    ("http://[fe80::1%25a b]/", "IPv6"),
    ("http://[::1]x/", "port"),
    ("http://a%3Ab:c@h/", "colon"),
    ("http://a/\ud800", "surrogate"),
    ("http://a/" + "x" * MAX_URL, "longer than"),
]


@pytest.mark.parametrize(("url", "reason"), BAD, ids=[row[0][:40] for row in BAD])
def test_what_is_no_url_is_refused_with_a_reason(url, reason):
    with pytest.raises(ValueError, match=reason):
        parse_url(url)


@pytest.mark.parametrize("url", [None, 5, b"http://a/"])
def test_a_url_is_a_str(url):
    with pytest.raises(TypeError, match="a URL is a str"):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "userinfo"),
    [
        ("http://h/", None),
        ("http://ada@h/", (b"ada", b"")),
        ("http://ada:@h/", (b"ada", b"")),
        ("http://ada:pass:word@h/", (b"ada", b"pass:word")),
        ("http://a%40b:%2F%3A%25@h/", (b"a@b", b"/:%")),
        ("http://ü:é@h/", ("ü".encode(), "é".encode())),
        ("http://a@b:c@h/", (b"a@b", b"c")),
        ("http://:secret@h/", (b"", b"secret")),
    ],
)
def test_name_and_password_are_decoded_and_shown_nowhere(url, userinfo):
    parsed = parse_url(url)
    assert parsed.userinfo == userinfo
    assert parsed.host == "h"
    assert parsed.netloc == "h"
    assert str(parsed) == "http://h/"
    assert "secret" not in repr(parsed)


@pytest.mark.parametrize(
    "url", ["http://ada:secret@h:99999/", "http://ada:secret@h h/", "ftp://ada:secret@h/", "http://ada:secret/x@h/"]
)
def test_no_error_repeats_a_password(url):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        parse_url(url)
    assert "secret" not in str(caught.value)


# RFC 3986, 5.4. "g:h" and "http:g" are schemes of their own here.
RFC_BASE = "http://a/b/c/d;p?q"
RFC_REFERENCES = [
    ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("#s", "http://a/b/c/d;p?q"),
    ("g#s", "http://a/b/c/g"), ("g?y#s", "http://a/b/c/g?y"), (";x", "http://a/b/c/;x"), ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"),
    ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"),
    ("../../", "http://a/"), ("../../g", "http://a/g"), ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"),
    ("/./g", "http://a/g"), ("/../g", "http://a/g"), ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"),
    ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"), ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"),
    ("g/./h", "http://a/b/c/g/h"), ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
    ("g;x=1/../y", "http://a/b/c/y"), ("g?y/./x", "http://a/b/c/g?y/./x"), ("g#s/../x", "http://a/b/c/g"),
    ("?", "http://a/b/c/d;p?"), ("http://z/?#", "http://z/?"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "expected"), RFC_REFERENCES, ids=[row[0] or "empty" for row in RFC_REFERENCES])
def test_references_are_resolved_as_in_the_rfc(reference, expected):
    assert str(parse_url(RFC_BASE).join(reference)) == expected


def test_a_zone_and_a_port_last_within_a_host():
    url = parse_url("http://[fe80::1%25eth0]:8080/a").join("b")
    assert (url.host, url.port, url.target) == ("fe80::1%eth0", 8080, "/b")
    assert parse_url("https://u:p@h:444/").join("/x").origin == ("https", "h", 444)


@pytest.mark.parametrize("reference", ["g:h", "http:g", "mailto:a@b", "http://", "\r\nx", "//[::1/x"])
def test_a_reference_to_what_cannot_be_fetched_is_refused(reference):
    with pytest.raises(ValueError, match=r"."):
        parse_url(RFC_BASE).join(reference)


def test_whose_certificate_it_must_be():
    names = {
        url: parse_url(url).certificate_name for url in ("https://a./", "https://[fe80::1%25e]/", "https://1.2.3.4/")
    }
    assert list(names.values()) == ["a", "fe80::1", "1.2.3.4"]


def test_a_question_of_somebody_becomes_one_parameter():
    from urllib.parse import quote

    question = "a&key=x#f%00 +é\r\nX-Header: 1"
    url = parse_url("http://h/?info=" + quote(question, safe=""))
    assert url.target == "/?info=a%26key%3Dx%23f%2500%20%2B%C3%A9%0D%0AX-Header%3A%201"


def test_helpers():
    assert encode("a b%20c") == "a%20b%20c"
    assert remove_dot_segments("/a/b/.") == "/a/b/"
    assert resolve("http://a/b", "c?d#e") == "http://a/c?d"


LABEL = "a" * 63
FULL = ".".join([LABEL] * 3 + ["b" * 61])  # 253 characters: what RFC 1035, 2.3.4 leaves of its 255 octets


@pytest.mark.parametrize("host", [f"{LABEL}.de", FULL, f"{FULL}."])
def test_a_host_may_be_as_long_as_a_name_can_be(host):
    assert parse_url(f"http://{host}/").host == host


@pytest.mark.parametrize("host", [f"{LABEL}a.de", f"b{FULL}", f"{FULL}b.", ".".join([LABEL] * 4)])
def test_a_host_that_is_longer_by_one_is_refused(host):
    with pytest.raises(ValueError, match="longer than a name can be"):
        parse_url(f"http://{host}/")


def test_a_host_is_measured_before_it_is_encoded(monkeypatch):
    """20,000 labels took half a second, and one of 30,000 letters was a message of as many."""
    monkeypatch.setattr("protocols.http.url._HOST", None)  # nothing looks at it any more
    for host in ("é." * 20_000, "é" * 30_000, "a." * 30_000, "a" * 300):
        with pytest.raises(ValueError, match="longer than a name can be") as caught:
            parse_url(f"http://{host}/")
        assert len(str(caught.value)) < 300
    monkeypatch.undo()
    assert len(parse_url("http://" + "a." * 126 + "a.").host) == 254


@pytest.mark.parametrize("url", ["http://[" + "1" * 60_000 + "]", "x" * 60_000 + "://a", "http://a" + "\u3002" * 200])
def test_a_message_has_only_the_beginning_of_what_a_stranger_wrote(url):
    with pytest.raises(ValueError, match=r".") as caught:
        parse_url(url)
    assert len(str(caught.value)) < 400
