"""The SQLite file that rooms' lines are kept in: its schema, what is foreign to it, what of it may be shown.

Every call blocks, and raises sqlite3.Error or OSError when the file cannot be used; it is opened when needed and may
be closed at any time. Knows no threads; a connection is used by the thread that opened it.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path

from ...places import check_place
from ...text.sanitize import sanitize
from ..rooms.history import LAST_MOMENT

Row = tuple[str, float, bytes]  # the room, when (Unix time), and the line complete with its end
TOPIC = -1.0  # in place of a time: the row is what the room is about, and not a line
FORGOTTEN = -2.0  # the same: what was said in the room before is forgotten

KEEP_LINES = 500  # a room: an evening's talk, ten times what is replayed
KEEP_ROOMS = 200  # those spoken in last. With 500 lines each 10 MB of ordinary talk, 230 MB of the longest lines
TIDY_EVERY = 5_000  # lines between two tidyings. One reads the whole index, which takes 0.1 s at the size above
LONGEST = 4_096  # bytes of a line: a message of 2,048, a name of 32 characters of 4 bytes, and what stands around them
LOCK_WAIT = 2.0  # seconds for another program's lock: longer than a commit, and twice that is less than a farewell
WAL_LIMIT = 64 << 20  # bytes of the -wal file: it grows while somebody else keeps reading, and is cut back at 4 MB else
ROWS_AT_ONCE = 250  # in one statement, see `append`. Three values each; an SQLite before 3.32 takes 999

APPLICATION = int.from_bytes(b"chat", "big")  # PRAGMA application_id: whose database this is
SCHEMA = 1  # PRAGMA user_version
BESIDE = "-wal", "-shm", "-journal"  # what SQLite opens beside the file, by name
NO_FILE = (0, 0)  # in place of a device and an inode

_CREATE = (
    "CREATE TABLE IF NOT EXISTS line"
    " (id INTEGER PRIMARY KEY, room TEXT NOT NULL, spoken REAL NOT NULL, line BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS line_room ON line (room)",  # holds the id too: in order within a room
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {SCHEMA}",
)
_ALWAYS = "lobby"  # is kept whatever is said elsewhere: somebody who talks to himself in 200 rooms takes minutes
_TOPICS = "CREATE TABLE IF NOT EXISTS topic (room TEXT PRIMARY KEY, topic TEXT NOT NULL)"  # later than the schema
_FORGET_TOPICS = (
    "DELETE FROM topic WHERE topic = '' OR room NOT IN"
    f" (SELECT room FROM topic ORDER BY room = '{_ALWAYS}' DESC, rowid DESC LIMIT ?)"
)
_SETTINGS = (
    "PRAGMA trusted_schema = OFF",  # a file from elsewhere calls no functions of ours
    "PRAGMA mmap_size = 0",  # a file cut short under a mapping is SIGBUS, which would end the chat
    "PRAGMA cell_size_check = ON",  # finds damage before it spreads
    "PRAGMA journal_size_limit = 4194304",
    # A commit is in the kernel's hands when it returns, so no kill of the process loses it. Only FULL would also stand
    # a power cut (here the last seconds go then, and nothing breaks), with an fsync for each commit: ten a second,
    # which wears out the memory card of a small server and stalls everything else on a slow disk.
    "PRAGMA synchronous = NORMAL",
)
_ROOMS = f"SELECT room, count(*) FROM line GROUP BY room ORDER BY room = '{_ALWAYS}' DESC, max(id) DESC LIMIT ?"
_LINES = (
    "SELECT spoken, CASE WHEN typeof(line) = 'blob' AND length(line) <= ? THEN line END"
    " FROM line WHERE room = ? ORDER BY id DESC LIMIT ?"
)
_FORGET_ROOMS = (
    "DELETE FROM line WHERE room NOT IN"
    f" (SELECT room FROM line GROUP BY room ORDER BY room = '{_ALWAYS}' DESC, max(id) DESC LIMIT ?)"
)
_FORGET_LINES = (
    "DELETE FROM line WHERE id IN (SELECT id FROM"
    " (SELECT id, row_number() OVER (PARTITION BY room ORDER BY id DESC) AS age FROM line) WHERE age > ?)"
)


class Unusable(OSError):
    """There is a file, and it is not for us; the message says why. It is left as it is."""


class Archive:
    """Lines by room, the newest of each.

    Several processes may share a file: each adds its lines, all of them are read. It is created for its owner alone
    (mode 0600), because what people say is not for everybody on the machine; the mode of a file that exists stays.
    """

    def __init__(self, path: str, keep_lines: int = KEEP_LINES, keep_rooms: int = KEEP_ROOMS) -> None:
        self.path = path
        self._keep_lines = keep_lines
        self._keep_rooms = keep_rooms
        self._db: sqlite3.Connection | None = None
        self._file = self._wal = NO_FILE  # what is open
        self._mapped = 0  # bytes of the -shm file that SQLite has mapped
        self._untidied = TIDY_EVERY  # lines added since the last tidying; at first nobody knows

    def read(self, lines: int) -> tuple[dict[str, list[tuple[float, bytes]]], int]:
        """The last `lines` of each room, oldest first, and how many rows had to be left out because they are damaged.

        The room that was spoken in last comes last, the lobby after it. The file is created if there is none, and it
        is an error if it could not be written.
        """
        db = self._open()
        rooms: dict[str, list[tuple[float, bytes]]] = {}
        damaged = 0
        for room, count in reversed(db.execute(_ROOMS, (self._keep_rooms,)).fetchall()):
            if not is_sound_room(room):
                damaged += count
                continue
            rows = db.execute(_LINES, (LONGEST, room, lines)).fetchall()
            sound = [row for row in reversed(rows) if is_sound(*row)]
            damaged += len(rows) - len(sound)
            if sound:
                rooms[room] = sound
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"PRAGMA user_version = {SCHEMA}")  # fails where nothing can be written; the line above does not
        db.execute("ROLLBACK")
        return rooms, damaged

    def topics(self) -> dict[str, str]:
        """What rooms are about, by their keys, as far as it may be shown. There is none in a file of earlier days."""
        try:
            rows = self._open().execute("SELECT room, topic FROM topic LIMIT ?", (self._keep_rooms,)).fetchall()
        except sqlite3.OperationalError:
            return {}
        return {room: topic for room, topic in rows if is_sound_room(room) and is_sound_room(topic)}

    def append(self, rows: Sequence[Row]) -> None:
        """Keep `rows`, all or none, and forget what is too old.

        Many rows a statement, because the interpreter's lock is let go and taken again at each: with a busy thread
        beside this one `executemany` takes 6 s for 1,000 rows, this 0.06 s.
        """
        db = self._open()
        db.execute("BEGIN IMMEDIATE")
        if any(when == TOPIC for _, when, _ in rows):
            self._append_topics(db, [(room, topic.decode()) for room, when, topic in rows if when == TOPIC])
            rows = [row for row in rows if row[1] != TOPIC]
        if any(when == FORGOTTEN for _, when, _ in rows):
            rows = self._forget(db, rows)
        for at in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[at : at + ROWS_AT_ONCE]
            places = ",".join(["(?,?,?)"] * len(part))
            db.execute(
                f"INSERT INTO line (room, spoken, line) VALUES {places}", [value for row in part for value in row]
            )
        untidied = self._untidied + len(rows)
        if untidied >= TIDY_EVERY:
            db.execute(_FORGET_ROOMS, (self._keep_rooms,))
            db.execute(_FORGET_LINES, (self._keep_lines,))
            untidied = 0
        db.execute("COMMIT")
        self._untidied = untidied
        self._mend_index()

    def _forget(self, db: sqlite3.Connection, rows: Sequence[Row]) -> list[Row]:
        """Forget rooms; gives the lines that were said after that, or elsewhere."""
        last = {room: number for number, (room, when, _) in enumerate(rows) if when == FORGOTTEN}
        db.executemany("DELETE FROM line WHERE room = ?", [(room,) for room in last])
        return [row for number, row in enumerate(rows) if number > last.get(row[0], -1)]

    def _append_topics(self, db: sqlite3.Connection, topics: Sequence[tuple[str, str]]) -> None:
        db.execute(_TOPICS)
        db.executemany("INSERT OR REPLACE INTO topic (room, topic) VALUES (?, ?)", topics)
        db.execute(_FORGET_TOPICS, (self._keep_rooms,))

    def close(self) -> None:
        """Let go of the file, whatever its state. Harmless twice."""
        db, self._db = self._db, None
        if db is None:
            return
        try:
            self._mend_index()
            db.close()
        except (sqlite3.Error, OSError):
            pass  # what was committed stays committed, and there is nothing else to lose
        self._mapped = 0

    def _open(self) -> sqlite3.Connection:
        """The connection, to the file that is at the path now."""
        if self._db is not None:
            self._check_file(self._db)
            return self._db
        self._file = create_private(self.path)
        db = sqlite3.connect(self.path, timeout=LOCK_WAIT, isolation_level=None)
        try:
            db.text_factory = _decode
            for setting in _SETTINGS:
                db.execute(setting)
            claim(db)
            self._db = db
            self._check_file(db)
        except BaseException:
            self._db = None
            db.close()
            raise
        return db

    def _check_file(self, db: sqlite3.Connection) -> None:
        """Raise Unusable where what is written would be lost, or would fill the disk."""
        if identity(self.path)[0] != self._file:
            self._abandon()
            raise Unusable("it was removed or replaced while in use")
        self._mend_index()
        self._wal, size = identity(f"{self.path}-wal")
        if size > WAL_LIMIT:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            if identity(f"{self.path}-wal")[1] > WAL_LIMIT:
                raise Unusable("another program reads it and does not end, so that its -wal file grows")

    def _mend_index(self) -> None:
        """Undo that somebody cut the -shm file, as `cp backup/history.db* .` does.

        To touch a mapping beyond its file's end is SIGBUS, and the end of the chat; what is zero SQLite rebuilds.
        """
        found, size = identity(f"{self.path}-shm")
        if found != NO_FILE and size < self._mapped and not os.path.islink(f"{self.path}-shm"):
            os.truncate(f"{self.path}-shm", self._mapped)
        self._mapped = max(size, self._mapped)

    def _abandon(self) -> None:
        """Close, and take along what is left beside a file that is gone: SQLite would put it into the next one."""
        self.close()
        if self._wal != NO_FILE and identity(f"{self.path}-wal")[0] == self._wal:
            for suffix in ("-wal", "-shm"):
                Path(self.path + suffix).unlink(missing_ok=True)


def create_private(path: str) -> tuple[int, int]:
    """Make sure that a regular file is at `path`, and give what it is. SQLite would make one that others may read."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass  # and is not opened here: closing it would let go of the locks that SQLite may hold elsewhere
    check_place(path)
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("it is not a regular file")
    directory = os.stat(os.path.dirname(os.path.realpath(path)))
    if found.st_uid not in (ours := {*_us(), directory.st_uid}):
        raise Unusable("it is another user's, who would read what people say")
    for suffix in BESIDE:
        _check_beside(f"{path}{suffix}", {*ours, found.st_uid})
    return (found.st_dev, found.st_ino)


