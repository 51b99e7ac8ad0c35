"""The wire: whole, byte by byte and cut in two, good frames and every kind of bad one."""

from __future__ import annotations

import random
import zlib

import pytest

from protocols.websocket.deflate import deflate
from protocols.websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    LONG,
    PING,
    PONG,
    TEXT,
    apply_mask,
    head,
    pack,
)
from protocols.websocket.messages import Message
from protocols.websocket.wire import KIB, MAX_MESSAGE, TURN, Close, Failed, Ping, Pong, Wire

KEY = b"\x01\x80\xfe\x37"


def piece(opcode, payload=b"", *, fin=False, rsv=0, key=KEY):
    """A frame of any kind, the wrong ones too."""
    data = bytearray(pack(opcode, payload, key=key))
    data[0] = (0x80 if fin else 0) | rsv | opcode
    return bytes(data)


def whole(opcode, payload=b"", **options):
    return piece(opcode, payload, fin=True, **options)


def events_of(wire, chunks, *, lone=False):
    """What comes of the chunks. lone: each is first taken for one short message, as the protocol does it."""
    events = []
    for chunk in chunks:
        if lone and wire.is_idle and (message := wire.short(chunk)) is not None:
            events.append(message)
            continue
        wire.feed(chunk)
        while (event := wire.next_event()) is not None or wire.busy:
            if event is not None:
                events.append(event)
    return events


def every_way(data, **options):
    """The events of `data`, which must be the same however it is cut."""
    expected = events_of(Wire(**options), [data])
    assert events_of(Wire(**options), [data], lone=True) == expected
    assert events_of(Wire(**options), [data[n : n + 1] for n in range(len(data))], lone=True) == expected
    cuts = range(1, len(data)) if len(data) < 400 else sorted(random.Random(len(data)).sample(range(1, len(data)), 60))
    for cut in cuts:
        for lone in (False, True):
            assert events_of(Wire(**options), [data[:cut], data[cut:]], lone=lone) == expected, f"cut at {cut}"
    return expected


def test_messages_and_control_frames():
    data = whole(TEXT, "héllo".encode()) + whole(PING, b"?") + whole(BINARY, b"\0\xff") + whole(PONG) + whole(TEXT)
    assert every_way(data) == ["héllo", Ping(b"?"), b"\0\xff", Pong(b""), ""]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 124, 125, 126, 127, 65535, 65536, 70001])
def test_sizes(size):
    payload = random.Random(size).randbytes(size)
    assert events_of(Wire(), [whole(BINARY, payload)]) == [payload]
    if size < 200:
        assert every_way(whole(BINARY, payload)) == [payload]


@pytest.mark.parametrize("message", ["", "héllo", b"", b"\0\xff", b"x" * 125])
def test_one_short_message_is_read_without_being_fed(message):
    wire = Wire()
    frame = whole(*((TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)))
    assert wire.short(frame) == message
    assert wire.next_event() is None
    assert wire.is_idle
    assert [wire.short(frame + b"\x81"), wire.short(frame[:-1])] == [None, None]


@pytest.mark.parametrize("frame", [
    b"", b"\x81", b"\x81\x80", whole(PING), whole(TEXT, b"\xff"), whole(TEXT, b"x", rsv=0x40), piece(TEXT, b"x"),
    whole(CONTINUATION, b"x"), whole(BINARY, b"x" * 126), pack(TEXT, b"bare"), pack(BINARY, b"bare") + KEY,
    whole(TEXT, b"x" * 9),
])  # fmt: skip
def test_whatever_else_comes_is_to_be_fed(frame):
    wire = Wire(max_message=8)
    assert wire.short(frame) is None
    assert events_of(wire, [frame]) == events_of(Wire(max_message=8), [frame])


@pytest.mark.parametrize("before", [
    piece(TEXT, b"begun "), piece(TEXT, b"begun ") + whole(PING), b"\x81", whole(CLOSE), whole(CONTINUATION),
])  # fmt: skip
def test_no_message_stands_alone_behind_what_came_before(before):
    wire = Wire()
    expected = events_of(Wire(), [before + whole(TEXT, b"hello")])
    assert events_of(wire, [before, whole(TEXT, b"hello")], lone=True) == expected


def test_to_a_client_no_masked_message_stands_alone():
    assert Wire(client=True).short(whole(TEXT, b"hello")) is None


def test_a_client_reads_what_is_not_masked():
    assert every_way(pack(TEXT, b"a") + pack(BINARY, b"b" * 300), client=True) == ["a", b"b" * 300]


