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
    "control characters are removed": (b"a\rb\0c\x1b[1m\r\r\n", ["abc[1m"]),
    "a tab is a space": (b"a\tb\n", ["a b"]),
    "DEL": (b"a\x7fb\n", ["ab"]),
    "removed or not, a CR inside counts": (b"x" * MAX_LINE + b"\r\r\n", [TOO_LONG]),
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
    "a negotiation storm": (b"\xff\xfb\x01" * (MAX_UNENDED // 3 + 1), [NO_NEWLINE]),
    "a storm in lines": (b"\xff\xfb\x01" * 2000 + b"a\n" + b"\xff\xfb\x01" * 2000 + b"b\n", ["a", "b"]),
    "an endless subnegotiation": (b"hi\n\xff\xfa\x18" + b"x\n" * MAX_UNENDED, ["hi", NO_NEWLINE]),
    "telnet and text share the cap": (b"x" * 4096 + b"\xff\xf1" * 2048, [NO_NEWLINE]),
    "text and telnet share the cap": (b"\xff\xf1" * 2500 + b"x" * 4000 + b"\nb\n", [NO_NEWLINE]),
    "a lone CR is removed": (b"a\rb\nc\r\r\n", ["ab", "c"]),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", [Fault.HTTP]),
    "HTTP, absolute": (b"CONNECT a.example:443 HTTP/1.0\r\n", [Fault.HTTP]),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [Fault.HTTP]),
    "HTTP after an empty line": (b"\r\nGET / HTTP/1.1\r\n", ["", Fault.HTTP]),
    "HTTP with a long target": (b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\n", [Fault.HTTP]),
    "a person who says get": (b"GET well soon\n", ["GET well soon"]),
    "a person who says get twice": (b"GET HTTP/1.1\n", ["GET HTTP/1.1"]),
    "a person who asks about HTTP": (b"what is GET / HTTP/1.1\n", ["what is GET / HTTP/1.1"]),
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


LATER = {name: scene for name, scene in SCENES.items() if not {Fault.HTTP, Fault.TLS} & set(scene[1])}


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
    assert framer.feed(b"a\rb\r\n") == ["a\rb"], "the fast path sees plain text only"


@pytest.mark.parametrize("cut", range(7))
def test_requests_for_a_timing_mark_are_counted(cut: int) -> None:
    interrupt = b"\xff\xf4\xff\xfd\x06a\n"  # what telnet sends at Ctrl-C
    framer = TextFramer()
    assert framer.feed(interrupt[:cut]) + framer.feed(interrupt[cut:]) == ["a"]
    assert framer.marks_wanted == 1
    framer.feed(b"\xff\xfb\x06\xff\xfd\x01\n")
    assert framer.marks_wanted == 1, "only DO TIMING-MARK asks for one"
