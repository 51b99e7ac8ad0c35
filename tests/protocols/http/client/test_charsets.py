"""The text of a body: the encoding that browsers would take, and no body that is slow to read."""

from __future__ import annotations

import codecs

import pytest

from protocols.http import Headers, Response
from protocols.http.client.content.charsets import FALLBACK, LOOK, MAX_LONE, declared_charset, decode_text
from protocols.http.client.content.labels import _CHARSET, CODECS, codec_of
from tests.kit.work import is_straight

WHATWG = [  # label, bytes, text: one a family, and those that Python reads otherwise
    ("iso-8859-1", b"\x80\x93a\x94\xe9", "€“a”é"),
    ("latin1", b"\x99", "™"),
    ("us-ascii", b"\xe9", "é"),
    ("ascii", b"\x81", "\x81"),
    ("shift_jis", b"\x87\x40\x83\x65", "①テ"),
    ("x-sjis", b"\x81\x60", "～"),
    ("euc-kr", b"\xb0\xa1\x8c\x63", "가똠"),
    ("ks_c_5601-1987", b"\xb0\xa1", "가"),
    ("x-gbk", b"\xd6\xd0\x81\x40", "中丂"),
    ("GB2312", b"\x80\xfd\x80\xfe", None),
    ("big5", b"\xa4\xa4\x87\x40", "中䏰"),
    ("euc-jp", b"\xad\xa1\xc6\xfc", "①日"),
    ("iso-2022-jp", b"\x1b$BF|\x1b(B", "日"),
    ("koi8-r", b"\xf0\xf2", "ПР"),
    ("iso-8859-9", b"\xfd\x80", "ı€"),
    ("iso-8859-11", b"\xa1\x85", "ก…"),
    ("windows-1251", b"\xcf\x98", "П\x98"),
    ("iso-8859-8-i", b"\xe0\xff", "א\ufffd"),
    ("x-user-defined", b"a\xff", "a\uf7ff"),
    ("utf-16", b"a\x00\xe9\x00", "aé"),
    ("utf-16be", b"\x00a", "a"),
    ("unicode", b"a\x00", "a"),
    ("hz-gb-2312", b"~{VPND~}", "\ufffd"),
    ("iso-2022-kr", b"", ""),
    ("macintosh", b"\x8e", "é"),
    ("utf-7", b"+AOk-", "+AOk-"),  # no label of a browser's: as if nothing was said
    ("utf-32", b"a", "a"),
    ("cp037", b"a", "a"),
]


@pytest.mark.parametrize(("label", "body", "text"), WHATWG, ids=[row[0] for row in WHATWG])
def test_a_label_means_what_it_means_to_a_browser(label, body, text):
    found = decode_text(body, f"text/plain; charset={label}")
    assert found == text if text is not None else isinstance(found, str)


def test_a_label_is_known_in_any_case_and_with_blanks():
    assert codec_of("\tShift-JIS\n") == codec_of("windows-31j") == "cp932"
    assert decode_text(b"\x83\x65", 'text/html; x=y; CHARSET = " SJIS "') == "テ"


MARKED = [
    (codecs.BOM_UTF8 + "é".encode(), "text/html; charset=iso-8859-1", "é"),
    ("é".encode("utf-16"), "text/html; charset=utf-8", "é"),
    (codecs.BOM_UTF16_BE + "é".encode("utf-16-be"), "text/html; charset=utf-16le", "é"),
    ("é".encode("utf-32"), "", "é"),
    (codecs.BOM_UTF16_LE + b"\0\0\1", "", "\0\ufffd"),  # begins as UTF-32 does, and is none
]


@pytest.mark.parametrize(("body", "content_type", "text"), MARKED)
def test_a_byte_order_mark_counts_more_than_a_label(body, content_type, text):
    assert decode_text(body, content_type) == text


