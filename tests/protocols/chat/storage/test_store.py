"""The history on disk: what comes back, what a file can do to it, and who is told."""

from __future__ import annotations

import logging
import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from protocols.chat.rooms import names
from protocols.chat.rooms.hub import LOBBY
from protocols.chat.storage import archive, backlog, store as store_module
from protocols.chat.storage.backlog import Backlog
from protocols.chat.storage.store import CALM, LAST_RETRY, STALLED, Store

ROOT = Path(__file__).resolve().parents[4]
NOBODY = 65534


class StillStore(Store):
    """A store whose thread is the test, and whose clock the test moves."""

    def __init__(self, path: Path, lines: int = 50, **options: int) -> None:
        self.faults: list[str] = []
        super().__init__(path, lines=lines, on_fault=self.faults.append, **options)
        self.now = 0.0
        self._clock = lambda: self.now

    def _start(self) -> None:
        pass

    def says(self, *texts: str, room: str = "lobby") -> None:
        for number, text in enumerate(texts):
            self.add(room, 1000.0 + number, f"{text}\n".encode())

    def turn(self, *texts: str, after: float = 0.0) -> int:
        """Say something, move the clock, and let the store's thread have its turn; the lines that still wait."""
        self.says(*texts)
        self.now += after
        if self._pause() <= 0.1:  # GROUP, and no retry to wait for
            self._write()
        return len(self._backlog)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def make(path: Path) -> Iterator[Callable[..., StillStore]]:
    """Makes stores on one file, loaded."""
    stores: list[StillStore] = []

    def make(at: Path = path, **options: int) -> StillStore:
        stores.append(StillStore(at, **options))
        stores[-1].loaded = stores[-1].load()
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def store(make: Callable[..., StillStore]) -> StillStore:
    return make()


def texts(path: Path, lines: int = 50, room: str = "lobby") -> list[str]:
    """What the next server finds in `room`."""
    store = StillStore(path, lines)
    rows = store.load().get(room, [])
    store.close()
    assert not store.faults
    return [line.decode().rstrip("\n") for _, line in rows]


def count(path: Path, what: str = "count(*)") -> int:
    db = sqlite3.connect(path)
    try:
        return db.execute(f"SELECT {what} FROM line").fetchone()[0]
    finally:
        db.close()


def edit(path: Path, *statements: str) -> None:
    """What somebody does to the file with the sqlite3 shell."""
    db = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()


# what comes back


def test_what_was_said_is_there_after_a_restart(path: Path) -> None:
    faults: list[str] = []
    for _ in range(2):
        store = Store(path, lines=50, on_fault=faults.append)
        before = store.load()
        store.add("lobby", 12.5, "Ada: grüße 👋\n".encode())
        store.add("小 room", 13.5, b"Bob: hi\n")
        store.close()
    assert before == {"lobby": [(12.5, "Ada: grüße 👋\n".encode())], "小 room": [(13.5, b"Bob: hi\n")]}
    assert not faults


def test_a_room_has_its_last_lines_oldest_first(store: StillStore, path: Path) -> None:
    store.turn(*"abcdef")
    store.says("elsewhere", room="other")
    store.turn("g")
    store.close()
    assert texts(path, lines=3) == ["e", "f", "g"]
    assert texts(path, room="other") == ["elsewhere"]


def test_order_is_that_of_saying_not_that_of_the_clock(store: StillStore, path: Path) -> None:
    for when in (30.0, 20.0, 10.0):  # the machine's clock was set back
        store.add("lobby", when, b"%d\n" % when)
    store.close()
    assert texts(path) == ["30", "20", "10"]


def test_the_room_spoken_in_last_comes_last(store: StillStore, path: Path) -> None:
    for room in "abca":
        store.says("x", room=room)
    store.close()
    assert list(StillStore(path).load()) == ["b", "c", "a"]


def test_no_lines_asked_for_gives_none(store: StillStore, path: Path) -> None:
    store.turn("a")
    store.close()
    assert StillStore(path, lines=0).load() == {}


def test_lines_of_one_moment_are_one_transaction(store: StillStore) -> None:
    statements: list[str] = []
    store.turn("opens it")
    store._archive._db.set_trace_callback(statements.append)
    store.turn(*map(str, range(600)))
    assert [text for text in statements if "COMMIT" in text] == ["COMMIT"]
    assert len([text for text in statements if text.startswith("INSERT")]) == 3  # not one a line: see Archive.append


