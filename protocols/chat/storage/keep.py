"""Brings what was said before this server began back into the rooms, and keeps what is said from now on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol as Interface

from ..rooms import names
from ..rooms.hub import Hub, Posted
from ..rooms.room import Room


class Keeper(Interface):
    """A `Store`, or what behaves like it."""

    def load(self) -> dict[str, list[tuple[float, bytes]]]: ...
    def add(self, room: str, when: float, line: bytes) -> None: ...
    def topics(self) -> dict[str, str]: ...
    def set_topic(self, room: str, topic: str) -> None: ...
    def forget(self, room: str) -> None: ...


def keep_history(hub: Hub, store: Keeper) -> None:
    """Load `store` into the rooms of `hub`, and let it hear what is said there. Before anybody comes."""
    for key, said in store.load().items():
        hub.remember(key, said)
    hub.keeps_rooms = True
    hub.on_forgotten = store.forget
    hub.topics.update(store.topics())
    hub.lobby.topic = hub.topics.pop(names.key(hub.lobby.name), "")

    def on_posted(posted: Posted) -> None:
        if posted.topic is not None and posted.room is not None:
            store.set_topic(names.key(posted.room.name), posted.topic)
        if posted.said is not None:
            rooms: Iterable[Room] = hub.rooms.values() if posted.room is None else (posted.room,)
            for room in rooms:
                store.add(names.key(room.name), posted.said, posted.line)

    hub.audience.append(on_posted)
