"""What begins with a slash. The table below is the whole truth: it runs the commands and prints the help."""

from __future__ import annotations

from ...text.sanitize import sanitize
from . import names
from .command_table import MAX_TOPIC, Command, Table, list_names, shorten
from .hub import Hub
from .ignoring import MOST, hears, replayed
from .news import shorten as shorten_list
from .room import Member, Room

ROOMS_MAX = 50  # rooms in one list


def run(hub: Hub, member: Member, text: str) -> None:
    """Run the command that `text` begins with; what is no command is an error to its sender only."""
    word, _, argument = text.partition(" ")
    if member.operator and hub.authority.operate(member, word.lower(), argument.strip()):
        return
    if not member.local and COMMANDS.is_local(word):
        return  # nobody here would see the answer
    if not COMMANDS.run(hub, member, word, argument):
        member.tell(f"there is no {shorten(sanitize(word))}; /help lists what there is, //text says /text")


def rename(hub: Hub, member: Member, name: str) -> bool:
    """Give `member` a name and tell it so. Raises BadName; false: it is called that already."""
    renamed = hub.rename(member, name)
    if renamed:
        member.tell(f"you are {member.name} now")
    return renamed


def quit_chat(hub: Hub, member: Member, _: str = "") -> None:
    """`member` leaves by its own will."""
    hub.dismiss(member, "", reason="quit")


def describe(room: Room) -> list[str]:
    """What somebody who comes into a room is told first."""
    lines = [f"the topic is: {room.topic}"] if room.topic else []
    others = [member.name for member in room.members][:-1]
    return [*lines, f"here with you: {shorten_list(others)}" if others else "you are alone here"]


# -- people -----------------------------------------------------------------------------------------------------------


def _nick(hub: Hub, member: Member, argument: str) -> None:
    if not argument:
        return member.tell(f"you stay {member.name}: what do you want to be called? /nick NAME")
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


def _whois(hub: Hub, member: Member, argument: str) -> None:
    other, room = hub.get(argument), None
    if other is not None:
        room = other.room
    if other is None or room is None:
        name = shorten(sanitize(argument))
        return member.tell(f"nobody here is called {name}" if name else "who? /whois NAME")
    member.tell(f"{other.name} is in {room.name}")


def _msg(hub: Hub, member: Member, argument: str) -> None:
    other, text = hub.find(argument)
    text = sanitize(text).rstrip()
    if other is None:
        name = shorten(sanitize(argument.partition(" ")[0]))
        member.tell(f"not sent: nobody here is called {name}" if name else "not sent: /msg NAME TEXT")
    elif not text.strip():
        member.tell(f"not sent: what should {other.name} be told?")
    elif not hears(other, member):
        member.tell(f"not sent: {other.name} ignores you")
    else:
        hub.whisper(member, other, text)


def _me(hub: Hub, member: Member, argument: str) -> None:
    if text := sanitize(argument).strip():
        hub.act(member, text)
    else:
        member.tell("/me waves shows the others that you wave")


def _ignore(hub: Hub, member: Member, argument: str) -> None:
    if not argument:
        ignored = ", ".join(member.ignored.values())
        return member.tell(f"you ignore {ignored}" if ignored else "you ignore nobody; /ignore NAME begins it")
    for name in argument.split(","):  # no name has a comma in it
        if (key := names.key(" ".join(name.split()))) in member.ignored:
            _hear_again(hub, member, key)
        else:
            _ignore_one(hub, member, name)


def _ignore_one(hub: Hub, member: Member, asked: str) -> None:
    other = hub.get(asked)
    try:
        name = names.clean(asked) if other is None else other.name
    except names.BadName:
        return member.tell(f"not ignored: nobody is called {shorten(sanitize(asked).strip())}")
    if other is member or (other is not None and other.operator):
        member.tell(f"not ignored: {'that is you' if other is member else f'{name} is an operator'}")
    elif len(member.ignored) >= MOST:
        member.tell(f"not ignored: {MOST} names are enough; /unignore NAME makes room")
    else:
        hub.ignoring.begin(member, name)
        where = "" if other is not None else ", who is not here"
        member.tell(f"you ignore {name} now{where}; /unignore {name} ends it")


