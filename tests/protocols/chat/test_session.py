"""The chat on connections: joining, leaving in every way, and the limits."""

from __future__ import annotations

import gc
import socket
import weakref
from typing import Any

import pytest

from protocols.admission.pace import LONGEST_WAIT
from protocols.chat import LIMITS, TIMEOUTS, Chat, Door, Session, Settings
from protocols.chat.rooms.room import CROWD, NOTICE
from protocols.chat.session import INTRODUCTION, SOFT, WELCOME
from protocols.text import QUIET_GAP


@pytest.fixture
def open_chat(scene: Any) -> Any:
    """Opens a chat on the scene, with these options."""

    def open_chat(**options: Any) -> Chat:
        door = options.pop("door", None)
        chat = Chat(scene.reactor, Settings(**{"flood_rate": 0, **options}), door)
        scene.sessions = []

        def session() -> Session:
            scene.sessions.append(chat.session())
            return scene.sessions[-1]

        scene.serve(session, limits=LIMITS, timeouts=TIMEOUTS)
        return chat

    return open_chat


def join(scene: Any, name: str, **options: Any) -> Any:
    peer = scene.peer(**options)
    peer.send(f"/nick {name}\n")
    peer.gets(f"* you are {name} now\n")
    scene.advance(INTRODUCTION)
    return peer


@pytest.mark.parametrize("talkers", [1, 9])
def test_a_crowd_has_one_send_each_for_all_that_is_said_in_a_tick(scene: Any, open_chat: Any, talkers: int) -> None:
    """Though the first of it are sent it before it is written to the last; an answer in between changes nothing."""
    open_chat()
    crowd = [scene.peer() for _ in range(2 * CROWD + 3)]
    speakers = crowd[5 : 5 + talkers]
    for peer in speakers:
        peer.send("is anybody here?\n")
    scene.advance(60)
    for peer in crowd:
        _ = peer.text
    before = scene.reactor.stats()
    for peer in speakers:
        peer.send("hello\n/who\nall\n")
    scene.settle()
    after = scene.reactor.stats()
    assert after.sends - before.sends == len(crowd)
    assert crowd[0].text.count(": hello\n") == crowd[-1].text.count(": all\n") == talkers


