"""A file that has its name only once it is whole, and what is left for the next attempt."""

from __future__ import annotations

import json
import os
import stat

import pytest

from protocols.http import Download, DownloadError, Headers, Response

URL = "http://a/file"
TAG = {"ETag": '"v1"'}


def head(status=200, **fields):
    return Response(status, "", Headers({name.replace("_", "-"): value for name, value in fields.items()}))


def names(path):
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file"


def test_the_name_comes_with_the_last_byte(tmp_path, target):
    download = Download(str(target), URL)
    download.on_head(head())
    download.write(b"01234")
    assert not target.exists()
    assert len(names(tmp_path)) == 1
    download.write(b"56789")
    download.complete()
    assert names(tmp_path) == ["file"]
    assert target.read_bytes() == b"0123456789"


def test_a_failure_leaves_what_was_there(tmp_path, target):
    target.write_bytes(b"old")
    download = Download(str(target), URL)
    download.on_head(head(**TAG))
    download.write(b"01234")
    download.abandon()
    download.abandon()
    assert names(tmp_path) == ["file"]
    assert target.read_bytes() == b"old"


def test_ctrl_c_between_making_the_file_and_having_it_leaves_nothing(tmp_path, target, monkeypatch):
    def interrupted(descriptor, *_):
        os.close(descriptor)
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fdopen", interrupted)
    download = Download(str(target), URL)
    with pytest.raises(KeyboardInterrupt):
        download.on_head(head())
    download.abandon()
    assert names(tmp_path) == []


def test_the_mode_is_the_umask_s_or_the_old_file_s(target):
    old = os.umask(0o027)
    try:
        for expected in (0o640, 0o604):
            download = Download(str(target), URL)
            download.on_head(head())
            download.complete()
            assert stat.S_IMODE(target.stat().st_mode) == expected
            target.chmod(0o604)
    finally:
        os.umask(old)


def test_a_link_stays_a_link_and_a_device_a_device(tmp_path, target):
    link = tmp_path / "link"
    link.symlink_to(target)
    download = Download(str(link), URL)
    download.on_head(head())
    download.write(b"x")
    download.complete()
    assert link.is_symlink()
    assert target.read_bytes() == b"x"
    download = Download("/dev/null", URL, resume=True)
    download.on_head(head())
    download.write(b"x")
    download.complete()
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize(("path", "kind"), [("", IsADirectoryError), ("no/such", FileNotFoundError)])
def test_where_nothing_can_be_written(tmp_path, path, kind):
    with pytest.raises(kind):
        Download(str(tmp_path / path), URL)


def begun(target, content=b"01234", **fields):
    """An attempt that failed after `content`."""
    download = Download(str(target), URL, resume=True)
    download.on_head(head(**fields))
    download.write(content)
    download.abandon()


def test_what_can_be_continued_is_kept_and_continued(tmp_path, target):
    begun(target, **TAG)
    assert names(tmp_path) == ["file.part", "file.part.json"]
    download = Download(str(target), URL, resume=True)
    assert download.fields == {"Accept-Encoding": "identity", "Range": "bytes=5-", "If-Range": '"v1"'}
    assert download.offset == 5
    download.on_head(head(206, Content_Range="bytes 5-9/10"))
    download.write(b"567")
    download.abandon()
    download = Download(str(target), URL, resume=True)
    assert download.fields["Range"] == "bytes=8-"
    download.on_head(head(206, Content_Range="bytes 8-9/10"))
    download.write(b"89")
    download.complete()
    assert names(tmp_path) == ["file"]
    assert target.read_bytes() == b"0123456789"


@pytest.mark.parametrize("fields", [{}, {"ETag": 'W/"x"'}, TAG | {"Content-Encoding": "gzip"}])
def test_what_cannot_be_known_again_is_not_kept(tmp_path, target, fields):
    begun(target, **fields)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "note", [b"", b"[]", b'{"url": "http://b/", "validator": "x"}', b'{"url": "http://a/file"}', b"\xff"]
)
def test_a_note_that_does_not_fit_is_not_followed(tmp_path, target, note):
    begun(target, **TAG)
    (tmp_path / "file.part.json").write_bytes(note)
    assert Download(str(target), URL, resume=True).fields == {"Accept-Encoding": "identity"}


