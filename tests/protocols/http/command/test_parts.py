"""The parts of the program without a network: command line, names, cookies in a file, what a terminal is shown."""

from __future__ import annotations

import argparse
import io
import os
import ssl
from http.cookiejar import CookieJar

import pytest

from protocols.http import ConnectionFailed, FetchTimeout, Headers, HTTPError, Response, parse_url
from protocols.http.client.cookies import Cookies
from protocols.http.command import body, values
from protocols.http.command.cookie_file import cookie_text, load_cookies, save_cookies
from protocols.http.command.messages import head_text, one_line, remedy
from protocols.http.command.names import LONGEST, as_name, name_of_answer, name_of_url
from protocols.http.command.options import REMOTE, parse
from protocols.http.command.progress import ERASE, Progress
from protocols.http.command.retries import LONGEST as LONGEST_PAUSE, Retries, TryAgain
from protocols.http.command.terminal import BinaryOutput, TerminalText
from protocols.http.command.write_out import NAMES, unknown, write_out
from reactor.testing import MemoryReactor

U = "http://a/"

# -- the command line --------------------------------------------------------------------------------------------------


def options_of(line):
    return vars(parse(line if isinstance(line, list) else line.split()))


HABITS = [
    ("-fsSL http://a/", {"fail": True, "quiet": True}),
    ("-sSLo f http://a/", {"outputs": ["f"], "quiet": True}),
    ("-of http://a/", {"outputs": ["f"]}),
    ("-XPOST http://a/", {"method": "POST"}),
    ("http://a/ -o f", {"outputs": ["f"]}),
    ("-o f http://a/ -O http://a/b -C", {"outputs": ["f", REMOTE], "resume": True}),
    ("-sSC- -o f http://a/", {"resume": True, "urls": [U]}),
    ("-C - -o f http://a/", {"resume": True, "urls": [U]}),
    ("-o f http://a/ -C -", {"resume": True, "urls": [U]}),
    ("--continue-at - -o f http://a/", {"resume": True, "urls": [U]}),
    ("--output=f http://a/", {"outputs": ["f"]}),
    ("-m 5 http://a/", {"timeout": 5.0}),
    ("--max-time 5 http://a/", {"timeout": 5.0}),
    ("-d a -d b http://a/", {"data": b"a&b", "method": "POST"}),
    ("-d -5 http://a/", {"data": b"-5"}),
    ("--data-raw @a http://a/", {"data": b"@a"}),
    ("--data-binary x http://a/", {"data": b"x", "method": "POST"}),
    ("-Gd a=1 http://a/?b", {"data": None, "urls": ["http://a/?b&a=1"], "method": "GET"}),
    ("-GId a=1 http://a/", {"method": "HEAD", "urls": ["http://a/?a=1"]}),
    ("--json {} http://a/", {"data": b"{}", "method": "POST"}),
    ("-I http://a/", {"method": "HEAD"}),
    ("--retry 3 http://a/", {"retry": 3}),
    ("--max-filesize 2k http://a/", {"max_body": 2048}),
    ("-- http://a/", {"urls": [U]}),
    ("-- -4", {"urls": ["http://-4"]}),
    ("--url http://a/ b", {"urls": [U, "http://b"]}),
    ("-o x http://b -o y --url http://a/", {"urls": ["http://b", U], "outputs": ["x", "y"]}),
    ("c --url=b --url http://a/", {"urls": ["http://c", "http://b", U]}),
    ("-# -N -g --compressed --http1.1 -Z http://a/", {"compressed": True}),
    ("-4 http://a/", {"ipv4": True, "urls": [U]}),
    ("--max-redirs -1 http://a/", {"max_redirs": 2**31}),
    ("--no-progress-meter http://a/", {"quiet": True}),
]


@pytest.mark.parametrize(("line", "expected"), HABITS, ids=[row[0] for row in HABITS])
def test_what_is_typed_for_curl(line, expected):
    found = options_of(line)
    assert {name: found[name] for name in expected} == expected