def _us() -> set[int]:
    return {os.geteuid()} if hasattr(os, "geteuid") else {0}  # Windows has no owners here, and says 0 of all


def _check_beside(path: str, owners: set[int]) -> None:
    """Raise Unusable for a file beside the database that SQLite would follow or fill for somebody else."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in owners or found.st_nlink > 1:
        raise Unusable(f"{os.path.basename(path)} beside it is not ours")


def identity(path: str) -> tuple[tuple[int, int], int]:
    """Which file is at `path` (device and inode), and how many bytes it has."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return NO_FILE, 0
    return (found.st_dev, found.st_ino), found.st_size


def claim(db: sqlite3.Connection) -> None:
    """See that the database is ours, and make it so if there is nothing in it yet.

    Nothing is written before that is known: not even the journal's mode. Raises Unusable.
    """
    if is_blank(db):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")  # another server may be doing the same
        for statement in _CREATE:
            db.execute(statement)
        db.execute("COMMIT")
    application, version = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version"))
    if application != APPLICATION:
        raise Unusable("it is another program's database")
    if version != SCHEMA:
        raise Unusable(f"it was made by another version of this program (schema {version}, not {SCHEMA})")
    db.execute("PRAGMA journal_mode = WAL")  # where a disk cannot have it SQLite keeps another, which will do


