"""The private names of asyncio: all there on this interpreter; and what happens on one that has them no more."""

from __future__ import annotations

import ast
import asyncio
from pathlib import Path

import pytest

import reactor.aio
from reactor.aio import private
from reactor.aio.hosted import HostedEventLoop
from reactor.aio.loop import ReactorEventLoop


def test_this_asyncio_has_them_all():
    assert private.missing() == []
    loop = reactor.aio.new_event_loop()
    assert type(loop) is ReactorEventLoop
    loop.close()


def test_what_is_imported_from_inside_of_asyncio_stands_in_the_table():
    """It would fail at import, and nothing would fall back."""
    listed = {name for _, names in private.NAMES for name in names}
    for path in sorted(Path(private.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("asyncio."):
                assert {alias.name for alias in node.names} <= listed, path.name


@pytest.mark.loud
@pytest.mark.parametrize(
    ("table", "changed", "said"),
    [
        ("NAMES", ((asyncio.Handle, ("_walk",)),), "Handle._walk"),
        ("SET", ("_willing",), "loop._willing"),
        ("PARAMETERS", {"_stop_serving": ()}, "_stop_serving(self, sock)"),
    ],
)
def test_where_one_is_missing_asyncios_own_transports_serve(monkeypatch, caplog, table, changed, said):
    monkeypatch.setattr(private, table, changed)
    assert private.missing() == [said]
    with asyncio.Runner(loop_factory=reactor.aio.new_event_loop) as runner:
        assert runner.run(asyncio.sleep(0, "served")) == "served"
        assert type(runner.get_loop()) is HostedEventLoop
    (record,) = [each for each in caplog.records if each.name == "reactor"]
    assert record.getMessage().startswith(f"asyncio has changed ({said})")