FIELDS = [
    (["-A", "me"], ("User-Agent", b"me")),
    (["-A", ""], ("User-Agent", None)),
    (["-e", "http://r/"], ("Referer", b"http://r/")),
    (["-b", "a=1", "-b", "b=é"], ("Cookie", "a=1; b=é".encode())),
    (["-r", "0-499"], ("Range", "bytes=0-499")),
    (["-r", "0-4, -5,9-"], ("Range", "bytes=0-4, -5,9-")),
    (["-u", "ada:se:cret"], ("Authorization", "Basic YWRhOnNlOmNyZXQ=")),
    (["-u", "ada:"], ("Authorization", "Basic YWRhOg==")),
    (["--json", "{}"], ("Accept", "application/json")),
    (["--json", "{}"], ("Content-Type", "application/json")),
    (["-d", "x"], ("Content-Type", "application/x-www-form-urlencoded")),
]


@pytest.mark.parametrize(("arguments", "field"), FIELDS)
def test_the_options_that_are_fields(arguments, field):
    assert field in options_of([*arguments, U])["headers"]


def test_a_field_that_is_typed_counts_more_than_an_option():
    headers = options_of(["-A", "me", "--json", "1", "-H", "user-agent: you", "-H", "accept: x", U])["headers"]
    assert [value for name, value in headers if name.lower() in ("user-agent", "accept")] == [b"you", b"x"]


WRONG = [
    ("-4z http://a/", "curl's -z in -4z is not here: -H 'If-Modified-Since: DATE'"),
    ("-9 http://a/", "unknown option -9"),
    ("-sZy http://a/", "curl's -y in -sZy is not here ("),
    ("--nope http://a/", "unknown option --nope"),
    ("--nope=1 http://a/", "unknown option --nope"),
    ("--retyr 3 http://a/", "is it --retry?"),
    ("-F a=b http://a/", "curl's -F is not here: send"),
    ("--location-trusted http://a/", "curl's --location-trusted is not here ("),
    ("--no-location http://a/", "curl's --no-location is not here: --no-redirect prints a redirect"),
    ("--no-compressed http://a/", "leave --compressed out"),
    ("--digest -u a:b http://a/", "curl's --digest is not here ("),
    ("--http2 http://a/", "curl's --http2 is not here ("),
    ("--http1.2 http://a/", "unknown option --http1.2 ("),
    ("--no-redirec http://a/", "is it --no-redirect?"),
    ("--redirect http://a/", "unknown option --redirect ("),
    ("--data-bin x http://a/", "is it --data-binary?"),
    ("-W http://a/", "unknown option -W ("),
    ("-r 5 http://a/", "must be a range of bytes"),
    ("-r - http://a/", "must be a range of bytes"),
    ("-r 1-2-3 http://a/", "must be a range of bytes"),
    ("-e http://r/;auto http://a/", "curl's ';auto' is not here"),
    ("--request= http://a/", "needs a method"),
    ("--upload-file= http://a/", "-T needs the name of a file"),
    ("-E tests/certificates/ca.pem --key tests/certificates/client.pem http://a/", "another certificate's"),
    ("-E tests/certificates/ca.pem http://a/b ", "there is no private key in it: give --key FILE"),
    ("-E pyproject.toml http://a/", "there is no certificate in it"),
    ("http://a/ -o", "-o needs a value: -o FILE"),
    ("http://a/ --retry", "--retry needs a value"),
    ("--silent=1 http://a/", "--silent takes no value"),
    ("-C 500 -o f http://a/", "-C takes no offset"),
    ("-C500 -o f http://a/", "-C takes no offset"),
    ("--timeout x http://a/", "must be a number of seconds above 0, not 'x'"),
    ("--timeout nan http://a/", "must be a number of seconds"),
    ("--retry x http://a/", "must be a whole number from 0 up, not 'x'"),
    ("--max-body 1z http://a/", "must be a number of bytes, such as 1000, 10k or 4M, not '1z'"),
    ("-r x http://a/", "must be a range of bytes"),
    ("-u ada http://a/", "must be NAME:PASSWORD"),
    ("-x socks5://p http://a/", "SOCKS"),
    ("-x http://[ http://a/", "without its ]"),
    ("-d 1 --json 2 http://a/", "-d and --json are two bodies"),
    ("-d 1 -T x http://a/", "-d and -T are two bodies"),
    ("-T x -T y http://a/ http://b/", "here are 2 of -T and 2 URLs"),
    ("-T x http://a/ http://b/", "here are 1 of -T and 2 URLs"),
    ("-T x -T y http://a/", "here are 2 of -T and 1 URLs"),
    ("-T /no/such http://a/", "cannot read /no/such: No such file or directory"),
    ("-I -d x http://a/", "-I asks for the head alone"),
    ("-O http://a/", "has no name of a file in it"),
    ("-O http://a/b/..", "has no name of a file in it"),
    ("-O http://a/b http://a/c", "a -o or -O for each"),
    ("-o a -o b http://a/b", "1 URLs, and 2"),
    ("-J http://a/b", "-J needs -O"),
    ("-CJO http://a/b", "-J learns it from the answer"),
    ("-C --compressed -o f http://a/b", "not with --compressed"),
    ("-C -r 0-1 -o f http://a/b", "one of them"),
    ("-C http://a/b", "-C needs a file"),
    ("-w %{nope} http://a/b", "there is no %{nope}"),
    ("-4 -6 http://a/b", "leave nothing to connect to"),
    ("-E /no/such http://a/b", "cannot read /no/such"),
    ("--key tests/certificates/client.pem http://a/b", "--key needs --cert"),
    ("-E tests/certificates/ca.pem http://a/b", "cannot use tests/certificates/ca.pem"),
    ("-f", "give a URL"),
    ("ftp://a/", "only http and https"),
]