def test_the_file_is_for_its_owner_alone(store: StillStore, path: Path) -> None:
    store.turn("a")
    modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()}
    assert modes == {"history.db": 0o600, "history.db-wal": 0o600, "history.db-shm": 0o600}


def test_a_file_that_exists_keeps_its_mode(path: Path) -> None:
    path.touch()
    path.chmod(0o640)
    StillStore(path).load()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_the_settings_that_a_kill_and_a_power_cut_depend_on(store: StillStore) -> None:
    store.turn("a")
    settings = [store._archive._db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 1]


# bounds


def test_a_room_keeps_its_newest_lines_only(make: Callable[..., StillStore], path: Path) -> None:
    store = make(lines=3, keep_lines=10)
    store.turn("first", *map(str, range(archive.TIDY_EVERY * 2)))
    store.says("quiet", room="other")
    store.turn("last")
    assert count(path) <= 10 + archive.TIDY_EVERY
    store._archive._untidied = archive.TIDY_EVERY
    store.turn("very last")
    assert count(path) == 11
    assert texts(path)[-2:] == ["last", "very last"]
    assert texts(path, room="other") == ["quiet"]


def test_the_rooms_spoken_in_last_are_kept(make: Callable[..., StillStore], path: Path) -> None:
    store = make(keep_rooms=3)
    for room in "abcda":
        store.says(f"in {room}", room=room)
    assert store.turn() == 0  # the first transaction tidies
    assert sorted(StillStore(path).load()) == ["a", "c", "d"]
    assert texts(path, room="a") == ["in a", "in a"]


def test_the_lobby_is_kept_whatever_is_said_elsewhere(make: Callable[..., StillStore], path: Path) -> None:
    store = make(keep_rooms=3)
    lobby = names.key(LOBBY)
    for room in (lobby, *"abcd"):
        store.says(f"in {room}", room=room)
    store.close()
    assert list(make(keep_rooms=3).load()) == ["c", "d", lobby]
    assert sorted(StillStore(path).load()) == ["c", "d", lobby], "nor is it forgotten on the disk"


def test_more_lines_are_kept_where_more_are_asked_for(make: Callable[..., StillStore], path: Path) -> None:
    store = make(lines=20, keep_lines=10)
    store.turn(*map(str, range(30)))
    assert count(path) == 20


def test_what_is_old_is_forgotten_without_reading_everything_each_time(store: StillStore) -> None:
    statements: list[str] = []
    store.turn("tidied at first")
    store._archive._db.set_trace_callback(statements.append)
    for number in range(100):
        store.turn(str(number))
    assert not [text for text in statements if text.startswith("DELETE")]


def test_lines_are_found_by_the_index(store: StillStore) -> None:
    store.turn("a")
    plans = store._archive._db.execute(f"EXPLAIN QUERY PLAN {archive._LINES}", (1, "a", 1)).fetchall()
    assert [plan[3] for plan in plans] == ["SEARCH line USING INDEX line_room (room=?)"]


def test_a_reader_that_never_ends_does_not_fill_the_disk(
    store: StillStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "WAL_LIMIT", 100_000)
    monkeypatch.setattr(archive, "LOCK_WAIT", 0.0)
    store.turn("a")
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM line").fetchone()
    store._archive.close()
    for _ in range(40):
        store.turn("x" * 2000, *["y" * 2000] * 10)
    assert path.with_name("history.db-wal").stat().st_size < 300_000
    assert len(store.faults) == 1
    assert "its -wal file grows" in store.faults[0]
    reader.close()
    assert store.turn(after=LAST_RETRY) == 0
    assert len(texts(path, lines=500)) == 441


# between the threads


def test_a_backlog_gives_up_its_oldest_and_counts_them() -> None:
    rows = Backlog(limit=3 * (backlog.ROW_COST + 10))
    fit = [rows.put(("room", float(number), b"%010d" % number)) for number in range(5)]
    assert fit == [True, True, True, False, False]
    assert (len(rows), rows.lost) == (3, 2)
    assert [when for _, when, _ in rows.take()] == [2.0, 3.0, 4.0]


def test_rows_under_way_count_until_they_are_done() -> None:
    rows = Backlog(limit=2 * (backlog.ROW_COST + 10))
    rows.put(("room", 0.0, bytes(10)))
    rows.take()
    assert rows.put(("room", 1.0, bytes(10)))
    assert not rows.put(("room", 2.0, bytes(10)))
    rows.put_back()
    assert [when for _, when, _ in rows.take()] == [0.0, 2.0]
    rows.done()
    assert rows.put(("room", 3.0, bytes(10)))
    assert rows.put(("room", 4.0, bytes(10)))
    assert (len(rows), rows.lost) == (2, 1)


