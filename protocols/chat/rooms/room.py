"""Members and rooms: who hears what. Knows no names' rules, no commands and no sockets; a member is two callables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType

from .history import History
from .news import News

Write = Callable[[bytes], None]
Defer = Callable[[Callable[[], None]], object]
NOTICE = "* "  # how the server's own lines begin; a person's begin with a name, and no name begins like this
CROWD = 64  # members written to between two flushes: of a thousand the first has it 0.3 ms sooner, half 0.2 ms
ACTION = "~ "  # how a line of /me begins: with a mark that no name begins with, and that is not the server's
Span = tuple[int, int, bool]  # begin and end of a line that somebody is spared; whether that is its own
NOBODY: frozenset[Member] = frozenset()
NO_NAMES: Mapping[str, str] = MappingProxyType({})


def at_the_end() -> None:
    """Nothing is sent yet: it leaves at the end of the tick."""


class Member:
    """One person here. `send` takes bytes and never blocks; `close` ends its connection."""

    __slots__ = (
        "_promised", "_send", "address", "announced", "answered", "close", "guest", "hold", "ignored", "ignored_by",
        "local", "logged", "name", "named", "number", "operator", "origin", "plain", "prefix", "reason", "returns",
        "room", "silent", "spoke", "tell_own", "wait", "write",
    )  # fmt: skip

    def __init__(self, send: Write, close: Callable[[], None], *, local: bool = True) -> None:
        self._send = send
        self.local = local  # is connected to this server; else to another one of a cluster, which lets it hear
        self.origin: tuple[str, int] | None = None  # which server of a cluster it is connected to, and its number there
        self._promised: tuple[bytes, ...] = ()
        self.write = send
        self.tell_own: Write | None = None  # takes its own lines, in their place among the others; None: it is spared
        self.close = close
        self.name = ""
        self.named = False  # has chosen a name, once
        self.answered = 0  # bytes that were for it alone
        self.plain = False  # has said something, without a name before it
        self.guest = 0  # the number in the name it was given, while it has that name
        self.announced = False  # the others know that it is here
        self.ignored = NO_NAMES  # whom it does not want to hear, by the keys of their names; replaced, never changed
        self.ignored_by = NOBODY  # who does not want to hear it
        self.prefix = ""  # "From LABEL, NAME:" as it wrote it first
        self.room: Room | None = None
        self.number = 0  # in the order of coming, which is what the log calls it
        self.address = ""  # "" where there is none, as on a Unix socket
        self.spoke = 0.0  # when it last sent something, on the reactor's clock
        self.silent = True  # has not sent anything yet
        self.logged = False  # the log has told of its coming, and will tell of its end
        self.operator = ""  # as which operator, once it is one
        self.hold: Callable[[bool], None] = lambda held: None  # while held, what it says next waits
        self.wait: Callable[[bool], None] = lambda held: None  # the same, for as long as too much is on its way
        self.returns = False  # goes, and may be back at once: a page that is loaded again
        self.reason: str | None = None  # why the server ended it

    def promise_welcome(self, welcome: str, *more: bytes) -> None:
        """Tell this before anything else, at the latest by `greet`."""
        self._promised = (f"{NOTICE}{welcome}\n".encode(), *more)
        self.write = self._greet_and_write

    def greet(self) -> None:
        """Tell the welcome now, if it is still promised."""
        owed = self._promised
        self.skip_welcome()
        if owed:
            self._send(b"".join(owed))

    def skip_welcome(self) -> None:
        """The welcome is promised no more."""
        self._promised = ()
        self.write = self._send

    def _greet_and_write(self, data: bytes) -> None:
        self.greet()
        self._send(data)

    def tell(self, *notices: str) -> None:
        """Say something to this member alone, after all that was said in its room before."""
        self.give("".join(f"{NOTICE}{notice}\n" for notice in notices).encode())

    def give(self, lines: bytes) -> None:
        """Let this member alone have `lines` as they are, after all that was said in its room before."""
        if self.room is not None:
            self.room.deliver()
        if lines:
            self.answered += len(lines)
            self.write(lines)

    def __repr__(self) -> str:
        return f"<Member {self.name!r}{'' if self.announced else ' not announced'}>"


class Room:
    """Members who hear each other, the topic, and what was said last.

    Lines are collected, and delivered once a tick as one bytes object that all silent members share: a line costs its
    encoding once, and a delivery 0.2 to 0.4 microseconds instead of the 10 of a send for each.

    defer: calls a function later in this tick, before what was written is sent: `reactor.call_soon`.
    flush: sends what was written so far: `reactor.flush`.
    """

    __slots__ = (
        "_defer", "_deferred", "_flush", "_hearers", "_log", "_size", "_spared", "_was_written", "history", "members",
        "name", "news", "topic",
    )  # fmt: skip

    def __init__(
        self, name: str, defer: Defer, history: History | None = None, flush: Callable[[], object] = at_the_end
    ) -> None:
        self.name = name
        self.topic = ""
        self.history = History() if history is None else history
        self.news = News()
        self.members: dict[Member, None] = {}  # in the order of joining
        self._hearers: dict[Member, None] = {}  # those of them who are connected to this server
        self._defer = defer
        self._flush = flush
        self._deferred = False
        self._was_written = False  # in this tick
        self._log: list[bytes] = []
        self._size = 0  # bytes in _log
        self._spared: dict[Member, list[Span]] = {}  # where in the joined log is what each does not get

    @property
    def is_heard(self) -> bool:
        """Somebody in it is connected to this server."""
        return bool(self._hearers)

    def add(self, member: Member) -> None:
        """`member` hears what is said from now on."""
        self.deliver()
        self.members[member] = None
        if member.local:
            self._hearers[member] = None
        member.room = self

    def remove(self, member: Member) -> None:
        """`member` hears no more."""
        if member.tell_own is not None and member in self._spared:
            self.deliver()
        self.members.pop(member, None)
        self._hearers.pop(member, None)
        self._spared.pop(member, None)
        member.room = None

    def post(self, line: bytes, sender: Member | None = None, deaf: Collection[Member] = ()) -> None:
        """Let everybody but its sender, and those who are `deaf` to it, have `line`, complete with its end."""
        end = self._size + len(line)
        if sender is not None and sender.local:
            self._spared.setdefault(sender, []).append((self._size, end, True))
        for member in deaf:
            if member in self._hearers:
                self._spared.setdefault(member, []).append((self._size, end, False))
        self._size = end
        self._log.append(line)
        if not self._deferred:
            self._deferred = True
            self._defer(self._on_deferred)

    def deliver(self) -> None:
        """Write what was collected, now, where something else must come after it."""
        if self._log:
            self._was_written = True
            self._write(at_the_end)

    def _write(self, flush: Callable[[], object]) -> None:
        block, spared = b"".join(self._log), self._spared
        self._log, self._spared, self._size = [], {}, 0
        silent = [member for member in self._hearers if member not in spared] if spared else list(self._hearers)
        for start in range(0, len(silent), CROWD):
            if start:
                flush()
            for member in silent[start : start + CROWD]:
                member.write(block)
        for member, spans in spared.items():
            if member.tell_own is not None:
                tell_all(member, member.tell_own, block, spans)
            elif others := without(block, spans):
                member.write(others)

    def _on_deferred(self) -> None:
        self._deferred = False
        if self._log:  # where some was written before, a flush in the midst would give a second send to many
            self._write(at_the_end if self._was_written else self._flush)
        self._was_written = False

    def __repr__(self) -> str:
        return f"<Room {self.name!r} {len(self.members)} members>"


def tell_all(member: Member, tell_own: Write, block: bytes, spans: Iterable[Span]) -> None:
    """The whole of `block` in its order, but for what it ignores; its own told apart: all members see one order."""
    member.greet()
    at = 0
    for start, end, own in spans:
        if at < start:
            member.write(block[at:start])
        if own:
            tell_own(block[start:end])
        at = end
    if at < len(block):
        member.write(block[at:])


def without(block: bytes, spans: Iterable[Span]) -> bytes:
    """`block` with the spans cut out, which are in order and do not overlap.

    >>> without(b"abcdef", [(0, 1, True), (3, 5, False)])
    b'bcf'
    """
    kept, at = [], 0
    for start, end, _ in spans:
        kept.append(block[at:start])
        at = end
    kept.append(block[at:])
    return b"".join(kept)


def actor(name: str) -> str:
    """How a line of what `name` does begins. A name with a blank stands in brackets, which no name has.

    Otherwise `Ada has`, who left the exam, would be Ada, who has left the exam.

    >>> actor("Ada"), actor("The Weeknd")
    ('~ Ada ', '~ [The Weeknd] ')
    """
    return f"{ACTION}[{name}] " if " " in name else f"{ACTION}{name} "
