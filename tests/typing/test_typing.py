"""The types of the package, as users meet them: typical programs pass the checkers, typical mistakes do not."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MYPY = importlib.util.find_spec("mypy") is not None
PLACES = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
PYRIGHT = shutil.which("pyright", path=PLACES)


def wrong(path: Path) -> set[int]:
    """The lines that say that they are wrong."""
    return {number for number, line in enumerate(path.read_text().splitlines(), 1) if line.endswith("# wrong")}


@pytest.fixture(scope="module")
def found_by_mypy(tmp_path_factory: pytest.TempPathFactory) -> str:
    cache = tmp_path_factory.mktemp("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={cache}", str(HERE)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


def lines(output: str, name: str) -> set[int]:
    return {int(found) for found in re.findall(rf"{name}:(\d+): error", output)}


@pytest.mark.patience(600)
@pytest.mark.skipif(not MYPY, reason="mypy is not installed")
def test_mypy_passes_programs_and_finds_mistakes(found_by_mypy: str) -> None:
    assert lines(found_by_mypy, "programs.py") == set(), found_by_mypy
    assert lines(found_by_mypy, "mistakes.py") == wrong(HERE / "mistakes.py"), found_by_mypy


@pytest.mark.patience(600)  # the first time it fetches what it needs
@pytest.mark.skipif(PYRIGHT is None, reason="pyright is not installed")
def test_pyright_passes_programs_and_finds_mistakes() -> None:
    command = [str(PYRIGHT), "--outputjson", "--pythonpath", sys.executable, *map(str, HERE.glob("[pm]*.py"))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    errors = [found for found in json.loads(done.stdout)["generalDiagnostics"] if found["severity"] == "error"]
    found = {name: set() for name in ("programs.py", "mistakes.py")}  # type: dict[str, set[int]]
    for error in errors:
        found[Path(error["file"]).name].add(error["range"]["start"]["line"] + 1)
    assert found["programs.py"] == set(), errors
    assert wrong(HERE / "mistakes.py") <= found["mistakes.py"], errors


def test_there_are_more_than_ten_mistakes() -> None:
    assert len(wrong(HERE / "mistakes.py")) > 10
