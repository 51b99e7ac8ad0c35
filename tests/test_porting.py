"""The programs of reactor/PORTING.md: each pair, before and after, says the same to the same client."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.kit.documents import ROOT, blocks

DEADLINE = 60
PROGRAMS = {block.name: block.text for block in blocks(ROOT / "reactor" / "PORTING.md") if block.name}


def talk(port: int, *said: bytes) -> bytes:
    """What a server answers to somebody who says each thing once it has an answer to the one before."""
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock, sock.makefile("rb") as lines:
        for text in said:
            if text.endswith(b"?"):  # first a line of the server's
                heard += next(lines)
            sock.sendall(text.rstrip(b"?"))
        sock.shutdown(socket.SHUT_WR)
        return heard + lines.read()


def values(port: int) -> bytes:
    return talk(port, b"SET a 1 2\r\n", b"GET a\nGET b\n", b"NO\nQUIT\n")


def scores(port: int) -> bytes:
    heard = talk(port, b"Ada\n?", b"3\n")
    return heard + talk(port, b"Bob\n?", b"5\nfive\n-1\n")


def counts(port: int) -> bytes:
    heard = b""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock, sock.makefile("rb") as lines:
        for text in (b"12345", b"678"):
            sock.sendall(text)
            heard += next(lines)
    return heard


def answers(name: str, talk: Callable[[int], bytes], tmp_path: object) -> bytes:
    path = tmp_path / name  # type: ignore[operator]
    path.write_text(PROGRAMS[name])
    flags = ["-W", "ignore"] if "asyncore" in name else ["-W", "error"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, *flags, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            found = re.fullmatch(r"listening on \S+:(\d+)\n", server.stdout.readline())
            assert found
            return talk(int(found[1]))
        finally:
            server.send_signal(signal.SIGKILL)


PAIRS = {
    "asyncore": (
        "on_asyncore.py", "from_asyncore.py", values, b"+ hello 127.0.0.1\n+ ok\n+ 1 2\n+ ?\n- what?\n+ bye\n",
    ),
    "threads": (
        "with_threads.py", "from_threads.py", scores,
        b"who are you?\nyou have 3, Ada leads\n"
        b"who are you?\nyou have 5, Bob leads\na number, please\nyou have 4, Bob leads\n",
    ),
    "asyncio": ("on_asyncio.py", "from_asyncio.py", counts, b"5 bytes\n8 bytes\n"),
}  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS)
def test_before_and_after_say_the_same(pair: str, tmp_path: object) -> None:
    before, after, client, said = PAIRS[pair]
    assert answers(after, client, tmp_path) == said
    if pair == "asyncore" and sys.version_info >= (3, 12):
        pytest.skip("asyncore is gone: the program before cannot run here")
    assert answers(before, client, tmp_path) == said


def test_no_program_is_left_out() -> None:
    assert set(PROGRAMS) == {name for pair in PAIRS.values() for name in pair[:2]}
