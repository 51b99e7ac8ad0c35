"""The message of the day."""

from __future__ import annotations

from pathlib import Path

import pytest

from protocols.chat.motd import MAX_BYTES, read_motd


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"", ""),
        (b"\n \n", ""),
        (b"be kind", "* be kind\n"),
        (b"\xef\xbb\xbfbe kind\r\n\r\n  or else \n\n", "* be kind\n* \n*   or else\n"),
        ("a\x1b[2J\u202eb\u2028c\n".encode(), "* a[2Jbc\n"),
    ],
)
def test_each_line_is_the_servers(tmp_path: Path, data: bytes, shown: str) -> None:
    path = tmp_path / "motd"
    path.write_bytes(data)
    assert read_motd(path).decode() == shown


@pytest.mark.parametrize(
    ("data", "why"), [(b"x" * (MAX_BYTES + 1), "motd' is longer than 4,096 bytes"), (b"\xff", "motd' is not UTF-8")]
)
def test_what_cannot_be_shown_is_refused(tmp_path: Path, data: bytes, why: str) -> None:
    path = tmp_path / "motd"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=why):
        read_motd(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_motd(tmp_path / "motd")
