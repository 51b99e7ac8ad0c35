"""The operator's commands, for the console and for a member after /oper alike. The table runs them and prints the help.

A name may have spaces, so whoever is named is found by the longest name of those who are here.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from functools import partial

from ...admission import addresses
from ...text.sanitize import sanitize
from ..rooms import member_commands, names
from ..rooms.command_table import MAX_TOPIC, Command, Table, list_names, shorten
from ..rooms.room import Member
from ..session import Chat
from .ban_file import BanFile
from .bans import MAX_MINUTES, Ban, TooManyBans
from .login import OperatorLogin
from .powers import Caller, Powers, lasting, list_one_node, span

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

WHO_MAX = 100  # people described in one list: as many as are read; /who TEXT finds the others
BANS_MAX = 100  # bans in one list
MAX_REASON = 200  # code points: three lines of a terminal
MAX_DELAY = 7 * 86400  # seconds to a shutdown: who plans further ahead has a calendar
CANCEL = "cancel"

AT_THE_CONSOLE = {
    "/msg": "/to", "/w": "/to", "/tell": "/to", "/whisper": "/to", "/pm": "/to", "/names": "/who", "/users": "/who",
    "/list": "/rooms", "/channels": "/rooms", "/whois": "/who", "/stop": "/shutdown", "/?": "/help",
}  # fmt: skip
"""What members and people of other chats call it."""

_ALMOST_ADDRESS = re.compile(r"\d+[./][\d./]*")


def set_up_operators(
    chat: Chat, bans: str | None = None, passwords: str | None = None, *, clock: Callable[[], float] = time.time
) -> Powers:
    """Let operators into a chat: the bans of one file, the passwords of another; None is none.

    clock: seconds since 1970, by which bans end.
    """
    reactor = chat.reactor
    login = OperatorLogin(passwords, reactor.run_in_thread, reactor.time)
    powers = Powers(chat, BanFile(bans, reactor.run_in_thread, clock, call_later=reactor.call_later), login, COMMANDS)
    powers.typed = partial(hear, powers)
    powers.bans.load()
    chat.authority = powers
    return powers


def hear(powers: Powers, caller: Caller, text: str) -> None:
    """Act on a line typed at the console."""
    bare = text.strip()
    if bare.lower() in ("exit", "/exit", "/quit"):
        return caller.tell("/shutdown ends the server; nobody leaves a console, and //exit says /exit")
    if not bare.startswith("/"):
        return _say(powers, caller, text)
    if bare.startswith("//"):
        return _say(powers, caller, text.replace("/", "", 1))
    word, _, argument = bare.partition(" ")
    word = AT_THE_CONSOLE.get(word.lower(), word)
    if not powers.run(caller, word.lower(), argument.strip()):
        caller.tell(f"there is no {shorten(word)} here; /help lists what there is, //text says /text")


# -- talking ----------------------------------------------------------------------------------------------------------


def _say(powers: Powers, caller: Caller, argument: str) -> None:
    text = sanitize(argument).rstrip()
    if text.strip():
        powers.say(caller, text)
    elif caller.member is not None:
        caller.tell("what should everybody be told? /say TEXT")


def _to(powers: Powers, caller: Caller, argument: str) -> None:
    member, text = powers.hub.find(argument)
    text = sanitize(text).rstrip()
    if member is None:
        caller.tell(f"not said: {_nobody(argument, '/to NICK TEXT')}")
    elif not text.strip():
        caller.tell(f"not said: what should {member.name} be told?")
    else:
        powers.to(caller, member, text)
        caller.tell(f"told {member.name} alone: {text}")


def _topic(powers: Powers, caller: Caller, argument: str) -> None:
    room, text = powers.hub.lobby, argument
    if argument.startswith("#"):
        found = powers.hub.find_room(argument[1:])
        if found is None:
            return caller.tell(f"there is no room {_quoted(argument[1:])}; rooms are there while somebody is in them")
        room, text = found
    topic = sanitize(text).strip()
    if not topic:
        return caller.tell(f"the topic of {room.name} is: {room.topic}" if room.topic else f"{room.name} has no topic")
    if len(topic) > MAX_TOPIC:
        return caller.tell(f"not set: a topic has at most {MAX_TOPIC} characters")
    powers.set_topic(caller, room, "" if topic == "-" else topic)
    if caller.member is not None and caller.member.room is not room:
        caller.tell(f"done in {room.name}")


# -- people -----------------------------------------------------------------------------------------------------------


def _who(powers: Powers, caller: Caller, argument: str) -> None:
    everybody = list(powers.hub.members())
    if argument:
        key = names.key(argument)
        everybody = [member for member in everybody if key in names.key(member.name) or argument in member.address]
        if not everybody:
            return caller.tell(f"nobody here has {_quoted(argument)} in the name or the address")
    now = powers.reactor.time()
    rows = [_describe(member, now) for member in everybody[:WHO_MAX]]
    more = len(everybody) - len(rows)
    tail = [f"and {more:,} more; /who TEXT shows those with TEXT in their name or address"] if more > 0 else []
    caller.tell(*list_names([member.name for member in everybody]), *rows, *tail)


def _rooms(powers: Powers, caller: Caller, _: str) -> None:
    caller.tell(*member_commands.list_rooms(powers.hub))


def _describe(member: Member, now: float) -> str:
    room = member.room.name if member.room else "nowhere"
    operator = f", operator {member.operator}" if member.operator else ""
    idle = span(now - member.spoke)
    return f"{member.name}: in {room}, from {member.address or 'a local socket'}, idle {idle}{operator}"


def _kick(powers: Powers, caller: Caller, argument: str) -> None:
    member, reason = powers.hub.find(argument)
    if member is None:
        return caller.tell(f"not kicked: {_nobody(argument, '/kick NICK [REASON]')}")
    if powers.is_spared(caller, member):
        return caller.tell(f"not kicked: {member.name} is an operator, and only the console may do that")
    powers.kick(caller, member, shorten(sanitize(reason).strip(), MAX_REASON))
    caller.tell(f"{member.name} is gone; /ban keeps somebody out")


def _ban(powers: Powers, caller: Caller, argument: str) -> None:
    try:
        ban, members = _meant(powers, argument)
        _check_ban(powers, caller, ban, members)
        powers.ban(caller, ban, members)
    except (Refused, TooManyBans, names.BadName) as why:
        return caller.tell(f"not banned: {why}")
    caller.tell(f"{ban} may not come in{lasting(ban, powers.bans.clock())}; {_outcome(ban, members)}")
    powers.bans.if_unwritten(partial(_tell_unwritten, caller, "banned all the same, but"))
    if ban.name and ban.network and (others := len(powers.within(ban.network))):
        who = "1 is" if others == 1 else f"{others:,} are"
        caller.tell(f"{who} still here from that address; /ban {addresses.show(ban.network)} sends them away too")
        caller.tell(f"whoever of them leaves may not come back; /unban {ban.name} lets all of them in again")


def _outcome(ban: Ban, members: list[Member]) -> str:
    """Whom a ban has met, and how far it reaches where its operator cannot know."""
    if members:
        return f"{len(members):,} went"
    if not ban.name:
        return "nobody had to go"
    if ban.network is None:
        return "that is the name only: nobody had it in the last hour"
    return f"{ban.name} had left already, from that address"


class Refused(ValueError):
    """A ban that is not made; the message says why."""


def _meant(powers: Powers, argument: str) -> tuple[Ban, list[Member]]:
    """Whom the operator means by ADDRESS|NICK [MINUTES]: the ban, and who of those who are here has to go."""
    if not argument:
        raise Refused("/ban ADDRESS or /ban NICK, and for how many minutes if not for ever")
    first, _, rest = argument.partition(" ")
    if (network := addresses.find_network(first)) is not None:
        return Ban(network=network, until=_until(powers, rest.strip())), powers.within(network)
    member, rest = powers.hub.find(argument)
    if member is not None:
        return Ban(member.name, addresses.find_network(member.address), _until(powers, rest.strip())), [member]
    name, _, last = argument.rpartition(" ")
    if name and last.isdecimal():
        return _absent(powers, name, _until(powers, last)), []
    return _absent(powers, argument, None), []


def _absent(powers: Powers, text: str, until: float | None) -> Ban:
    """The ban of a name that nobody here has: with the address of who had it last, if that was not long ago."""
    name = _name(text)
    return Ban(name, addresses.find_network(powers.hub.departed.address(name)), until)


def _name(text: str) -> str:
    """A name that nobody here has; an address with a slip in it is none."""
    if _ALMOST_ADDRESS.fullmatch(text):
        raise Refused(f"{_quoted(text)} is no address")
    return names.clean(text)


def _check_ban(powers: Powers, caller: Caller, ban: Ban, members: list[Member]) -> None:
    if caller.member is None:
        return
    address = addresses.parse(caller.member.address)
    if caller.member in members or (address is not None and ban.network is not None and address in ban.network):
        raise Refused("you come from that address yourself; it can only be banned at the console")
    if spared := next((member for member in members if powers.is_spared(caller, member)), None):
        raise Refused(f"{spared.name} is an operator, and only the console may do that")


def _until(powers: Powers, minutes: str) -> float | None:
    if not minutes:
        return None
    number = _number(minutes, MAX_MINUTES)
    if not number:
        raise Refused(f"{_quoted(minutes)} is no number of minutes from 1 to {MAX_MINUTES:,}")
    return powers.bans.clock() + 60.0 * number


def _bans(powers: Powers, caller: Caller, _: str) -> None:
    now = powers.bans.clock()
    everyone = list(powers.bans.bans.all(now))
    rows = [f"{ban}{lasting(ban, now)}" for ban in everyone[-BANS_MAX:]]
    more = len(everyone) - len(rows)
    head = [f"{len(everyone):,} bans, the latest last:"] if more > 0 else []
    caller.tell(*(head + rows or ["nobody is banned"]))


def _unban(powers: Powers, caller: Caller, argument: str) -> None:
    if not argument:
        return caller.tell("whom? /unban ADDRESS or /unban NICK; /bans lists them")
    bans, now = powers.bans.bans, powers.bans.clock()
    if found := bans.matching(argument, now):
        powers.unban(caller, found)
        caller.tell(*(f"{ban} may come in again" for ban in found))
        return powers.bans.if_unwritten(partial(_tell_unwritten, caller, "done, but"))
    wider = bans.of_address(argument, now)
    if wider is not None and wider.network is not None:
        return caller.tell(f"that is within {wider}; /unban {addresses.show(wider.network)} undoes all of it")
    caller.tell(f"nobody is banned as {_quoted(argument)}; /bans lists those who are")


def _tell_unwritten(caller: Caller, done: str, reason: str) -> None:
    if caller.member is None or caller.member.room is not None:  # has not left meanwhile
        caller.tell(f"{done} the file of bans cannot be written now: {reason}")


# -- the server -------------------------------------------------------------------------------------------------------


def _stats(powers: Powers, caller: Caller, _: str) -> None:
    hub, counts, stats = powers.hub, powers.chat.counts, powers.reactor.stats()
    ends = ", ".join(f"{number:,} {reason}" for reason, number in powers.chat.ends.most_common())
    caller.tell(
        f"up {span(powers.reactor.time() - powers.began)}; people {len(hub):,}, rooms {len(hub.rooms):,}, "
        f"lines said {hub.said:,}",
        f"came {counts['came']:,}, refused {counts['refused']:,}, told to wait {counts['waits']:,}, "
        f"bans {len(powers.bans.bans):,}",
        f"left: {ends or 'nobody yet'}",
        f"memory at its most {_memory()}; waiting to be sent {stats['output'] // 1024:,} KiB; "
        f"timers {stats['timers']:,}; turns of the loop {stats['ticks']:,}; process {os.getpid()}",
    )


def _nodes(powers: Powers, caller: Caller, _: str) -> None:
    caller.tell(*powers.list_nodes())


def _memory() -> str:
    if resource is None:
        return "is not known here"
    unit = 1024 * 1024 if os.uname().sysname == "Darwin" else 1024  # getrusage(2): bytes on macOS, else KiB
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit:,} MiB"


def _shutdown(powers: Powers, caller: Caller, argument: str) -> None:
    if argument.lower() == CANCEL:
        if not powers.is_ending:
            return caller.tell("nothing to cancel: the server stays")
        return powers.stay(caller)
    seconds = _number(argument or "0", MAX_DELAY)
    if seconds is None:
        return caller.tell(f"not shut down: /shutdown [SECONDS], up to {MAX_DELAY:,}, or /shutdown {CANCEL}")
    powers.shut_down(caller, float(seconds))


def _help(powers: Powers, caller: Caller, _: str) -> None:
    rows = COMMANDS.help(without=("/nodes",) if powers.list_nodes is list_one_node else ())
    if caller.member is None:
        return caller.tell(*rows, "anything else is said to everybody in every room; //text says /text")
    everybodys = member_commands.COMMANDS.help(without={*COMMANDS, "/oper"})
    caller.tell(*everybodys, "and as an operator:", *rows)


# -- words ------------------------------------------------------------------------------------------------------------


def _nobody(argument: str, usage: str) -> str:
    if not argument:
        return usage
    return f"nobody here is called {_quoted(argument.partition(' ')[0])}; /who lists who is here"


def _quoted(text: str) -> str:
    return shorten(sanitize(text).strip())


def _number(text: str, most: int) -> int | None:
    """A number that somebody has typed, if it is one and not more than `most`."""
    plain = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    return int(text) if plain and int(text) <= most else None


COMMANDS: Table[Powers, Caller] = Table(
    Command("/say TEXT", "tell everybody in every room", _say),
    Command("/to NICK TEXT", "tell NICK alone", _to),
    Command("/who [TEXT]", "list who is here, with address and idle time", _who, local=True),
    Command("/rooms", "list the rooms", _rooms),
    Command("/kick NICK [REASON]", "send NICK away", _kick),
    Command("/ban ADDRESS|NICK [MINUTES]", "send away and keep out, NICK with its address", _ban),
    Command("/bans", "list who is banned", _bans, local=True),
    Command("/unban ADDRESS|NICK", "let in again", _unban),
    Command("/topic [#ROOM] [TEXT]", "show or set what a room is about; - takes it away", _topic),
    Command("/stats", "show how the server does", _stats, local=True),
    Command("/nodes", "list the servers of the cluster", _nodes, local=True),
    Command("/shutdown [SECONDS]", "say goodbye and end; /shutdown cancel takes it back", _shutdown, local=True),
    Command("/help", "list the commands", _help, local=True),
)
