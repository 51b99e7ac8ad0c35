"""The whole suite in five processes: what starts programs waits most of its time, so the rest runs beside it.

`pytest` without a path starts four more, each for some folders and files, leaves these out here, and shows at the end
what they have found; a failure of theirs is this run's failure. With a path, one core, `--collect-only`, `--pdb` or
`--one-process` everything runs in one process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parents[1]
BESIDE = (
    ("examples",),  # waits for programs, and for a browser
    ("bench", "typing", "test_readme.py", "test_porting.py", "test_mutants.py", "protocols/http"),  # for programs too
    ("system/test_cluster_faults.py", "conformance"),  # waits for deadlines of redis-server, a minute
    ("system/test_cluster.py", "system/test_cluster_servers.py", "system/test_workers.py"),  # and so does this
)  # with those that stay each takes about as long: with fewer the cores wait for the one that waits longest
PATIENCE = 1800.0  # seconds for the others once this one is done; they take as long as it does
VARIABLE = "TESTS_BESIDE"  # set for the other processes, which must start none


class Part:
    """One of the other processes, and what it prints."""

    def __init__(self, names: tuple[str, ...], options: list[str]) -> None:
        self.names = names
        self.output = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the run
        command = [sys.executable, "-m", "pytest", *options, *(str(TESTS / name) for name in names)]
        environment = {**os.environ, VARIABLE: "1"}
        self.process = subprocess.Popen(
            command, cwd=TESTS.parent, env=environment, stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT,
        )  # fmt: skip

    def text(self) -> str:
        self.output.seek(0)
        return self.output.read().decode(errors="replace")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.output.close()


class Parts:
    """The plugin of the first process."""

    def __init__(self, config: Any) -> None:
        self._elsewhere = {TESTS / name for names in BESIDE for name in names}
        self._parts = [Part(names, list(config.invocation_params.args)) for names in BESIDE]

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if collection_path in self._elsewhere else None

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        if exitstatus == 2:  # interrupted: so are the others, by the same Ctrl-C
            for part in self._parts:
                part.process.terminate()
        end = time.monotonic() + PATIENCE
        for part in self._parts:
            status = part.process.wait(max(0.0, end - time.monotonic()))
            session.exitstatus = session.exitstatus or status

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for part in self._parts:
            terminalreporter.section(f"beside: {', '.join(part.names)}: status {part.process.returncode}")
            terminalreporter.write(part.text())

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self, config: Any) -> None:
        """The last line of all: pytest's own counts only this process, and what failed beside has scrolled away."""
        line = verdict([(part.names, part.process.returncode, part.text()) for part in self._parts])
        if line and (reporter := config.pluginmanager.get_plugin("terminalreporter")) is not None:
            reporter.write_line(line, red=True)
        for part in self._parts:
            part.close()


def verdict(parts: list[tuple[tuple[str, ...], int | None, str]]) -> str:
    """What failed in the other processes, in one line, "" for nothing; a part is its names, status and output."""
    failed = []
    for names, status, text in parts:
        if status:
            counts = re.findall(r"\d+ (?:failed|errors?)\b", text.rstrip().rpartition("\n")[2])
            failed.append(f"{', '.join(counts) or f'status {status}'} in {' '.join(names)}")
    return f"FAILED beside: {'; '.join(failed)}" if failed else ""


def start(config: Any) -> None:
    """Start the other processes, where the whole suite is asked for and there is a core for them."""
    whole = config.args_source is config.ArgsSource.TESTPATHS
    alone = config.option.collectonly or config.option.usepdb or config.option.one_process
    if whole and not alone and VARIABLE not in os.environ and (os.cpu_count() or 1) > 1:
        config.pluginmanager.register(Parts(config), "parts")