def _unignore(hub: Hub, member: Member, argument: str) -> None:
    for name in argument.split(","):
        if (key := names.key(" ".join(name.split()))) in member.ignored:
            _hear_again(hub, member, key)
        else:
            name = shorten(sanitize(name).strip())
            member.tell(f"you do not ignore {name}" if name else "whom? /unignore NAME; /ignore lists them")


def _hear_again(hub: Hub, member: Member, key: str) -> None:
    name = member.ignored[key]
    hub.ignoring.end(member, key)
    member.tell(f"you hear {name} again")


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
    member.give(replayed(room.history, member))


def _part(hub: Hub, member: Member, _: str) -> None:
    if member.room is hub.lobby:
        member.tell(f"you are in {hub.lobby.name}, where everybody begins; /quit leaves the chat")
    else:
        _join(hub, member, hub.lobby.name)


def _rooms(hub: Hub, member: Member, _: str) -> None:
    member.tell(*list_rooms(hub))


def list_rooms(hub: Hub) -> list[str]:
    """The rooms, the fullest first, each with its people and its topic."""
    rooms = sorted(hub.rooms.values(), key=lambda room: -len(room.members))
    shown = rooms[:ROOMS_MAX]
    lines = [f"{room.name} ({len(room.members)}){' ' + room.topic if room.topic else ''}" for room in shown]
    more = len(rooms) - len(shown)
    return [*lines, *([f"and {more} more"] if more else [])]


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
    member.give(replayed(room.history, member, int(argument or room.history.lines)))


def _oper(hub: Hub, member: Member, argument: str) -> None:
    if member.operator:
        member.tell("you are an operator already; /help lists what you can do")
    elif not hub.authority.has_passwords:
        member.tell("nobody becomes an operator here, but at the console of the server")
    elif not argument:
        member.tell("/oper PASSWORD, on one line")
    else:
        hub.authority.ask(member, argument)


def _help(hub: Hub, member: Member, _: str) -> None:
    impossible = () if hub.authority.has_passwords else ("/oper",)
    member.tell(*COMMANDS.help(impossible), "anything else is said to everybody in your room; //text says /text")


COMMANDS: Table[Hub, Member] = Table(
    Command("/nick NAME", "be called NAME", _nick),
    Command("/who", "list who is in your room", _who, local=True),
    Command("/whois NAME", "say which room NAME is in", _whois, local=True),
    Command("/msg NAME TEXT", "tell NAME alone", _msg),
    Command("/me TEXT", "show what you do: /me waves", _me),
    Command("/ignore [NAME]", "hide what NAME says, and again to hear it; or list them", _ignore),
    Command("/unignore NAME", "hear NAME again", _unignore),
    Command("/join ROOM", "go to another room, or open it", _join),
    Command("/part", "go back to the lobby", _part),
    Command("/rooms", "list the rooms", _rooms, local=True),
    Command("/topic [TEXT]", "show or set what your room is about; - takes it away", _topic),
    Command("/history [N]", "show what was said last", _history, local=True),
    Command("/oper PASSWORD", "become an operator", _oper, local=True),
    Command("/help", "list the commands", _help, local=True),
    Command("/quit", "leave; so does exit", quit_chat),
    others={
        "/names": "/who", "/users": "/who", "/list": "/rooms", "/channels": "/rooms", "/w": "/msg",
        "/tell": "/msg", "/whisper": "/msg", "/pm": "/msg", "/leave": "/part", "/exit": "/quit", "/bye": "/quit",
        "/?": "/help", "/commands": "/help",
    },
)  # fmt: skip