def test_a_newcomer_is_welcomed_and_announced(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada = scene.peer()
    scene.advance(INTRODUCTION)
    assert ada.text.startswith("* welcome, guest-1: type to talk")
    bob = scene.peer()
    scene.advance(INTRODUCTION * 0.9)
    assert bob.text == ""
    assert len(ada.lines) == 1
    scene.advance(INTRODUCTION * 0.2)
    assert bob.text.startswith("* welcome, guest-2: ")
    scene.advance(60)
    assert ada.lines[1:] == bob.lines[1:] == [], "neither has said anything"
    ada.send("hi\n")
    scene.settle()
    assert bob.lines[1:] == ["* guest-1 joined", "guest-1: hi"]
    bob.send("/who\n")
    scene.settle()
    assert ada.lines[1:] == ["* guest-2 joined"]


@pytest.mark.parametrize("way", ["end", "close", "reset"])
def test_who_ends_before_it_has_said_anything_was_never_announced(scene: Any, open_chat: Any, way: str) -> None:
    open_chat()
    ada = join(scene, "Ada")
    before = len(ada.lines)
    lurker = scene.peer()
    scene.advance(3600)
    getattr(lurker, way)()
    scene.settle()
    assert len(ada.lines) == before
    newcomer = scene.peer()
    scene.advance(INTRODUCTION)
    assert newcomer.text.startswith("* welcome, guest-2:"), "and no number is burned"


def test_being_announced_costs_a_token_of_the_address(scene: Any, open_chat: Any) -> None:
    """Else coming and going would be two lines for everybody at the price of what is said in between."""
    chat = open_chat(door=Door(spare_loopback=False), flood_rate=1.0, flood_burst=3.0)
    quick = scene.peer()
    scene.advance(INTRODUCTION)
    quick.send("hi\n")
    scene.settle()
    quick.close()
    scene.settle()
    bucket = chat.kept_buckets.take(chat.door.key("127.0.0.1"), scene.reactor.time())
    assert bucket is not None
    assert bucket.spend(0, scene.reactor.time()) == 0.0, (
        "of three tokens one was for the line, one for the announcement"
    )
    assert bucket.spend(1, scene.reactor.time()) == 1.0


def test_the_welcome_fits_a_line_of_a_terminal() -> None:
    assert len(NOTICE + WELCOME.format("guest-10000")) < 80


def test_who_is_too_quick_for_the_welcome_gets_it_at_the_end(scene: Any, open_chat: Any) -> None:
    open_chat()
    quick = scene.peer()
    quick.send("hi\n")
    quick.end()
    quick.ends()
    assert [line.split(":")[0] for line in quick.lines] == ["* welcome, guest-1"]
    introduced = scene.peer()
    introduced.send("From Client, Scott: Hi!")
    introduced.end()
    introduced.ends()
    assert introduced.text == ""


@pytest.mark.parametrize("message", [b"/who\n", b"\xc3\x28\n", b"exit\n"])
def test_the_welcome_comes_before_any_answer(scene: Any, open_chat: Any, message: bytes) -> None:
    open_chat()
    ada = scene.peer()
    ada.send(message)
    scene.settle()
    assert len(ada.lines) == 2
    assert ada.lines[0].startswith("* welcome, guest-1: ")


def test_the_welcome_comes_before_what_others_say(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob = scene.peer(), scene.peer()
    scene.settle()
    ada.send("hello\n")
    bob.gets("guest-1: hello\n")
    assert bob.lines[0].startswith("* welcome, guest-2: ")


def test_the_tutorials_client_joins_under_its_name_and_hears_nothing_but_answers(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    ada = join(scene, "Ada")
    scott = scene.peer()
    scott.send("From Client, Scott: Hi!")
    scene.advance(QUIET_GAP)
    scene.advance(60)
    assert ada.lines[2:] == ["* Scott joined", "Scott: Hi!"]
    assert scott.text == ""
    chat.hub.say_as_operator("Hi Scott!")
    scott.gets("From Server, Admin:Hi Scott!\n")


def test_an_introduction_that_is_refused_is_told_after_the_welcome(scene: Any, open_chat: Any) -> None:
    open_chat()
    mallory = scene.peer()
    mallory.send("From Server, Admin: Hi!")
    scene.advance(QUIET_GAP)
    assert [line.split(":")[0] for line in mallory.lines] == ["* welcome, guest-1", "* you stay guest-1"]


@pytest.mark.parametrize("opening", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00"])
def test_a_stranger_is_never_broadcast(scene: Any, open_chat: Any, opening: bytes) -> None:
    chat = open_chat()
    ada = join(scene, "Ada")
    stranger = scene.peer()
    stranger.send(opening)
    stranger.ends()
    assert stranger.text == ""
    stranger.close()
    scene.advance(1)
    assert len(ada.lines) == 2
    assert len(chat.hub) == 1


@pytest.mark.parametrize("way", ["close", "reset", "end"])
def test_however_somebody_leaves_the_name_is_free(scene: Any, open_chat: Any, way: str) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    getattr(ada, way)()
    bob.gets("* Ada left\n")
    bob.send("/nick Ada\n")
    bob.gets("* you are Ada now\n")


def test_a_name_is_free_at_exit_though_the_client_keeps_its_end_open(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    ada.send("exit\nnot said\n")
    ada.ends()
    assert ada.lines[-1] == "* goodbye"
    bob.gets("* Ada left\n")
    bob.send("/nick Ada\n")
    bob.gets("* you are Ada now\n")
    assert "not said" not in bob.text


def test_all_that_was_sent_before_the_end_is_handled_and_answered(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), scene.peer()
    bob.send("one\n/who\nlast")
    bob.end()
    bob.ends()
    ada.gets("guest-2: one\nguest-2: last\n* guest-2 left\n")
    assert bob.lines[-1] == "* 2 here: Ada, guest-2"


@pytest.mark.parametrize("before", ["\x7f", "\x04", " \x08 ", "\u200b", "\ufeff", "\u200d\t"])
def test_a_command_behind_something_invisible_is_one(scene: Any, open_chat: Any, before: str) -> None:
    """It is shown as a command, and a key pressed by mistake in telnet makes no private word public."""
    open_chat()
    ada, bob, eve = (join(scene, name) for name in ("Ada", "Bob", "Eve"))
    ada.send(f"{before}/msg Bob secret\n{before}/oper open sesame\n{before}exit\n")
    scene.advance(1)
    assert "secret" in bob.lines[-2]
    assert bob.lines[-1] == eve.lines[-1] == "* Ada left"
    assert not [line for line in eve.lines if "secret" in line or "sesame" in line]


def test_who_ends_its_side_hears_what_was_said_in_the_same_tick(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    bob = join(scene, "Bob")
    chat.hub.say_as_operator("before you go")
    bob.end()
    bob.ends()
    assert bob.lines[-1] == "From Server, Admin:before you go"


def test_bad_bytes_are_told_to_their_sender_and_nobody_else(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    ada.send(b"\xff\xfe\xfd\n" + "你好".encode("gbk") + b"\n" + b"x" * 3000 + b"\nfine\n")
    bob.gets("Ada: fine\n")
    scene.settle()
    assert bob.lines[-1] == "Ada: fine"
    assert len(bob.lines) == 3
    assert [line for line in ada.lines if "not taken" in line] == [
        "* that line was not taken: it is not UTF-8",
        "* that line was not taken: it is not UTF-8",
        "* that line was not taken: it is longer than 2,048 bytes",
    ]


def test_a_word_about_a_fault_comes_after_what_was_said_before(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    ada = join(scene, "Ada")
    bob = join(scene, "Bob")
    chat.hub.say(next(iter(chat.hub.members())), "before")
    bob.send(b"\xc3\x28\n")
    bob.gets("Ada: before\n* that line was not taken")
    assert ada.lines[-1] == "* Bob joined"


def test_a_client_that_floods_without_newlines_is_gone(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    ada.send(b"x" * 100_000)
    ada.ends()
    bob.gets("* Ada left\n")
    assert "xx" not in bob.text


# -- limits ---------------------------------------------------------------------------------------------------------


def said(peer: Any) -> int:
    return sum(": line" in line for line in peer.lines)


def test_beyond_the_burst_messages_wait_and_none_is_lost(scene: Any, open_chat: Any) -> None:
    chat = open_chat(flood_rate=2.0, flood_burst=10)
    ada, bob = scene.peer(), scene.peer()
    scene.settle()
    ada.send("".join(f"line {n}\n" for n in range(30)))
    scene.settle()
    assert said(bob) == 10
    assert chat.counts["waits"] == 1
    scene.advance(0.4)
    assert said(bob) == 10
    scene.advance(0.11)
    assert said(bob) == 11
    for _ in range(19):
        scene.advance(0.51)
    assert [line for line in bob.lines if ": line" in line] == [f"guest-1: line {n}" for n in range(30)]


def test_the_end_of_a_flood_waits_its_turn(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=2)
    ada, bob = scene.peer(), scene.peer()
    scene.settle()
    ada.send("line 0\nline 1\nline 2\nline 3")
    ada.end()
    scene.settle()
    assert said(bob) == 2
    for _ in range(3):
        scene.advance(0.51)
    assert bob.lines[-3:] == ["guest-1: line 2", "guest-1: line 3", "* guest-1 left"]


def test_who_resets_in_the_middle_of_a_flood_is_gone_soon(scene: Any, open_chat: Any) -> None:
    chat = open_chat(flood_rate=2.0, flood_burst=2)
    ada = scene.peer()
    scene.advance(INTRODUCTION)  # nothing is written to it any more, which would find the reset as well
    ada.send("x\n" * 1000)
    scene.settle()
    ada.reset()
    scene.advance(0.51)
    assert len(chat.hub) == 0


def test_reading_waits_for_the_flood_and_for_the_output(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=1)
    ada = scene.peer()
    ada.send("x\n")
    scene.settle()
    (session,) = scene.sessions
    session.pause_writing()
    session.resume_writing()
    assert not session.transport.is_reading(), "the flood still holds"
    session.pause_writing()
    scene.advance(0.6)
    assert not session.transport.is_reading(), "the output still holds"
    session.resume_writing()
    assert session.transport.is_reading()


def test_what_is_held_is_not_read_though_the_flood_and_the_output_are_over(scene: Any, open_chat: Any) -> None:
    chat = open_chat(flood_rate=2.0, flood_burst=1)
    ada = scene.peer()
    ada.send("x\n")
    scene.settle()
    (session,) = scene.sessions
    (member,) = chat.hub.members()
    member.hold(True)
    scene.advance(0.6)
    assert not session.transport.is_reading(), "it is paid for, and held all the same"
    session.pause_writing()
    session.resume_writing()
    assert not session.transport.is_reading()
    member.hold(False)
    assert session.transport.is_reading()


def test_who_floods_on_and_on_is_cut_off_with_a_word(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=10)
    ada, bob = scene.peer(), scene.peer()
    scene.settle()
    ada.send("line\n" * 1000)
    scene.advance(LONGEST_WAIT * 0.9)
    assert said(bob) == 10 + LONGEST_WAIT * 0.9 * 2
    scene.advance(LONGEST_WAIT * 0.2)
    assert ada.lines[-1] == "* goodbye: that was too much at once, and the rest is not said"
    assert ada.ended
    assert bob.lines[-1] == "* guest-1 was sent away: too much at once"
    assert said(bob) < 140


@pytest.mark.parametrize(("burst", "lines"), [(1, 1), (10, 12)])
def test_who_rests_between_its_floods_is_not_cut_off(scene: Any, open_chat: Any, burst: int, lines: int) -> None:
    open_chat(flood_rate=2.0, flood_burst=burst)
    ada, bob = scene.peer(), scene.peer()
    scene.settle()
    for _ in range(10):
        ada.send("line\n" * lines)
        for _ in range(3):
            scene.advance(LONGEST_WAIT / 20)
    assert said(bob) == 10 * lines
    assert not ada.ended


def test_who_leaves_with_its_last_message_has_not_flooded(scene: Any, open_chat: Any) -> None:
    chat = open_chat(flood_rate=1.0, flood_burst=1)
    ada = scene.peer()
    scene.settle()
    for number in range(int(LONGEST_WAIT) + 1):
        ada.send("exit\n" if number == LONGEST_WAIT else "line\n")
    for _ in range(70):
        scene.advance(1)
    assert ada.lines[-1] == "* goodbye"
    ada.close()
    scene.settle()
    assert chat.ends == {"quit": 1}


def test_who_hangs_up_after_a_burst_has_none_left_on_coming_back(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=10, door=Door(spare_loopback=False))
    listener = scene.peer()
    scene.settle()
    ada = scene.peer()
    ada.send("line\n" * 9 + "exit\n")
    ada.ends()
    assert said(listener) == 9
    ada = scene.peer()
    ada.send("line\n" * 9 + "exit\n")
    scene.settle()
    assert said(listener) == 9
    scene.advance(0.51)
    assert said(listener) == 9, "having come and gone costs one as well"
    scene.advance(0.5)
    assert said(listener) == 10
    ada.close()
    scene.advance(60)
    calm = scene.peer()
    calm.send("line\n" * 3)
    scene.settle()
    assert calm.lines[-1:] != ["* goodbye"]
    assert said(listener) >= 13, "what has filled up again is new"


def test_flood_rate_zero_is_off(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=0)
    ada, bob = scene.peer(), scene.peer()
    scene.settle()
    ada.send("line\n" * 1000)
    scene.until(lambda: said(bob) == 1000)


def test_the_full_server_says_so(scene: Any, open_chat: Any) -> None:
    open_chat(door=Door(everybody=1))
    ada, bob = join(scene, "Ada"), scene.peer()
    bob.send("hello?\n")
    bob.ends()
    assert bob.lines == ["* goodbye: the server is full"]
    assert len(ada.lines) == 2
    ada.close()
    scene.settle()
    eve = scene.peer()
    scene.advance(INTRODUCTION)
    assert eve.text.startswith("* welcome")


@pytest.mark.parametrize("way", ["exit", "kick"])
def test_the_seat_of_who_was_told_goodbye_is_free_though_it_keeps_its_end_open(
    scene: Any, open_chat: Any, way: str
) -> None:
    chat = open_chat(door=Door(everybody=1))
    ada = join(scene, "Ada")
    if way == "exit":
        ada.send("exit\n")
    else:
        chat.hub.dismiss(chat.hub.get("Ada"), "", reason="kicked")
    ada.ends()
    join(scene, "Bob")
    ada.close()
    scene.settle()
    assert len(chat.door) == 1


def test_too_many_from_one_address(scene: Any, open_chat: Any) -> None:
    open_chat(door=Door(per_address=1, spare_loopback=False))
    join(scene, "Ada")
    bob = scene.peer()
    bob.ends()
    assert bob.lines == ["* goodbye: too many connections from your address"]


def join_slowly(scene: Any, name: str) -> Any:
    """Join, with next to no room in the kernel for what is not read, and look at nothing any more."""
    peer = join(scene, name, receive_buffer=4096)
    sock = scene.sessions[-1].transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    scene.peers.remove(peer)
    return peer


def talk_until(scene: Any, speaker: Any, listener: Any, condition: Any) -> None:
    """Let `speaker` talk, and `listener` hear every line of it without delay, until the condition holds."""
    line = "x" * 2000
    while not condition():
        speaker.send(f"{line}\n" * 10)
        scene.until(lambda: listener.text.count(line) == 10)
        listener.received = b""


def test_a_member_that_never_reads_is_evicted_and_delays_nobody(scene: Any, open_chat: Any, caplog: Any) -> None:
    caplog.set_level("INFO")
    chat = open_chat()
    ada, bob, stuck = join(scene, "Ada"), join(scene, "Bob"), join_slowly(scene, "Stuck")
    bob.received = b""
    talk_until(scene, ada, bob, lambda: len(chat.hub) == 2)
    stuck.close()
    assert any("over the limit of 262144" in record.message for record in caplog.records)
    (evicted,) = [record.message for record in caplog.records if record.message.startswith("event=evict")]
    assert "name=Stuck" in evicted
    assert "over the limit of 262144" in evicted


def test_who_does_not_keep_up_is_not_read_from_until_it_does(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob, slow = join(scene, "Ada"), join(scene, "Bob"), join_slowly(scene, "Slow")
    bob.received = b""
    talk_until(scene, ada, bob, lambda: scene.sessions[2].transport.get_write_buffer_size() > SOFT)
    slow.send("what a talk\n")
    scene.settle()
    assert bob.text == ""
    scene.peers.append(slow)
    bob.gets("Slow: what a talk\n")


def test_at_the_end_everybody_gets_one_farewell(scene: Any, open_chat: Any) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    ada.send("last words\n")
    bob.gets("last words\n")
    drained = scene.reactor.drain()
    for peer in (ada, bob):
        peer.ends()
        assert peer.lines[-1] == "* the server is shutting down, goodbye"
        assert "left" not in peer.text
        peer.close()
    assert not scene.reactor.run_until(drained, 10).cut


def test_what_a_silence_would_have_ended_is_not_heard_of_who_was_sent_away(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    mallory, ada = scene.peer(), join(scene, "Ada")
    mallory.send("Mallory::give me that")  # without a newline: a claim, once it has been silent for a while
    scene.settle()
    chat.hub.dismiss(chat.hub.get("guest-1"), "", reason="kicked")
    ada.send("/nick guest-1\n")
    ada.gets("* you are guest-1 now\n")
    scene.advance(QUIET_GAP * 2)
    assert [member.name for member in chat.hub.members()] == ["guest-1"]
    assert chat.hub.get("guest-1") is not None, "the name is its new holder's"
    assert chat.hub.get("Mallory") is None


class WatchedSession(Session):
    """Can be referred to weakly."""


@pytest.mark.parametrize("said", ["", "x\n" * 3, "half"])
def test_an_ended_session_is_gone_without_the_garbage_collector(scene: Any, said: str) -> None:
    chat = Chat(scene.reactor, Settings(flood_rate=2.0, flood_burst=2, idle=60.0))
    sessions: weakref.WeakSet[WatchedSession] = weakref.WeakSet()

    def session() -> WatchedSession:
        sessions.add(session := WatchedSession(chat))
        return session

    scene.serve(session, limits=LIMITS, timeouts=TIMEOUTS)
    ada = scene.peer()
    scene.advance(INTRODUCTION)
    ada.send(said)
    scene.settle()
    assert len(sessions) == 1
    gc.disable()
    try:
        ada.reset()
        if said == "x\n" * 3:
            scene.advance(1)  # whose reading is held does not see the reset before
        scene.settle()  # and no time passes: a timer that is left must not have fired before we look
        assert len(chat.hub) == len(sessions) == 0
    finally:
        gc.enable()


# -- what bad input gets ----------------------------------------------------------------------------------------------


def send_all(scene: Any, peer: Any, data: bytes, times: int) -> int:
    """Send `data` so often, unless the server ends that; gives the bytes that the kernel has taken."""
    peer.sock.settimeout(0)
    left, sent = memoryview(data * 16), 0
    while sent < len(data) * times:
        try:
            sent += peer.sock.send(left[: len(data) * times - sent])
        except BlockingIOError:
            scene.settle()
        except OSError:
            break
    return sent


def test_a_hundred_megabytes_without_a_newline(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    session = scene.sessions[0]
    assert send_all(scene, ada, bytes(65536).replace(b"\0", b"x"), 1600) == 1600 * 65536, "read, so that no RST comes"
    ada.ends()
    assert ada.lines[-1] == "* goodbye: that was 8 KiB without the end of a line"
    bob.gets("* Ada left\n")
    assert "xx" not in bob.text
    assert len(session._framer._pending) < 16 * 1024
    assert len(chat.hub) == 1


@pytest.mark.parametrize("storm", [b"\xff\xfa\x18" + b"x" * 61])
def test_a_telnet_storm(scene: Any, open_chat: Any, storm: bytes) -> None:
    open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    send_all(scene, ada, storm * 200, 100)
    ada.ends()
    assert ada.lines[-1].endswith("* goodbye: that was 8 KiB without the end of a line")
    bob.gets("* Ada left\n")
    assert bob.lines[-1] == "* Ada left"


def test_twenty_thousand_lines_from_one(scene: Any, open_chat: Any) -> None:
    open_chat(flood_rate=2.0, flood_burst=10)
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    ada.send("line\n" * 20_000)
    for _ in range(70):
        scene.advance(1)
    assert ada.lines[-1] == "* goodbye: that was too much at once, and the rest is not said"
    heard = bob.lines[bob.lines.index("Ada: line") :]
    assert heard == ["Ada: line"] * (len(heard) - 1) + ["* Ada was sent away: too much at once"]
    assert 125 < len(heard) < 140, "9 at once, 2 a second for a minute, and no more"


def test_resets_during_a_broadcast(scene: Any, open_chat: Any) -> None:
    chat = open_chat()
    ada, bob = join(scene, "Ada"), join(scene, "Bob")
    others = [join(scene, f"other {number}") for number in range(10)]
    scene.settle()
    for number, other in enumerate(others):
        ada.send(f"line {number}\n")
        bob.send(f"line {number}\n")
        other.reset()
    bob.gets("Ada: line 9\n")
    scene.until(lambda: len(chat.hub) == 2)
    scene.settle()
    for one, another in ((ada, "Bob"), (bob, "Ada")):
        assert [line for line in one.lines if ": line" in line] == [f"{another}: line {n}" for n in range(10)]
        assert sorted(line for line in one.lines if line.endswith(" left")) == sorted(
            f"* other {n} left" for n in range(10)
        )


def test_long_answers_are_billed(scene: Any, open_chat: Any) -> None:
    chat = open_chat(flood_rate=2.0, flood_burst=10)
    ada = join(scene, "Ada")
    scene.advance(60)
    for number in range(40):
        chat.hub.say(next(iter(chat.hub.members())), "x" * 1000 + str(number))
    before = chat.counts["waits"]
    ada.send("/history\n" * 2 + "done\n")  # 32 KiB each: eight messages' worth
    scene.settle()
    assert chat.counts["waits"] > before
    assert chat.hub.said == 40
    scene.advance(30)
    assert chat.hub.said == 41


def test_who_has_not_said_anything_gives_way_to_newcomers(scene: Any, open_chat: Any) -> None:
    open_chat()
    scene.peer()
    blank = scene.peer()
    join(scene, "Ada")
    scene.peer().send("hello\n")
    blank.send(" \n")
    scene.advance(60)
    assert [session.giving_way() for session in scene.sessions] == [2, 2, 0, 0]
