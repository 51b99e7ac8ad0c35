"""What protocols/chat/web/README.md says of programs and events is so."""

from __future__ import annotations

import re
from pathlib import Path

from reactor import Reactor
from reactor.testing import MemoryReactor

README = (Path(__file__).parents[4] / "protocols/chat/web/README.md").read_text("utf-8")


def test_the_program_runs(monkeypatch):
    (program,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    memory = MemoryReactor()
    monkeypatch.setattr("reactor.Reactor", lambda: memory)
    monkeypatch.setattr(memory, "run", lambda: None)
    exec(program, {})
    assert Reactor is not None


def test_every_type_of_event_is_described():
    folder = Path(__file__).parents[4] / "protocols/chat/web"
    made = {
        kind
        for name in ("events.py", "states.py", "sockets.py")
        for kind in re.findall(r'"type": "(\w+)"', (folder / name).read_text("utf-8"))
    }
    described = set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE))
    handled = set(re.findall(r"^  (\w+)\(event\) \{", (folder / "chat.js").read_text("utf-8"), re.MULTILINE))
    assert made == described == handled
