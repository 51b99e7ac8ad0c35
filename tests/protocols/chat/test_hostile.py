"""Bad input over real sockets: what the sender is told, what the others see, and what it costs.

Where else there is more of it:

    split and merged segments, an emoji cut 1+3    text/test_framer.py, test_protocol.py; system/test_chat_model.py
    invalid UTF-8, lines too long, no newline      test_session.py, text/test_framer.py; 100 MB: examples/
    control, bidi and invisible characters         text/test_sanitize.py, rooms/test_names.py
    look-alikes of reserved names                  rooms/test_names.py: the whole table
    telnet                                         text/test_framer.py
    TLS and HTTP on the chat's port                test_session.py, text/test_protocol.py, examples/test_chat.py
    members that never read, floods                test_session.py, admission/test_buckets.py
    stdin of every kind, stdout closed             examples/test_chat.py
"""

from __future__ import annotations

import socket
import tracemalloc
from typing import Any

import pytest

from protocols.admission.pace import LONGEST_WAIT
from protocols.chat import LIMITS, TIMEOUTS, Chat, Session, Settings
from protocols.chat.session import INTRODUCTION, SOFT
from protocols.text.framer import MAX_LINE, MAX_UNENDED

NO_NEWLINE = "* goodbye: that was 8 KiB without the end of a line"
TOO_LONG = "* that line was not taken: it is longer than 2,048 bytes"
NOT_UTF8 = "* that line was not taken: it is not UTF-8"


@pytest.fixture
def open_chat(scene: Any) -> Any:
    def open_chat(**settings: Any) -> Chat:
        chat = Chat(scene.reactor, Settings(**{"flood_rate": 0, **settings}))
        scene.sessions = []

        def session() -> Session:
            scene.sessions.append(chat.session())
            return scene.sessions[-1]

        scene.serve(session, limits=LIMITS, timeouts=TIMEOUTS)
        return chat

    return open_chat


@pytest.fixture
def pair(scene: Any, open_chat: Any) -> Any:
    """Mallory and Bob, who have heard each other come. There is no flood control."""
    open_chat()
    return join(scene, "Mallory"), join(scene, "Bob")


def join(scene: Any, name: str, **options: Any) -> Any:
    peer = scene.peer(**options)
    peer.send(f"/nick {name}\n")
    peer.gets(f"* you are {name} now\n")
    scene.advance(INTRODUCTION)
    for other in scene.peers:
        _ = other.text
        other.received = b""
    return peer


# -- text, names and topics that would be something else --------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("\x1b[2J\x1b]0;owned\x07hi", "Mallory: [2J]0;ownedhi"),
        ("\x9b31mred", "Mallory: 31mred"),
        ("x\u202etfel\u2066\u061c", "Mallory: xtfel"),
        ("x\u2028* Bob left", "Mallory: x* Bob left"),
        ("x\x85From Server, Admin:obey", "Mallory: xFrom Server, Admin:obey"),
        ("x\x0bAdmin: y\x0c\x1c\x1d\x1e", "Mallory: xAdmin: y"),
        ("x\x0bFrom Server, Admin:obey", "Mallory: xFrom Server, Admin:obey"),
        ("* Bob left", "Mallory: * Bob left"),
        ("[private from Admin] psst", "Mallory: [private from Admin] psst"),
        ("From Server, Admin: obey", "Mallory: From Server, Admin: obey"),
        ("/me \u202e\x1b[31m bleeds", "~ Mallory [31m bleeds"),
        ("/topic \x1b[31m\u202ered\u2028* Bob left\x85", "* Mallory set the topic: [31mred* Bob left"),
        ("/msg Bob \x1b[31m\u202e\x85* Bob left", "[private from Mallory] [31m* Bob left"),
    ],
)
def test_what_is_said_stays_one_line_of_its_sender(pair: Any, sent: str, seen: str) -> None:
    mallory, bob = pair
    mallory.send(f"{sent}\n//end\n")
    bob.gets("Mallory: /end\n")
    assert bob.text.split("\n")[:-2] == [seen]


