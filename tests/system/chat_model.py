"""The chat as plainly as it can be said: each line is given to each who hears it, at once. Knows no reactor, no bytes'
objects to share, no ticks; written from what users are promised, so that the real one can be compared with it.

Bytes come as `Piece`s, for which whoever made them has said what is text: there is nothing to parse. Time is moved.
"""

from __future__ import annotations

import functools
import re
import time
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

from protocols.chat.rooms import member_commands as commands, names
from protocols.chat.session import WELCOME

# What nobody but the server, the operator, a private message, a replay and an action may begin a line with.
MARKS = ("* ", "From Server, Admin:", "[", "~ ")

LONGEST_WAIT = 60.1  # seconds: 60.0 is a whole number of waits, and after it a rounding would decide

LENGTH = "a name has 1 to 32 characters"
SIGNS = "a name has no ':' or ',' and nothing invisible in it"
RESERVED = "that name is reserved"

# As somebody writes it: what is shown, and what it is the same as.
NAMES = {
    "Ada": ("Ada", "ada"),
    "ADA": ("ADA", "ada"),
    "Ａｄａ": ("Ada", "ada"),
    "Ada2": ("Ada2", "ada2"),
    "Bob": ("Bob", "bob"),
    "bob": ("bob", "bob"),
    "B\u20ddob": ("B\u20ddob", "b\u20ddob"),
    "小明": ("小明", "小明"),
    "The Weeknd": ("The Weeknd", "the weeknd"),
    "the   weeknd": ("the weeknd", "the weeknd"),
    "The": ("The", "the"),
    "Straße": ("Straße", "strasse"),
    "STRASSE": ("STRASSE", "strasse"),
    "ﬁn": ("fin", "fin"),
    "FIN": ("FIN", "fin"),
    "Σίσυφος": ("Σίσυφος", "σίσυφοσ"),
    "ΣΊΣΥΦΟΣ": ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
    "e\u0301va": ("éva", "éva"),
    "ÉVA": ("ÉVA", "éva"),
    "👩🏽": ("👩🏽", "👩🏽"),
    "Bob❤️": ("Bob❤", "bob❤"),
    "guest-3": ("guest-3", "guest-3"),
    "Guest-7": ("Guest-7", "guest-7"),
    "n" * 32: ("n" * 32, "n" * 32),
    "②": ("2", "2"),
    "lobby": ("lobby", "lobby"),
    "Admiral": ("Admiral", "admiral"),
}
REFUSED = {
    "": LENGTH,
    "n" * 33: LENGTH,
    "\ufdfa" * 2: LENGTH,  # one code point is eighteen
    "Admin": RESERVED,
    "ADMIN": RESERVED,
    "Ａｄｍｉｎ": RESERVED,
    "\u0410dmin": RESERVED,  # Cyrillic A
    "\u0405erver": RESERVED,  # Cyrillic Dze
    "Serv3r": RESERVED,
    "S e r v e r": RESERVED,
    "Admin!": RESERVED,
    "A:da": SIGNS,
    "A,da": SIGNS,
    "A\u202eda": SIGNS,
    "A\u200bda": SIGNS,
    "A\x1bda": SIGNS,
    "A\x85da": SIGNS,
    "A\u2028da": SIGNS,
    "A\u00adda": SIGNS,
    "\u3164": SIGNS,
    "/ada": "a name does not begin with '/'",
    "* Ada": "a name does not begin with '*'",
    "[private": "a name does not begin with '['",
    "~ Ada": "a name does not begin with '~'",
    "\u0301a": "a name begins with a letter",
}
_KEYS = dict(NAMES.values())  # by what is shown
_VISIBLE = frozenset({0x6DD, 0x70F, 0x8E2, *range(0x600, 0x606)})


class Refused(Exception):
    pass


class Piece(NamedTuple):
    """Some bytes as they are sent."""

    wire: bytes
    text: bytes = b""  # what of them is text
    hidden: int = 0  # bytes that are not
    marks: int = 0  # requests for a timing mark
    whole: bool = True  # means something only as a whole


