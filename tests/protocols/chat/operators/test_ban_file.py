"""The file of bans: what an operator writes into it, and what a disk does to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from protocols.admission.addresses import network
from protocols.chat.operators.ban_file import (
    HEADER,
    RETRY,
    BadLine,
    BanFile,
    format_line,
    parse,
    parse_line,
    rewrite,
)
from protocols.chat.operators.bans import Ban, Bans
from protocols.chat.storage import files
from reactor import Reactor
from reactor.testing import MemoryReactor

LINES = {
    "192.0.2.7": Ban(network=network("192.0.2.7")),
    "\t192.0.2.7 # a pest, until he pays": Ban(network=network("192.0.2.7")),
    "192.0.2.7/24,": None,
    "2001:db8::1,until 1970-01-02 00:00Z": Ban(network=network("2001:db8::/64"), until=86400.0),
    "Mallory": Ban("Mallory"),
    "The  Weeknd , 192.0.2.7 , UNTIL 1970-01-01T01:00:00.5+01:00\r": Ban("The Weeknd", network("192.0.2.7"), 0.0),
    "Mallory, until 1970-01-02": Ban("Mallory", until=86400.0),
    "Agent ＃1": Ban("Agent #1"),
    "until": Ban("until"),
}


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("line", "ban"), LINES.items())
def test_a_line_is_a_ban(line: str, ban: Ban | None) -> None:
    if ban is None:
        with pytest.raises(BadLine):
            parse_line(line)
    else:
        assert parse_line(line) == ban
        assert parse_line(format_line(ban)) == ban


@pytest.mark.parametrize("line", ["", "   ", "# 192.0.2.7", "\ufeff# notepad", "\r"])
def test_a_line_is_a_comment(line: str) -> None:
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x" * 33, "no address, and a name has 1 to 32"),
        ("Admin", "no address, and that name is reserved"),
        ("192.0.2.256:80", "no address, and a name has no ':'"),
        ("Mallory, Eve", "'Eve' is neither an address nor until TIME"),
        ("192.0.2.1, 192.0.2.2", "neither"),
        ("Mallory, until tomorrow", "'tomorrow' is no time"),
        ("Mallory, until", "'' is no time"),
        ("Mallory, until 1970-01-02, until 1970-01-03", "neither"),
        ("Mallory, until 99999-01-01", "no time"),
        ("a\x1b[31m, 192.0.2.1", "no address, and"),
        ("a\x1b[31m, 192.0.2.1", r"'a\\x1b\[31m' is no"),
        ("\udcff\udcfe", "no address, and"),
    ],
)
def test_a_line_is_neither_and_says_why(line: str, why: str) -> None:
    with pytest.raises(BadLine, match=why):
        parse_line(line)


def test_bad_lines_are_told_with_their_numbers_and_harm_no_other() -> None:
    bans, faults = parse("# pests\nMallory\nAdmin\n\n192.0.2.1\nwhat, ever\n")
    assert [str(ban) for ban in bans] == ["Mallory", "192.0.2.1"]
    assert [fault.split(":")[0] for fault in faults] == ["line 3", "line 6"]


def test_what_is_rewritten_leaves_the_rest_alone() -> None:
    text = "# my pests\n\nEve # the first\nAdmin\n192.0.2.1  # was over\nTrudy, until 1970-01-01 00:01Z\r\nMallory"
    changes = {"eve": Ban("Eve", until=600.0), "mallory": None, "/192.0.2.9/32": Ban(network=network("192.0.2.9"))}
    assert rewrite(text, changes, now=0.0) == (
        "# my pests\n\nEve, until 1970-01-01 00:10:00Z  # the first\nAdmin\n192.0.2.1  # was over\n"
        "Trudy, until 1970-01-01 00:01Z\r\n192.0.2.9\n"
    )
    assert "Trudy" not in rewrite(text, changes, now=60.0)


def test_a_new_file_says_what_it_is() -> None:
    assert rewrite("", {"eve": Ban("Eve")}, now=0.0) == f"{HEADER}Eve\n"


def test_a_ban_that_stands_twice_is_undone_twice() -> None:
    assert rewrite("Eve\nEVE\n", {"eve": None}, now=0.0) == ""


# -- on a disk ------------------------------------------------------------------------------------------------------


class Threads:
    """`run_in_thread` of one's own: the test says when a job runs, and when its end is heard of."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Future[Any], Any, tuple[Any, ...]]] = []

    def __call__(self, fn: Any, *args: Any) -> Future[Any]:
        self.jobs.append((Future(), fn, args))
        return self.jobs[-1][0]

    def run(self) -> None:
        """One job."""
        future, fn, args = self.jobs.pop(0)
        try:
            result = fn(*args)
        except OSError as error:
            future.set_exception(error)
        else:
            future.set_result(result)


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "bans"


