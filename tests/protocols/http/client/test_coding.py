"""Content codings: what is whole comes out whole at every cut, what is not is named, and bombs cost what they may."""

from __future__ import annotations

import gzip
import itertools
import tracemalloc
import zlib

import pytest

from protocols.http.client.content.codings import INNER_FREE, MAX_EMPTY, MAX_LAYERS, STEP, Decoder, decoder_for
from protocols.http.errors import BodyTooLarge, DecodingError, UnknownCoding
from protocols.http.headers import Headers

TEXT = "Grüße aus dem Speicher. ".encode() * 40
NOISE = bytes((i * i * 31 + (i >> 3) * 7) & 0xFF for i in range(5000))


def gz(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def raw(data: bytes) -> bytes:
    return zlib.compress(data, wbits=-15)


def decoder_of(coding: str, limit: int | None = None) -> Decoder:
    decoder = decoder_for(Headers({"Content-Encoding": coding}), limit=limit)
    assert decoder is not None
    return decoder


def decode(coding: str, *segments: bytes, limit: int | None = None) -> bytes:
    decoder = decoder_of(coding, limit)
    pieces = [piece for segment in segments for piece in decoder.feed(segment)]
    assert all(0 < len(piece) <= STEP for piece in pieces)
    decoder.finish()
    assert decoder.given == sum(map(len, pieces))
    return b"".join(pieces)


WHOLE: dict[str, tuple[str, bytes, bytes]] = {
    "gzip": ("gzip", gz(TEXT), TEXT),
    "x-gzip": ("x-gzip", gz(TEXT), TEXT),
    "no case": ("GZip", gz(TEXT), TEXT),
    "gzip of nothing": ("gzip", gz(b""), b""),
    "gzip of noise": ("gzip", gz(NOISE), NOISE),
    "gzip, stored": ("gzip", gzip.compress(TEXT, 0, mtime=0), TEXT),
    "gzip with a name, a comment, an extra field and a header CRC": (
        "gzip",
        (head := b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x02\0abname\0comment\0")
        + (zlib.crc32(head) & 0xFFFF).to_bytes(2, "little")
        + gz(TEXT)[10:],
        TEXT,
    ),
    "two members": ("gzip", gz(TEXT) + gz(NOISE), TEXT + NOISE),
    "members, some empty": ("gzip", gz(b"") + gz(b"a") + gz(b"") * 3 + gz(b"b") + gz(b""), b"ab"),
    "members and padding": ("gzip", gz(b"a") + gz(b"b") + b"\0" * 100, b"ab"),
    "a member behind padding": ("gzip", gz(b"a") + b"\0" * 3 + gz(b"b"), b"ab"),
    "as many empty members as may be": ("gzip", gz(b"") * MAX_EMPTY + gz(b"a") + gz(b"") * MAX_EMPTY, b"a"),
    "zlib": ("deflate", zlib.compress(TEXT), TEXT),
    "zlib, stored": ("deflate", zlib.compress(TEXT, 0), TEXT),
    "zlib, with the smallest window": ("deflate", zlib.compress(TEXT, wbits=9), TEXT),
    "zlib of nothing": ("deflate", zlib.compress(b""), b""),
    "raw deflate": ("deflate", raw(TEXT), TEXT),
    "raw deflate of noise": ("deflate", raw(NOISE), NOISE),
    "raw deflate of nothing": ("deflate", raw(b""), b""),
    "raw deflate, stored": ("deflate", zlib.compress(TEXT, 0, wbits=-15), TEXT),
    "raw deflate with a checksum behind": ("deflate", raw(TEXT) + zlib.adler32(TEXT).to_bytes(4, "big"), TEXT),
    "raw deflate that begins almost as zlib does": ("deflate", b"\x88\x1c\0\xe3\xff" + TEXT[:28] + raw(b""), TEXT[:28]),
    "two layers": ("deflate, gzip", gz(zlib.compress(TEXT)), TEXT),
    "two layers the other way": ("gzip, deflate", zlib.compress(gz(TEXT)), TEXT),
    "identity is none": ("identity, gzip ,, identity", gz(TEXT), TEXT),
    "as many layers as may be": ("gzip," * MAX_LAYERS, gz(gz(TEXT)), TEXT),
    "no content": ("gzip", b"", b""),
    "no content, deflate": ("deflate", b"", b""),
    "no content in a coding that is not known": ("br", b"", b""),
}

DAMAGED: dict[str, tuple[str, bytes]] = {
    "not gzip": ("gzip", b"<html>hello</html>"),
    "zlib where gzip should be": ("gzip", zlib.compress(TEXT)),
    "padding alone": ("gzip", b"\0" * 10),
    "a wrong CRC": ("gzip", gz(TEXT)[:-8] + b"\0" + gz(TEXT)[-7:]),
    "a wrong length": ("gzip", gz(TEXT)[:-1] + b"\x01"),
    "another method": ("gzip", b"\x1f\x8b\x07" + gz(TEXT)[3:]),
    "something behind": ("gzip", gz(TEXT) + b"\r\n"),
    "something behind padding": ("gzip", gz(TEXT) + b"\0\0x"),
    "half a magic behind": ("gzip", gz(TEXT) + b"\x1f"),
    "a second member that is cut": ("gzip", gz(TEXT) + gz(TEXT)[:-1]),
    "a second member that is damaged": ("gzip", gz(TEXT) + b"\x1f\x8a" + gz(TEXT)[2:]),
    "more empty members": ("gzip", gz(b"a") + gz(b"") * (MAX_EMPTY + 1)),
    "neither zlib nor raw": ("deflate", b"hello, this is text"),
    "a wrong Adler-32": ("deflate", zlib.compress(TEXT)[:-1] + b"\0"),
    "something behind zlib": ("deflate", zlib.compress(TEXT) + b"x"),
    "too much behind raw deflate": ("deflate", raw(TEXT) + b"12345"),
    "a dictionary that nobody has": ("deflate", b"\x78\xbb\0\0\0\0" + raw(TEXT)),
    "one byte": ("deflate", b"\x78"),
    "the layers in the wrong order": ("gzip, deflate", gz(zlib.compress(TEXT))),
    "an inner layer that is cut": ("deflate, gzip", gz(zlib.compress(TEXT)[:-1])),
    "an inner layer with something behind": ("deflate, gzip", gz(zlib.compress(TEXT) + b"x")),
}


@pytest.mark.parametrize("name", WHOLE)
def test_what_is_whole_comes_out_at_every_cut(name: str) -> None:
    coding, data, content = WHOLE[name]
    assert decode(coding, data) == content
    assert decode(coding, *(data[at : at + 1] for at in range(len(data)))) == content
    for cut in range(1, len(data), max(1, len(data) // 100)):
        assert decode(coding, data[:cut], data[cut:]) == content


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_damaged_is_named_at_every_cut(name: str) -> None:
    coding, data = DAMAGED[name]
    for cut in range(0, len(data), max(1, len(data) // 100)):
        with pytest.raises(DecodingError):
            decode(coding, data[:cut], data[cut:])
    with pytest.raises(DecodingError):
        decode(coding, *(data[at : at + 1] for at in range(len(data))))


TRUNCATED = [name for name, (_, _, content) in WHOLE.items() if 0 < len(content) < 2000 and "member" not in name]


@pytest.mark.parametrize("name", [name for name in TRUNCATED if "checksum behind" not in name])
def test_cut_anywhere_it_is_a_fault(name: str) -> None:
    coding, data, content = WHOLE[name]
    for length in range(1, len(data)):
        decoder = decoder_of(coding)
        got = list(decoder.feed(data[:length]))
        assert content.startswith(b"".join(got))
        with pytest.raises(DecodingError, match="cut"):
            decoder.finish()


def test_every_flipped_bit_of_the_content_is_noticed() -> None:
    """But for those that mean nothing: the unused ones of the last byte of deflate."""
    data = gz(TEXT[:60])
    unnoticed = []
    for at, bit in itertools.product(range(10, len(data)), range(8)):
        try:
            assert decode("gzip", data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]) == TEXT[:60]
            unnoticed.append(at)
        except DecodingError:
            pass
    assert set(unnoticed) <= {len(data) - 9}


def test_what_is_cut_gives_its_beginning_first() -> None:
    decoder = decoder_of("gzip")
    assert b"".join(decoder.feed(gz(TEXT) + gz(NOISE)[:-9])).startswith(TEXT)
    with pytest.raises(DecodingError, match="cut"):
        decoder.finish()


def test_nothing_to_undo() -> None:
    assert decoder_for(Headers()) is None
    assert decoder_for(Headers({"Content-Encoding": "identity"})) is None
    assert decoder_for(Headers({"Content-Encoding": ""})) is None


@pytest.mark.parametrize("coding", ["br", "zstd", "utf-8", "gzip, br", "compress", "gzip;q=1", "gzi\x1b[2Jp"])
def test_a_coding_that_is_not_known_is_named_with_the_first_byte(coding: str) -> None:
    decoder = decoder_for(Headers.parsed([("Content-Encoding", coding)]))
    with pytest.raises(UnknownCoding, match=r"not known: '[^\x00-\x1f]+'?$"):
        list(decoder.feed(gz(TEXT)))


def test_too_many_layers() -> None:
    decoder = decoder_of("gzip," * 6)
    decoder.finish()
    with pytest.raises(DecodingError, match="6 codings"):
        list(decoder.feed(gz(TEXT)))


def test_the_limit_is_inclusive() -> None:
    assert decode("gzip", gz(TEXT), limit=len(TEXT)) == TEXT
    with pytest.raises(BodyTooLarge):
        decode("gzip", gz(TEXT), limit=len(TEXT) - 1)
    assert decode("gzip", gz(b""), limit=0) == b""


@pytest.mark.parametrize("coding", ["gzip", "deflate", "raw"])
def test_a_bomb_costs_the_limit_and_one_step(coding: str) -> None:
    pack = {"gzip": gz, "deflate": zlib.compress, "raw": raw}[coding]
    bomb = pack(bytes(16 << 20))
    decoder = Decoder([coding.replace("raw", "deflate")], limit=1 << 20)
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        for _ in decoder.feed(bomb):
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoder.given <= (1 << 20) + STEP
    assert peak < 8 * STEP  # zlib's window, a step, a bite; not the limit, since nobody kept the pieces


def test_a_bomb_in_a_bomb_gives_nothing_to_count_and_is_found() -> None:
    inner = gz(bytes(16 << 20))  # 16 KB that inflate to 16 MB
    decoder = Decoder(["gzip", "gzip", "gzip"], limit=1 << 20)
    with pytest.raises((BodyTooLarge, DecodingError)):
        list(decoder.feed(gz(gz(inner))))
    assert decoder.given <= (1 << 20) + STEP


def test_a_bomb_that_inflates_to_padding_for_the_layer_below() -> None:
    """No content at all comes out, so that the limit has nothing to count."""
    decoder = Decoder(["gzip", "gzip"], limit=1000)
    with pytest.raises(DecodingError, match="bomb"):
        list(decoder.feed(gz(gz(b"a") + b"\0" * (INNER_FREE * 8))))
    assert decoder.given == 1


@pytest.mark.parametrize("name", ["something behind", "something behind padding", "something behind zlib"])
def test_what_stands_behind_is_not_called_a_cut(name: str) -> None:
    coding, data = DAMAGED[name]
    with pytest.raises(DecodingError, match="stands behind"):
        decode(coding, data)


def test_what_is_held_back_at_a_full_step_comes_out() -> None:
    """A step that is full when the input ends: zlib has more, and nothing more is fed."""
    for size in (STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP + 5):
        data = bytes(size)
        assert decode("gzip", gz(data)) == data
        assert decode("gzip", *(gz(data)[at : at + 7] for at in range(0, len(gz(data)), 7))) == data
    for size in range(STEP, STEP + 300):
        assert decode("deflate", raw(bytes(size))) == bytes(size)


def test_a_piece_is_made_when_it_is_asked_for() -> None:
    decoder = Decoder(["gzip"], limit=None)
    pieces = decoder.feed(gz(bytes(10 * STEP)))
    assert decoder.given == 0
    assert len(next(pieces)) == decoder.given == STEP