class Person:
    def __init__(self, number: int, welcome: str) -> None:
        self.number = number
        self.name = ""
        self.welcome: str | None = welcome  # what it is told before anything else
        self.heard = ""
        self.marks = 0
        self.room: Room | None = None
        self.chosen = False  # has had a name of its own
        self.known = False  # the others know that it is here
        self.prefix = ""
        self.over = False  # nothing is heard or taken any more
        self.pending = b""
        self.after_cr = False
        self.keys = 0  # what is pending came key by key
        self.telnet = False
        self.guest = 0  # the number in its name, while it has that name
        self.silent = True  # has said nothing yet
        self.introduced = False  # the time for that has passed
        self.plain = False  # has said something without a name before it
        self.opening = True  # nothing but empty lines has come
        self.has_lines = False
        self.patient = False
        self.quiet: list[object] | None = None
        self.inbox: list[str] = []  # faults are words that begin with a newline, as no message does
        self.level = 0.0
        self.stamp = 0.0
        self.blocked = False
        self.unended = False
        self.since: float | None = None
        self.paid = 0.0  # when the last wait is over

    def hear(self, line: str) -> None:
        if self.over:
            return
        self.greet()
        self.heard += line

    def greet(self) -> None:
        if self.welcome is not None and not self.over:
            self.heard += self.welcome
            self.welcome = None

    def tell(self, *notices: str) -> None:
        for notice in notices:
            self.hear(f"* {notice}\n")


class Room:
    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.key = key
        self.topic = ""
        self.people: list[Person] = []
        self.said: list[tuple[float, str]] = []
        self.before: dict[Person, str] | None = None  # in a crowd: whom it knew when it was told last
        self.at_once = 0  # who have come lately
        self.events: list[Person] = []  # in a crowd: of whom there is news, in the order of the news

    def last(self, count: int) -> str:
        lines = self.said[-count:] if count else []
        return "".join(time.strftime("[%Y-%m-%d %H:%M] ", time.localtime(when)) + line for when, line in lines)


EOF, RESET, LONG, BAD, UNENDED, STRANGER = "\nEOF", "\nRESET", "\nLONG", "\nBAD", "\nUNENDED", "\nSTRANGER"
IRC = "\nIRC"  # a stranger behind whom a person may sit
LAST = {UNENDED, STRANGER, IRC}
FAULTS = {
    LONG: "that line was not taken: it is longer than 2,048 bytes",
    BAD: "that line was not taken: it is not UTF-8",
    IRC: "goodbye: this is no IRC server, but a chat for telnet and nc: what you type is said",
    UNENDED: "goodbye: that was 8 KiB without the end of a line",
}