def kept(path: Path, threads: Any) -> BanFile:
    return BanFile(str(path), threads, clock=lambda: 0.0)


def names_in(path: Path) -> list[str]:
    return [str(ban) for ban in parse(path.read_text())[0]]


def test_what_is_banned_holds_at_once_and_is_there_after_a_restart(path: Path, threads: Threads) -> None:
    bans = kept(path, threads)
    bans.load()
    bans.add(Ban("Mallory", network("192.0.2.1")))
    assert bans.bans.of_name("Mallory", 0.0)
    assert not path.exists(), "not on the loop"
    threads.run()
    again = kept(path, threads)
    again.load()
    assert again.bans.of_address("192.0.2.1", 0.0)
    again.remove(again.bans.matching("192.0.2.1", 0.0))
    threads.run()
    assert names_in(path) == []


def test_what_is_decided_first_is_written_first(path: Path, threads: Threads) -> None:
    bans = kept(path, threads)
    bans.add(Ban("Eve"))
    bans.remove([Ban("Eve")])
    bans.add(Ban("Mallory"))
    bans.add(Ban("Trudy"))
    assert len(threads.jobs) == 1, "the others wait for it"
    threads.run()
    assert names_in(path) == ["Eve"]
    threads.run()
    assert names_in(path) == ["Mallory", "Trudy"]
    assert not threads.jobs


def test_in_real_threads_the_last_word_counts(path: Path) -> None:
    with Reactor() as reactor:
        bans = BanFile(str(path), reactor.run_in_thread)
        for number in range(30):
            bans.add(Ban(f"guest{number}"))
            bans.remove([Ban(f"guest{number - 1}")])
        bans.finish()
        assert names_in(path) == ["guest29"]
    assert names_in(path) == ["guest29"]


def test_a_write_that_comes_after_the_end_changes_nothing(path: Path, threads: Threads) -> None:
    bans = kept(path, threads)
    bans.add(Ban("Eve"))
    bans.remove([Ban("Eve")])
    bans.finish()
    assert names_in(path) == []
    threads.run()
    assert names_in(path) == []


def test_an_editors_changes_are_not_undone(path: Path, threads: Threads) -> None:
    bans = kept(path, threads)
    bans.add(Ban("Eve"))
    threads.run()
    path.write_text("# edited\nMallory # a pest\n")
    bans.add(Ban("Trudy"))
    threads.run()
    assert path.read_text() == "# edited\nMallory # a pest\nTrudy\n"


def test_a_reread_takes_the_file_and_what_is_not_in_it_yet(path: Path, threads: Threads) -> None:
    bans = kept(path, threads)
    bans.add(Ban("Eve"))
    threads.run()
    path.write_text("Mallory\nTrudy\n")
    bans.reread()
    bans.add(Ban("Oscar"))
    bans.remove([Ban("Trudy")])
    threads.run()
    assert [ban.name for ban in bans.bans.all(0.0)] == ["Mallory", "Oscar"]
    threads.run()
    assert names_in(path) == ["Mallory", "Oscar"]


def test_a_file_that_is_gone_bans_nobody(path: Path, threads: Threads) -> None:
    bans = kept(path, threads)
    bans.add(Ban("Eve"))
    threads.run()
    path.unlink()
    bans.reread()
    threads.run()
    assert len(bans.bans) == 0


def test_without_a_file_bans_hold_until_the_end(threads: Threads) -> None:
    bans = BanFile(None, threads)
    bans.load()
    bans.add(Ban("Eve"))
    bans.reread()
    bans.finish()
    assert len(bans.bans) == 1
    assert not threads.jobs


def test_a_comment_in_any_encoding_survives(path: Path, threads: Threads) -> None:
    path.write_bytes("# für später\n".encode("latin-1") + b"Eve\n")
    bans = kept(path, threads)
    bans.load()
    bans.add(Ban("小明"))
    threads.run()
    assert path.read_bytes() == "# für später\n".encode("latin-1") + "Eve\n小明\n".encode()


def test_the_file_keeps_its_mode_and_its_place(path: Path, threads: Threads, tmp_path: Path) -> None:
    path.write_text("")
    path.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(path)
    bans = kept(link, threads)
    bans.add(Ban("Eve"))
    threads.run()
    assert link.is_symlink()
    assert names_in(path) == ["Eve"]
    assert path.stat().st_mode & 0o777 == 0o640
    path.unlink()
    bans.add(Ban("Mallory"))
    threads.run()
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(tmp_path)) == ["bans", "link"]


