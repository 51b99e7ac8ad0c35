"""Log lines about strangers: some of each kind in a minute, and the number of the rest."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

import protocols
from protocols.admission.quiet import LINES, tell, tell_bug
from protocols.bot.session import Session as BotSession
from protocols.greeting import Greeting
from protocols.text.faults import Fault
from reactor.testing import MemoryReactor

log = logging.getLogger("protocols.tests")


def test_a_hundred_of_a_kind_in_a_minute_and_the_number_of_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with MemoryReactor() as reactor, MemoryReactor() as other:
        for number in range(LINES + 5):
            tell(log, reactor, "%d is silent", number)
        assert len(caplog.messages) == LINES
        tell(log, reactor, "%d is loud", 1)
        tell(log, other, "%d is silent", 2)
        assert caplog.messages[LINES:] == ["1 is loud", "2 is silent"], "each kind and each reactor has its own"
        reactor.advance(60)
        tell(log, reactor, "%d is silent", 3)
        tell(log, reactor, "%d is silent", 4)
        assert caplog.messages[LINES + 2 :] == ["3 is silent (and 5 like it before)", "4 is silent"]
        assert caplog.records[0].filename == "test_quiet.py"


@pytest.mark.loud
def test_of_one_bug_a_hundred_tracebacks_a_minute_and_one_bug_hides_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fail(how: int) -> None:
        try:
            if how:
                raise ValueError("one line")
            raise ValueError("another")
        except ValueError as error:
            tell_bug(log, reactor, error, "exception in %s", "here")

    with MemoryReactor() as reactor:
        for _ in range(LINES + 5):
            fail(1)
        assert len(caplog.records) == LINES
        assert all(record.exc_info for record in caplog.records)
        fail(0)
        assert len(caplog.records) == LINES + 1
        reactor.advance(60)
        fail(1)
        assert caplog.messages[-2:] == ["exception in here", "exception in here (and 5 like it before)"]
        assert caplog.records[0].filename == "test_quiet.py"


@pytest.mark.parametrize("server", ["greeting", "bot"])
def test_strangers_of_the_greeting_and_the_bot_cannot_fill_the_log(
    scene: Any, caplog: pytest.LogCaptureFixture, server: str
) -> None:
    caplog.set_level("INFO", "protocols")
    protocol: Any = Greeting(scene.reactor)
    if server == "bot":
        protocol = BotSession.__new__(BotSession)
        protocol.reactor = scene.reactor
    protocol.transport = "a stranger"
    for _ in range(LINES + 5):
        protocol.log_fatal(Fault.NO_NEWLINE)
    assert caplog.messages == ["'a stranger' closed: it sent 8 KiB without a newline"] * LINES


@pytest.mark.parametrize(
    "folder", ["http/server", "text", "websocket", "metrics", "greeting.py", "echo.py", "bot/session.py"]
)
def test_servers_write_no_line_that_a_stranger_causes_without_a_bound(folder: str) -> None:
    """Nor a traceback: what is left to `log` itself is at DEBUG."""
    place = Path(protocols.__file__).parent / folder
    sources = [place] if place.is_file() else list(place.rglob("*.py"))
    assert sources
    unbounded = re.compile(r"\blog\.(info|warning|error|exception)\(")
    assert not [source for source in sources if unbounded.search(source.read_text())]
