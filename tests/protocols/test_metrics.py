"""The metrics endpoint: the text against a strict parser of the exposition format, the requests against RFC 9112."""

from __future__ import annotations

import re

import pytest

from protocols.exposition import COUNTERS, GAUGES, family, render
from protocols.metrics import HEAD_TIME, LIMITS, MAX_HEAD, TIMEOUTS, Metrics
from reactor import Stats
from reactor.testing import MemoryReactor, Recorder

GET = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
SUFFIXES = {"counter": [""], "gauge": [""], "summary": ["", "_sum", "_count"]}


def parse(text):
    """Metrics by name and labels. Raises AssertionError for whatever the format forbids."""
    assert text.endswith("\n")
    assert "\r" not in text
    samples, kinds, kind, name = {}, {}, None, None
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            assert name not in kinds, "one HELP and one TYPE a metric"
            assert re.fullmatch(NAME, name)
            following = next(lines)
            assert following.startswith(f"# TYPE {name} ")
            kind = kinds[name] = following.rsplit(" ", 1)[1]
            assert kind in SUFFIXES
            assert (kind == "counter") == name.endswith("_total")
            continue
        found = SAMPLE.fullmatch(line)
        assert found, line
        full, labels, value = found.groups()
        assert full in [name + suffix for suffix in SUFFIXES[kind]], "samples stand below their own TYPE"
        assert (full, labels) not in samples
        samples[full, labels] = float(value)
        assert kind == "gauge" or samples[full, labels] >= 0
    return samples, kinds


class Scrape:
    """A reactor that serves its own metrics, and one raw connection to it."""

    def __init__(self):
        self.reactor = MemoryReactor()
        self.listener = self.reactor.listen_tcp(
            lambda: Metrics(self.reactor), "localhost", 9100, limits=LIMITS, timeouts=TIMEOUTS
        )
        self.connect()

    def connect(self):
        self.transport, self.client = self.reactor.run_until(self.reactor.connect_tcp(Recorder, "localhost", 9100))

    def says(self, *pieces):
        """The answer."""
        for piece in pieces:
            self.transport.write(piece)
            self.reactor.settle()
        return self.client.data

    def status(self, *pieces):
        return int(self.says(*pieces).split(b" ")[1])


@pytest.fixture
def scrape():
    scrape = Scrape()
    yield scrape
    scrape.reactor.close()


def test_the_text_is_what_prometheus_reads_and_true(scrape):
    scrape.reactor.call_later(50, print)
    head, _, body = scrape.says(GET).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 OK"
    assert "Content-Type: text/plain; version=0.0.4; charset=utf-8" in lines
    assert f"Content-Length: {len(body)}" in lines
    assert "Connection: close" in lines
    samples, kinds = parse(body.decode())
    assert samples["reactor_accepted_total", None] == 1
    assert samples["reactor_connections", 'state="open"'] == 2
    assert samples["reactor_received_bytes_total", None] == len(GET)
    assert samples["reactor_timers", None] >= 1
    assert len(kinds) == len(COUNTERS) + len(GAUGES) + 3
    assert scrape.client.lost is None


def test_every_field_of_stats_is_told():
    elsewhere = {"lost", "connections", "opening", "open", "closing", "lag_p50", "lag_p99"}
    assert {*COUNTERS, *GAUGES, *elsewhere} == set(Stats().keys())


def test_units_are_in_the_names():
    _, kinds = parse(render(Stats(lost={"IdleTimeout": 3})))
    assert {"reactor_busy_seconds_total", "reactor_received_bytes_total", "reactor_busy_ratio"} <= set(kinds)


def test_a_label_cannot_break_out():
    text = family("x", "counter", "Help.", [("_total", {"reason": 'a"} 1\nreactor_fake 2\\'}, 1)])
    samples, _ = parse(text)
    assert list(samples) == [("reactor_x_total", 'reason="a\\"} 1\\nreactor_fake 2\\\\"')]


@pytest.mark.parametrize("cut", range(1, len(GET)))
def test_a_request_in_two_pieces(scrape, cut):
    assert scrape.status(GET[:cut], GET[cut:]) == 200


def test_byte_by_byte(scrape):
    assert scrape.status(*(GET[at : at + 1] for at in range(len(GET)))) == 200


def test_head_gives_the_head_of_the_same_answer(scrape):
    head, _, body = scrape.says(b"HEAD /metrics HTTP/1.1\r\nHost: here\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK")
    assert int(re.search(rb"Content-Length: (\d+)", head)[1]) > 1000
    assert body == b""


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"GET /metrics HTTP/1.0\r\n\r\n", 200),
        (b"\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /Metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"get /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /metrics HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        (b"GET  /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: \x00\r\n\r\n", 400),
        (b"\x16\x03\x01 nonsense\r\n\r\n", 400),
    ],
)
def test_requests(scrape, request_, status):
    assert scrape.status(request_) == status
    scrape.reactor.advance(TIMEOUTS.close)
    assert not scrape.listener.connections


def test_405_says_what_is_allowed(scrape):
    assert b"\r\nAllow: GET, HEAD\r\n" in scrape.says(b"PUT /metrics HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_head_of_8_kib_passes_and_one_byte_more_does_not():
    for extra, status in ((0, 200), (1, 431)):
        scrape = Scrape()
        head = GET[:-4] + b"\r\nX: "
        assert scrape.status(head + b"x" * (MAX_HEAD - len(head) + extra) + b"\r\n\r\n") == status
        scrape.reactor.close()


def test_a_head_without_end_is_bounded(scrape):
    assert scrape.status(GET[:-2] + b"X: " + b"x" * MAX_HEAD) == 431


def test_who_drips_is_ended(scrape):
    for at in range(20):
        scrape.transport.write(GET[at : at + 1])
        scrape.reactor.advance(HEAD_TIME / 19)
    assert scrape.client.data.startswith(b"HTTP/1.1 408 ")
    scrape.reactor.advance(TIMEOUTS.close)
    assert not scrape.listener.connections


def test_who_says_nothing_or_leaves_leaves_nothing_behind(scrape):
    scrape.transport.close()
    scrape.reactor.settle()
    assert scrape.client.data == b""
    scrape.connect()
    scrape.says(b"GET /met")
    scrape.transport.write_eof()
    scrape.reactor.settle()
    assert scrape.client.data.startswith(b"HTTP/1.1 400 ")
    scrape.reactor.advance(TIMEOUTS.close)
    assert not scrape.listener.connections


def test_only_the_first_request_is_answered(scrape):
    assert scrape.says(GET + GET).count(b"HTTP/1.1 200 OK") == 1


def test_scrapers_are_bounded(scrape):
    for _ in range(LIMITS.connections + 5):
        scrape.reactor.connect_tcp(Recorder, "localhost", 9100)
    scrape.reactor.settle()
    assert len(scrape.listener.connections) == LIMITS.connections