def test_another_version_begins_anew(target):
    begun(target, **TAG)
    download = Download(str(target), URL, resume=True)
    download.on_head(head(200, ETag='"v2"'))
    download.write(b"new")
    download.complete()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize(
    "answer",
    [
        head(206, Content_Range="bytes 4-9/10"), head(206), head(206, Content_Range="bytes */10"), head(404), head(500),
        head(206, Content_Range="bytes 5-9/10", Content_Encoding="gzip"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_the_rest_is_an_error_and_costs_nothing(tmp_path, target, answer):
    begun(target, **TAG)
    download = Download(str(target), URL, resume=True)
    with pytest.raises(DownloadError):
        download.on_head(answer)
    download.abandon()
    assert (tmp_path / "file.part").read_bytes() == b"01234"


def test_a_rest_that_is_not_all_of_it_is_no_file(tmp_path, target):
    begun(target, **TAG)
    download = Download(str(target), URL, resume=True)
    download.on_head(head(206, Content_Range="bytes 5-7/10"))
    download.write(b"567")
    with pytest.raises(DownloadError, match="8 bytes now, and should have 10"):
        download.complete()
    download.abandon()
    assert not target.exists()


def test_what_is_whole_already_is_done(tmp_path, target):
    begun(target, b"0123456789", **TAG)
    download = Download(str(target), URL, resume=True)
    download.on_head(head(416, Content_Range="bytes */10"))
    download.write(b"an error page")
    download.complete()
    assert not download.must_restart
    assert names(tmp_path) == ["file"]
    assert target.read_bytes() == b"0123456789"


@pytest.mark.parametrize("answer", [head(416, Content_Range="bytes */3"), head(416), head(412)])
def test_what_fits_no_more_begins_anew(tmp_path, target, answer):
    begun(target, **TAG)
    download = Download(str(target), URL, resume=True)
    download.on_head(answer)
    download.complete()
    assert download.must_restart
    download.restart()
    assert download.fields == {"Accept-Encoding": "identity"}
    download.on_head(head())
    download.write(b"new")
    download.complete()
    assert names(tmp_path) == ["file"]
    assert target.read_bytes() == b"new"


def test_a_file_that_somebody_else_has_cut_is_continued(tmp_path, target):
    target.write_bytes(b"01234")
    os.utime(target, (0, 784111777))
    download = Download(str(target), URL, resume=True)
    assert download.fields["Range"] == "bytes=5-"
    assert download.fields["If-Unmodified-Since"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    download.on_head(head(206, Content_Range="bytes 5-9/10", **TAG))
    download.write(b"567")
    assert target.read_bytes() == b"01234"
    download.abandon()
    assert json.loads((tmp_path / "file.part.json").read_bytes())["validator"] == '"v1"'
    download = Download(str(target), URL, resume=True)
    download.on_head(head(206, Content_Range="bytes 8-9/10"))
    download.write(b"89")
    download.complete()
    assert target.read_bytes() == b"0123456789"
    assert names(tmp_path) == ["file"]


def test_a_part_that_was_not_asked_for_is_no_file(tmp_path, target):
    with pytest.raises(DownloadError):
        Download(str(target), URL).on_head(head(206, Content_Range="bytes 0-4/10"))
    download = Download(str(target), URL, takes_parts=True)
    download.on_head(head(206, Content_Range="bytes 0-4/10"))
    download.write(b"01234")
    download.complete()
    assert target.read_bytes() == b"01234"


def test_a_stray_part_never_takes_the_place_of_a_file_that_is_whole(tmp_path, target):
    begun(target, **TAG)
    (tmp_path / "file.part.json").unlink()  # nobody knows any more what it is a part of
    target.write_bytes(b"0123456789")
    download = Download(str(target), URL, resume=True)
    download.on_head(head(416, Content_Range="bytes */10"))
    download.complete()
    assert target.read_bytes() == b"0123456789"


@pytest.mark.parametrize("resume", [False, True])
def test_what_cannot_be_completed_leaves_nothing(tmp_path, target, resume, monkeypatch):
    download = Download(str(target), URL, resume=resume)
    download.on_head(head())

    def fail(*args):
        raise OSError("quota")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="quota"):
        download.complete()
    download.abandon()
    assert names(tmp_path) == []