@pytest.mark.parametrize(("line", "complaint"), WRONG, ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_one_line_that_names_it(capsys, line, complaint):
    with pytest.raises(SystemExit) as left:
        parse(line.split())
    out, err = capsys.readouterr()
    assert (left.value.code, out, err.count("\n")) == (2, "", 1)
    assert complaint in err


@pytest.mark.parametrize("text", [" http://a/ ", "http://a/\r\n", "\thttp://a/", "a/", "//a/"])
def test_a_url_is_trimmed_and_has_a_scheme(text):
    assert values.address(text) == U


def test_bytes_of_the_command_line_that_are_no_text_are_sent_as_they_are():
    gbk = os.fsdecode(b"http://a/\xd6\xd0?\xce\xc4")
    assert parse_url(values.address(gbk)).target == "/%D6%D0?%CE%C4"
    assert values.data(os.fsdecode(b"\xd6")) == b"\xd6"


DATA = [("a b", b"a%20b"), ("=a&b", b"a%26b"), ("n=a=b", b"n=a%3Db"), ("é", b"%C3%A9"), ("n=", b"n=")]


@pytest.mark.parametrize(("text", "expected"), DATA)
def test_data_that_is_encoded(text, expected):
    assert values.encoded_data(text) == expected


def test_data_from_a_file(tmp_path):
    (tmp_path / "f").write_bytes(b"a\n\0b")
    assert values.data(f"@{tmp_path}/f") == b"a\n\0b"
    assert values.encoded_data(f"n@{tmp_path}/f") == b"n=a%0A%00b"
    with pytest.raises(argparse.ArgumentTypeError, match="cannot read /no/such"):
        values.encoded_data("@/no/such")


def test_a_password_is_asked_for_where_somebody_is_there(monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr("getpass.getpass", lambda prompt: "secret")
    assert values.user("ada") == "Basic YWRhOnNlY3JldA=="


def test_a_proxy_with_a_name_and_a_password():
    choose = options_of(["-x", "p:3128", "-U", "ada:secret", "--noproxy", "b c", U])["choose_proxy"]
    assert choose(parse_url(U)).fields == (("Proxy-Authorization", "Basic YWRhOnNlY3JldA=="),)
    assert choose(parse_url("http://b/")) is None
    assert options_of(["-x", "", U])["choose_proxy"](parse_url(U)) is None


def test_where_an_upload_goes():
    assert body.with_name("http://a/b/", "-") == "http://a/b/"
    assert body.with_name("http://a/b/?c", "d/é.txt") == "http://a/b/%C3%A9.txt?c"


# -- names -------------------------------------------------------------------------------------------------------------

URLS = [
    ("http://a/b.txt", "b.txt"), ("http://a/b/c.txt?x=/y", "c.txt"), ("http://a/c#/d", "c"), ("http://a/", None),
    ("http://a", None), ("http://a?b/c", None), ("http://a/b/", None), ("http://a/.", None), ("http://a/..", None),
    ("http://a/%2e%2e%2fetc%2fpasswd", "%2e%2e%2fetc%2fpasswd"), ("http://a/a%20b", "a%20b"),
    ("http://a/文.zip", "文.zip"),
    ("http://a/b\x1b[2Jc", "b[2Jc"), ("http://a/\u202egnp.exe", "gnp.exe"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "name"), URLS)
def test_the_name_in_a_url(url, name):
    assert name_of_url(url) == name


ANSWERS = [
    ("attachment; filename=a.txt", "a.txt"), ('attachment; filename="a b.txt"', "a b.txt"),
    ('attachment; filename="a\\"b"', 'a"b'), ("attachment; filename=a.txt; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
    ('attachment; filename="../../etc/passwd"', "passwd"), ('attachment; filename="C:\\\\Windows\\\\a.exe"', "a.exe"),
    ("attachment; filename*=UTF-8''..%2f..%2fa", "a"), ("attachment; filename=/etc/passwd", "passwd"),
    ("attachment; filename=-rf", "rf"), ("attachment; filename*=UTF-8''%1b-rf", "rf"),
    ("attachment; filename=.bashrc", "bashrc"), ("attachment; filename=..", None), ('attachment; filename=""', None),
    ("attachment", None), ("", None), ("inline; FileName = x ", "x"),
    ('attachment; filename="\xe6\x96\x87.zip"', "文.zip"), ('attachment; filename="\xe9.zip"', "é.zip"),
    ("attachment; filename*=x-nope''a; filename=b", "b"), ('attachment; filename="a\tb"', "a b"),
    ("attachment; notfilename=a", None), ("attachment;filename=a", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "name"), ANSWERS)
def test_the_name_that_a_server_gives_leads_nowhere(value, name):
    assert name_of_answer(Headers.parsed([("Content-Disposition", value)])) == name


def test_a_name_that_the_locale_cannot_write_is_percent_encoded(monkeypatch):
    monkeypatch.setattr(os, "fsencode", lambda name: name.encode("ascii"))
    assert as_name("näme 1.txt") == "n%C3%A4me 1.txt"


def test_bytes_of_a_file_s_name_are_shown():
    assert one_line("cannot write a\udcff/\x1b") == r"cannot write a\xff/"


def test_a_name_fits_and_keeps_its_ending():
    for long in ("文" * 200 + ".tar.gz", "é" * 300, "a" * 300 + ".x", "." + "a" * 300):
        name = as_name(long)
        assert len(os.fsencode(name)) <= LONGEST
        assert "\ufffd" not in name
        assert name.encode()
    assert as_name("文" * 200 + ".gz").endswith("文.gz")


# -- cookies in a file -------------------------------------------------------------------------------------------------

CURL = """# Netscape HTTP Cookie File
# https://curl.se/docs/http-cookies.html

#HttpOnly_127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\t1
.example.com\tTRUE\t/\tTRUE\t4102444800\tlong\tv=w
localhost\tFALSE\t/a\tFALSE\t0\there\t
example.org\tTRUE\t/\tFALSE\t1\told\tgone
not a line
a\tb
"""


def cookies_in(jar):
    return sorted((cookie.domain, cookie.name, cookie.value, cookie.path, cookie.secure) for cookie in jar)


def test_a_file_of_curl_s_is_read_and_written_so_that_curl_reads_it(tmp_path):
    path = tmp_path / "jar"
    path.write_text(CURL)
    jar = CookieJar()
    load_cookies(jar, str(path))
    assert cookies_in(jar) == [
        (".example.com", "long", "v=w", "/", True),
        ("127.0.0.1", "session", "1", "/", False),
        ("localhost.local", "here", "", "/a", False),
    ]
    assert Cookies(jar).header_for(parse_url("http://127.0.0.1/")) == "session=1"
    assert Cookies(jar).header_for(parse_url("https://www.example.com/")) == "long=v=w"
    path.chmod(0o644)
    save_cookies(jar, str(path))
    lines = set(path.read_text().splitlines())
    assert {line for line in CURL.splitlines() if "\t" in line} - lines == {
        "example.org\tTRUE\t/\tFALSE\t1\told\tgone",
        "a\tb",
    }
    assert path.stat().st_mode & 0o777 == 0o600
    again = CookieJar()
    load_cookies(again, str(path))
    assert cookies_in(again) == cookies_in(jar)


def test_a_pipe_or_a_device_is_written_to_and_stays_what_it_is(tmp_path):
    path, jar = tmp_path / "cookies", CookieJar()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        save_cookies(jar, str(path))
        assert os.read(reader, 10_000).decode() == cookie_text(jar)
    finally:
        os.close(reader)
    assert path.is_fifo()
    assert [there.name for there in tmp_path.iterdir()] == ["cookies"]


def test_what_a_server_writes_into_a_cookie_is_one_line():
    jar = CookieJar()
    Cookies(jar).store(parse_url(U), Headers.parsed([("Set-Cookie", "a=b\tc\td")]))
    assert all(line.count("\t") in (0, 6) for line in cookie_text(jar).splitlines())
    assert "a" not in {line.split("\t")[-2] for line in cookie_text(jar).splitlines() if "\t" in line}


def test_a_file_of_something_else_is_told_from_one_without_cookies(tmp_path):
    path = tmp_path / "jar"
    for text, good in [("", True), ("# Netscape\n\n", True), ("Set-Cookie: a=1\n", False), ("junk", False)]:
        path.write_text(text)
        assert load_cookies(CookieJar(), str(path)) is good


def test_a_file_that_is_not_there_has_no_cookies(tmp_path):
    jar = CookieJar()
    load_cookies(jar, str(tmp_path / "no"))
    assert len(jar) == 0


# -- what a terminal is shown ------------------------------------------------------------------------------------------

SHOWN = [
    (b"plain \xe6\x96\x87\r\n\t.", b"plain \xe6\x96\x87\r\n\t."),
    (b"\x1b[1;31mred\x1b[m", b"\x1b[1;31mred\x1b[m"),
    (b"\x1b]0;pwned\x07", b"?]0;pwned?"),
    (b"\x1b[2J\x1b[H", b"?[2J?[H"),
    (b"a\x08\x08b\x7f", b"a??b?"),
    (b"\xc2\x9b2J\xc2\xa9", b"?2J\xc2\xa9"),
    (b"\x1b\x1b[31m", b"?\x1b[31m"),
    (b"\x1b[" + b"1;" * 200 + b"m", None),
    (b"end \x1b", b"end ?"),
    (b"end \xc2", b"end \xc2"),
]


@pytest.mark.parametrize(("data", "expected"), SHOWN)
def test_a_terminal_is_shown_text_and_colours_at_every_cut(data, expected):
    def shown(*pieces):
        text = TerminalText()
        return b"".join(map(text.feed, pieces)) + text.finish()

    expected = shown(data) if expected is None else expected
    if len(data) < 100:
        for cut in range(len(data) + 1):
            assert shown(data[:cut], data[cut:]) == expected
        assert shown(*(bytes([byte]) for byte in data)) == expected


def test_binary_is_not_shown_and_the_message_says_what_to_do():
    with pytest.raises(BinaryOutput, match="-o FILE saves it"):
        TerminalText().feed(b"PNG\0")


def test_a_head_on_a_terminal_and_in_a_pipe():
    response = Response(200, "OK", Headers.parsed([("X", "a\x9b2J\x9f"), ("Y", "\xe6\x96\x87")]))
    assert head_text(response, for_terminal=True) == "HTTP/1.1 200 OK\r\nX: a2J\r\nY: 文\r\n\r\n".encode()
    assert head_text(response, for_terminal=False).endswith(b"X: a\x9b2J\x9f\r\nY: \xe6\x96\x87\r\n\r\n")
    assert one_line("a b\x1b[2J\u202e c") == "a b[2J c"


# -- the row of progress -----------------------------------------------------------------------------------------------


def test_the_row_is_left_as_it_was_in_the_end(monkeypatch):
    """What came since the last look is in it."""
    monkeypatch.setattr("sys.stderr", screen := io.StringIO())
    monkeypatch.setattr(screen, "isatty", lambda: True)
    with MemoryReactor() as reactor:
        progress = Progress(reactor, True)
        progress.expect(Response(200, "", Headers({"Content-Length": "100"})))
        progress.advance(50)
        reactor.advance(1)
        progress.advance(50)
        progress.end()
    *_, last = screen.getvalue().split(ERASE)
    assert "100 B of 100 B" in last
    assert last.endswith("\n")


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_write_out():
    assert write_out("%{http_code}%%\\t\\q%{", {"http_code": 200}) == "200%\t\\q%{"
    assert unknown("%{http_code}" + "".join(f"%{{{name}}}" for name in NAMES)) is None


@pytest.mark.parametrize(("code", "begins"), [(20, "; --cacert FILE"), (62, "; -k takes"), (10, "; -k takes")])
def test_another_root_helps_only_where_the_issuer_is_unknown(code, begins):
    bad = ssl.SSLCertVerificationError()
    bad.verify_code = code
    error = ConnectionFailed("no")
    error.__cause__ = bad
    assert remedy(error).startswith(begins)
    assert remedy(HTTPError("no")) == ""


def retries(line="", now=0.0):
    return Retries(parse([*line.split(), U]), lambda: now)


def test_when_it_is_tried_again():
    busy = TryAgain(Response(503, "", Headers()), "503")
    assert retries().pause(busy) is None
    one = retries("--retry 3")
    assert [one.pause(busy) for _ in range(4)] == [1, 2, 4, None]
    assert retries("--retry 1 --retry-delay 5").pause(busy) == 5
    asked = TryAgain(Response(503, "", Headers({"Retry-After": "20"})), "503")
    assert retries("--retry 1").pause(asked) == 20
    assert retries("--retry 1 --retry-max-time 10").pause(asked) is None
    tomorrow = TryAgain(Response(503, "", Headers({"Retry-After": "86400"})), "503")
    assert retries("--retry 1").pause(tomorrow) is None, "nobody waits for a day unasked"
    assert retries("--retry 1 --retry-max-time 90000").pause(tomorrow) == 86_400
    assert retries("--retry 1").pause(FetchTimeout("late")) == 1
    refused = HTTPError("cannot connect to a:80: Connection refused")
    assert retries("--retry 1").pause(refused) is None
    assert retries("--retry 1 --retry-connrefused").pause(refused) == 1
    assert retries("--retry 1 --retry-all-errors").pause(HTTPError("reset")) == 1
    assert retries("--retry 1 --retry-all-errors").pause(OSError("disk")) is None
    long = retries("--retry 99")
    assert max(filter(None, [long.pause(busy) for _ in range(99)])) == LONGEST_PAUSE
    assert not one.wants_another(Response(503, "", Headers())), "there is no try left"
    for status in (429, 503, 404, 200):
        assert retries("--retry 1").wants_another(Response(status, "", Headers())) is (status in (429, 503))
    assert retries("--retry 1 -f --retry-all-errors").wants_another(Response(404, "", Headers()))
    late = Response(503, "", Headers({"Retry-After": "20"}))
    assert not retries("--retry 1 --retry-max-time 10").wants_another(late), "so it is the answer, body and all"
    assert not retries("--retry 1").wants_another(Response(503, "", Headers({"Retry-After": "86400"})))
