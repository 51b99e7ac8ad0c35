"""Who hears what, in which order, in how many writes."""

from __future__ import annotations

import random
from typing import Any

import pytest

from protocols.chat.rooms.room import CROWD, Member, Room, without


def test_everybody_but_the_sender_hears(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("hello")
    assert ada.lines == []
    assert bob.lines == guest.lines == ["Ada: hello"]


def test_a_tick_is_one_write_of_one_object(chat: Any) -> None:
    written: list[list[bytes]] = [[], [], []]
    room = Room("r", chat.deferred.append)
    members = [Member(box.append, lambda: None) for box in written]
    for member in members:
        room.add(member)
    for number in range(3):
        room.post(b"%d\n" % number, members[0])
    assert len(chat.deferred) == 1
    chat.tick()
    assert written == [[], [b"0\n1\n2\n"], [b"0\n1\n2\n"]]
    assert written[1][0] is written[2][0], "encoded, joined and held once for all"


def crowd(chat: Any, size: int) -> tuple[Room, list[Member], list[Any]]:
    """A room of so many, and what is done: the number of each who is written to, `flush` where they are sent it."""
    done: list[Any] = []
    room = Room("r", chat.deferred.append, flush=lambda: done.append("flush"))
    members = [Member(lambda data, number=number: done.append(number), lambda: None) for number in range(size)]
    for member in members:
        room.add(member)
    return room, members, done


@pytest.mark.parametrize("size", [1, CROWD - 1, CROWD, CROWD + 1, 3 * CROWD, 3 * CROWD + 5])
def test_the_first_of_a_crowd_are_sent_a_line_before_the_last_are_written_to(chat: Any, size: int) -> None:
    """Who comes after the last whole crowd is sent it at the end of the tick, as all are in a small room."""
    room, _, done = crowd(chat, size)
    room.post(b"hello\n")
    chat.tick()
    expected: list[Any] = list(range(size))
    for end in reversed(range(CROWD, size, CROWD)):
        expected.insert(end, "flush")
    assert done == expected


def test_what_is_said_before_an_answer_waits_for_the_end_of_the_tick(chat: Any) -> None:
    """Else a crowd would have one send for each answer that somebody asks for between two lines."""
    room, members, done = crowd(chat, 2 * CROWD)
    room.post(b"hello\n", members[5])
    members[5].tell("this is the help")
    assert sorted(done) == list(range(2 * CROWD))
    room.post(b"hello again\n")
    chat.tick()
    assert "flush" not in done, "they would be sent twice"
    room.post(b"in the next tick\n")
    chat.tick()
    assert done.count("flush") == 1


def test_who_spoke_in_a_crowd_is_no_part_of_it(chat: Any) -> None:
    room, members, done = crowd(chat, CROWD + 1)
    room.post(b"hello\n", members[0])
    chat.tick()
    assert done == list(range(1, CROWD + 1))


def test_who_spoke_hears_all_but_its_own(trio: Any) -> None:
    ada, bob, guest = trio
    ada.says("1")
    bob.says("2", "3")
    ada.says("4")
    assert ada.lines == ["Bob: 2", "Bob: 3"]
    assert bob.lines == ["Ada: 1", "Ada: 4"]
    assert guest.lines == ["Ada: 1", "Bob: 2", "Bob: 3", "Ada: 4"]


def test_what_is_told_to_one_comes_after_what_was_said_before(trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("before")
    bob.says("/nope")
    ada.says("after")
    heard = bob.lines
    assert (heard[0], heard[-1]) == ("Ada: before", "Ada: after")
    assert heard[1].startswith("* there is no /nope")


def test_a_newcomer_hears_nothing_from_before(chat: Any, trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("before")
    late = chat.join()
    bob.says("after")
    assert late.lines == ["Bob: after"]


def test_who_left_hears_no_more_and_what_it_said_stays(chat: Any, trio: Any) -> None:
    ada, bob, _ = trio
    ada.says("last words")
    chat.hub.leave(ada.member)
    bob.says("gone already?")
    assert ada.lines == []
    assert bob.lines == ["Ada: last words", "* Ada left"]


def test_an_empty_room_delivers_to_nobody(chat: Any) -> None:
    room = Room("r", chat.deferred.append)
    room.post(b"hello?\n")
    chat.tick()


@pytest.mark.parametrize("seed", range(20))
def test_against_a_plain_model(chat: Any, seed: int) -> None:
    """The model writes each line to each other member at once; ours must give each the same, later."""
    rng = random.Random(seed)
    room = Room("r", chat.deferred.append)
    ours: dict[Member, list[bytes]] = {}
    model: dict[Member, list[bytes]] = {}
    present: list[Member] = []
    for number in range(300):
        action = rng.random()
        if action < 0.1 or not present:
            box: list[bytes] = []
            member = Member(box.append, lambda: None)
            ours[member], model[member] = box, []
            present.append(member)
            room.add(member)
        elif action < 0.15:
            # who leaves may miss the lines of its last tick, so that the tick ends first
            chat.tick()
            room.remove(present.pop(rng.randrange(len(present))))
        elif action < 0.3:
            chat.tick()
        else:
            sender = rng.choice([*present, None])
            line = b"%d\n" % number
            room.post(line, sender)
            for member in present:
                if member is not sender:
                    model[member].append(line)
    chat.tick()
    assert {member: b"".join(box) for member, box in ours.items()} == {
        member: b"".join(box) for member, box in model.items()
    }


@pytest.mark.parametrize(
    ("spans", "left"),
    [([], b"abcdef"), ([(0, 6)], b""), ([(0, 1), (1, 2)], b"cdef"), ([(2, 4), (5, 6)], b"abe")],
)
def test_without(spans: list[tuple[int, int]], left: bytes) -> None:
    assert without(b"abcdef", [(*span, True) for span in spans]) == left
