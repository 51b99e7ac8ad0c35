"""The metrics endpoint: the text against a strict parser of the exposition format, the requests against RFC 9112."""

from __future__ import annotations

import re

import pytest

import reactor
from protocols.metrics import HEAD_TIME, LIMITS, MAX_HEAD, TIMEOUTS, Metrics
from protocols.metrics.exposition import COUNTERS, GAUGES, family, render
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

    def __init__(self, keep_open=False):
        self.keep_open = keep_open  # the client's end, after the answer
        self.reactor = MemoryReactor()
        self.listener = self.reactor.listen_tcp(
            lambda: Metrics(self.reactor), "localhost", 9100, limits=LIMITS, timeouts=TIMEOUTS
        )
        self.connect()

    def connect(self):
        future = self.reactor.connect_tcp(lambda: Recorder(self.keep_open), "localhost", 9100)
        self.transport, self.client = self.reactor.run_until(future)

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
    assert samples["reactor_accepted_total", None] == 0  # the scrape is no newcomer
    assert samples["reactor_connections", 'state="open"'] == 2
    assert samples["reactor_received_bytes_total", None] == len(GET)
    assert samples["reactor_timers", None] >= 1
    assert len(kinds) == len(COUNTERS) + len(GAUGES) + 4
    assert scrape.client.lost is None


def test_every_field_of_stats_is_told():
    elsewhere = {"lost", "connections", "opening", "open", "closing", "lag_p50", "lag_p99"}
    assert {*COUNTERS, *GAUGES, *elsewhere} == set(Stats().keys())


EVERYTHING = Stats(
    uptime=1.5, ticks=2, events=3, callbacks=4, receives=5, sends=6, writes=7, eagains=8, bytes_in=9, bytes_out=10,
    datagrams_in=11, datagrams_out=12, dropped_datagrams=13, ignored_writes=14, accepted=15, refused=16, shortages=17,
    lost={"PeerError": 18, "IdleTimeout": 19}, output_evictions=20, connections=21, opening=22, open=23, closing=24,
    paused=25, blocked=26, datagram_sockets=27, listeners=28, output=29, timers=30, jobs=31, busy_seconds=32.5,
    busy=0.33, lag_p50=0.034, lag_p99=0.035, lag_max=0.036,
)  # fmt: skip
"""A number for each, and none of them twice."""

TEXT = """\
# HELP reactor_ticks_total Rounds of the loop.
# TYPE reactor_ticks_total counter
reactor_ticks_total 2
# HELP reactor_events_total Descriptors that the poller reported as ready.
# TYPE reactor_events_total counter
reactor_events_total 3
# HELP reactor_callbacks_total Events handled, timers fired and calls made.
# TYPE reactor_callbacks_total counter
reactor_callbacks_total 4
# HELP reactor_receives_total Times that a connection or datagram socket was read from.
# TYPE reactor_receives_total counter
reactor_receives_total 5
# HELP reactor_sends_total Times that a connection sent what it had.
# TYPE reactor_sends_total counter
reactor_sends_total 6
# HELP reactor_writes_total Chunks that left with those sends.
# TYPE reactor_writes_total counter
reactor_writes_total 7
# HELP reactor_eagains_total Reads and sends for which the kernel had nothing or no room.
# TYPE reactor_eagains_total counter
reactor_eagains_total 8
# HELP reactor_received_bytes_total Bytes received.
# TYPE reactor_received_bytes_total counter
reactor_received_bytes_total 9
# HELP reactor_sent_bytes_total Bytes sent.
# TYPE reactor_sent_bytes_total counter
reactor_sent_bytes_total 10
# HELP reactor_received_datagrams_total Datagrams received.
# TYPE reactor_received_datagrams_total counter
reactor_received_datagrams_total 11
# HELP reactor_sent_datagrams_total Datagrams sent.
# TYPE reactor_sent_datagrams_total counter
reactor_sent_datagrams_total 12
# HELP reactor_dropped_datagrams_total Datagrams that were not sent.
# TYPE reactor_dropped_datagrams_total counter
reactor_dropped_datagrams_total 13
# HELP reactor_ignored_writes_total Writes to connections that were over.
# TYPE reactor_ignored_writes_total counter
reactor_ignored_writes_total 14
# HELP reactor_accepted_total Newcomers that got a connection.
# TYPE reactor_accepted_total counter
reactor_accepted_total 15
# HELP reactor_refused_total Newcomers that were turned away.
# TYPE reactor_refused_total counter
reactor_refused_total 16
# HELP reactor_shortages_total Times that accepting paused for want of descriptors or memory.
# TYPE reactor_shortages_total counter
reactor_shortages_total 17
# HELP reactor_output_evictions_total Connections ended because all together had too much waiting.
# TYPE reactor_output_evictions_total counter
reactor_output_evictions_total 20
# HELP reactor_busy_seconds_total Time in callbacks, not waiting.
# TYPE reactor_busy_seconds_total counter
reactor_busy_seconds_total 32.5
# HELP reactor_uptime_seconds Time since the reactor was made.
# TYPE reactor_uptime_seconds gauge
reactor_uptime_seconds 1.5
# HELP reactor_paused_connections Connections that the program does not read from.
# TYPE reactor_paused_connections gauge
reactor_paused_connections 25
# HELP reactor_blocked_connections Connections whose peer does not take what waits.
# TYPE reactor_blocked_connections gauge
reactor_blocked_connections 26
# HELP reactor_output_bytes Bytes waiting for blocked peers.
# TYPE reactor_output_bytes gauge
reactor_output_bytes 29
# HELP reactor_datagram_sockets Datagram sockets.
# TYPE reactor_datagram_sockets gauge
reactor_datagram_sockets 27
# HELP reactor_listeners Listeners.
# TYPE reactor_listeners gauge
reactor_listeners 28
# HELP reactor_timers Timers that are armed.
# TYPE reactor_timers gauge
reactor_timers 30
# HELP reactor_thread_calls Calls in threads, running or waiting for a thread.
# TYPE reactor_thread_calls gauge
reactor_thread_calls 31
# HELP reactor_busy_ratio Share of the last minute in callbacks, 0 to 1.
# TYPE reactor_busy_ratio gauge
reactor_busy_ratio 0.33
# HELP reactor_lag_max_seconds The longest round of the last minute.
# TYPE reactor_lag_max_seconds gauge
reactor_lag_max_seconds 0.036
# HELP reactor_connections Stream connections.
# TYPE reactor_connections gauge
reactor_connections{state="opening"} 22
reactor_connections{state="open"} 23
reactor_connections{state="closing"} 24
# HELP reactor_lost_total Connections that ended with an exception.
# TYPE reactor_lost_total counter
reactor_lost_total{reason="IdleTimeout"} 19
reactor_lost_total{reason="PeerError"} 18
# HELP reactor_lag_seconds Length of a round of the loop; quantiles of the last minute.
# TYPE reactor_lag_seconds summary
reactor_lag_seconds{quantile="0.5"} 0.034
reactor_lag_seconds{quantile="0.99"} 0.035
reactor_lag_seconds_sum 32.5
reactor_lag_seconds_count 2
# HELP reactor_info What answers: always 1, and the version as a label.
# TYPE reactor_info gauge
reactor_info{version="VERSION"} 1
"""


