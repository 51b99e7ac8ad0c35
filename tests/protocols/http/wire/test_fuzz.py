"""Legal responses from a seed, and what becomes of them when they are damaged: against the truth, and a second reader.

`--seeds N` sets how many runs there are, `--seed N` plays one again.
"""

from __future__ import annotations

import random
import re

import pytest

from protocols.http.errors import HTTPError
from protocols.http.wire import Data, End, Failed, Head, ResponseWire

PER_SEED = 8  # responses, each with as many damaged ones
METHODS = ["GET"] * 6 + ["HEAD", "POST", "CONNECT"]
TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


# -- legal responses ---------------------------------------------------------------------------------------------


class Writer:
    """Writes one legal response, and knows what it means."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.method = rng.choice(METHODS)
        self.status = rng.choice([200, 200, 200, 206, 204, 304, 301, 404, 500, 599, 999])
        self.body = rng.randbytes(rng.choice([0, 1, 2, 10, 100, 1000]))
        self.framing = rng.choice(["sized", "chunked", "unsized"])
        self.trailers: list[tuple[str, str]] = []
        self.lf = rng.random() < 0.1
        tunnel = self.method == "CONNECT" and self.status < 300
        if self.method == "HEAD" or self.status in (204, 304) or tunnel:
            self.body, self.bare = b"", True
        else:
            self.bare = False
        self.fields = [(self.token(), self.value()) for _ in range(rng.choice([0, 1, 3, 12]))]
        head = self.head()
        self.raw = b"".join(self.interim() for _ in range(rng.choice([0, 0, 0, 1, 3]))) + head
        if not self.bare:
            self.raw += self.chunks() if self.framing == "chunked" else self.body

    def token(self) -> str:
        return "X" + "".join(self.rng.choices(TOKEN, k=self.rng.randint(0, 9)))

    def value(self) -> str:
        visible = "".join(
            map(chr, self.rng.choices([*range(0x21, 0x7F), *range(0x80, 0x100)], k=self.rng.randint(0, 20)))
        )
        return visible[:5] + self.rng.choice(["", " ", "\t"]) * bool(visible[5:]) + visible[5:]

    def line(self, name: str, value: str) -> bytes:
        rng = self.rng
        if " " in value and rng.random() < 0.3:
            value = value.replace(" ", rng.choice(["\r\n ", " \r\n\t ", "\r\n \r\n "]), 1)
        before, behind = rng.choice(["", " ", " \t"]), rng.choice(["", "", " "])
        return f"{name}:{before}{value}{behind}\r\n".encode("latin-1")

    def interim(self) -> bytes:
        return f"HTTP/1.1 {self.rng.choice([100, 102, 103])} x\r\n".encode() + self.line("X", "y z") + b"\r\n"

    def head(self) -> bytes:
        lines = [self.line(name, value) for name, value in self.fields]
        if self.status not in (204,):
            if self.framing == "sized":
                lines.insert(self.rng.randint(0, len(lines)), self.line("Content-Length", str(len(self.body))))
            if self.framing == "chunked":
                lines.insert(self.rng.randint(0, len(lines)), self.line("Transfer-Encoding", "chunked"))
        reason = self.rng.choice(["", " ", " OK", " Not at all"])
        head = f"HTTP/1.1 {self.status}{reason}\r\n".encode() + b"".join(lines) + b"\r\n"
        return head.replace(b"\r\n", b"\n") if self.lf else head

    def chunks(self) -> bytes:
        rng, out, at = self.rng, b"", 0
        while at < len(self.body):
            piece = self.body[at : at + rng.choice([1, 2, 16, 255])]
            size = rng.choice(["%x", "%X", "%04x"]) % len(piece)
            extension = rng.choice(["", "", ";a", ' ; a="b"', "  "])
            out += f"{size}{extension}\r\n".encode() + piece + b"\r\n"
            at += len(piece)
        self.trailers = [(self.token(), self.value()) for _ in range(rng.choice([0, 0, 2]))]
        return out + b"0\r\n" + b"".join(self.line(name, value) for name, value in self.trailers) + b"\r\n"

    @property
    def unsized(self) -> bool:
        return not self.bare and self.framing == "unsized"


# -- a second reader: all at once, slow and plain, by other means than the first ----------------------------------


def second_reader(raw: bytes, method: str) -> tuple[int | None, bytes, str]:
    """The status, the content, and "end", "eof" or "fault", of a response that is all there."""
    for _ in range(101):
        found = re.match(rb"(?s)(HTTP/1\..*?\n)\r?\n", raw)
        if not found:
            return None, b"", "fault"
        raw = raw[found.end() :]
        lines = [line.removesuffix(b"\r") for line in found[1].split(b"\n")[:-1]]
        if any(byte in line for line in lines for byte in (b"\r", b"\0")):
            return None, b"", "fault"
        status = re.fullmatch(rb"HTTP/1\.(\d) ([1-9]\d\d)( [\t -~\x80-\xff]*)?", lines[0])
        unfolded = re.sub(rb"[ \t]*\n[ \t]+", b" ", b"\n".join(lines[1:])) if lines[1:] else b""
        fields = [
            re.fullmatch(rb"([-!#$%&'*+.^_`|~\w]+):[ \t]*(.*?)[ \t]*", line, re.S) for line in unfolded.split(b"\n")
        ]
        if not status or (unfolded and (None in fields or unfolded[:1] in b" \t")) or len(lines) > 256:
            return None, b"", "fault"
        if status[2] == b"101":
            return None, b"", "fault"
        if status[2][:1] != b"1":
            break
    else:
        return None, b"", "fault"
    code = int(status[2])
    if method == "CONNECT" and code < 300:
        return code, b"", "end"
    lengths = {part.strip(b" \t") for part in values(fields, b"content-length") for part in part.split(b",")}
    codings = b", ".join(values(fields, b"transfer-encoding"))
    if len(lengths) > 1 or any(not re.fullmatch(rb"\d{1,19}", length) for length in lengths):
        return None, b"", "fault"
    if codings.lower() != b"chunked" and values(fields, b"transfer-encoding"):
        return None, b"", "fault"
    if codings and status[1] == b"0":
        return None, b"", "fault"
    if method == "HEAD" or code in (204, 304):
        return code, b"", "end"
    if codings:
        return code, *unchunk(raw)
    if not lengths:
        return code, raw, "eof"
    length = int(lengths.pop())
    return code, raw[:length], "end" if len(raw) >= length else "fault"


def values(fields: list[re.Match[bytes] | None], name: bytes) -> list[bytes]:
    return [field[2] for field in fields if field and field[1].lower() == name]


def unchunk(raw: bytes) -> tuple[bytes, str]:
    body = b""
    while size := re.match(rb"([0-9A-Fa-f]{1,16})[ \t]*(;[^\0\r\n]*)?\r\n", raw):
        length = int(size[1], 16)
        raw = raw[size.end() :]
        if not length:
            trailers = re.match(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+:[^\0\r\n]*\r\n([ \t][^\0\r\n]*\r\n)*)*\r\n", raw)
            return body, "end" if trailers else "fault"
        body += raw[:length]
        if raw[length : length + 2] != b"\r\n":
            break
        raw = raw[length + 2 :]
    return body, "fault"


# -- the runs ----------------------------------------------------------------------------------------------------


def segments(rng: random.Random, raw: bytes) -> list[bytes]:
    cuts = sorted(rng.sample(range(len(raw) + 1), min(len(raw), rng.choice([0, 1, 2, 5, 40]))))
    return [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]


def read(method: str, parts: list[bytes]) -> tuple[int | None, bytes, str, ResponseWire, Head | None, End | None]:
    wire = ResponseWire(method)
    events = [event for part in parts for event in wire.feed(part)]
    ended = any(isinstance(event, End) for event in events)
    events += wire.finish()
    head = next((event for event in events if isinstance(event, Head)), None)
    end = next((event for event in events if isinstance(event, End)), None)
    body = b"".join(event.data for event in events if isinstance(event, Data))
    last = events[-1]
    if isinstance(last, Failed):
        assert isinstance(last.error, HTTPError)
        assert str(last.error).isprintable()
        return head and head.status, body, "fault", wire, head, end
    assert end is last
    return head and head.status, body, "end" if ended else "eof", wire, head, end


def damage(rng: random.Random, raw: bytes) -> bytes:
    """One or two places changed, more often than not where it matters: at the ends of lines and in numbers."""
    for _ in range(rng.choice([1, 1, 2])):
        places = [found.start() for found in re.finditer(rb"[\r\n:;,0-9 ]", raw)] or [0]
        at = rng.choice(places) if rng.random() < 0.7 else rng.randrange(len(raw) + 1)
        odd = rng.choice([b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b"0", b"9", b"f", b"+", b"-", b"_", b":", b";",
                          b",", b"\x0b", b"\x85", b"\xb2", b"0x", b"\r\n\r\n", b"chunked", b"Content-Length: 3\r\n",
                          b"Transfer-Encoding: chunked\r\n", bytes([rng.randrange(256)])])  # fmt: skip
        far = at + rng.choice([1, 1, 2, 10])
        raw = rng.choice([
            raw[:at] + odd + raw[at:], raw[:at] + odd + raw[at + 1 :], raw[:at] + raw[far:],
            raw[:at] + raw[at:far] + raw[at:], raw[:at],
        ])  # fmt: skip
    return raw


def test_legal_responses_and_damaged_ones(request: pytest.FixtureRequest) -> None:
    one = request.config.getoption("--seed")
    for seed in [one] if one is not None else range(request.config.getoption("--seeds")):
        rng = random.Random(seed)
        for _ in range(PER_SEED):
            response = Writer(rng)
            check_legal(rng, response, seed)
            for _ in range(PER_SEED):
                check_damaged(rng, response, seed)


def check_legal(rng: random.Random, response: Writer, seed: int) -> None:
    note = f"--seed {seed}: {response.method} {response.raw!r}"
    status, body, how, wire, head, end = read(response.method, segments(rng, response.raw))
    assert head is not None, note
    assert (status, body, how) == (response.status, response.body, "eof" if response.unsized else "end"), note
    assert not wire.leftover, note
    plain = [(name, value.replace("\t", " ")) for name, value in head.headers.raw if name[0] == "X"]
    assert [(n, re.sub(" +", " ", v)) for n, v in plain] == [(n, v.replace("\t", " ")) for n, v in response.fields], (
        note
    )
    assert end is not None
    assert [name for name, _ in end.trailers.raw] == [name for name, _ in response.trailers], note
    assert second_reader(response.raw, response.method) == (status, body, how), note


def check_damaged(rng: random.Random, response: Writer, seed: int) -> None:
    raw = damage(rng, response.raw)
    note = f"--seed {seed}: {response.method} {raw!r}"
    first = read(response.method, [raw])[:3]
    assert read(response.method, segments(rng, raw))[:3] == first, note
    assert first == second_reader(raw, response.method), note


def test_every_byte_that_is_missing_at_the_end_is_missed(request: pytest.FixtureRequest) -> None:
    """Cut anywhere, it is a fault, and the content before it is all there; but for content without a known end."""
    for seed in range(request.config.getoption("--seeds")):
        response = Writer(random.Random(-1 - seed))
        for length in range(0, len(response.raw), max(1, len(response.raw) // 200)):
            status, body, how, *_ = read(response.method, [response.raw[:length]])
            assert response.body.startswith(body)
            assert how == "fault" or (response.unsized and how == "eof" and status is not None)
