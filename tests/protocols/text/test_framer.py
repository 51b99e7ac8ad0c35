"""Bytes into messages: every input is fed whole, at every cut, and byte by byte, and must give the same."""

from __future__ import annotations

import pytest

from protocols.text.framer import MAX_LINE, MAX_UNENDED, Fault, Item, TextFramer

TOO_LONG, NOT_UTF8, NO_NEWLINE = Fault.LINE_TOO_LONG, Fault.NOT_UTF8, Fault.NO_NEWLINE
NAWS = b"\xff\xfb\x1f\xff\xfa\x1f\x00P\x00\x18\xff\xf0"  # IAC WILL NAWS, IAC SB NAWS 80 24 IAC SE


def feed(*segments: bytes, finish: bool = False) -> list[Item]:
    framer = TextFramer()
    items = [item for segment in segments for item in framer.feed(segment)]
    return items + (framer.finish() if finish else [])


def cuts(data: bytes) -> list[int]:
    """Every place of a short text; both ends and some of what repeats itself between them of a long one."""
    places = range(1, len(data))
    return [*places] if len(data) <= 100 else [*places[:4], *places[4 : -4 : len(data) // 10], *places[-4:]]


def lines_after(first: bytes, *rest: bytes) -> list[Item]:
    """What `rest` gives once the connection is past its opening, where the fast path works."""
    return feed(b"warm up\n", first, *rest)[1:]


SCENES: dict[str, tuple[bytes, list[Item]]] = {
    "one line": (b"hello\n", ["hello"]),
    "crlf": (b"hello\r\n", ["hello"]),
    "several": (b"a\nb\r\nc\n", ["a", "b", "c"]),
    "empty lines": (b"\n\r\n\n", ["", "", ""]),
    "control characters are removed": (b"ab\0c\x1b[1m\r\n", ["abc[1m"]),
    "a lone CR": (b"a\rb\nc\r\r\n", ["a", "b", "c", ""]),
    "CR NUL, as telnet sends Enter in character mode": (b"a\r\0b\r\0\r\0", ["a", "b", ""]),
    "CR NUL and CRLF": (b"a\r\0b\r\nc\r\0\nd\n", ["a", "b", "c", "", "d"]),
    "telnet between CR and LF": (b"a\r\xff\xf1\nb\n", ["a", "b"]),
    "telnet between CR and NUL": (b"a\r\xff\xfd\x01\0b\n", ["a", "b"]),
    "blanks before and after": (b"    if i:  \n", ["    if i:  "]),
    "a tab is a space": (b"a\tb\n", ["a b"]),
    "DEL": (b"a\x7fb\n", ["ab"]),
    "removed or not, a NUL inside counts": (b"x" * MAX_LINE + b"\0\r\n", [TOO_LONG]),
    "no end yet": (b"a\nb", ["a"]),
    "Chinese": ("小明::你好\n".encode(), ["小明::你好"]),
    "emoji": ("👋🏽\n".encode(), ["👋🏽"]),
    "line separators do not end lines": ("a\u2028b\x85c\x0bd\n".encode(), ["abcd"]),
    "bad bytes harm their line only": (b"a\nb\xc3\x28\nc\n", ["a", NOT_UTF8, "c"]),
    "a surrogate is not UTF-8": (b"\xed\xa0\x80\n", [NOT_UTF8]),
    "latin-1": (b"caf\xe9\n", [NOT_UTF8]),
    "half a code point at the line's end": (b"\xf0\x9f\x91\nok\n", [NOT_UTF8, "ok"]),
    "the longest": (b"x" * MAX_LINE + b"\r\n", ["x" * MAX_LINE]),
    "one more": (b"a\n" + b"x" * (MAX_LINE + 1) + b"\nb\n", ["a", TOO_LONG, "b"]),
    "too long counts bytes": ("é".encode() * (MAX_LINE // 2) + b"x\n", [TOO_LONG]),
    "the longest refused": (b"x" * (MAX_UNENDED - 1) + b"\nb\n", [TOO_LONG, "b"]),
    "no newline": (b"x" * MAX_UNENDED, [NO_NEWLINE]),
    "nothing after a fatal fault": (b"a\n" + b"x" * MAX_UNENDED + b"\nb\n", ["a", NO_NEWLINE]),
    "telnet option": (b"\xff\xfb\x01he\xff\xfd\x03llo\n", ["hello"]),
    "telnet command": (b"he\xff\xf1llo\n", ["hello"]),
    "telnet subnegotiation": (NAWS + b"hello\n", ["hello"]),
    "a subnegotiation hides a newline": (b"a\xff\xfa\x18x\ny\xff\xf0b\n", ["ab"]),
    "IAC IAC inside a subnegotiation": (b"\xff\xfa\x1f\xff\xff\xf0\xff\xf0ok\n", ["ok"]),
    "IAC IAC is the byte 255": (b"a\xff\xffb\nc\n", [NOT_UTF8, "c"]),
    "a stray FF FE is no option": (b"\xff\xfe\nok\n", [NOT_UTF8, "ok"]),
    "a stray FF FE before CRLF": (b"\xff\xfe\r\nok\n", [NOT_UTF8, "ok"]),
    "a stray FF FE FD": (b"\xff\xfe\xfd\nok\n", [NOT_UTF8, "ok"]),
    "a stray FF": (b"a\xff\nok\n", [NOT_UTF8, "ok"]),
    "a stray FF before text": (b"\xffabc\nok\n", [NOT_UTF8, "ok"]),
    "a stray FF FA": (b"\xff\xfa\nok\n", [NOT_UTF8, "ok"]),
    "keep-alives for six hours": (b"\xff\xf1" * (MAX_UNENDED // 2 + 1) + b"still here\n", ["still here"]),
    "a storm in lines": (b"\xff\xfb\x01" * 2000 + b"a\n" + b"\xff\xfb\x01" * 2000 + b"b\n", ["a", "b"]),
    "an endless subnegotiation": (b"hi\n\xff\xfa\x18" + b"x\n" * MAX_UNENDED, ["hi", NO_NEWLINE]),
    "keep-alives inside a line": (b"x" * 1024 + b"\xff\xf1" * 4096 + b"\nb\n", ["x" * 1024, "b"]),
    "only text counts": (b"\xff\xf1" * 2500 + b"x" * 4000 + b"\nb\n", [TOO_LONG, "b"]),
    "IAC IAC counts as the byte it is": (b"\xff\xff" * MAX_UNENDED, [NO_NEWLINE]),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [Fault.HTTP]),
    "HTTP, absolute": (b"CONNECT a.example:443 HTTP/1.0\r\n", [Fault.HTTP]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [Fault.HTTP]),
    "HTTP after an empty line": (b"\r\nGET / HTTP/1.1\r\n", ["", Fault.HTTP]),
    "HTTP with a long target": (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n", [Fault.HTTP]),
    "a person who says get": (b"GET well soon\n", ["GET well soon"]),
    "a person who says get twice": (b"GET HTTP/1.1\n", ["GET HTTP/1.1"]),
    "a person who asks about HTTP": (b"what is GET / HTTP/1.1\n", ["what is GET / HTTP/1.1"]),
    "RTSP": (b"OPTIONS rtsp://a.example/b RTSP/1.0\r\nCSeq: 1\r\n", [Fault.SIP]),
    "SIP": (b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm\r\n", [Fault.SIP]),
    "SSH": (b"SSH-2.0-OpenSSH_9.6\r\n", [Fault.SSH]),
    "a mail client": (b"EHLO scanner.example\r\n", [Fault.MAIL]),
    "a mail client without a name": (b"HELO\r\n", [Fault.MAIL]),
    "IRC with a password": (b"PASS hunter2\r\nNICK ada\r\n", [Fault.IRC]),
    "IRC": (b"NICK ada\r\nUSER ada 0 * :Ada\r\n", [Fault.IRC]),
    "IRC, the other way round": (b"USER ada 0 * :Ada\r\nNICK ada\r\n", [Fault.IRC]),
    "IRC, version 3": (b"CAP LS 302\r\nNICK ada\r\n", [Fault.IRC]),
    "a person who says NICK": (b"NICK ada\nis my name\n", ["NICK ada", "is my name"]),
    "a person who says NICK and more": (b"NICK Cave sings\n", ["NICK Cave sings"]),
    "FTP": (b"USER anonymous\r\n", [Fault.LOGIN]),
    "IMAP": (b"a001 LOGIN ada hunter2\r\n", [Fault.LOGIN]),
    "Redis": (b"*1\r\n$4\r\nPING\r\n", [Fault.REDIS]),
    "Redis, in one line": (b"AUTH hunter2\r\n", [Fault.LOGIN]),
    "a proxy's header": (b"PROXY TCP4 192.0.2.77 10.0.0.5 56324 2401\r\nhi\n", [Fault.PROXY]),
    "a proxy's header, unknown": (b"PROXY UNKNOWN\r\nhi\n", [Fault.PROXY]),
    "a proxy's header, version 2": (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", ["", "", Fault.PROXY]),
    "remote desktop": (b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0\n", [Fault.BINARY]),
    "SOCKS": (b"\x05\x01\0\n", [Fault.BINARY]),
    "a C program's text": (b"hello\0\nworld\0\0\0\n", ["hello", "world"]),
    "pass me the salt": (b"pass me the salt\n", ["pass me the salt"]),
    "PASS ME THE SALT": (b"PASS ME THE SALT\n", ["PASS ME THE SALT"]),
    "a proxy is spoken of": (b"PROXY servers are slow\n", ["PROXY servers are slow"]),
    "a login later": (b"hi\nPASS hunter2\n", ["hi", "PASS hunter2"]),
    "HTTP is spoken of later": (b"look:\nGET / HTTP/1.1\n", ["look:", "GET / HTTP/1.1"]),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\n\n\xff", [Fault.TLS]),
    "a TLS byte alone": (b"\x16abc\n", ["abc"]),
    "a TLS record later": (b"a\n\x16\x03\n", ["a", ""]),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_cuts_change_nothing(scene: str) -> None:
    data, expected = SCENES[scene]
    assert feed(data) == expected
    assert feed(*(data[at : at + 1] for at in range(len(data)))) == expected
    for cut in cuts(data):
        assert feed(data[:cut], data[cut:]) == expected, cut


LATER = {
    name: scene
    for name, scene in SCENES.items()
    if not any(isinstance(item, Fault) and item.stranger for item in scene[1])
}


@pytest.mark.parametrize("scene", LATER)
def test_the_fast_path_gives_the_same(scene: str) -> None:
    data, expected = LATER[scene]
    assert lines_after(data) == expected
    for cut in cuts(data):
        assert lines_after(data[:cut], data[cut:]) == expected, cut


def test_a_large_segment_of_lines_with_one_too_long() -> None:
    short = [f"line {n}" for n in range(1000)]
    data = "".join(f"{line}\n" for line in short).encode()
    assert lines_after(data) == short
    assert lines_after(data + b"x" * 3000 + b"\n" + data) == [*short, TOO_LONG, *short]


# -- the end of the stream --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"a\n", ["a"]),
        (b"a\nb", ["a", "b"]),
        (b"a\r", ["a"]),
        (b"\xf0\x9f", [NOT_UTF8]),
        (b"x" * 3000, [TOO_LONG]),
        (b"GET / HTTP/1.1", [Fault.HTTP]),
        (b"x" * MAX_UNENDED, [NO_NEWLINE]),
    ],
)
def test_at_the_end_an_unended_line_is_a_message(data: bytes, expected: list[Item]) -> None:
    assert feed(data, finish=True) == expected


def test_nothing_comes_after_the_end() -> None:
    framer = TextFramer()
    framer.feed(b"a")
    assert framer.finish() == ["a"]
    assert framer.feed(b"b\n") == [] == framer.finish()


# -- the quiet gap ----------------------------------------------------------------------------------------------


def test_a_client_without_newlines_speaks_in_silences() -> None:
    framer = TextFramer()
    assert framer.feed("小明::".encode()) == []
    assert framer.waiting
    assert framer.feed("你好".encode()) == []
    assert framer.flush_quiet() == ["小明::你好"]
    assert not framer.waiting
    assert framer.flush_quiet() == []
    framer.feed(b"again")
    assert framer.flush_quiet() == ["again"]


def test_after_one_newline_silence_means_nothing() -> None:
    framer = TextFramer()
    framer.feed(b"a\nb")
    assert not framer.waiting
    assert framer.flush_quiet() == []
    assert framer.feed(b"c\n") == ["bc"]


def test_an_empty_line_is_a_newline_too() -> None:
    framer = TextFramer()
    framer.feed(b"\nb")
    assert framer.flush_quiet() == []


def test_telnet_alone_is_no_message() -> None:
    framer = TextFramer()
    framer.feed(NAWS)
    assert not framer.waiting


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_half_an_emoji_waits_for_its_rest(cut: int) -> None:
    wave = "👋".encode()
    framer = TextFramer()
    framer.feed(b"hi " + wave[:cut])
    assert framer.flush_quiet() == []
    assert framer.waiting
    framer.feed(wave[cut:])
    assert framer.flush_quiet() == ["hi 👋"]


def test_half_an_emoji_does_not_wait_for_ever() -> None:
    framer = TextFramer()
    framer.feed(b"hi \xf0\x9f")
    framer.flush_quiet()
    assert framer.flush_quiet() == [NOT_UTF8]
    assert not framer.waiting


def test_each_half_waits_anew() -> None:
    wave = "👋".encode()
    framer = TextFramer()
    framer.feed(wave[:2])
    framer.flush_quiet()
    framer.feed(wave[2:] + wave[:2])
    assert framer.flush_quiet() == []
    framer.feed(wave[2:])
    assert framer.flush_quiet() == ["👋👋"]


def test_bad_bytes_do_not_wait() -> None:
    framer = TextFramer()
    framer.feed(b"\xc3\x28")
    assert framer.flush_quiet() == [NOT_UTF8]


def test_the_start_of_a_request_waits_for_its_rest() -> None:
    framer = TextFramer()
    framer.feed(b"GET /ind")
    assert framer.flush_quiet() == []
    assert framer.feed(b"ex HTTP/1.1\r\n") == [Fault.HTTP]


@pytest.mark.parametrize(("text", "fault"), [(b"GET / HTTP/1.1", Fault.HTTP), (b"\x16\x03", Fault.TLS)])
def test_strangers_without_a_newline(text: bytes, fault: Fault) -> None:
    framer = TextFramer()
    assert framer.feed(text) + framer.flush_quiet() == [fault], "one silence must do: it is to be gone within a second"
    assert framer.feed(b"more\n") == []


def test_a_person_may_say_get_without_a_newline() -> None:
    framer = TextFramer()
    framer.feed(b"GET well soon")
    assert framer.flush_quiet() == ["GET well soon"]
    framer.feed(b"GET / now")
    assert framer.flush_quiet() + framer.flush_quiet() == ["GET / now"]


def test_long_text_without_newlines() -> None:
    framer = TextFramer()
    framer.feed(b"x" * 3000)
    assert framer.flush_quiet() == [TOO_LONG]
    framer.feed(b"x" * (MAX_UNENDED - 1))
    assert framer.flush_quiet() == [TOO_LONG], "each message has the cap to itself"


def test_memory_stays_bounded() -> None:
    framer = TextFramer()
    for _ in range(10_000):
        framer.feed(b"x" * 1024)
    assert len(framer._pending) < MAX_UNENDED


def test_raw_text_is_not_sanitized() -> None:
    framer = TextFramer(raw=True)
    assert framer.feed("a\u202eb\tc\n".encode()) == ["a\u202eb\tc"]
    assert framer.feed(b"a\x1bb\r\n") == ["a\x1bb"], "the fast path sees plain text only"


@pytest.mark.parametrize("cut", range(7))
def test_requests_for_a_timing_mark_are_counted(cut: int) -> None:
    interrupt = b"\xff\xf4\xff\xfd\x06a\n"  # what telnet sends at Ctrl-C
    framer = TextFramer()
    assert framer.feed(interrupt[:cut]) + framer.feed(interrupt[cut:]) == ["a"]
    assert framer.take_marks() == 1
    framer.feed(b"\xff\xfb\x06\xff\xfd\x01\n")
    assert framer.take_marks() == 0, "only DO TIMING-MARK asks for one"


# -- character mode -----------------------------------------------------------------------------------------------


def typed(framer: TextFramer, keys: str) -> list[Item]:
    """Each key alone, with a silence after it."""
    items: list[Item] = []
    for key in keys:
        items += framer.feed(key.encode())
        items += framer.flush_quiet() if not framer.lone_key else []
    return items


@pytest.mark.parametrize("end", ["\r\0", "\r\n", "\r", "\n"])
@pytest.mark.parametrize("text", ["hello there", "привет", "สวัสดี"])
def test_what_grows_key_by_key_is_a_message_at_its_end_only(text: str, end: str) -> None:
    framer = TextFramer()
    assert typed(framer, text) == []
    assert framer.flush_quiet() == []
    assert not framer.waiting
    assert typed(framer, end) == [text]
    assert typed(framer, "again") == []
    assert typed(framer, end) == ["again"]


def test_a_single_character_waits_longer_and_is_a_message() -> None:
    framer = TextFramer()
    framer.feed(b"y")
    assert framer.lone_key
    assert framer.flush_quiet() == ["y"]


def test_a_word_of_one_chinese_character_comes_of_an_input_method() -> None:
    framer = TextFramer()
    framer.feed("好".encode())
    assert not framer.lone_key
    assert framer.flush_quiet() == ["好"]


def test_a_telnet_ends_its_lines() -> None:
    framer = TextFramer()
    framer.feed(b"\xff\xfd\x03he")
    assert framer.flush_quiet() == []
    assert framer.feed(b"llo\r\0") == ["hello"]


def test_what_is_typed_and_never_ended_is_a_message_at_the_end_of_the_stream() -> None:
    framer = TextFramer()
    assert typed(framer, "bye") == []
    assert framer.finish() == ["bye"]


def test_a_stranger_that_sends_byte_by_byte_is_told_apart_by_silence() -> None:
    framer = TextFramer()
    for byte in b"GET / HTTP/1.1":
        framer.feed(bytes([byte]))
    assert framer.flush_quiet() == [Fault.HTTP]


def test_after_nick_a_silence_says_that_it_was_a_person() -> None:
    framer = TextFramer()
    assert framer.feed(b"NICK ada\r\n") == []
    assert framer.waiting
    assert framer.flush_quiet() == ["NICK ada"]
    assert framer.feed(b"USER manual?\r\n") == ["USER manual?"]


def test_nick_that_was_typed_or_sent_whole_is_no_lone_key() -> None:
    for pieces in ([b"NICK ada\r\n"], [bytes([byte]) for byte in b"NICK ada\n"]):
        framer = TextFramer()
        for piece in pieces:
            framer.feed(piece)
        assert framer.waiting
        assert not framer.lone_key, "what comes next is awaited no longer than after a line"


def test_a_login_that_ends_there_is_a_probe() -> None:
    assert feed(b"NICK ada\r\n", finish=True) == [Fault.IRC]


# -- what is thrown away --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "wasted"),
    [
        (b"hello\n", 0),
        (b"\xff\xf1" * 1000, 2000),
        (NAWS, len(NAWS)),
        (b"a\xff\xffb\n", 1 + 3),
        (b"x" * 3000 + b"\n", 3000),
        (b"\xff\xfa\x18" + b"x" * 500, 503),
    ],
)
def test_bytes_that_are_thrown_away_are_counted(data: bytes, wasted: int) -> None:
    for piece in (1, 7, len(data)):
        framer = TextFramer()
        for at in range(0, len(data), piece):
            framer.feed(data[at : at + piece])
        assert framer.take_waste() == wasted
        assert framer.take_waste() == 0


def test_keep_alives_cost_no_memory() -> None:
    framer = TextFramer()
    for _ in range(10_000):
        framer.feed(b"\xff\xf1")
    assert framer.feed(b"hi\n") == ["hi"]