def test_pieces_with_control_frames_between_them():
    data = piece(TEXT, "日".encode()[:1]) + whole(PING, b"1") + piece(CONTINUATION, "日".encode()[1:]) + whole(PONG)
    data += piece(CONTINUATION) + whole(CONTINUATION, b"!") + whole(TEXT, b"next")
    assert every_way(data) == [Ping(b"1"), Pong(b""), "日!", "next"]


def test_nothing_counts_behind_a_close():
    assert every_way(whole(CLOSE, b"\x03\xe8bye") + whole(TEXT, b"late")) == [Close(1000, "bye")]
    assert every_way(whole(CLOSE)) == [Close(1005, "")]


def test_a_close_may_come_inside_a_message():
    assert every_way(piece(TEXT, b"ha") + whole(CLOSE, b"\x0f\xa0")) == [Close(4000, "")]


BAD = {
    "unmasked": (pack(TEXT, b"a"), 1002),
    "opcode 3": (whole(0x3), 1002),
    "opcode 7": (whole(0x7), 1002),
    "opcode 11": (whole(0xB), 1002),
    "opcode 15": (whole(0xF), 1002),
    "rsv1": (whole(TEXT, b"a", rsv=0x40), 1002),
    "rsv2": (whole(TEXT, b"a", rsv=0x20), 1002),
    "rsv3": (whole(BINARY, b"a", rsv=0x10), 1002),
    "a ping in pieces": (piece(PING, b"a"), 1002),
    "a ping of 126": (bytes([0x89, 0xFE, 0, 126]) + KEY + bytes(126), 1002),
    "a continuation of nothing": (whole(CONTINUATION, b"a"), 1002),
    "a message inside another": (piece(TEXT, b"a") + whole(TEXT, b"b"), 1002),
    "a length of 125 in 2 bytes": (bytes([0x82, 0xFE, 0, 125]) + KEY + bytes(125), 1002),
    "a length of 65535 in 8 bytes": (bytes([0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) + KEY, 1002),
    "a negative length": (bytes([0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0]) + KEY, 1009),
    "not UTF-8": (whole(TEXT, b"a\xff"), 1007),
    "half a character at the end": (whole(TEXT, "日".encode()[:2]), 1007),
    "a surrogate": (whole(TEXT, b"\xed\xa0\x80"), 1007),
    "not UTF-8 in a later piece": (piece(TEXT, b"a") + whole(CONTINUATION, b"\xc0\x80"), 1007),
    "a close of one byte": (whole(CLOSE, b"\x03"), 1002),
    "a close whose reason is not UTF-8": (whole(CLOSE, b"\x03\xe8\xff"), 1007),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_frames(name):
    data, code = BAD[name]
    *before, last = every_way(whole(TEXT, b"good") + data + whole(TEXT, b"late"))
    assert before == ["good"]
    assert isinstance(last, Failed)
    assert last.code == code
    assert last.reason


def test_a_server_must_not_mask():
    (failed,) = every_way(whole(TEXT, b"a"), client=True)
    assert failed.code == 1002


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535])
def test_codes_that_must_not_be_sent(code):
    (failed,) = every_way(whole(CLOSE, code.to_bytes(2, "big")))
    assert failed.code == 1002


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999])
def test_codes_that_may_be_sent(code):
    assert every_way(whole(CLOSE, code.to_bytes(2, "big") + "ü".encode())) == [Close(code, "ü")]


def test_a_message_that_is_too_long_is_refused_by_its_head():
    wire = Wire(max_message=1000)
    assert events_of(wire, [head(BINARY, 1001, masked=True) + KEY]) == [
        Failed(1009, "a message of more than 1000 bytes")
    ]
    assert every_way(whole(BINARY, bytes(1000)), max_message=1000) == [bytes(1000)]
    (failed,) = every_way(piece(BINARY, bytes(600)) + piece(CONTINUATION, bytes(401)), max_message=1000)
    assert failed.code == 1009
    (failed,) = every_way(whole(TEXT, b"123456"), max_message=5)
    assert failed.code == 1009


def test_many_pieces_of_one_byte_are_joined_in_linear_time_and_space():
    wire = Wire(max_message=1 << 20)
    data = piece(TEXT, b"a") + piece(CONTINUATION, b"b") * 100_000 + whole(CONTINUATION)
    (text,) = events_of(wire, [data[n : n + 65536] for n in range(0, len(data), 65536)])
    assert len(text) == 100_001