def is_blank(db: sqlite3.Connection) -> bool:
    """Nobody has put anything into it."""
    questions = "PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master"
    return not any(db.execute(question).fetchone()[0] for question in questions)


def is_sound_room(room: object) -> bool:
    """A room's key as the chat may have written it."""
    return isinstance(room, str) and 0 < len(room) <= LONGEST and sanitize(room) == room


def is_sound(spoken: object, line: object) -> bool:
    """Whether a row may be shown to people: a moment, and exactly one line without anything that acts on a terminal.

    >>> is_sound(0.0, b"Ada: hi\\n"), is_sound(0.0, b"Ada: hi\\nFrom Server, Admin:hi\\n"), is_sound(0.0, b"\\x9b2J\\n")
    (True, False, False)
    """
    if not (isinstance(spoken, float) and 0 <= spoken < LAST_MOMENT and isinstance(line, bytes) and len(line) > 1):
        return False
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return False
    return text[-1] == "\n" and sanitize(text[:-1]) == text[:-1]


def _decode(raw: bytes) -> str:
    """Text that is not UTF-8 gets surrogates, which are not sound, instead of an error for the whole query."""
    return raw.decode(errors="surrogateescape")


def reason(error: BaseException) -> str:
    """What went wrong, in a few words on one line; SQLite's own name for it too, because its texts are broad."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = sanitize(" ".join(str(error).split())) or type(error).__name__
    name = getattr(error, "sqlite_errorname", "")
    return f"{text} ({name})" if name else text
