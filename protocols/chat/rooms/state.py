"""The whole chat as plain data, and back: what another server needs to go on from the same point. Pure.

The data are lists, texts and numbers, to be written as JSON. Members are put down with their `origin`; whoever takes
the data makes members of them, see `restore`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import names
from .history import LAST_MOMENT, History
from .hub import LOBBY, Hub
from .room import NO_NAMES, Member, Room

State = dict[str, Any]
MakeMember = Callable[[tuple[str, int]], Member]

_KEPT = ("name", "named", "plain", "guest", "announced", "prefix", "operator", "address", "number")


def describe_member(member: Member) -> list[Any]:
    """What others must know of a member, but for its room."""
    return [*(getattr(member, name) for name in _KEPT), dict(member.ignored)]


def recall_member(member: Member, known: list[Any]) -> None:
    """The opposite."""
    for name, value in zip(_KEPT, known[: len(_KEPT)], strict=True):
        setattr(member, name, value)
    member.ignored = known[len(_KEPT)] if len(known) > len(_KEPT) else NO_NAMES


def dump(hub: Hub, *, people: bool = True) -> State:
    """All there is; without `people` what outlives a stop of all servers."""
    rooms = [
        [
            room.name,
            room.topic,
            _lines(room.history),
            [[*(m.origin or ("", 0)), *describe_member(m)] for m in room.members],
        ]
        for room in hub.rooms.values()
    ]
    if not people:
        rooms = [[name, topic, lines, []] for name, topic, lines, _ in rooms]
    return {
        "next": [hub.next_guest, hub.next_number, hub.unheard_guests],
        "rooms": rooms,
        "topics": hub.topics,
        "departed": hub.departed.dump() if people else [],
        "empty": [[key, _lines(history)] for key, history in hub.empty_rooms.items()],
    }


def restore(hub: Hub, state: State, make_member: MakeMember) -> None:
    """Have what `dump` has given, in place of all that is here."""
    hub.clear()
    for key, lines in state["empty"]:
        hub.remember(key, sound_lines(lines))
    for name, topic, lines, people in state["rooms"]:
        room = hub.lobby if names.key(name) == names.key(LOBBY) else hub.open_room(name)
        _fill(room, topic, lines)
        for node, number, *known in people:
            member = make_member((node, number))
            hub.seat(member, known[0], room)
            recall_member(member, known)
            hub.ignoring.seated(member)
            member.origin = (node, number)
    hub.topics = dict(state["topics"])
    hub.departed.restore(state.get("departed", []))  # a server of an earlier version knows none
    hub.next_guest, hub.next_number, hub.unheard_guests = state["next"]


def merge_kept(hub: Hub, state: State) -> None:
    """Take topics and what was said from a state without people: before anybody comes.

    What this server has kept by itself counts too: lines of both, each once, in the order in which they were said.
    """
    known = dict(hub.empty_rooms)
    for name, topic, lines, _ in state["rooms"]:
        if names.key(name) == names.key(LOBBY):
            hub.lobby.topic = topic
            merged = _merged(hub.lobby.history, lines)
            hub.lobby.history.clear()
            hub.remember(names.key(name), merged)
        else:
            key = names.key(name)
            hub.remember(key, _merged(known.get(key, ()), lines))
            if topic:
                hub.topics[key] = topic
    for key, lines in state["empty"]:
        hub.remember(key, _merged(known.get(key, ()), lines))
    hub.topics.update(state["topics"])


def _lines(history: History) -> list[list[Any]]:
    return [[said.when, said.line.decode()] for said in history]


def sound_lines(lines: Iterable[list[Any]]) -> list[tuple[float, bytes]]:
    """Those that were said at a moment that a clock can show. Raises TypeError and ValueError for what are no lines."""
    return [(float(when), line.encode()) for when, line in lines if 0 <= when < LAST_MOMENT]


def _merged(here: Iterable[Any], lines: Iterable[list[Any]]) -> list[tuple[float, bytes]]:
    return sorted({*((said.when, said.line) for said in here), *sound_lines(lines)})


def _fill(room: Room, topic: str, lines: list[list[Any]]) -> None:
    room.topic = topic
    room.history.clear()
    for when, line in sound_lines(lines):
        room.history.add(when, line)
