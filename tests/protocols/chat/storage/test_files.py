"""Small files that people edit: what a neighbour may have put in their place is neither read nor written."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from protocols.chat.storage import files

NOBODY = 65534

as_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory like /tmp."""
    directory = tmp_path / "shared"
    directory.mkdir()
    directory.chmod(0o1777)
    return directory


@as_root
@pytest.mark.parametrize("link", [True, False])
def test_what_a_neighbour_put_there_is_left_alone(shared: Path, tmp_path: Path, link: bool) -> None:
    precious, path = tmp_path / "precious", shared / "bans"
    precious.write_bytes(b"precious")
    if link:
        path.symlink_to(precious)
    else:
        path.write_bytes(b"precious")
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    with pytest.raises(OSError, match="another user's"):
        files.read(str(path))
    with pytest.raises(OSError, match="another user's"):
        files.replace(str(path), b"ours")
    assert path.read_bytes() == precious.read_bytes() == b"precious"
    assert os.listdir(shared) == ["bans"], "no draft is left"


@as_root
def test_where_nobody_else_may_create_files_the_operator_has_given_them_away(tmp_path: Path) -> None:
    path = tmp_path / "bans"
    path.write_bytes(b"Mallory\n")
    path.chmod(0o640)
    os.chown(path, NOBODY, NOBODY)
    assert files.read(str(path)) == b"Mallory\n"
    files.replace(str(path), b"Eve\n")
    assert path.read_bytes() == b"Eve\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_our_own_are_read_there_and_links_of_ours_are_followed(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "ours").write_bytes(b"before")
    path = shared / "bans"
    path.symlink_to(tmp_path / "ours")
    assert files.read(str(path)) == b"before"
    files.replace(str(path), b"after")
    assert path.is_symlink()
    assert (tmp_path / "ours").read_bytes() == b"after"


def test_a_pipe_is_no_file_also_where_it_comes_after_a_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody writes into it: an open that waits for that would wait for ever."""
    os.mkfifo(tmp_path / "bans")
    regular = os.stat(__file__)
    monkeypatch.setattr(files.os, "stat", lambda path, **_: regular)
    seen: list[str] = []

    def read() -> None:
        try:
            files.read(str(tmp_path / "bans"))
        except OSError as error:
            seen.append(str(error.strerror))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(30)
    assert seen == ["not a file"]


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "bans")
    with pytest.raises(OSError, match="not a file"):
        files.replace(str(path), b"x")
    assert path.is_fifo()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_directory_is_no_file_and_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a file") as raised:
        files.read(str(tmp_path))
    assert raised.value.filename == str(tmp_path)


@pytest.mark.parametrize(("mode", "warned"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o602, 1)])
@pytest.mark.loud
def test_a_secret_that_everybody_may_read_is_told(tmp_path, caplog, mode, warned):
    path = tmp_path / "secret"
    path.write_text("x")
    path.chmod(mode)
    files.warn_if_open(str(path), "cluster")
    assert caplog.text.count("can be read by everybody on this machine: chmod 600 keeps it to you") == warned


@pytest.mark.parametrize(
    ("mode", "is_so"), [(0o600, False), (0o664, False), (0o644, False), (0o602, True), (0o666, True)]
)
def test_a_file_that_everybody_may_write_is_nobodys_word(tmp_path, mode, is_so):
    path = tmp_path / "opers"
    path.write_text("x")
    path.chmod(mode)
    assert files.is_anybodys(str(path)) is is_so