@pytest.mark.loud
def test_a_disk_that_takes_nothing_costs_one_warning(
    path: Path, threads: Threads, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    path.write_text("# precious\n")
    bans = kept(path, threads)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        for name in ("Eve", "Mallory"):
            bans.add(Ban(name))
            threads.run()
        bans.remove([Ban("Mallory")])
        threads.run()
        assert not threads.jobs, "it is not tried again and again"
        bans.finish()
    assert os.listdir(path.parent) == ["bans"], "no half a file stays"
    assert path.read_text() == "# precious\n"
    assert [record.getMessage() for record in caplog.records] == [
        f"bans: {path} cannot be written; they hold all the same, and each minute it is tried again: "
        "No space left on device",
        f"bans: {path} cannot be written, and 2 changes are lost: No space left on device",
    ]


@pytest.mark.loud
def test_what_could_not_be_written_is_written_with_the_next(path: Path, threads: Threads, tmp_path: Path) -> None:
    path = tmp_path / "later" / "bans"
    bans = kept(path, threads)
    bans.add(Ban("Eve"))
    bans.add(Ban("Mallory"))
    threads.run()
    assert bans.bans.of_name("Eve", 0.0)
    path.parent.mkdir()
    bans.reread()
    threads.run()
    threads.run()
    assert names_in(path) == ["Eve", "Mallory"]
    assert len(bans.bans) == 2


@pytest.mark.loud
def test_what_could_not_be_written_is_tried_again_by_itself(
    path: Path, threads: Threads, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "protocols.chat")
    path = tmp_path / "later" / "bans"
    with MemoryReactor() as reactor:
        bans = BanFile(str(path), threads, clock=lambda: 0.0, call_later=reactor.call_later)
        for name in ("Eve", "Mallory"):
            bans.add(Ban(name))
            threads.run()
        for _ in range(3):
            reactor.advance(RETRY - 1)
            assert not threads.jobs, "not at once"
            reactor.advance(1)
            threads.run()
        path.parent.mkdir()
        reactor.advance(RETRY)
        threads.run()
        assert names_in(path) == ["Eve", "Mallory"]
        reactor.advance(2 * RETRY)
        assert not threads.jobs, "nothing is left to do"
    assert [record.getMessage() for record in caplog.records] == [
        f"bans: {path} cannot be written; they hold all the same, and each minute it is tried again: "
        "No such file or directory",
        f"bans: {path} is written again",
    ]
    assert len({record.levelno for record in caplog.records}) == 1, "who saw the complaint sees its end"


@pytest.mark.loud
def test_nothing_is_tried_again_after_the_end(path: Path, threads: Threads, tmp_path: Path) -> None:
    path = tmp_path / "later" / "bans"
    with MemoryReactor() as reactor:
        bans = BanFile(str(path), threads, clock=lambda: 0.0, call_later=reactor.call_later)
        bans.add(Ban("Eve"))
        threads.run()
        bans.finish()
        reactor.advance(RETRY)
        assert not threads.jobs
        assert not reactor.timers.entries


@pytest.mark.loud
@pytest.mark.parametrize("kind", ["directory", "pipe", "long"])
def test_what_cannot_be_read_bans_nobody_or_whom_it_did(
    path: Path, threads: Threads, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bans = kept(path, threads)
    path.write_text("Eve\n")
    bans.load()
    path.unlink()
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"#" * (files.MAX_FILE + 1))
    bans.reread()
    threads.run()
    assert bans.bans.of_name("Eve", 0.0)
    kept(path, threads).load()
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "cannot be reread, all stays as it was: " in said[0]
    assert "cannot be read, and nobody is banned: " in said[1]


@pytest.mark.loud
def test_a_path_that_cannot_be_is_told_at_the_start(
    path: Path, threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    kept(path, threads).load()
    kept(path.parent / "mistyped" / "bans", threads).load()
    quiet, loud = caplog.records
    assert (quiet.levelname, quiet.getMessage()) == ("INFO", f"bans: {path} is not there yet, and nobody is banned")
    assert loud.levelname == "WARNING"
    assert loud.getMessage().endswith(f"and nobody is banned: there is no {path.parent / 'mistyped'}")


@pytest.mark.loud
def test_lines_that_are_not_understood_are_one_warning(
    path: Path, threads: Threads, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("Eve\n" + "Admin\n" * 7)
    bans = kept(path, threads)
    bans.load()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"bans: {path}: ignored line 2: 'Admin' is no address, and that")
    assert record.getMessage().endswith("line 6: 'Admin' is no address, and that name is reserved; and 2 lines more")
    assert bans.bans.of_name("Eve", 0.0)


@pytest.mark.loud
def test_too_many_lines_are_counted(path: Path, threads: Threads, caplog: pytest.LogCaptureFixture) -> None:
    path.write_text("A\nB\nC\n")
    BanFile(str(path), threads, bans=Bans(limit=2)).load()
    assert caplog.records[0].getMessage() == f"bans: {path}: 1 more than the 2 there can be"
