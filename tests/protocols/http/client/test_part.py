"""The file in which a download grows, among strangers and among its own kind."""

from __future__ import annotations

import fcntl
import json
import os
import stat

import pytest

from protocols.http import Download, DownloadError, Headers, Response
from protocols.http.client.downloads import part as part_module
from protocols.http.client.downloads.part import InUse, NotOurs, Part, cut_name, fit

URL = "http://ada:secret@a/file"
TAG = {"ETag": '"v1"'}


def head(status=200, **fields):
    return Response(status, "", Headers({name.replace("_", "-"): value for name, value in fields.items()}))


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file"


def begun(target, content=b"01234", *, resume=True):
    download = Download(str(target), URL, resume=resume)
    download.on_head(head(**TAG))
    download.write(content)
    return download


# -- two at once -------------------------------------------------------------------------------------------------------


def test_a_second_download_of_the_same_file_is_refused_while_the_first_is_under_way(tmp_path, target):
    first = begun(target)
    with pytest.raises(DownloadError, match="another download of file is under way"):
        Download(str(target), URL, resume=True)
    first.write(b"56789")
    first.complete()
    assert target.read_bytes() == b"0123456789"
    second = begun(target, b"new")
    second.complete()
    assert names(tmp_path) == ["file"]


def test_whoever_fails_or_gives_up_gives_the_lock_back(target):
    first = begun(target)
    first.abandon()
    second = Download(str(target), URL, resume=True)
    assert second.offset == 5
    second.on_head(head(412))
    second.complete()
    with pytest.raises(DownloadError):  # it will begin anew: nobody comes in between
        Download(str(target), URL, resume=True)
    second.restart()
    second.abandon()
    Download(str(target), URL, resume=True).abandon()


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="only Linux tells")
def test_a_download_that_is_forgotten_gives_the_lock_back_and_its_descriptor(target):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        Download(str(target), URL, resume=True)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_part_that_becomes_the_target_while_another_opens_it_is_not_written_to(target, monkeypatch):
    first = begun(target, b"whole")
    flock = fcntl.flock

    def just_before(*args):
        monkeypatch.setattr(fcntl, "flock", flock)
        first.complete()
        return flock(*args)

    monkeypatch.setattr(fcntl, "flock", just_before)
    second = begun(target, b"other")
    assert target.read_bytes() == b"whole"
    second.abandon()
    assert target.read_bytes() == b"whole"


def test_downloads_that_are_not_to_be_continued_do_not_meet(tmp_path, target):
    ones = [begun(target, text, resume=False) for text in (b"one", b"two", b"three")]
    ones[1].complete()
    ones[0].abandon()
    assert target.read_bytes() == b"two"
    ones[2].complete()
    assert target.read_bytes() == b"three"
    assert names(tmp_path) == ["file"]


def test_a_file_system_without_locks_has_downloads_all_the_same(target, monkeypatch):
    def flock(*args):
        raise OSError(95, "not supported")

    monkeypatch.setattr(fcntl, "flock", flock)
    begun(target).complete()
    assert target.read_bytes() == b"01234"


# -- strangers ---------------------------------------------------------------------------------------------------------


def link(part, tmp_path):
    part.symlink_to(tmp_path / "precious")


def hard_link(part, tmp_path):
    os.link(tmp_path / "precious", part)


def pipe(part, tmp_path):
    os.mkfifo(part)


def directory(part, tmp_path):
    part.mkdir()


def dangling(part, tmp_path):
    part.symlink_to(tmp_path / "nowhere")


@pytest.mark.parametrize("lay", [link, hard_link, pipe, directory, dangling])
def test_what_is_not_our_own_file_is_left_alone_and_another_name_is_used(tmp_path, target, lay):
    (tmp_path / "precious").write_bytes(b"precious")
    lay(tmp_path / "file.part", tmp_path)
    (tmp_path / "file.part.json").symlink_to(tmp_path / "config")
    before = os.lstat(tmp_path / "file.part")
    download = begun(target, b"GOOD")
    assert download.part_path.name.startswith(".file.")
    download.complete()
    assert (target.read_bytes(), target.is_symlink()) == (b"GOOD", False)
    assert (tmp_path / "precious").read_bytes() == b"precious"
    assert os.path.samestat(os.lstat(tmp_path / "file.part"), before)
    assert not (tmp_path / "config").exists()
    begun(target, b"cut").abandon()
    assert names(tmp_path) == sorted(["file", "file.part", "file.part.json", "precious"])


def test_a_beginning_that_somebody_else_has_written_is_not_ours(tmp_path, target, monkeypatch):
    begun(target).abandon()
    assert Download(str(target), URL, resume=True).offset == 5
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(NotOurs):
        Part.reopen(target)
    other = Download(str(target), URL, resume=True)
    assert other.fields == {"Accept-Encoding": "identity"}


def test_a_note_is_replaced_and_not_written_into(tmp_path, target):
    (tmp_path / "config.json").write_bytes(b"precious")
    (tmp_path / "file.part.json").symlink_to(tmp_path / "config.json")
    begun(target).abandon()
    assert (tmp_path / "config.json").read_bytes() == b"precious"
    assert not (tmp_path / "file.part.json").is_symlink()
    assert mode(tmp_path / "file.part.json") == 0o600


def test_a_note_that_somebody_else_has_laid_there_is_not_read(tmp_path, target):
    begun(target).abandon()
    note = tmp_path / "file.part.json"
    note.rename(tmp_path / "elsewhere")
    note.symlink_to(tmp_path / "elsewhere")
    download = Download(str(target), URL, resume=True)
    assert "Range" not in download.fields
    download.abandon()


# -- what others may read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("old", [None, 0o600, 0o640, 0o444])
def test_a_part_is_no_more_open_than_the_file_it_replaces(tmp_path, target, resume, old):
    if old is not None:
        target.write_bytes(b"")
        target.chmod(old)
    download = begun(target, resume=resume)
    assert mode(download.part_path) == (0o600 if old is None else old | 0o600)
    download.complete()
    mask = os.umask(0)
    os.umask(mask)
    assert mode(target) == (0o666 & ~mask if old is None else old)


def test_a_note_has_no_password(tmp_path, target):
    begun(target).abandon()
    note = (tmp_path / "file.part.json").read_text()
    assert "secret" not in note
    assert json.loads(note)["url"] == "http://a/file"
    again = Download(str(target), URL.replace("secret", "changed"), resume=True)
    assert again.offset == 5
    again.abandon()


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["歌" * 85, "é" * 127 + "x", "a" * 255, "😀" * 63])
@pytest.mark.parametrize("resume", [False, True])
def test_a_name_that_fits_has_a_part_that_fits(tmp_path, name, resume):
    target = tmp_path / name
    begun(target, resume=resume).abandon()
    download = Download(str(target), URL, resume=resume)
    assert download.offset == (5 if resume else 0)
    download.on_head(head(206, Content_Range="bytes 5-5/6") if resume else head())
    download.write(b"5")
    download.complete()
    assert names(tmp_path) == [name]


def test_names_that_differ_at_their_ends_have_parts_that_differ(tmp_path):
    assert fit(tmp_path / ("a" * 254 + "1"), "{}.part") != fit(tmp_path / ("a" * 254 + "2"), "{}.part")
    assert [cut_name("aé歌".encode(), most) for most in range(7)] == ["", "a", "a", "aé", "aé", "aé", "aé歌"]


def test_who_has_locked_what_others_rename_gives_up_in_the_end(target, monkeypatch):
    monkeypatch.setattr(part_module, "_lock", lambda *args: False)
    with pytest.raises(InUse):
        Part.reopen(target)
