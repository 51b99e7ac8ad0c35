"""Bad input to the real program, where what counts is what it costs the process."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

HUNDRED_MB = 100 * 1024 * 1024
linux = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks /proc")


def memory(program: Any) -> int:
    """Bytes of resident memory, at their highest."""
    status = Path(f"/proc/{program.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def ticks(program: Any) -> int:
    """Of processor time, a hundredth of a second each, as a rule."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


@linux
def test_a_hundred_megabytes_without_a_newline(theatre: Any) -> None:
    server = theatre.serve("chat_server.py")
    ada, mallory = theatre.peer(server), theatre.peer(server)
    ada.gets("* welcome")
    mallory.gets("* welcome")
    before = memory(server)
    try:
        for _ in range(HUNDRED_MB >> 20):
            mallory.sends(b"x" * (1 << 20))
    except OSError:
        pass  # it was cut off on the way
    server.err.shows("closed: it sent 8 KiB without a newline")
    ada.sends("/who\n")
    ada.gets("* 1 here: guest-1\n")
    assert "guest-2" not in ada.text  # it has said nothing: nobody is told that it came or went
    assert mallory.text.count("\n") <= 2
    assert memory(server) - before < 8 << 20
    assert server.leaves(signal.SIGINT) == 0
    said = [line for line in server.err.all().splitlines() if "protocols.chat: event=" not in line]
    assert len(said) == 1, said
    assert said[0].endswith("closed: it sent 8 KiB without a newline")


@linux
def test_a_stdin_without_end_is_given_up(theatre: Any) -> None:
    server = theatre.serve("chat_server.py", redirected="< /dev/zero")
    server.out.shows("* that line was not taken: 8 KiB without a newline\n")
    ada, bob = theatre.peer(server), theatre.peer(server)
    spent = ticks(server)
    for number in range(5):
        ada.sends(f"hello {number}\n")
        bob.gets(f"hello {number}\n")
    bob.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        bob.gets("silence\n")
    assert ticks(server) - spent < 25, "a server that reads on and on takes all there is"
    server.clean_exit()