def test_the_thread_writes_without_being_asked_and_ends_with_the_store(path: Path) -> None:
    faults: list[str] = []
    store = Store(path, lines=50, on_fault=faults.append)
    store.load()
    thread = store._thread
    assert thread is not None
    assert thread.daemon
    store.add("lobby", 1.0, b"a\n")
    until(lambda: not len(store._backlog))
    assert count(path) == 1
    store.close()
    store.close()
    assert not thread.is_alive()
    assert not faults


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.005)


def test_the_thread_tries_again_although_nobody_speaks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "FIRST_RETRY", 0.01)
    faults: list[str] = []
    store = Store(path, lines=50, on_fault=faults.append)
    store.load()
    path.unlink()
    path.mkdir()
    store.add("lobby", 1.0, b"a\n")
    until(lambda: bool(faults))
    path.rmdir()
    until(lambda: not len(store._backlog))
    assert count(path) == 1
    store.close()
    assert len(faults) == 1


def test_the_thread_sleeps_while_nobody_speaks(store: StillStore) -> None:
    store.turn("a")
    assert not store._wake.is_set()


def test_a_name_means_the_same_file_when_the_directory_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = StillStore(Path(":memory:"))
    store.load()
    monkeypatch.chdir("/")
    store.turn("a")
    store.close()
    assert texts(tmp_path / ":memory:") == ["a"]


