"""The console: what is typed, pasted, and piped into the server."""

from __future__ import annotations

from typing import Any

import pytest

from protocols.chat import LIMITS, TIMEOUTS, Chat, Console, Settings, set_up_operators
from protocols.chat.operators.typing import BURST, RATE
from protocols.chat.session import INTRODUCTION


class Keyboard:
    """What stands for the transport of stdin and stdout."""

    def __init__(self) -> None:
        self.shown = b""
        self.reading = True

    def write(self, data: bytes) -> None:
        self.shown += data

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> None:
        return None


class Room:
    """A chat, its console, and somebody who listens."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.chat = Chat(scene.reactor, Settings(flood_rate=0))
        scene.serve(self.chat.session, limits=LIMITS, timeouts=TIMEOUTS)
        self.console = Console(set_up_operators(self.chat))
        self.keyboard = Keyboard()
        self.console.connection_made(self.keyboard)  # type: ignore[arg-type]
        self.bob = scene.peer()
        scene.advance(INTRODUCTION)

    def types(self, data: bytes) -> None:
        assert self.keyboard.reading, "nothing comes while reading is paused"
        self.console.data_received(data)
        self.scene.settle()

    @property
    def heard(self) -> list[str]:
        prefix = "From Server, Admin:"
        return [line.removeprefix(prefix) for line in self.bob.lines if line.startswith(prefix)]


@pytest.fixture
def room(scene: Any) -> Room:
    return Room(scene)


def test_lines_are_said_however_they_are_cut(room: Room) -> None:
    for piece in (b"he", b"llo\nw", b"orld\n", b"last"):
        room.types(piece)
    assert room.heard == ["hello", "world"]
    assert room.console.eof_received()
    room.scene.settle()
    assert room.heard == ["hello", "world", "last"]


def test_a_paste_is_told_at_a_pace_and_all_of_it(room: Room) -> None:
    lines = [f"rule {n}" for n in range(200)]
    room.types("".join(f"{line}\n" for line in lines).encode())
    assert room.heard == lines[: int(BURST)]
    assert not room.keyboard.reading
    room.scene.advance(1.01)
    assert len(room.heard) == BURST + RATE
    for _ in range(8):
        room.scene.advance(1)
    assert room.heard == lines
    assert room.keyboard.reading


def test_a_paste_of_megabytes_is_cut_with_a_word_and_evicts_nobody(room: Room) -> None:
    pieces = [b"x" * 2000 + b"\n" for _ in range(1000)]

    def resume_reading() -> None:  # what is pasted stands in the pipe, and comes as soon as it is read
        if not room.keyboard.reading:
            room.keyboard.reading = True
            room.scene.reactor.call_soon(feed)

    def feed() -> None:
        while pieces and room.keyboard.reading:
            room.console.data_received(pieces.pop(0))

    room.keyboard.resume_reading = resume_reading  # type: ignore[method-assign]
    feed()
    for _ in range(70):
        room.scene.advance(1)
    said = len(room.heard)
    assert 0 < said < 1000
    assert not room.bob.ended
    told = f"* that was too much at once: {1000 - said:,} lines of it, after 60 seconds, went nowhere\n"
    assert room.keyboard.shown.decode().endswith(told)
    room.types(b"sorry\n")
    assert room.heard[-1] == "sorry"


def test_commands_in_a_paste_keep_their_place(room: Room) -> None:
    room.types(b"one\n/kick guest-1 two\n")
    assert room.bob.lines[-1] == "* goodbye: you were kicked: two"
    assert room.heard == ["one"]


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"\x16\x03\x01 or so"])
def test_no_first_line_makes_the_console_deaf(room: Room, line: bytes) -> None:
    room.types(line + b"\nhello\n")
    assert len(room.heard) == 2
    assert room.heard[-1] == "hello"


@pytest.mark.parametrize("end", [b"", b" and its end"])
def test_a_line_without_end_is_not_taken_and_not_its_end_either(room: Room, end: bytes) -> None:
    for _ in range(10):
        room.types(b"x" * 2000)
    room.types(end + b"\nhello\n")
    assert room.heard == ["hello"]
    assert room.keyboard.shown.count(b"that line was not taken: ") == 1


def test_bytes_that_are_no_text_are_told(room: Room) -> None:
    room.types(b"\xff\xfe\n" + b"x" * 3000 + b"\nhello\n")
    assert room.heard == ["hello"]
    assert room.keyboard.shown.endswith(
        b"* that line was not taken: not UTF-8\n* that line was not taken: longer than 2,048 bytes\n"
    )


def test_the_end_of_the_console_stops_its_clock(room: Room) -> None:
    room.types(b"x\n" * 100)
    room.console.connection_lost(None)
    said = len(room.heard)
    room.scene.advance(60)
    assert len(room.heard) == said
    assert not room.chat.hub.audience
