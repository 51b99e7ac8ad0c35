"""A plugin of pytest that keeps which tests run which lines of the source: `python -m pytest -p tests.kit.lines_run`.

tests/mutants.py reads what it writes, and tries a change only on the tests that can notice it. Each line is reported
once a test (`sys.monitoring`, Python 3.12 and later), so a run takes little longer than without. What programs of their
own run is not seen.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = tuple(f"{ROOT / name}{os.sep}" for name in ("reactor", "protocols"))
VARIABLE = "LINES_RUN"  # names the file that is written
TOOL = 4  # a number that debuggers, coverage and profilers leave free


class Lines:
    """For each line of the source, the tests that run it; for each test, its seconds."""

    def __init__(self) -> None:
        self._now: set[tuple[str, int]] = set()
        self._tests: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        events = sys.monitoring.events
        sys.monitoring.use_tool_id(TOOL, "lines_run")
        sys.monitoring.register_callback(TOOL, events.LINE, self._line)
        sys.monitoring.set_events(TOOL, events.LINE)

    def _line(self, code: Any, line: int) -> Any:
        if code.co_filename.startswith(FOLDERS):
            self._now.add((code.co_filename, line))
        return sys.monitoring.DISABLE  # until the next test begins

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self._now = set()
        sys.monitoring.restart_events()
        began = time.perf_counter()
        try:
            return (yield)
        finally:
            self._seconds[item.nodeid] = round(time.perf_counter() - began, 4)
            ran, self._now = self._now, set()  # a thread may still add to it
            for path, line in ran:
                name = f"{Path(path).relative_to(ROOT).as_posix()}:{line}"
                self._tests.setdefault(name, []).append(item.nodeid)

    def pytest_sessionfinish(self) -> None:
        sys.monitoring.free_tool_id(TOOL)
        numbers = {test: number for number, test in enumerate(self._seconds)}
        lines = {line: [numbers[test] for test in tests] for line, tests in self._tests.items()}
        text = json.dumps({"tests": list(self._seconds.items()), "lines": lines})
        Path(os.environ[VARIABLE]).write_text(text)


def pytest_configure(config: Any) -> None:
    config.pluginmanager.register(Lines(), "lines")