def test_the_whole_text_each_number_in_its_place():
    """These names are what dashboards and alarms are made of: whoever changes one breaks them."""
    numbers = [number for name, number in EVERYTHING.as_dict().items() if name != "lost"]
    assert len({*numbers, *EVERYTHING.lost.values()}) == len(numbers) + 2
    assert render(EVERYTHING) == TEXT.replace("VERSION", reactor.__version__)


def test_labels_are_on_every_sample_and_on_nothing_else():
    plain, labelled = render(EVERYTHING), render(EVERYTHING, {"worker": 'a"b'})
    mark = 'worker="a\\"b"'
    assert labelled.replace(f"{{{mark}}}", "").replace(f"{mark},", "") == plain
    assert labelled.count(mark) == len([line for line in plain.splitlines() if not line.startswith("#")])


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


@pytest.mark.parametrize(
    ("request_", "status", "length"),
    [
        (b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", 14),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", "400 Bad Request", 16),
        (b"HEAD /metrics HTTP/1.1\r\nX: " + b"x" * MAX_HEAD, "431 Request Header Fields Too Large", 36),
    ],
    ids=["404", "400", "431"],
)
def test_a_refused_head_has_no_body_either(scrape, request_, status, length):
    """RFC 9110, 9.3.2: the length is that of the body which a GET would get."""
    head = scrape.says(request_).decode()
    assert head.startswith(f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\n")
    assert f"\r\nContent-Length: {length}\r\n" in head
    assert head.endswith("\r\nConnection: close\r\n\r\n")
    scrape.connect()
    _, _, body = scrape.says(request_.replace(b"HEAD", b"GET")).partition(b"\r\n\r\n")
    assert body.decode() == f"{status}\n"
    assert len(body) == length


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
        (b"\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /Metrics HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"get /metrics HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"GET /metrics HTTP/1.1\r\n\r\n", 400),
        (b"GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /metrics HTTP/2.0\r\nHost: a\r\n\r\n", 505),
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
    assert b"\r\nAllow: GET, HEAD, OPTIONS\r\n" in scrape.says(b"PUT /metrics HTTP/1.1\r\nHost: a\r\n\r\n")


def test_a_head_of_8_kib_passes_and_one_byte_more_does_not():
    for extra, status in ((0, 200), (1, 431)):
        scrape = Scrape()
        head = GET[:-4] + b"\r\nX: "
        assert scrape.status(head + b"x" * (MAX_HEAD - len(head) - 4 + extra) + b"\r\n\r\n") == status
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


def deadlines(scrape):
    """The timers that wait for the rest of a request."""
    return [timer for timer in scrape.reactor.timers.armed.values() if timer.name == "Server._look"]


@pytest.mark.parametrize("said", [b"", GET[:-1]])
def test_the_deadline_of_who_is_gone_is_gone_too(scrape, said):
    scrape.says(said)
    assert len(deadlines(scrape)) == 1
    (accepted,) = scrape.listener.connections
    accepted._lose(ConnectionResetError())
    scrape.reactor.settle()
    assert deadlines(scrape) == []
    scrape.reactor.advance(HEAD_TIME)
    assert scrape.reactor.stats().ignored_writes == 0


@pytest.mark.parametrize("request_", [GET, b"PUT " + GET], ids=["200", "400"])
def test_the_deadline_of_who_is_answered_and_stays_is_over(request_):
    scrape = Scrape(keep_open=True)
    scrape.reactor.advance(HEAD_TIME / 2)
    scrape.says(request_)
    assert len(scrape.listener.connections) == 1
    assert deadlines(scrape) == []
    scrape.reactor.advance(HEAD_TIME)
    assert scrape.client.data.count(b"HTTP/1.1 ") == 1
    assert scrape.reactor.stats().ignored_writes == 0
    scrape.reactor.close()


def test_only_the_first_request_is_answered(scrape):
    assert scrape.says(GET + GET).count(b"HTTP/1.1 200 OK") == 1


def test_scrapers_are_bounded(scrape):
    for _ in range(LIMITS.connections + 5):
        scrape.reactor.connect_tcp(Recorder, "localhost", 9100)
    scrape.reactor.settle()
    assert len(scrape.listener.connections) == LIMITS.connections