def test_what_was_not_read_can_be_taken_back():
    wire = Wire()
    data = whole(TEXT, b"one") + whole(TEXT, b"two") + whole(BINARY, bytes(500))[:100]
    wire.feed(data)
    assert wire.next_event() == "one"
    rest = wire.take_rest()
    assert rest == data[len(whole(TEXT, b"one")) :]
    assert wire.next_event() is None
    assert events_of(wire, [rest]) == ["two"]
    assert not wire.is_idle, "a message is half here"
    assert events_of(wire, [whole(BINARY, bytes(500))[100:]]) == [bytes(500)]
    assert wire.is_idle


@pytest.mark.parametrize("size", [300, 3 * KIB, 100 * KIB, 600 * KIB])
def test_messages_are_read_in_turns_by_their_size(size):
    message = random.Random(size).randbytes(size)
    count = 3 * TURN * KIB // size + 1
    rest, given, turns = whole(BINARY, message) * count, [], 0
    wire = Wire()
    while rest:
        wire.feed(rest)
        while (event := wire.next_event()) is not None:
            given.append(event)
        before, rest = len(rest), wire.take_rest()
        assert before - len(rest) <= TURN * (KIB + 14), "a head has 14 bytes at most"
        turns += 1
    assert given == [message] * count
    assert turns >= 3


def test_nothing_of_what_was_read_is_kept():
    wire = Wire()
    events_of(wire, [whole(BINARY, bytes(100_000))])
    assert not wire._data
    assert wire.message is None


# -- compressed -------------------------------------------------------------------------------------------------


def squeezed(payload, *, level=9, flush=zlib.Z_SYNC_FLUSH):
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    data = stream.compress(payload) + stream.flush(flush)
    return data[:-4] if flush == zlib.Z_SYNC_FLUSH else data


def test_compressed_messages_whole_and_in_pieces():
    text = "the same again, and the same again: 日本語 " * 20
    data = squeezed(text.encode())
    assert every_way(whole(TEXT, data, rsv=0x40), inflates=True) == [text]
    parts = piece(TEXT, data[:10], rsv=0x40) + whole(PING) + piece(CONTINUATION, data[10:11]) + piece(CONTINUATION)
    assert every_way(parts + whole(CONTINUATION, data[11:]), inflates=True) == [Ping(b""), text]
    assert every_way(whole(TEXT, text.encode()), inflates=True) == [text], "a sender may leave a message as it is"


def test_empty_and_stored_and_final_blocks():
    assert every_way(whole(BINARY, b"\0", rsv=0x40), inflates=True) == [b""]
    assert every_way(whole(BINARY, squeezed(b"abc", level=0), rsv=0x40), inflates=True) == [b"abc"]
    final = squeezed(b"hello", flush=zlib.Z_FINISH)  # RFC 7692, 7.2.3.4
    assert every_way(whole(BINARY, final + b"\0", rsv=0x40), inflates=True) == [b"hello"]