PAGES = [
    (b'<!doctype html><meta charset="gbk"><p>\xd6\xd0', "text/html", "中"),
    (b"<html><head><META CHARSET=GBK ><p>\xd6\xd0", "text/html", "中"),
    (b"<meta charset=gbk/><p>\xd6\xd0", "", "中"),
    (b"<meta http-equiv=content-type content='text/html; charset=shift_jis'><p>\x83\x65", "text/html", "テ"),
    (b'<meta content="text/html;charset=euc-kr" http-equiv="Content-Type"><p>\xb0\xa1', "text/html", "가"),
    (b'<?xml version="1.0" encoding="big5"?><p>\xa4\xa4', "application/xhtml+xml", "中"),
    (b"<!-- <meta charset=utf-8> --><meta charset=gbk><p>\xd6\xd0", "text/html", "中"),
    (b"<meta charset=nonsense><p>\xe9", "text/html", "é"),
    (b"<meta charset=utf-16><p>\xc3\xa9", "text/html", "é"),  # it could not be read if it were
    (b"<meta charset=gbk><p>\xd6\xd0", "text/html; charset=koi8-r", "жп"),  # the head counts more
    (b"<meta charset=gbk><p>\xd6\xd0", "text/plain", "ÖÐ"),  # says nothing in a text about pages
    (b" " * LOOK + b"<meta charset=gbk><p>\xd6\xd0", "text/html", "ÖÐ"),
    (b"<metal charset=gbk><p>\xd6\xd0", "text/html", "ÖÐ"),
]


@pytest.mark.parametrize(("body", "content_type", "text"), PAGES)
def test_what_a_page_says_of_itself_in_its_first_kilobyte(body, content_type, text):
    headers = Headers({"Content-Type": content_type} if content_type else {})
    assert Response(200, "OK", headers, body).text.rpartition(">")[2].strip() == text


@pytest.fixture
def handled():
    """How often Python asks an error handler: a hundred times as slow as what it is asked about."""
    calls = [0]
    kept = codecs.lookup_error("replace")

    def count(error):
        calls[0] += 1
        return kept(error)

    codecs.register_error("replace", count)
    yield calls
    codecs.register_error("replace", kept)


def test_no_encoding_is_slow_for_any_bytes(handled, request):
    worst = [bytes([byte]) for byte in range(256)] + [
        b"\xdc\xdc",
        b"\x00\xd8",
        b"\xd8\x00",
        b"\x1b$B\xff",
        b"\x8f\xa1\xff",
    ]
    for fill in worst:
        decode_text(fill * (16384 // len(fill)))
    once = handled[0]
    size = (64 if request.config.getoption("--seeds") <= 25 else 256) * 1024
    for label in {codec: label for label, codec in CODECS.items()}.values():
        for fill in worst:
            handled[0] = 0
            decode_text(fill * size, f"text/html; charset={label}")
            assert handled[0] <= MAX_LONE + 32 * 1024, (label, fill)  # and one slice
    assert once <= 256, "tables are made once"


def test_utf_16_with_a_few_lone_surrogates_is_read_and_garbage_is_not():
    good = "好".encode("utf-16-le") * 100_000
    assert decode_text(good + b"\x00\xd8a\x00", "text/plain; charset=utf-16") == "好" * 100_000 + "\ufffda"
    assert decode_text(b"\x00\xdc" * 100_000, "text/plain; charset=utf-16") == "\x00Ü" * 100_000
    assert FALLBACK not in CODECS.values()


@pytest.mark.parametrize("shape", ["charset={};", "charset={}\"{}'", "charset{}x", "charset='{}"])
def test_the_pattern_that_meets_a_server_s_words_does_not_turn_back(shape):
    assert is_straight(_CHARSET.search, lambda size: shape.replace("{}", " " * size))


def test_what_a_page_declares_is_looked_for_in_a_bounded_part():
    assert declared_charset(b"<meta " * 100_000, "text/html") is None
    assert declared_charset(b"<!--" * 100_000 + b"<meta charset=gbk>", "text/html") is None
