"""The whole suite in two processes: what starts programs waits most of its time, so the rest runs beside it.

`pytest` without a path starts a second `pytest` for the folders in BESIDE, leaves them out here, and shows at the end
what the other has found; its failure is this run's failure. With a path, one core, `--collect-only`, `--pdb` or
`--one-process` everything runs in one process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
BESIDE = ("bench", "conformance", "examples", "system")
PATIENCE = 1800  # seconds for the other half once this one is done; it is the shorter one
VARIABLE = "TESTS_BESIDE"  # set for the second process, which must not start a third


class Halves:
    """The plugin of the first process."""

    def __init__(self, config: Any) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the run
        options = list(config.invocation_params.args)
        folders = [str(TESTS / name) for name in BESIDE]
        command = [sys.executable, "-m", "pytest", *options, *folders]
        environment = {**os.environ, VARIABLE: "1"}
        streams = {"stdin": subprocess.DEVNULL, "stdout": self._output, "stderr": subprocess.STDOUT}
        self._other = subprocess.Popen(command, cwd=TESTS.parent, env=environment, **streams)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        return True if collection_path.parent == TESTS and collection_path.name in BESIDE else None

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        if exitstatus == 2:  # interrupted: so is the other, by the same Ctrl-C
            self._other.terminate()
        status = self._other.wait(PATIENCE)
        if status and not exitstatus:
            session.exitstatus = status

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        self._output.seek(0)
        terminalreporter.section(f"beside: {', '.join(BESIDE)}: status {self._other.returncode}")
        terminalreporter.write(self._output.read().decode(errors="replace"))

    def pytest_unconfigure(self) -> None:
        if self._other.poll() is None:
            self._other.kill()
            self._other.wait()
        self._output.close()


def start(config: Any) -> None:
    """Start the second process, where the whole suite is asked for and there is a core for it."""
    whole = config.args_source is config.ArgsSource.TESTPATHS
    alone = config.option.collectonly or config.option.usepdb or config.option.one_process
    if whole and not alone and VARIABLE not in os.environ and (os.cpu_count() or 1) > 1:
        config.pluginmanager.register(Halves(config), "halves")