def test_the_dictionary_of_one_message_is_unknown_to_the_next():
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    text = b"a rather long text that is said twice"
    one = (stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    two = (stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]
    first, failed = events_of(Wire(inflates=True), [whole(BINARY, one, rsv=0x40) + whole(BINARY, two, rsv=0x40)])
    assert first == text
    assert failed.code == 1007


COMPRESSED_BAD = {
    "rubbish": (whole(BINARY, b"\xff\xff\xff\xff", rsv=0x40), 1007),
    "data behind a final block": (whole(BINARY, squeezed(b"a", flush=zlib.Z_FINISH) + b"more", rsv=0x40), 1007),
    "not UTF-8": (whole(TEXT, squeezed(b"\xff" * 300), rsv=0x40), 1007),
    "a compressed ping": (whole(PING, b"", rsv=0x40), 1002),
    "a later piece with RSV1": (piece(TEXT, b"\0", rsv=0x40) + whole(CONTINUATION, b"", rsv=0x40), 1002),
}


@pytest.mark.parametrize("name", COMPRESSED_BAD)
def test_bad_compressed_messages(name):
    data, code = COMPRESSED_BAD[name]
    (failed,) = every_way(data, inflates=True)
    assert failed.code == code


def test_a_bomb_is_found_before_it_is_unpacked():
    bomb = squeezed(bytes(60 << 20))
    assert len(bomb) < MAX_MESSAGE
    pieces = [bomb[n : n + 1000] for n in range(0, len(bomb), 1000)]
    data = piece(BINARY, pieces[0], rsv=0x40) + b"".join(piece(CONTINUATION, part) for part in pieces[1:])
    (failed,) = events_of(Wire(inflates=True), [data])
    assert failed.code == 1009
    (failed,) = events_of(Wire(inflates=True), [whole(TEXT, bomb, rsv=0x40)])
    assert failed.code == 1009


@pytest.mark.parametrize(("opcode", "pieces"), [(TEXT, 1), (BINARY, 1), (BINARY, 50)])
def test_a_large_message_is_unpacked_in_turns(opcode, pieces, monkeypatch):
    """16 KiB that come to 16 MiB held the loop for a tenth of a second."""
    payload = b"a long story " * (1 << 20)
    small = squeezed(payload)
    step = len(small) // pieces + 1
    cut = [small[n : n + step] for n in range(0, len(small), step)]
    data = b"".join(
        piece(CONTINUATION if n else opcode, part, fin=n == pieces - 1, rsv=0 if n else 0x40)
        for n, part in enumerate(cut)
    )
    taken, take = [], Message._take
    monkeypatch.setattr(Message, "_take", lambda self, part, final: taken.append(len(part)) or take(self, part, final))
    wire = Wire(inflates=True, max_message=1 << 24)
    wire.feed(data)
    turns = 0
    while (event := wire.next_event()) is None:
        assert wire.busy
        assert sum(taken) <= TURN * 1024
        taken.clear()
        turns += 1
        rest = wire.take_rest()
        assert rest, "it is what has the loop come back"
        wire.feed(rest)
    assert event == (payload.decode() if opcode == TEXT else payload)
    assert turns >= len(payload) // (TURN * 1024) - 1


def test_what_deflate_cannot_make_smaller_is_no_larger_than_its_limit():
    payload = random.Random(7).randbytes(MAX_MESSAGE)
    assert events_of(Wire(inflates=True), [whole(BINARY, squeezed(payload), rsv=0x40)]) == [payload]


def test_what_we_compress_is_read_with_a_window_of_its_size():
    payload = bytes(range(100)) * 800
    for window in (9, 12, 15):
        small = deflate(payload, window)
        assert zlib.decompressobj(-window).decompress(small + b"\0\0\xff\xff") == payload


# -- at random --------------------------------------------------------------------------------------------------


def a_stream(rng):
    """Frames as they may come, and sometimes a byte that is wrong."""
    out = []
    for _ in range(rng.randrange(1, 8)):
        opcode = rng.choice([TEXT, BINARY, PING, PONG, TEXT, BINARY, CONTINUATION, CLOSE])
        payload = rng.choice([b"", b"abc", "日本".encode(), rng.randbytes(rng.randrange(200)), b"\x03\xe8ok"])
        rsv = 0
        if opcode in (TEXT, BINARY) and rng.random() < 0.3:
            payload, rsv = squeezed(payload), 0x40
        fin = rng.random() < 0.7 or (opcode >= CLOSE and rng.random() < 0.95)
        if opcode >= CLOSE:
            payload = payload[:125]
        out.append(piece(opcode, payload, fin=fin, rsv=rsv, key=rng.randbytes(4)))
    data = bytearray(b"".join(out))
    if rng.random() < 0.4:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def told(chunks, inflates, *, lone=False):
    """Without the reason: of two faults in one message, both 1007, the cut decides which is met first."""
    events = events_of(Wire(inflates=inflates, max_message=500), chunks, lone=lone)
    return [event.code if isinstance(event, Failed) else event for event in events]


def test_streams_at_random_are_the_same_however_they_are_cut(pytestconfig):
    for seed in range(pytestconfig.getoption("--seeds") * 8):
        rng = random.Random(seed)
        data = a_stream(rng)
        inflates = rng.random() < 0.8
        expected = told([data], inflates)
        for _ in range(4):
            cuts = sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 12)))
            chunks = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
            assert told(chunks, inflates, lone=rng.random() < 0.5) == expected, f"seed {seed}"


@pytest.mark.parametrize("size", [0, 1, 1001, *range(LONG - 1, LONG + 4), 70_003])
def test_masking_is_the_rfcs(size):
    data = random.Random(size).randbytes(size)
    assert apply_mask(data, KEY) == bytes(byte ^ KEY[n % 4] for n, byte in enumerate(data))


@pytest.mark.parametrize("key", [KEY, bytes(4), b"\0\0\0\1", b"\1\0\0\0", b"\xff" * 4])
def test_short_messages_are_unmasked_with_the_key_before_them(key):
    for size in range(126):
        for payload in (bytes(size), b"\xff" * size, bytes(range(size))):
            assert Wire().short(pack(BINARY, payload, key=key)) == payload