def test_a_line_after_the_end_is_said_not_to_be_kept(store: StillStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store.close()
    store.says("late")
    assert "not kept" in caplog.text


def test_without_a_thread_the_end_writes_it_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    faults: list[str] = []
    store = Store(path, lines=50, on_fault=faults.append)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        assert store.load() == {}
    store.add("lobby", 1.0, b"a\n")
    store.close()
    assert [str(path) in fault and "new thread" in fault for fault in faults] == [True]
    assert texts(path) == ["a"]


class Hung(archive.Archive):
    """A disk that answers when the test lets it."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.entered = threading.Event()
        self.answers = threading.Event()

    def append(self, rows: object) -> None:
        self.entered.set()
        self.answers.wait(30)
        super().append(rows)


@pytest.fixture
def hung(path: Path) -> Iterator[Store]:
    """A store with its thread, which waits for the disk with one line."""
    store = Store(path, lines=50, on_fault=lambda fault: store.faults.append(fault))
    store.faults = []
    store._archive = Hung(str(path))
    store.now = 0.0
    store._clock = lambda: store.now
    store.load()
    store.add("lobby", 1.0, b"under way\n")
    assert store._archive.entered.wait(10)
    yield store
    store._archive.answers.set()
    store.close()
    store._thread.join(10)
    assert not store._thread.is_alive()


def test_a_disk_that_hangs_is_said_once_and_costs_bounded_memory(
    hung: Store, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    hung.now = STALLED
    hung.add("lobby", 1.0, b"patience\n")
    assert hung.faults == []
    hung.now += 1
    for number in range(3 * backlog.LIMIT // 1000):
        hung.add("lobby", 1.0, b"%0839d\n" % number)
    assert len(hung.faults) == 1
    assert str(path) in hung.faults[0]
    assert "the disk does not answer" in hung.faults[0]
    assert hung._backlog._size <= backlog.LIMIT
    lost = hung._backlog.lost
    assert lost > 2000
    hung._archive.answers.set()
    until(lambda: "again" in caplog.text)
    hung.close()
    assert f"the history is kept again; lines not kept: {lost}" in caplog.text
    assert len(hung.faults) == 1
    assert texts(path)[-1].lstrip("0") == str(number)


def test_a_disk_that_is_too_slow_is_said_when_the_first_line_goes(hung: Store) -> None:
    while not hung._backlog.lost:
        hung.add("lobby", 1.0, bytes(2000))
    hung.add("lobby", 1.0, bytes(2000))
    assert ["the disk does not keep up" in fault for fault in hung.faults] == [True]


def test_the_end_does_not_wait_for_a_disk_that_hangs(hung: Store, path: Path) -> None:
    hung.add("lobby", 1.0, b"behind it\n")
    hung.close(timeout=0.01)
    assert hung.faults == [f"the history could not be kept in {path}: the disk does not answer; lines not kept: 2"]


def test_a_program_ends_although_its_disk_hangs(path: Path) -> None:
    program = (
        "import sys, threading\n"
        "from protocols.chat.storage.archive import Archive\n"
        "from protocols.chat.storage.store import Store\n"
        "Archive.append = lambda self, rows: threading.Event().wait()\n"
        "store = Store(sys.argv[1], lines=1, on_fault=print)\n"
        "store.load()\n"
        "store.add('lobby', 1.0, b'a\\n')\n"
        "store.close(0.3)\n"
    )
    expected = f"the history could not be kept in {path}: the disk does not answer; lines not kept: 1\n"
    done = subprocess.run(
        [sys.executable, "-c", program, path], cwd=ROOT, capture_output=True, text=True, timeout=10, check=True
    )
    assert (done.stdout, done.stderr) == (expected, "")


@pytest.mark.loud
def test_who_is_told_may_raise(store: StillStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store._on_fault = lambda fault: 1 / 0
    path.unlink()
    path.mkdir()
    store.turn("a")
    assert "ZeroDivisionError" in caplog.text
    assert str(path) in caplog.text


def test_a_line_that_cannot_be_written_does_not_hold_up_the_others(store: StillStore, path: Path) -> None:
    store.says("a", room="\ud800")  # no UTF-8 for this
    store.turn()
    assert store.turn("b") == 0
    assert ["lines that cannot be written: 1" in fault for fault in store.faults] == [True]
    assert texts(path) == ["b"]


# files that cannot be used


def a_directory(path: Path) -> None:
    path.mkdir()


def text(path: Path) -> None:
    path.write_text("Dear diary,\n" * 100)


def a_short_text(path: Path) -> None:
    path.write_text("hi")


def nowhere(path: Path) -> None:
    path.parent.rmdir()


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/null")


def a_journal_that_is_a_link(path: Path) -> None:
    StillStore(path).load()
    path.with_name("history.db-journal").symlink_to("precious")


def a_log_that_is_a_link(path: Path) -> None:
    StillStore(path).load()
    path.with_name("history.db-wal").unlink(missing_ok=True)
    path.with_name("history.db-wal").symlink_to("precious")


def a_neighbours(path: Path) -> None:
    path.write_bytes(b"")
    path.chmod(0o666)
    os.chown(path, 65534, 65534)


def a_neighbours_link(path: Path) -> None:
    path.parent.chmod(0o1777)
    path.symlink_to("ours")
    path.with_name("ours").write_bytes(b"")
    os.chown(path, 65534, 65534, follow_symlinks=False)


def somebody_elses(path: Path) -> None:
    edit(path, "CREATE TABLE savings (amount)", "INSERT INTO savings VALUES (1000)")


def somebody_elses_that_calls_its_table_line(path: Path) -> None:
    edit(path, "CREATE TABLE line (id INTEGER PRIMARY KEY, room, spoken, line)")


def somebody_elses_without_tables(path: Path) -> None:
    edit(path, "PRAGMA application_id = 7", "VACUUM")


def a_newer_version(path: Path) -> None:
    StillStore(path).load()
    edit(path, "PRAGMA user_version = 2")


UNUSABLE = {
    a_directory: "not a regular file",
    text: "file is not a database",
    a_short_text: "file is not a database",
    nowhere: "No such file or directory",
    a_pipe: "not a regular file",
    a_device: "not a regular file",
    somebody_elses: "another program's database",
    somebody_elses_that_calls_its_table_line: "another program's database",
    somebody_elses_without_tables: "another program's database",
    a_newer_version: "schema 2, not 1",
    a_journal_that_is_a_link: "history.db-journal beside it is not ours",
    a_log_that_is_a_link: "history.db-wal beside it is not ours",
}
if hasattr(os, "geteuid") and os.geteuid() == 0:  # nobody else can give files away
    UNUSABLE[a_neighbours] = "another user's"
    UNUSABLE[a_neighbours_link] = "another user's, in a directory for everybody"


@pytest.mark.parametrize("spoil", UNUSABLE, ids=lambda spoil: spoil.__name__)
def test_a_file_that_is_not_for_us_is_left_alone_and_said_once(spoil: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "there" / "history.db"
    path.parent.mkdir()
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    store = StillStore(path)
    assert store.load() == {}
    for _ in range(3):
        assert store.turn("a", after=LAST_RETRY) > 0
    store.close()
    assert (path.read_bytes() if path.is_file() else None) == before
    assert len(store.faults) == 1
    assert str(path) in store.faults[0]
    assert UNUSABLE[spoil] in store.faults[0]
    assert not [name for name in os.listdir("/dev") if name.startswith("null-")]


def test_a_name_with_a_null_or_an_end_of_line_is_one_line(tmp_path: Path) -> None:
    for name in ("a\0b", "there is no\ndirectory/x", "no/\udcff"):
        store = StillStore(tmp_path / name)
        assert store.load() == {}
        store.turn("a")
        store.close()
        assert len(store.faults) == 1
        assert store.faults[0].isprintable()


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A file in a directory of ours, for a user who may not do everything."""
    directory = Path(tempfile.mkdtemp())
    root = os.geteuid() == 0
    if root:
        os.chown(directory, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    yield directory / "history.db"
    if root:
        os.seteuid(0)
    directory.chmod(0o700)
    shutil.rmtree(directory)


def test_a_directory_that_may_not_be_written(open_path: Path) -> None:
    open_path.parent.chmod(0o500)
    assert_said_once(open_path, "Permission denied")


def test_a_file_that_may_not_be_read(open_path: Path) -> None:
    open_path.touch()
    open_path.chmod(0)
    assert_said_once(open_path, "unable to open database file")


def test_a_file_that_may_not_be_written(open_path: Path) -> None:
    a_history(open_path)
    open_path.chmod(0o400)
    assert_said_once(open_path, "readonly")


def test_a_file_in_a_directory_that_may_not_be_written(open_path: Path) -> None:
    a_history(open_path)
    open_path.parent.chmod(0o500)
    assert_said_once(open_path, "readonly")


def a_history(path: Path) -> None:
    store = StillStore(path)
    store.load()
    store.turn("from before")
    store.close()
    assert not store.faults


def assert_said_once(path: Path, why: str) -> None:
    store = StillStore(path)
    assert store.load() == {}
    store.turn("a")
    store.turn("b", after=LAST_RETRY)
    store.close()
    assert len(store.faults) == 1
    assert str(path) in store.faults[0]
    assert why in store.faults[0]


def test_a_locked_file_at_the_start_and_later_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LOCK_WAIT", 0.01)
    a_history(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    store = StillStore(path)
    assert store.load() == {}
    assert store.turn("a") == 1
    other.close()
    assert store.turn("b", after=LAST_RETRY) == 0
    store.close()
    assert ["database is locked" in fault for fault in store.faults] == [True]
    assert texts(path) == ["from before", "a", "b"]


def test_a_file_locked_while_we_run(store: StillStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LOCK_WAIT", 0.01)
    store._archive.close()
    store.turn("a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store._archive.close()
    assert store.turn("b") == 1
    other.execute("ROLLBACK")
    other.close()
    assert store.turn("c", after=1.0) == 0
    assert ["database is locked" in fault for fault in store.faults] == [True]
    assert texts(path) == ["a", "b", "c"]


def test_two_servers_with_one_file(make: Callable[..., StillStore], path: Path) -> None:
    one, other = make(), make()
    one.turn("a")
    other.turn("b")
    one.turn("c")
    one.close()
    other.turn("d")
    other.close()
    assert texts(path) == ["a", "b", "c", "d"]
    assert not one.faults + other.faults


# what happens to it while we run


def test_a_full_disk_costs_one_warning_and_room_again_one_quiet_line(
    store: StillStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store.turn("a")
    open_it, store._archive._open = store._archive._open, lambda: store_full(open_it())
    for _ in range(5):
        assert store.turn(*["b" * 2000] * 5, after=LAST_RETRY) > 0
    assert len(store.faults) == 1
    assert str(path) in store.faults[0]
    assert "database or disk is full" in store.faults[0]
    store._archive._open = open_it
    assert store.turn("d", after=LAST_RETRY) == 0
    assert [record.getMessage() for record in caplog.records] == ["the history is kept again; lines not kept: 0"]
    assert [line[0] for line in texts(path)] == ["a", *"b" * 25, "d"]


def store_full(db: sqlite3.Connection) -> sqlite3.Connection:
    db.execute("PRAGMA max_page_count = 1")  # less than it has: no page more
    return db


def test_a_disk_on_the_brink_is_not_a_warning_a_minute(store: StillStore, path: Path) -> None:
    def again() -> None:
        path.unlink()
        store.turn("a", after=1.0)
        store.turn(after=LAST_RETRY)
        assert len(store._backlog) == 0

    store.turn("a")
    for _ in range(20):
        again()
    assert len(store.faults) == 1
    store.turn("b", after=CALM + 1)
    again()
    assert len(store.faults) == 2


def test_the_end_of_a_fault_is_told_to_whom_the_fault_was(path: Path) -> None:
    mended: list[str] = []
    store = StillStore(path, on_mended=mended.append)
    store.load()
    for fault in range(3):  # the first is news, the others come too soon after it
        store.turn("a")
        path.unlink()
        store.turn("b", after=1.0)
        store.turn(after=LAST_RETRY)
        assert len(store._backlog) == 0, fault
    store.close()
    assert len(store.faults) == len(mended) == 1
    assert mended == ["the history is kept again; lines not kept: 0"]


def test_a_fault_that_lasts_is_not_said_again_after_a_silence(store: StillStore, path: Path) -> None:
    shutil.rmtree(path.parent)
    store.turn("a")
    store.turn("b", after=CALM + 1)
    assert len(store.faults) == 1


def test_a_silent_chat_does_not_say_that_a_bad_file_works(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path.mkdir()
    store = StillStore(path)
    store.load()
    store.turn()
    store.close()
    assert len(store.faults) == 1
    assert not caplog.messages


def test_what_was_lost_is_said_once(store: StillStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store._backlog = Backlog(limit=3 * (backlog.ROW_COST + 2))
    store.turn("a", "b", "c", "d")
    store.turn("e")
    shutil.rmtree(path.parent)
    store.turn("f")
    store.close()
    assert ["the disk does not keep up" in fault for fault in store.faults] == [True, False]
    assert store.faults[1].startswith(f"the history could not be kept in {path}: ")
    assert store.faults[1].endswith("; lines not kept: 1")
    assert caplog.messages == ["the history is kept again; lines not kept: 1"]


def test_a_second_fault_soon_after_is_news_once_it_lasts(path: Path) -> None:
    mended: list[str] = []
    store = StillStore(path, on_mended=mended.append)
    store.load()
    store.turn("a")
    open_it = store._archive._open
    for fault in (1, 2):
        store._archive._open = lambda: store_full(open_it())
        store.turn(*["b" * 2000] * 5)
        assert len(store.faults) == 1, "the second may be over in a moment"
        store.turn("c", after=LAST_RETRY)
        assert len(store.faults) == fault
        assert "database or disk is full" in store.faults[-1]
        store._archive._open = open_it
        store.turn("d", after=LAST_RETRY)
        assert len(mended) == fault
    store.close()
    assert len(store.faults) == 2


def test_what_a_second_fault_has_cost_at_the_end_is_told(store: StillStore, path: Path) -> None:
    store.turn("a")
    path.unlink()
    store.turn("b")
    store.turn("c", after=1.0)
    shutil.rmtree(path.parent)
    store.turn("d")
    assert len(store.faults) == 1, "it may be over in a moment"
    store.close()
    assert store.faults[1].endswith("lines not kept: 1")
    assert str(path) in store.faults[1]


def test_attempts_become_rare_and_start_again_soon(store: StillStore, path: Path) -> None:
    store.turn("a")
    shutil.rmtree(path.parent)
    waits = []
    for _ in range(9):
        store.turn("b", after=store._pause())
        waits.append(round(store._pause()))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    path.parent.mkdir()
    assert store.turn(after=60) == 0
    path.unlink()
    store.turn("c", after=CALM + 1)
    assert store._pause() == 1


def test_a_file_removed_under_us_is_begun_anew(store: StillStore, path: Path) -> None:
    store.turn("lost with the file")
    for name in path.parent.iterdir():
        name.unlink()
    assert store.turn("a") == 1
    assert store.turn("b", after=1.0) == 0
    assert ["removed or replaced" in fault for fault in store.faults] == [True]
    assert texts(path) == ["a", "b"]


def test_a_file_replaced_by_its_backup_is_gone_on_with(store: StillStore, path: Path) -> None:
    store.turn("a")
    edit(path, f"VACUUM INTO '{path}.backup'")
    store.turn("b")
    os.replace(f"{path}.backup", path)
    store.turn("c")
    store.turn("d", after=1.0)
    assert len(store.faults) == 1
    assert texts(path) == ["a", "c", "d"]  # and nothing of the old file's -wal, which may not fit the new one


def test_a_file_cut_to_nothing_under_us(store: StillStore, path: Path) -> None:
    store.turn("a", *["x" * 1000] * 50)
    os.truncate(path, 0)
    for _ in range(5):
        store.turn("b", after=LAST_RETRY)
    store.close()
    assert len(store.faults) <= 1


def test_the_chat_leaves_while_the_file_fails(store: StillStore, path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    shutil.rmtree(path.parent)
    store.turn("a")
    store.says("b", "c")
    store.close()
    assert len(store.faults) == 1  # said when it began
    assert caplog.messages == ["the history is closed; lines not kept: 3"]


def test_a_fault_in_the_very_end_is_said_with_what_it_cost(store: StillStore, path: Path) -> None:
    store.says("a", "b")
    shutil.rmtree(path.parent)
    store.close()
    assert store.faults == [f"the history could not be kept in {path}: No such file or directory; lines not kept: 2"]


def test_the_end_tries_once_more_and_before_its_time(store: StillStore, path: Path) -> None:
    store.turn("a")
    path.unlink()
    store.turn("b")
    assert store._pause() == 1
    store.close()
    assert texts(path) == ["b"]


# what is in it that the chat did not write

LINE = "INSERT INTO line (room, spoken, line) VALUES "
DAMAGE = {
    "no end": LINE + "('lobby', 1.0, x'61')",
    "nothing": LINE + "('lobby', 1.0, x'')",
    "an end only": LINE + "('lobby', 1.0, x'0a')",
    "two lines": LINE + "('lobby', 1.0, x'610a620a')",
    "a carriage return": LINE + "('lobby', 1.0, x'610d0a')",
    "an escape": LINE + "('lobby', 1.0, x'1b5b326a0a')",
    "a bidi override": LINE + "('lobby', 1.0, x'61e280ae0a')",
    "not UTF-8": LINE + "('lobby', 1.0, x'ff0a')",
    "text": LINE + "('lobby', 1.0, 'a' || char(10))",
    "a number": LINE + "('lobby', 1.0, 17)",
    "too long": LINE + f"('lobby', 1.0, CAST(printf('%.{archive.LONGEST}c', 'a') || char(10) AS BLOB))",
    "huge": LINE + "('lobby', 1.0, zeroblob(5000000))",
    "no time": LINE + "('lobby', 'noon', x'610a')",
    "a time that no calendar has": LINE + "('lobby', 1e300, x'610a')",
    "a time before all": LINE + "('lobby', -1e300, x'610a')",
    "a room of bytes": LINE + "(x'ff', 1.0, x'610a')",
    "a room that is not UTF-8": LINE + "(CAST(x'ff' AS TEXT), 1.0, x'610a')",
    "a room with an escape": LINE + "(char(27), 1.0, x'610a')",
    "a room without a name": LINE + "('', 1.0, x'610a')",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE)
def test_a_row_that_people_must_not_see_is_left_out(statement: str, path: Path) -> None:
    a_history(path)
    edit(path, statement)
    store = StillStore(path)
    assert store.load() == {"lobby": [(1000.0, b"from before\n")]}
    assert store.faults == [f"damaged lines in {path}, not shown: 1"]
    assert store.turn("a") == 0
    store.close()
    assert len(store.faults) == 1


def test_a_table_of_another_shape_is_one_fault(path: Path) -> None:
    a_history(path)
    edit(path, "DROP TABLE line", "CREATE TABLE line (room)")
    assert_said_once(path, "no such column")


def test_no_damage_raises_or_is_said_twice(path: Path, request: pytest.FixtureRequest) -> None:
    a_history(path)
    store = StillStore(path)
    store.load()
    for number in range(300):
        store.says(f"line {number} {'x' * (number % 90)}", room=f"room {number % 7}")
    store.close()
    sound = path.read_bytes()
    for seed in range(request.config.getoption("--seeds")):
        dice = random.Random(seed)
        damage(path, sound, dice)
        store = StillStore(path)
        rooms = store.load()
        assert all(archive.is_sound(*row) for rows in rooms.values() for row in rows), seed
        for number in range(5):
            store.turn(str(number), after=LAST_RETRY)
            if dice.random() < 0.2:
                damage(path, path.read_bytes(), dice)
        store.close()
        assert len(store.faults) <= 2, (seed, store.faults)  # one for what was read, one for what could not be written
        assert len([fault for fault in store.faults if "damaged lines" not in fault]) <= 1, (seed, store.faults)


def damage(path: Path, content: bytes, dice: random.Random) -> None:
    """Write `content` with some bytes changed, perhaps cut off."""
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 4, 64))):
        at = dice.randrange(len(changed) if dice.random() < 0.7 else min(200, len(changed)))
        changed[at] = dice.randrange(256)
    if dice.random() < 0.3:
        del changed[dice.randrange(1, len(changed)) :]
    path.write_bytes(changed)


# with other processes

CHILD = """
import resource, sys, time
from protocols.chat.storage.store import Store
store = Store(sys.argv[1], lines=50, on_fault=lambda fault: print(fault, flush=True))
store.load()
"""


def start(program: str, path: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + program, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_a_kill_loses_the_last_second_at_most(path: Path) -> None:
    said = (
        "for n in range(10**6):\n"
        "    store.add('lobby', 1.0, b'%d\\n' % n)\n"
        "    print(time.monotonic(), n, flush=True)\n"
        "    time.sleep(0.01)\n"
    )
    with start(said, path) as child:
        assert child.stdout is not None
        heard = [child.stdout.readline().split() for _ in range(120)]
        child.kill()
    assert child.returncode == -signal.SIGKILL
    last = float(heard[-1][0])
    old = [int(number) for when, number in heard if last - float(when) > 1.0]
    assert old
    kept = [int(line) for line in texts(path, lines=1000)]
    assert kept == list(range(len(kept)))
    assert kept[-1] >= old[-1]


def test_a_disk_that_is_full_for_one_process(path: Path) -> None:
    """A file may not grow beyond a limit: the error that a quota gives, in the middle of a write."""
    a_history(path)
    said = (
        "resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "for n in range(100): store.add('lobby', 1.0, bytes(2000) + b'\\n')\n"
        "store.close()\n"
    )
    with start(said, path) as child:
        output, _ = child.communicate(timeout=10)
    assert child.returncode == 0
    assert len(output.splitlines()) == 1
    assert str(path) in output
    assert output.endswith("lines not kept: 100\n")
    assert texts(path) == ["from before"]


def test_a_shared_index_cut_under_us_does_not_kill_us(path: Path) -> None:
    program = (
        "import os\n"
        "for at in (0, 1000, 0):\n"
        "    store.add('lobby', 1.0, b'a\\n')\n"
        "    while len(store._backlog): time.sleep(0.005)\n"
        "    os.truncate(sys.argv[1] + '-shm', at)\n"
        "store.close()\n"
    )
    with start(program, path) as child:
        output, _ = child.communicate(timeout=10)
    assert (child.returncode, output) == (0, "")
    assert texts(path) == ["a", "a", "a"]


def test_topics_come_back(path: Path, make: Callable[..., StillStore]) -> None:
    store = make()
    store.load()
    assert store.topics() == {}
    for room, topic in (("lobby", "tea"), ("garden", "roses"), ("lobby", "coffee"), ("x", "y"), ("x", "")):
        store.set_topic(room, topic)
    store.turn("hello")
    again = StillStore(path)
    assert again.load() == {"lobby": [(1000.0, b"hello\n")]}
    assert again.topics() == {"lobby": "coffee", "garden": "roses"}


def test_as_many_topics_as_rooms_are_kept_and_the_lobby_s(path: Path, make: Callable[..., StillStore]) -> None:
    store = make(keep_rooms=3)
    store.load()
    for room in ("lobby", "a", "b", "c", "d"):
        store.set_topic(room, "about " + room)
        store.turn()
    again = StillStore(path)
    again.load()
    assert again.topics() == {room: "about " + room for room in ("lobby", "c", "d")}


def test_a_topic_that_the_chat_did_not_write_is_not_shown(path: Path, make: Callable[..., StillStore]) -> None:
    store = make()
    store.load()
    store.set_topic("lobby", "tea")
    store.turn()
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("UPDATE topic SET topic = ?", ("x\x1b[2J",))
    db.close()
    again = StillStore(path)
    again.load()
    assert again.topics() == {}


def test_a_room_that_is_forgotten_is_gone_and_may_begin_anew(path: Path, make: Callable[..., StillStore]) -> None:
    store = make()
    store.load()
    store.says("old", room="tea")
    store.says("hello")
    store.turn()
    store.says("older", room="tea")
    store.forget("tea")
    store.says("new", room="tea")
    store.turn()
    assert StillStore(path).load() == {"tea": [(1000.0, b"new\n")], "lobby": [(1000.0, b"hello\n")]}
    store.forget("tea")
    store.turn()
    assert StillStore(path).load() == {"lobby": [(1000.0, b"hello\n")]}
