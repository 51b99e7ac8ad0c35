"""The live page and the listings of the HTTP server, in a real browser."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.kit import webdriver

pytestmark = pytest.mark.skipif(webdriver.MISSING is not None, reason=str(webdriver.MISSING))

ODD = [
    "a b",
    "a#b?c=d",
    "100%",
    "a%25b",
    "<b>bold<b>",
    "q\"u'o&t;e",
    "javascript:alert(1)",
    "back\\slash",
    "你好",
    "+",
    "new\nline",
]


def test_the_live_page_changes(theatre: Any, page: Any) -> None:
    server = theatre.serve("live_page.py")
    page.open(f"http://127.0.0.1:{server.port}/")
    page.shows("1", "#seen")
    first = page.until("const now = document.querySelector('#now').textContent; return now.includes(':') && now")
    page.until("return document.querySelector('#now').textContent !== arguments[0]", first)
    server.process.send_signal(signal.SIGTERM)
    assert server.exits() == 0, "a stream of events does not hold the server up"


def test_a_directory_of_odd_names_is_browsed(theatre: Any, page: Any, tmp_path: Path) -> None:
    """Every link is followed as a browser does it, and shows the file that has that name."""
    root = tmp_path / "root"
    for name in ODD:
        (root / f"{name}.d").mkdir(parents=True)
        (root / f"{name}.d" / f"{name}.txt").write_text(f"this is {name}")
    os.mkfifo(root / "pipe")
    server = theatre.serve("http_server.py", "--root", str(root))
    base = f"http://127.0.0.1:{server.port}/"
    links = "return [...document.querySelectorAll('td a')].map(a => a.href)"
    page.open(base)
    directories = page.run(links)
    assert len(directories) == len(ODD)
    seen = set()
    for directory in directories:
        assert directory.startswith(base)
        page.open(directory)
        up, file = page.run(links)
        assert up == base
        page.open(file)
        seen.add(page.text("body"))
    assert seen == {f"this is {name}" for name in ODD}
    assert [each for each in page.complaints() if "favicon" not in each] == []
    server.clean_exit()
