"""What begins with a slash. The table below is the whole truth: it runs the commands and prints the help."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol as Interface

from ...text.sanitize import sanitize
from . import names
from .hub import Hub
from .news import shorten as shorten_list
from .room import Member, Room

WHO_LINE = 20  # names in one line
WHO_MAX = 400  # names; a list that nobody reads is only a burden, and this one stays below the soft cap of output
ROOMS_MAX = 50  # rooms in one list
MAX_TOPIC = 200  # code points: three lines of a terminal


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table. `run` is given the hub, who asks, and what follows the command's word, stripped."""

    usage: str
    help: str
    run: Callable[[Hub, Member, str], None]


def run(hub: Hub, member: Member, text: str) -> None:
    """Run the command that `text` begins with; what is no command is an error to its sender only."""
    word, _, argument = text.partition(" ")
    if member.operator and hub.operate(member, word.lower(), argument.strip()):
        return
    command = COMMANDS.get(word.lower())
    if command is None:
        member.tell(f"there is no {shorten(sanitize(word))}; /help lists what there is, //text says /text")
    else:
        command.run(hub, member, argument.strip())


def rename(hub: Hub, member: Member, name: str) -> bool:
    """Give `member` a name and tell it so. Raises BadName; false: it is called that already."""
    renamed = hub.rename(member, name)
    if renamed:
        member.tell(f"you are {member.name} now")
    return renamed


def quit_chat(hub: Hub, member: Member, _: str = "") -> None:
    """`member` leaves by its own will."""
    hub.dismiss(member, "", reason="quit")


def shorten(text: str, size: int = 40) -> str:
    """`text`, or its beginning: nobody needs all of a long mistake back."""
    return text if len(text) <= size else f"{text[: size - 1]}…"


def list_names(everybody: list[str]) -> list[str]:
    """Names in lines, with their number.

    >>> list_names(["Ada", "Bob"]), list_names([])
    (['2 here: Ada, Bob'], ['nobody is here'])
    """
    shown = everybody[:WHO_MAX]
    lines = [", ".join(shown[at : at + WHO_LINE]) for at in range(0, len(shown), WHO_LINE)]
    if not lines:
        return ["nobody is here"]
    lines[0] = f"{len(everybody)} here: {lines[0]}"
    if len(everybody) > WHO_MAX:
        lines.append(f"and {len(everybody) - WHO_MAX} more")
    return lines


class Row(Interface):
    """What the help shows of a command."""

    @property
    def usage(self) -> str: ...
    @property
    def help(self) -> str: ...


def help_lines(rows: Collection[Row]) -> list[str]:
    """A table as people read it."""
    width = max(len(row.usage) for row in rows)
    return [f"{row.usage:<{width}}  {row.help}" for row in rows]


def describe(room: Room) -> list[str]:
    """What somebody who comes into a room is told first."""
    lines = [f"the topic is: {room.topic}"] if room.topic else []
    others = [member.name for member in room.members][:-1]
    return [*lines, f"here with you: {shorten_list(others)}" if others else "you are alone here"]


# -- people -----------------------------------------------------------------------------------------------------------


def _nick(hub: Hub, member: Member, argument: str) -> None:
    try:
        if not rename(hub, member, argument):
            member.tell(f"you are {member.name} already")
    except names.BadName as why:
        member.tell(f"you stay {member.name}: {why}")


def _who(hub: Hub, member: Member, _: str) -> None:
    if member.room is None:
        return
    here = [other.name for other in member.room.members]
    elsewhere = len(hub) - len(here)
    member.tell(*list_names(here), *([f"{elsewhere} in other rooms; /rooms lists them"] if elsewhere else []))


def _msg(hub: Hub, member: Member, argument: str) -> None:
    other, text = hub.find(argument)
    text = sanitize(text).strip()
    if other is None:
        name = shorten(sanitize(argument.partition(" ")[0]))
        member.tell(f"not sent: nobody here is called {name}" if name else "not sent: /msg NAME TEXT")
    elif not text:
        member.tell(f"not sent: what should {other.name} be told?")
    else:
        hub.whisper(member, other, text)


