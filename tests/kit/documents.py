"""The project's documents: where they are, the programs in them, and where their links lead."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HIDDEN = {".venv", ".venv-tools", "build", "dist", ".git", "node_modules"}
DOCUMENTS = sorted(path for path in ROOT.rglob("*.md") if not HIDDEN & set(path.relative_to(ROOT).parts))

_BLOCK = re.compile(
    r"(?:^<!-- driven by (?P<driver>\S+) -->\n+)?^```python\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
_NAMED = re.compile(r"# (\w+\.py)\n")
_LINK = re.compile(r"\[[^]\n]*\]\(([^)\s]+)\)")
_FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One program of a document. `name`: its file's, if its first line says one. `driver`: the test that runs it."""

    document: Path
    text: str
    name: str | None
    driver: str | None


def blocks(document: Path) -> list[Block]:
    """The programs of a document: every block that says it is Python."""
    found = []
    for match in _BLOCK.finditer(document.read_text(encoding="utf-8")):
        named = _NAMED.match(match["text"])
        found.append(Block(document, match["text"], named[1] if named else None, match["driver"]))
    return found


def block(document: Path, word: str) -> str:
    """The one program that has `word` in it."""
    (found,) = [block.text for block in blocks(document) if word in block.text]
    return found


def links(document: Path) -> list[str]:
    """Where a document leads within the project, pictures included."""
    text = _FENCED.sub("", document.read_text(encoding="utf-8"))
    return [link for link in _LINK.findall(text) if not re.match(r"\w+:", link)]


def anchors(document: Path) -> set[str]:
    """The names of its headings, as forges make them."""
    text = _FENCED.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def start(
    program: str, directory: Path, name: str = "program.py", seconds: float | None = None
) -> subprocess.Popen[str]:
    """Run a program of a document in a process of its own. Its ports are in `directory / "ports"`."""
    path = directory / name
    path.write_text(program, encoding="utf-8")
    ports = directory / "ports"
    command = [sys.executable, "-W", "error", str(ROOT / "tests/kit/block.py"), str(path), str(ports)]
    if seconds is not None:
        command.append(str(seconds))
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True)
