"""The text layer on a connection: the quiet gap, faults told in order, and messages held back."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.admission.rounds import ROUND_TIME
from protocols.text import PATIENCE, QUIET_GAP, SLICE, Fault, TextProtocol
from protocols.text.protocol import LATE_SLICE
from reactor import Protocol
from reactor.testing import MemoryReactor


class Recorder(TextProtocol):
    """Keeps what it hears; pauses at `pause`, closes at `close`."""

    def __init__(self, reactor: Any, heard: list[str]) -> None:
        super().__init__(reactor)
        self.heard = heard

    def message_received(self, text: str) -> None:
        self.heard.append(text)
        if text == "pause":
            self.transport.pause_reading()
        if text == "close":
            self.send_line("bye")
            self.transport.close()

    def fault_received(self, fault: Fault) -> None:
        self.heard.append(fault.name)
        super().fault_received(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.heard.append("END")


@pytest.fixture
def heard(scene: Any) -> list[str]:
    heard: list[str] = []
    scene.recorders = []

    def make() -> Recorder:
        scene.recorders.append(Recorder(scene.reactor, heard))
        return scene.recorders[-1]

    scene.serve(make)
    return heard


def test_lines_are_heard_at_once(scene: Any, heard: list[str]) -> None:
    scene.peer().send("a\nb\r\n小明\n")
    scene.until(lambda: heard == ["a", "b", "小明"])


def test_silence_ends_a_message_of_who_sends_no_newlines(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("小明::")
    scene.advance(QUIET_GAP * 0.9)
    peer.send("你好")
    scene.advance(QUIET_GAP * 0.9)
    assert heard == [], "each segment starts the silence anew"
    scene.advance(QUIET_GAP * 0.2)
    assert heard == ["小明::你好"]
    peer.send("again")
    scene.advance(QUIET_GAP * 1.1)
    assert heard == ["小明::你好", "again"]


def test_after_a_newline_silence_ends_nothing(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("first")
    scene.settle()
    peer.send(" line\nsec")
    scene.advance(60)
    assert heard == ["first line"]
    peer.send("ond\n")
    scene.until(lambda: heard == ["first line", "second"])


def test_half_an_emoji_waits(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("👋".encode()[:1])
    scene.advance(QUIET_GAP * 1.1)
    peer.send("👋".encode()[1:])
    scene.advance(QUIET_GAP * 1.1)
    assert heard == ["👋"]


def test_half_an_emoji_waits_no_longer_than_patience(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("👋".encode()[:1])
    scene.advance(QUIET_GAP * 1.1)
    scene.advance(PATIENCE * 1.1)
    assert heard == ["NOT_UTF8"]
    assert peer.lines == ["* that line was not taken: it is not UTF-8"]


def test_faults_are_told_in_their_turn(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send(b"a\n\xc3\x28\nb\n" + b"x" * 3000 + b"\nc\n")
    scene.until(lambda: heard == ["a", "NOT_UTF8", "b", "LINE_TOO_LONG", "c"])
    peer.gets("longer than 2,048 bytes")


def test_no_newline_ends_the_connection_after_a_word(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send(b"a\n" + b"x" * 100_000)
    peer.ends()
    assert heard[:2] == ["a", "NO_NEWLINE"]
    assert peer.lines == ["* goodbye: that was 8 KiB without the end of a line"]
    peer.close()
    scene.until(lambda: heard == ["a", "NO_NEWLINE", "END"])


@pytest.mark.parametrize(
    "opening", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\n"]
)
def test_strangers_are_closed_within_a_second_with_one_log_line(
    scene: Any, heard: list[str], opening: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    peer = scene.peer()
    for byte in opening:
        peer.send(bytes([byte]))
        scene.settle()
    scene.advance(QUIET_GAP + PATIENCE)
    peer.ends()
    assert peer.text == ""
    assert heard[0] in ("HTTP", "TLS")
    assert len(caplog.records) == 1


def test_a_pause_holds_back_the_rest_of_the_batch_exactly(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("a\npause\nb\npause\nc\nd")
    scene.advance(1)
    assert heard == ["a", "pause"]
    peer.send("e\n")
    scene.recorders[0].transport.resume_reading()
    scene.settle()
    assert heard == ["a", "pause", "b", "pause"]
    scene.recorders[0].transport.resume_reading()
    scene.until(lambda: heard == ["a", "pause", "b", "pause", "c", "de"])


def test_the_end_comes_after_what_was_held_back(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("pause\nb\nc")
    peer.end()
    scene.advance(1)
    assert heard == ["pause"]
    scene.recorders[0].transport.resume_reading()
    scene.until(lambda: heard == ["pause", "b", "c", "END"])


def test_nothing_is_heard_after_close(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("close\nb\nc\n")
    peer.ends()
    assert peer.text == "bye\n"
    peer.close()
    scene.until(lambda: heard == ["close", "END"])


def test_an_unended_last_line_is_a_message(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send("a\nb")
    peer.end()
    scene.until(lambda: heard == ["a", "b", "END"])


def test_a_large_segment_is_taken_in_slices_and_in_order(scene: Any, heard: list[str]) -> None:
    lines = [f"line {n}" for n in range(5000)]
    peer = scene.peer()
    peer.send("".join(f"{line}\n" for line in lines) + "close\nafter\n")
    peer.ends()
    assert len("\n".join(lines)) > 2 * SLICE
    assert heard[: len(lines)] == lines
    assert heard[len(lines)] == "close"


def test_many_floods_of_short_lines_share_one_round() -> None:
    """Each has a slice of its own: a newcomer would wait for as many slices as there are connections."""
    with MemoryReactor() as reactor:
        heard: list[str] = []

        class Slow(Recorder):
            def message_received(self, text: str) -> None:
                heard.append(text)
                reactor.world.clock.advance(ROUND_TIME / 1000)

        reactor.listen_tcp(lambda: Slow(reactor, heard), "localhost", 80)
        peers = [
            reactor.run_until(reactor.connect_tcp(lambda: Protocol(), "localhost", 80), timeout=5)[0] for _ in range(31)
        ]
        *crowd, other = peers
        for one in crowd:
            one.write(b"x\n" * 8000)
        other.write(b"me too\n")
        reactor.settle()
        assert heard.count("x") == 30 * 8000
        assert heard.index("me too") <= SLICE // 2 + 2 * 30 * LATE_SLICE


def test_a_pause_between_slices(scene: Any, heard: list[str]) -> None:
    lines = ["x" * 99] * 1000
    scene.peer().send("".join(f"{line}\n" for line in ["pause", *lines, "last"]))
    scene.advance(1)
    assert heard == ["pause"]
    scene.recorders[0].transport.resume_reading()
    scene.until(lambda: heard == ["pause", *lines, "last"])


def test_telnet_gets_the_timing_mark_it_waits_for(scene: Any, heard: list[str]) -> None:
    peer = scene.peer()
    peer.send(b"a\n\xff\xf4\xff\xfd\x06")
    scene.settle()
    assert peer.received == b"\xff\xfc\x06"
    peer.send(b"b\n")
    scene.until(lambda: heard == ["a", "b"])
    assert peer.received == b"\xff\xfc\x06"


def test_silence_ends_no_message_of_a_connection_that_the_server_has_closed(scene: Any, heard: list[str]) -> None:
    scene.peer().send("half a message")
    scene.settle()
    (recorder,) = scene.recorders
    recorder.send_line("bye")
    recorder.transport.close()
    scene.advance(QUIET_GAP * 2)
    assert heard == [], "the peer has not ended its side, so that the connection is still there"