def _me(hub: Hub, member: Member, argument: str) -> None:
    if text := sanitize(argument).strip():
        hub.act(member, text)
    else:
        member.tell("/me waves shows the others that you wave")


# -- rooms ------------------------------------------------------------------------------------------------------------


def _join(hub: Hub, member: Member, argument: str) -> None:
    if not argument:
        return member.tell("which one? /join ROOM; /rooms lists those that are there")
    try:
        moved = hub.move(member, argument)
    except names.BadName as why:
        return member.tell(f"you stay where you are: {why}")
    room = member.room
    if room is None:
        return
    if not moved:
        return member.tell(f"you are in {room.name} already")
    member.tell(f"you are in {room.name} now", *describe(room))
    member.give(room.history.replay())


def _part(hub: Hub, member: Member, _: str) -> None:
    if member.room is hub.lobby:
        member.tell(f"you are in {hub.lobby.name}, where everybody begins; /quit leaves the chat")
    else:
        _join(hub, member, hub.lobby.name)


def _rooms(hub: Hub, member: Member, _: str) -> None:
    rooms = sorted(hub.rooms.values(), key=lambda room: -len(room.members))
    shown = rooms[:ROOMS_MAX]
    lines = [f"{room.name} ({len(room.members)}){' ' + room.topic if room.topic else ''}" for room in shown]
    more = len(rooms) - len(shown)
    member.tell(*lines, *([f"and {more} more"] if more else []))


def _topic(hub: Hub, member: Member, argument: str) -> None:
    room, topic = member.room, sanitize(argument).strip()
    if room is None:
        return
    if not argument:
        member.tell(f"the topic is: {room.topic}" if room.topic else f"{room.name} has no topic; /topic TEXT sets one")
    elif len(topic) > MAX_TOPIC:
        member.tell(f"not set: a topic has at most {MAX_TOPIC} characters")
    else:
        hub.announce(member)
        hub.set_topic(room, "" if topic == "-" else topic, member.name, member)
        member.tell(f"the topic is: {room.topic}" if room.topic else f"{room.name} has no topic now")


def _history(_: Hub, member: Member, argument: str) -> None:
    room = member.room
    if room is None:
        return
    if argument and not (argument.isascii() and argument.isdigit() and len(argument) < 10 and int(argument)):
        return member.tell("how many lines? /history 10")
    if not len(room.history):
        kept = room.history.lines
        return member.tell(f"nothing was said in {room.name} yet" if kept else "this server keeps no history")
    member.give(room.history.last(int(argument or room.history.lines)))


def _oper(hub: Hub, member: Member, argument: str) -> None:
    if member.operator:
        member.tell("you are an operator already; /help lists what you can do")
    elif hub.ask_operator is None:
        member.tell("nobody becomes an operator here, but at the console of the server")
    elif not argument:
        member.tell("/oper PASSWORD, on one line")
    else:
        hub.ask_operator(member, argument)


def _help(_: Hub, member: Member, __: str) -> None:
    member.tell(*help_lines(COMMANDS.values()), "anything else is said to everybody in your room; //text says /text")


COMMANDS = {
    "/nick": Command("/nick NAME", "be called NAME", _nick),
    "/who": Command("/who", "list who is in your room", _who),
    "/msg": Command("/msg NAME TEXT", "tell NAME alone", _msg),
    "/me": Command("/me TEXT", "show what you do: /me waves", _me),
    "/join": Command("/join ROOM", "go to another room, or open it", _join),
    "/part": Command("/part", "go back to the lobby", _part),
    "/rooms": Command("/rooms", "list the rooms", _rooms),
    "/topic": Command("/topic [TEXT]", "show or set what your room is about; - takes it away", _topic),
    "/history": Command("/history [N]", "show what was said last", _history),
    "/oper": Command("/oper PASSWORD", "become an operator", _oper),
    "/help": Command("/help", "list the commands", _help),
    "/quit": Command("/quit", "leave; so does exit", quit_chat),
}
"""By the word, in the order of the help."""