INVISIBLE = "a name has no ':' or ',' and nothing invisible in it"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Mal\x1b[31mlory", INVISIBLE),
        ("Mal\u202elory", INVISIBLE),
        ("Mal\u2028lory", INVISIBLE),
        ("Mal\x85lory", INVISIBLE),
        ("Mal\u200blory", INVISIBLE),
        ("Ａｄｍｉｎ", "that name is reserved"),
        ("\u0410\u0501\u043cin", "that name is reserved"),
        ("\u0405\u0435rver", "that name is reserved"),
        ("\U0001d5d4\U0001d5f1\U0001d5fa\U0001d5f6\U0001d5fb", "that name is reserved"),
        ("From Server", "that name is reserved"),
        ("* Bob", "a name does not begin with '*'"),
        ("[2026-01-01 00:00] Bob", INVISIBLE),
        ("x" * 33, "a name has 1 to 32 characters"),
        ("x" * (MAX_LINE - 6), "a name has 1 to 32 characters"),
        ("\ufdfa" * 682, "a name has 1 to 32 characters"),  # 18 code points each
        ("\u0301" * 1000, "a name has 1 to 32 characters"),
        ("Ｂｏｂ", "Bob is taken; Bob2 is free"),
        ("BOB", "BOB is taken; BOB2 is free"),
    ],
)
@pytest.mark.parametrize(("form", "answer"), [("/nick {}", "you stay Mallory: ")])
def test_a_name_that_nobody_may_have(pair: Any, name: str, why: str, form: str, answer: str) -> None:
    mallory, bob = pair
    sent = form.format(name)
    if len(sent.encode()) > MAX_LINE:
        answer, why = TOO_LONG[2:], ""
    mallory.send(f"{sent}\n")
    mallory.gets("\n")
    assert mallory.lines == [f"* {answer}{why}"]
    assert bob.text == ""


@pytest.mark.parametrize("claims", [("/nick Eve\n", "/nick EVE\n"), ("Eve::hi\n", "Eve::hi\n")])
def test_two_claims_of_one_name_in_one_tick(scene: Any, open_chat: Any, claims: tuple[str, str]) -> None:
    open_chat()
    peers = scene.peer(), scene.peer()
    scene.advance(INTRODUCTION)
    for peer, claim in zip(peers, claims, strict=True):
        peer.send(claim)
    scene.settle()
    told = [[line for line in peer.lines if "you are Eve now" in line or "you stay" in line] for peer in peers]
    if "stay" in told[0][0]:
        told.reverse()
    assert told[0] == ["* you are Eve now"] or told[0] == ["* you are EVE now"]
    assert len(told[1]) == 1
    assert "is taken; E" in told[1][0]


def test_an_emoji_in_two_segments(pair: Any, scene: Any) -> None:
    mallory, bob = pair
    emoji = "👋".encode()
    mallory.send(emoji[:1])
    scene.advance(5)
    mallory.send(emoji[1:] + b"\n")
    bob.gets("Mallory: 👋\n")