class Model:
    """The whole chat.

    crowd: members above which comings and goings are told together. history: lines of a room.
    rate, burst: of messages; a rate of 0 is no limit.
    """

    def __init__(
        self, wall: float, *, crowd: int = 200, history: int = 50, rate: float = 0.0, burst: float = 10.0
    ) -> None:
        self.now = 0.0
        self.wall = wall
        self.crowd, self.history, self.rate, self.burst = crowd, history, rate, burst
        self.names: dict[str, Person] = {}
        self.rooms = [Room("lobby", "lobby")]
        self.console = ""
        self.agenda: list[list[object]] = []
        self.leaving: list[Person] = []
        self.came = 0
        self.guests = 0
        self.unheard: list[int] = []  # numbers of guests who went before anybody had heard of them
        self.closing = False

    # -- time -----------------------------------------------------------------------------------------------------

    def at(self, when: float, call: Callable[[], None]) -> list[object]:
        entry: list[object] = [when, call]
        self.agenda.append(entry)
        return entry

    def forget(self, entry: list[object] | None) -> None:
        self.agenda = [other for other in self.agenda if other is not entry]

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self.agenda:
            entry = min(self.agenda, key=lambda entry: entry[0])  # type: ignore[arg-type,return-value]
            if entry[0] > end:  # type: ignore[operator]
                break
            self.forget(entry)
            self.now = entry[0]  # type: ignore[assignment]
            entry[1]()  # type: ignore[operator]
            self.end_of_tick()
        self.now = end

    def end_of_tick(self) -> None:
        for person in self.leaving:
            self.leave(person)
        self.leaving = []

    # -- coming and going -------------------------------------------------------------------------------------------

    def connect(self) -> Person:
        self.came += 1
        while f"guest-{(number := self.guest_number())}" in self.names:
            pass
        lobby, name = self.rooms[0], f"guest-{number}"
        topic = f"* the topic is: {lobby.topic}\n" if lobby.topic else ""
        person = Person(self.came, f"* {WELCOME.removeprefix('* ').format(name)}\n{topic}{lobby.last(self.history)}")
        person.name, person.room, person.guest = name, lobby, number
        person.level, person.stamp = self.burst, self.now
        self.names[name] = person
        lobby.people.append(person)
        self.at(self.now + 0.3, lambda: self.introduce(person))
        return person

    def guest_number(self) -> int:
        if self.unheard:
            self.unheard.sort()
            return self.unheard.pop(0)
        self.guests += 1
        return self.guests

    def introduce(self, person: Person) -> None:
        if person.room is not None and not person.over:
            person.greet()
            person.introduced = True
            if not person.silent:
                self.announce(person)

    def announce(self, person: Person) -> None:
        if not person.known and person.room is not None:
            self.news(person.room, person, f"{person.name} joined", arriving=True)
            person.known = True

    def leave(self, person: Person, word: str = "left") -> None:
        self.forget(person.quiet)
        room = person.room
        if room is None:
            return
        if person.known and not self.closing:
            self.news(room, person, f"{person.name} {word}")
        elif person.guest and not person.known:
            self.unheard.append(person.guest)
        del self.names[key(person.name)]
        self.quit(room, person)
        person.over = True

    def quit(self, room: Room, person: Person) -> None:
        room.people.remove(person)
        person.room = None
        if not room.people and room is not self.rooms[0]:
            self.rooms.remove(room)

    def dismiss(self, person: Person, goodbye: str = "goodbye", word: str = "left") -> None:
        person.tell(goodbye)
        self.leave(person, word)

    def news(self, room: Room, person: Person, notice: str, *, arriving: bool = False) -> None:
        """Something about `person` that is not yet done; `arriving` is here already, though nobody knows it."""
        calm = len(room.people) + (arriving and person not in room.people) <= self.crowd
        if room.before is None and calm and arriving:
            if not room.at_once:
                self.at(self.now + 2.0, lambda: setattr(room, "at_once", 0))
            room.at_once += 1
            calm = room.at_once <= 8
        if room.before is None and calm:
            return self.notice(room, notice, person)
        if room.before is None:
            room.before = {
                other: other.name for other in room.people if other.known and not (arriving and other is person)
            }
            self.at(self.now + 2.0, lambda: self.tell_news(room))
        if arriving:  # what there was of it before is void
            room.events = [other for other in room.events if other is not person]
        room.events.append(person)

    def tell_news(self, room: Room) -> None:
        before, events = room.before or {}, room.events
        room.before, room.events = None, []
        first = list(dict.fromkeys(events))
        last = list(dict.fromkeys(reversed(events)))[::-1]
        here = [person for person in room.people if person.known]
        left = [before[person] for person in last if person in before and person not in here]
        renamed = [person for person in first if person in before and person in here]
        joined = [person.name for person in first if person not in before and person in here]
        changes = [f"{before[person]} is now {person.name}" for person in renamed if before[person] != person.name]
        for what, whom in (("left", left), ("renamed", changes), ("joined", joined)):
            if whom:
                self.notice(room, f"{what}: {some(whom)}")

    # -- what is heard ------------------------------------------------------------------------------------------------

    def post(self, room: Room, line: str, but: Person | None = None) -> None:
        for person in room.people:
            if person is not but:
                person.hear(line)
        self.console += line if room is self.rooms[0] else f"[{room.name}] {line}"

    def notice(self, room: Room, notice: str, but: Person | None = None) -> None:
        self.post(room, f"* {notice}\n", but)

    def remember(self, room: Room, line: str) -> None:
        room.said = [*room.said, (self.now + self.wall, line)][-self.history :] if self.history else []
        while sum(len(line.encode()) for _, line in room.said) > 32 * 1024:
            del room.said[0]

    def operator(self, text: str) -> None:
        for room in self.rooms:
            line = f"From Server, Admin:{text}\n"
            for person in room.people:
                person.hear(line)
            self.remember(room, line)

    def say(self, person: Person, line: str) -> None:
        assert person.room is not None
        assert "\n" not in line
        self.announce(person)
        room = person.room
        unheard = person in room.events and person not in (room.before or {})
        if unheard and len(room.people) <= self.crowd:
            self.tell_news(room)
        self.post(person.room, f"{line}\n", person)
        self.remember(person.room, f"{line}\n")

    # -- bytes --------------------------------------------------------------------------------------------------------

    def receive(self, person: Person, pieces: Iterable[Piece]) -> None:
        """What came in one segment."""
        person.patient = False
        if person.over or LAST & set(person.inbox):
            return
        pieces = list(pieces)
        text = b"".join(piece.text for piece in pieces)
        if person.opening and (person.pending + text)[:2] == b"\x16\x03":
            self.take(person, STRANGER)
            return
        person.telnet = person.telnet or any(is_telnet(piece) for piece in pieces)
        self.text(person, text)
        if not person.over:
            person.marks += sum(piece.marks for piece in pieces)
        self.wait_for_silence(person, 1.5 if person.keys == 1 and person.pending.decode() < "\u3000" else 0.2)

    def text(self, person: Person, text: bytes) -> None:
        if person.after_cr and text:
            text = re.sub(rb"\A[\n\0]", b"", text)
            person.after_cr = False
        if not text:
            return
        person.after_cr = text.endswith(b"\r")
        first, *more = re.split(rb"\r\n|\r\0|\r|\n", text)
        if not more and (person.keys == 1 or (not person.keys and not person.pending)):
            person.keys = person.keys + 1 if is_key(text) else 0
        person.pending += first
        for line in more:
            self.line(person)
            person.pending = line
            if LAST & set(person.inbox) or person.over:
                return
        if len(person.pending) >= 8192:
            self.take(person, UNENDED)

    def line(self, person: Person) -> None:
        person.keys = 0
        if len(person.pending) >= 8192:
            return self.take(person, UNENDED)
        person.has_lines = True
        self.message(person)

    def message(self, person: Person) -> None:
        """A line, or what silence or the end takes for one."""
        line, person.pending, person.keys = person.pending, b"", 0
        if person.opening and is_strange(line):
            return self.take(person, IRC if line[:4] in (b"PASS", b"CAP ") else STRANGER)
        person.opening = person.opening and not line
        if len(line) > 2048:
            return self.take(person, LONG)
        try:
            self.take(person, line.decode())
        except UnicodeDecodeError:
            self.take(person, BAD)

    def wait_for_silence(self, person: Person, seconds: float) -> None:
        self.forget(person.quiet)
        person.quiet = None
        if person.keys > 1 and not (person.opening and is_strange(person.pending)):
            return
        if person.pending and not (person.has_lines or person.telnet or person.over):
            person.quiet = self.at(self.now + seconds, lambda: self.silence(person))

    def silence(self, person: Person) -> None:
        if not person.patient and unfinished(person.pending):
            person.patient = True
            return self.wait_for_silence(person, 0.6)
        self.message(person)

    def end(self, person: Person) -> None:
        """It sends no more."""
        if person.pending and not person.over:
            person.unended = True  # its last line: what follows is only the end, which costs nothing
            self.message(person)
        self.take(person, EOF)

    def lose(self, person: Person) -> None:
        """Its connection has broken."""
        if not person.over:
            self.forget(person.quiet)
            person.over = True
            self.leaving.append(person)

    def take(self, person: Person, item: str) -> None:
        """A message or a fault, when its turn comes."""
        person.inbox.append(item)
        self.work(person)

    def work(self, person: Person) -> None:
        while person.inbox and not person.blocked and not person.over:
            item = person.inbox.pop(0)
            if item == EOF:
                person.greet()
                self.lose(person)
            elif item == STRANGER:  # is told nothing at all
                person.over = True
                self.leave(person)
            elif item in FAULTS:
                person.tell(FAULTS[item])
                if item in LAST:
                    self.leave(person)
            else:
                self.hear(person, item)
            if self.rate and item != EOF and not person.over and not (person.unended and person.inbox in ([], [EOF])):
                self.pay(person, 1 if item.startswith("\n") else 1 + len(item) // 512)

    def pay(self, person: Person, tokens: int) -> None:
        person.level = min(self.burst, person.level + (self.now - person.stamp) * self.rate) - tokens
        person.stamp = self.now
        if person.level >= 1:
            person.since = None
            return
        if person.since is None or self.now - person.paid > 1:  # a rest of a second ends a flood
            person.since = self.now
        person.paid = self.now + (1 - person.level) / self.rate
        if self.now - person.since > LONGEST_WAIT:
            word = "was sent away: too much at once"
            return self.dismiss(person, "goodbye: that was too much at once, and the rest is not said", word)
        person.blocked = True
        self.at(self.now + (1 - person.level) / self.rate, lambda: self.unblock(person))

    def unblock(self, person: Person) -> None:
        person.blocked = False
        self.work(person)

    # -- messages -----------------------------------------------------------------------------------------------------

    def hear(self, person: Person, raw: str) -> None:
        if person.silent and raw.strip():
            person.silent = False
            if person.introduced:
                self.announce(person)
        if clean(raw).lstrip().startswith("/"):
            before, slash, rest = raw.partition("/")
            raw = clean(before) + slash + rest
        text = raw.strip()
        introduction = re.fullmatch(r"(From [^,:]+,([^:]+):)(.*)", text, re.DOTALL)
        if text.startswith("//"):
            self.speak(person, raw.replace("/", "", 1))
        elif text.startswith("/"):
            word, _, rest = text.partition(" ")
            command = {"exit": "quit", "w": "msg", "names": "who"}.get(word[1:].lower(), word[1:].lower())
            getattr(self, f"on_{command}", self.unknown(word))(person, rest.strip())
        elif introduction and raw[0] == "F":
            self.introduced(person, text, *introduction.groups())
        elif "::" in text:
            self.claim(person, raw, *raw.split("::", 1))
        else:
            self.speak(person, raw)

    def speak(self, person: Person, raw: str) -> None:
        text = clean(raw).rstrip()
        if text.strip().lower() == "exit":
            self.dismiss(person)
        elif text:
            person.plain = True
            line = f"{person.name}: {text}"
            assert not line.startswith(MARKS), line
            self.say(person, line)

    def introduced(self, person: Person, text: str, prefix: str, name: str, rest: str) -> None:
        if not person.chosen and not person.prefix:
            person.prefix = prefix
            try:
                self.rename(person, name)
            except Refused as why:
                person.tell(f"you stay {person.name}: {why}")
            else:
                person.welcome = None
        try:
            own = prefix == person.prefix or judge(name)[1] == key(person.name)
        except Refused:
            own = prefix == person.prefix
        self.speak(person, rest.removeprefix(" ") if own else text)

    def claim(self, person: Person, raw: str, name: str, text: str) -> None:
        """NAME::text, from somebody who may be called so and has no name yet, or from NAME itself."""
        its_key = None
        if not person.chosen and is_address(raw):
            return self.speak(person, raw)
        try:
            its_key = judge(name)[1] if name == name.strip() else None
        except Refused as why:
            if str(why) in (RESERVED,):
                its_key = "reserved"
        if person.chosen and its_key is not None and its_key == key(person.name):
            return self.speak(person, text)
        words = name.split()
        titled = not any(word[0].islower() for word in words)
        if person.chosen or its_key is None or not (titled or (len(words) == 1 and not person.plain)):
            return self.speak(person, raw)
        if text.strip().lower() == "exit":
            return self.dismiss(person)
        try:
            if self.rename(person, name):
                person.tell(f"you are {person.name} now")
        except Refused as why:
            person.tell(f"not said, you stay {person.name}: {why}")
        else:
            self.speak(person, text)

    def rename(self, person: Person, raw: str) -> bool:
        shown, its_key = judge(raw)
        if self.names.get(its_key, person) is not person:
            number = 2
            while key(other := shown[: 32 - len(str(number))].rstrip() + str(number)) in self.names:
                number += 1
            raise Refused(f"{shown} is taken; {other} is free")
        person.chosen = True
        old = person.name
        if old == shown:
            return False
        if person.known and person.room is not None:
            self.news(person.room, person, f"{old} is now {shown}")
        del self.names[key(old)]
        self.names[its_key] = person
        person.name, person.guest = shown, 0
        return True

    def unknown(self, word: str) -> Callable[[Person, str], None]:
        word = short(clean(word))
        return lambda person, _: person.tell(f"there is no {word}; /help lists what there is, //text says /text")

    # -- commands -----------------------------------------------------------------------------------------------------

    def on_nick(self, person: Person, name: str) -> None:
        if not name.strip():
            return person.tell(f"you stay {person.name}: what do you want to be called? /nick NAME")
        try:
            when = "now" if self.rename(person, name) else "already"
            person.tell(f"you are {person.name} {when}")
        except Refused as why:
            person.tell(f"you stay {person.name}: {why}")

    def on_who(self, person: Person, _: str) -> None:
        assert person.room is not None
        here = [other.name for other in person.room.people]
        rows = [", ".join(here[at : at + 20]) for at in range(0, len(here), 20)]
        person.tell(f"{len(here)} here: {rows[0]}", *(f"  {row}" for row in rows[1:]))
        if elsewhere := len(self.names) - len(here):
            person.tell(f"{elsewhere} in other rooms; /rooms lists them")

    def on_msg(self, person: Person, argument: str) -> None:
        words = argument.split(" ")
        for count in range(len(words), 0, -1):
            other = self.names.get(key(" ".join(filter(None, words[:count]))))
            if other is not None:
                break
        else:
            name = short(clean(words[0]))
            return person.tell(f"not sent: nobody here is called {name}" if name else "not sent: /msg NAME TEXT")
        rest = argument.removeprefix(" ".join(words[:count]).rstrip(" "))
        indented = rest.startswith("   ")  # two blanks are a slip
        text = clean(rest[1:] if indented else rest.strip()).rstrip()
        if not text.strip():
            return person.tell(f"not sent: what should {other.name} be told?")
        self.announce(person)
        other.hear(f"[private from {person.name}] {text}\n")
        if other is not person:
            person.hear(f"[private to {other.name}] {text}\n")

    def on_me(self, person: Person, argument: str) -> None:
        if text := clean(argument).strip():
            self.say(person, f"~ [{person.name}] {text}" if " " in person.name else f"~ {person.name} {text}")
        else:
            person.tell("/me waves shows the others that you wave")

    def on_join(self, person: Person, argument: str) -> None:
        if not argument:
            return person.tell("which one? /join ROOM; /rooms lists those that are there")
        try:
            name, its_key = judge(argument.removeprefix("#"))
        except Refused as why:
            return person.tell(f"you stay where you are: {why}")
        self.move(person, name, its_key)

    def move(self, person: Person, name: str, its_key: str) -> None:
        old, new = person.room, self.room(its_key)
        assert old is not None
        if old is new:
            return person.tell(f"you are in {new.name} already")
        self.announce(person)
        self.news(old, person, f"{person.name} left for {new.name if new else name}")
        self.quit(old, person)
        if new is None:
            new = Room(name, its_key)
            self.rooms.append(new)
        self.news(new, person, f"{person.name} joined", arriving=True)
        new.people.append(person)
        person.room = new
        person.tell(f"you are in {new.name} now")
        if new.topic:
            person.tell(f"the topic is: {new.topic}")
        others = [other.name for other in new.people if other is not person]
        person.tell(f"here with you: {some(others)}" if others else "you are alone here")
        person.hear(new.last(self.history))

    def room(self, its_key: str) -> Room | None:
        return next((room for room in self.rooms if room.key == its_key), None)

    def on_part(self, person: Person, _: str) -> None:
        if person.room is self.rooms[0]:
            person.tell("you are in lobby, where everybody begins; /quit leaves the chat")
        else:
            self.move(person, "lobby", "lobby")

    def on_rooms(self, person: Person, _: str) -> None:
        rooms = sorted(self.rooms, key=lambda room: len(room.people), reverse=True)
        rows = [f"{room.name} ({len(room.people)}) {room.topic}".rstrip() for room in rooms]
        person.tell(*rows[:50], *([f"and {len(rows) - 50} more"] if len(rows) > 50 else []))

    def on_topic(self, person: Person, argument: str) -> None:
        room, topic = person.room, clean(argument).strip()
        assert room is not None
        if argument and len(topic) > 200:
            return person.tell("not set: a topic has at most 200 characters")
        if argument:
            self.announce(person)
            room.topic = "" if topic == "-" else topic
            by = person.name
            self.notice(room, f"{by} set the topic: {topic}" if room.topic else f"{by} took the topic away", person)
        none = f"{room.name} has no topic now" if argument else f"{room.name} has no topic; /topic TEXT sets one"
        person.tell(f"the topic is: {room.topic}" if room.topic else none)

    def on_history(self, person: Person, argument: str) -> None:
        room = person.room
        assert room is not None
        if argument and not re.fullmatch("0*[1-9][0-9]{0,8}", argument):
            person.tell("how many lines? /history 10")
        elif not self.history:
            person.tell("this server keeps no history")
        elif not room.said:
            person.tell(f"nothing was said in {room.name} yet")
        else:
            person.hear(room.last(int(argument or self.history)))

    def on_help(self, person: Person, _: str) -> None:
        lines = commands.COMMANDS.help(without=["/oper"])
        person.tell(*lines, "anything else is said to everybody in your room; //text says /text")

    def on_quit(self, person: Person, _: str) -> None:
        self.dismiss(person)

    def shut_down(self) -> None:
        self.closing = True
        for person in list(self.names.values()):
            person.tell("the server is shutting down, goodbye")
            self.lose(person)


def judge(raw: str) -> tuple[str, str]:
    """What is shown of a name, and what it is the same as. Raises Refused."""
    name = raw.strip(" ")
    if name in REFUSED:
        raise Refused(REFUSED[name])
    if name in NAMES:
        return NAMES[name]
    try:  # two messages that became one
        shown = names.clean(raw)
    except names.BadName as why:
        raise Refused(str(why)) from None
    return shown, key(shown)


def key(name: str) -> str:
    """What a name as it is shown, or written, is the same as."""
    return NAMES[name][1] if name in NAMES else _KEYS.get(name) or names.key(name)


def clean(text: str) -> str:
    """What of `text` others see."""
    while re.match(r" *\t", text):  # an indentation
        text = text.replace("\t", "    ", 1)
    kept = "".join(" " if char == "\t" else char for char in text if not is_removed(char))
    return re.sub("(?<![^\0-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\0-\x7f])", "", kept)


@functools.cache
def is_removed(char: str) -> bool:
    if char in "\t\u200c\u200d" or ord(char) in _VISIBLE:
        return False
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def is_key(data: bytes) -> bool:
    return is_utf8(data) and len(data) <= 3 and len(data.decode()) == 1


def is_telnet(piece: Piece) -> bool:
    """A whole command, or the end of a subnegotiation: its beginning may be any text that is not UTF-8."""
    return piece.hidden > 0 and piece.wire[:1] == b"\xff" and piece.wire[1:2] != b"\xfa"


# How SSH, mail, HAProxy, Redis and IRC begin, and requests of HTTP and RTSP.
STRANGERS = re.compile(
    rb"SSH-\d.*|EHLO(?: \S+)?|PROXY TCP4\b.*|\*\d+|PASS \S+|CAP LS\b.*|[A-Z]{3,20} \S+ (?:HTTP|RTSP)/\d(?:\.\d)?",
    re.DOTALL,
)


def is_strange(line: bytes) -> bool:
    """A first line that another protocol begins with, of those that the clients here send."""
    if re.search(rb"\0[\0-\x06\x0e-\x1a]", line.rstrip(b"\0")):
        return True
    return re.search(rb"[\x01-\x06\x0e-\x1a]\0|\A\0\Z", line) is not None or STRANGERS.fullmatch(line) is not None


def is_address(text: str) -> bool:
    """Whether it begins with an address of IPv6, such as fe80::1, and not with somebody's name."""
    name, _, rest = text.split()[0].rstrip(".,;!?").partition("::")
    groups = [name, *(rest.split(":") if rest else [])]
    given = name[:1].isdigit() or (
        len(name) == 4 and name.lower() >= "fc"
    )  # what else begins with a letter is nobody's
    return any(map(str.isdigit, name)) and given and all(re.fullmatch("[0-9A-Fa-f]{1,4}", group) for group in groups)


def unfinished(pending: bytes) -> bool:
    if pending == b"\x16":
        return True
    if re.match(rb"[A-Z]{3,20} /", pending) and not STRANGERS.fullmatch(pending):
        return True
    return not is_utf8(pending) and any(is_utf8(pending + rest) for rest in RESTS)


RESTS = [first + rest for first in (b"\x80", b"\x90", b"\xa0") for rest in (b"", b"\x80", b"\x80\x80")]


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def short(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
