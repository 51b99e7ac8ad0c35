"""Text made of the bytes of a body, in whatever encoding it is, as browsers do it. Never raises, and is never slow.

Python calls an error handler for each byte that an encoding does not define, which takes a hundred times as long as to
decode it, and it is the server that chooses the bytes. So encodings of one byte go through tables without gaps, and
UTF-16 that is none is given up.
"""

from __future__ import annotations

import codecs
import re
from functools import cache

from .labels import codec_of, named_charset

FALLBACK = "fallback"  # what a page without a charset is, if it is not UTF-8: cp1252, the Western one of old
LOOK = 1024  # bytes at the beginning in which a page may say what it is (HTML, 4.2.5.4)
MAX_LONE = 1000  # lone surrogates in UTF-16: a bug gives a few, and text in some other encoding thousands
SLICE = 64 * 1024  # bytes between two counts of them

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_BOMS_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MULTIBYTE = {"gb18030", "big5hkscs", "euc_jis_2004", "iso2022_jp_ext", "cp932", "cp949"}

_META = re.compile(rb"<meta(?=[\s/])[^>]*?charset\s*+=\s*+[\"']?+\s*+([^\s\"'/>;]+)", re.IGNORECASE)
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_XML = re.compile(rb"<\?xml\b[^>]*?\bencoding\s*+=\s*+[\"']([^\"'>]+)[\"']")


def decode_text(body: bytes, content_type: str = "") -> str:
    """By a byte order mark, the charset named, what the page says of itself, as UTF-8, or as FALLBACK.

    >>> decode_text("你好".encode("gbk"), "text/html; charset=gb2312"), decode_text(b"caf\\xe9")
    ('你好', 'café')
    >>> decode_text("<meta charset=big5><p>中文".encode("big5"), "text/html")
    '<meta charset=big5><p>中文'
    """
    if body.startswith(_BOMS_UTF32):  # before the mark of UTF-16, with which that of UTF-32 begins
        try:
            return body.decode("utf-32")
        except UnicodeDecodeError:
            pass
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return _decode(body[len(bom) :], codec)
    codec_named = named_charset(content_type) or declared_charset(body, content_type)
    if codec_named is not None:
        return _decode(body, codec_named)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return _decode(body, FALLBACK)


def declared_charset(body: bytes, content_type: str = "") -> str | None:
    """The codec that a page names within itself: `<meta charset>`, or the XML declaration. None for other things."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind and not ("html" in kind or "xml" in kind):
        return None
    start = body[:LOOK]
    match = _XML.match(start.lstrip()) or _META.search(_COMMENT.sub(b"", start))
    codec = codec_of(match[1].decode("latin-1")) if match else None
    if codec in ("utf-16-le", "utf-16-be"):
        return "utf-8"  # it could not have been read here if it were (HTML, 13.2.3.2)
    return "cp1252" if codec == "x-user-defined" else codec


def _decode(body: bytes, codec: str) -> str:
    if codec == "utf-8" or codec in _MULTIBYTE:
        return body.decode(codec, "replace")
    if codec.startswith("utf-16"):
        return _decode_utf16(body, codec)
    if codec == "replacement":  # encodings in which a filter reads other text than the reader
        return "\ufffd" if body else ""
    return codecs.charmap_decode(body, "replace", _table(codec))[0]


def _decode_utf16(body: bytes, codec: str) -> str:
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        pass
    decoder = codecs.getincrementaldecoder(codec)("replace")
    pieces: list[str] = []
    lone = 0
    for at in range(0, len(body), SLICE):
        pieces.append(decoder.decode(body[at : at + SLICE]))
        lone += pieces[-1].count("\ufffd")
        if lone > MAX_LONE:
            return _decode(body, FALLBACK)
    return "".join(pieces) + decoder.decode(b"", True)


@cache
def _table(codec: str) -> str:
    """What each of the 256 bytes is: U+FFFD in the gaps, but for those that browsers take for controls."""
    if codec == FALLBACK:  # nobody says that it is cp1252: what is no character there is none
        return bytes(range(256)).decode("cp1252", "replace")
    if codec == "x-user-defined":
        return "".join(map(chr, range(128))) + "".join(chr(0xF700 + byte) for byte in range(128, 256))
    table = [bytes([byte]).decode(codec, "replace") for byte in range(256)]
    if codec.startswith("cp125") or codec == "cp874":
        table[0x80:0xA0] = [
            chr(byte + 0x80) if char == "\ufffd" else char for byte, char in enumerate(table[0x80:0xA0])
        ]
    return "".join(table)