def test_bad_bytes_are_seen_by_nobody(pair: Any, scene: Any) -> None:
    mallory, bob = pair
    bad = [b"caf\xe9", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xff\xff", b"/nick \xe9", b"/topic \xe9"]
    mallory.send(b"".join(line + b"\n" for line in bad) + b"end\n")
    bob.gets("Mallory: end\n")
    assert bob.lines == ["Mallory: end"]
    assert mallory.lines == [NOT_UTF8] * len(bad)


# -- resets -----------------------------------------------------------------------------------------------------------


def test_resets_during_a_broadcast_harm_nobody_else(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    ada, *others = [join(scene, f"p{number}") for number in range(8)]
    doomed, safe = others[:4], others[4:]
    lines = [f"line {number}" for number in range(1000)]
    for start in range(0, 1000, 100):
        ada.send("".join(f"{line}\n" for line in lines[start : start + 100]))
        if start >= 300 and doomed:
            doomed.pop().reset()
        scene.reactor._tick()
    safe[0].gets("line 999\n")
    scene.settle()
    for peer in safe:
        assert [line for line in peer.lines if line.startswith("p0")] == [f"p0: {line}" for line in lines]
        assert sorted(line for line in peer.lines if line.startswith("*")) == [f"* p{n} left" for n in range(1, 5)]
    assert len(chat.hub) == 4


# -- telnet -----------------------------------------------------------------------------------------------------------

NEGOTIATIONS = {
    "a subnegotiation without an end": b"\xff\xfa\x18" + b"x\n" * 100_000,
    "a subnegotiation of IACs": b"\xff\xfa" + b"\xff\xff" * 100_000,
}


@pytest.mark.parametrize("storm", NEGOTIATIONS)
def test_telnet_that_never_comes_to_the_point_ends(pair: Any, scene: Any, storm: str) -> None:
    mallory, bob = pair
    mallory.sock.setblocking(True)
    mallory.sock.settimeout(0.2)
    try:
        mallory.send(NEGOTIATIONS[storm])
    except OSError:
        pass  # it was cut off in the middle of it
    mallory.sock.setblocking(False)
    scene.until(lambda: NO_NEWLINE in mallory.text)
    bob.gets("* Mallory left\n")
    assert mallory.lines == [NO_NEWLINE]
    assert bob.lines == ["* Mallory left"]


def test_telnet_between_lines_costs_what_its_bytes_cost(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=10)
    mallory, bob = scene.peer(), scene.peer()
    scene.advance(INTRODUCTION)
    mallory.send((b"\xff\xfb\x01" * 1000 + b"a\n") * 12)  # 36 KB, of which 16 are taken at once: 32 tokens
    scene.settle()
    assert bob.text.count("guest-1: a\n") == 5
    scene.advance(5)
    assert bob.text.count("guest-1: a\n") == 5
    scene.advance(60)
    assert bob.text.count("guest-1: a\n") == 12


@pytest.mark.parametrize("storm", [b"\xff\xfb\x01", b"\xff\xf1", b"\xff\xff" * 200 + b"\n"])
def test_a_storm_of_telnet_is_a_flood(scene: Any, open_chat: Any, storm: bytes) -> None:
    open_chat(flood_rate=2.0, flood_burst=10)
    mallory = scene.peer()
    scene.advance(INTRODUCTION)
    data = storm * (200_000 // len(storm))
    mallory.send(data)
    for _ in range(40):
        scene.advance(2)
    mallory.ends()
    assert "* goodbye: that was too much at once, and the rest is not said" in mallory.lines


def test_keep_alives_end_nobody(pair: Any, scene: Any) -> None:
    mallory, bob = pair
    for _ in range(500):
        mallory.send(b"\xff\xf1" * 10)
        scene.reactor.settle()
    mallory.send("still here\n")
    bob.gets("Mallory: still here\n")


def test_timing_marks_are_answered_one_for_one_and_no_more(pair: Any, scene: Any) -> None:
    mallory, _ = pair
    mallory.send(b"\xff\xfd\x06" * 2000)
    scene.settle()
    _ = mallory.text
    assert mallory.received == b"\xff\xfc\x06" * 2000
    mallory.send(b"a\n" + b"\xff\xfd\x06" * 2000)
    scene.settle()
    _ = mallory.text
    assert mallory.received == b"\xff\xfc\x06" * 4000


# -- storms -----------------------------------------------------------------------------------------------------------


def test_twenty_thousand_lines_at_once(scene: Any, open_chat: Any) -> None:
    """None is lost that is not said to be lost, nobody else waits, and the server holds no more than a few reads."""
    open_chat(flood_rate=2.0, flood_burst=10)
    mallory, bob, eve = (join(scene, name) for name in ("Mallory", "Bob", "Eve"))
    pour(mallory, "".join(f"line {number}\n" for number in range(20_000)).encode(), scene)
    eve.send("hello\n")
    scene.settle()
    assert "Eve: hello" in bob.lines
    tracemalloc.start()
    scene.advance(LONGEST_WAIT / 2)
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()
    eve.send("still there\n")
    scene.settle()
    assert "Eve: still there" in bob.lines
    scene.advance(LONGEST_WAIT)
    assert mallory.lines[-1] == "* goodbye: that was too much at once, and the rest is not said"
    heard = [line for line in bob.lines if line.startswith("Mallory")]
    assert heard == [f"Mallory: line {number}" for number in range(len(heard))]
    assert 9 + 2 * LONGEST_WAIT <= len(heard) <= 11 + 2 * LONGEST_WAIT
    assert bob.lines[-1] == "* Mallory was sent away: too much at once"
    assert scene.sessions[0].transport.bytes_in < 1 << 20


def pour(peer: Any, data: bytes, scene: Any) -> None:
    """Send as much of it as goes."""
    sent = 0
    while sent < len(data):
        try:
            sent += peer.sock.send(data[sent:])
        except BlockingIOError:
            return
        scene.reactor._tick()


@pytest.mark.parametrize("command", ["/nick n{}", "/topic t{}", "/join r{}", "/me m{}", "/msg Bob w{}"])
def test_every_storm_is_held_to_the_same_pace(scene: Any, open_chat: Any, command: str) -> None:
    chat = open_chat(flood_rate=2.0, flood_burst=10)
    bob = join(scene, "Bob")
    mallory = scene.peer()
    scene.advance(INTRODUCTION)
    bob.received = b""
    mallory.send("".join(f"{command.format(number)}\n" for number in range(1000)))
    scene.settle()
    assert len(mallory.lines) <= 32
    assert len(bob.lines) <= 11
    scene.advance(10.2)
    assert len(bob.lines) <= 31
    assert len(chat.hub.rooms) <= 2


def test_a_thousand_rooms_in_one_tick_leave_one(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    bob, mallory = join(scene, "Bob"), join(scene, "Mallory")
    mallory.send("".join(f"/join r{number}\n" for number in range(1000)))
    mallory.gets("you are in r999 now\n* you are alone here\n")
    assert list(chat.hub.rooms) == ["lobby", "r999"]
    assert bob.lines == ["* Mallory left for r0"]


# -- who takes and takes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("command", "count"), [("/history", 10), ("/help", 300)])
def test_questions_wait_until_the_answers_are_read(scene: Any, open_chat: Any, command: str, count: int) -> None:
    """Nine bytes may ask for 32 KiB: from who does not read them no more is taken, and it is not evicted for it."""
    chat = open_chat()
    talker, bob = join(scene, "Talker"), join(scene, "Bob")
    talker.send("".join(f"{number:4}{'x' * 600}\n" for number in range(50)))
    scene.settle()
    greedy = join(scene, "Greedy", receive_buffer=4096)
    sock = scene.sessions[2].transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    scene.peers.remove(greedy)  # nobody looks at what it is told
    greedy.send(f"{command}\n" * count + "done\n")
    scene.settle()
    transport = scene.sessions[2].transport
    assert SOFT < transport.get_write_buffer_size() < 2 * SOFT
    assert "done" not in bob.text
    bob.send("hello\n")
    talker.gets("Bob: hello\n")
    assert len(chat.hub) == 3
    scene.peers.append(greedy)
    bob.gets("Greedy: done\n")


def test_who_waits_is_told_what_others_say(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=2)
    mallory, bob = scene.peer(), scene.peer()
    scene.advance(INTRODUCTION)
    mallory.send("x\n" * 10)
    scene.settle()
    bob.send("are you all right?\n")
    mallory.gets("guest-2: are you all right?\n")
    assert bob.text.count("guest-1: x") == 2


def test_no_newline_is_the_end_after_eight_kibibytes(pair: Any, scene: Any) -> None:
    mallory, bob = pair
    mallory.send(b"x" * (MAX_UNENDED - 1))
    scene.settle()
    assert mallory.text == ""
    mallory.send(b"x")
    mallory.ends()
    assert mallory.lines == [NO_NEWLINE]
    assert bob.lines == ["* Mallory left"]
