"""What each goal was, commit by commit: a line each of one JSON list, so that a slow decline is seen. Knows no run."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def commit() -> str | None:
    """What is checked out, with a + where files differ from it; None outside of a repository."""
    try:
        said = [
            subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for words in (
                ("rev-parse", "--short", "HEAD"),
                ("status", "--porcelain", "-uno", "--", "reactor", "protocols"),
            )
        ]
    except (OSError, subprocess.CalledProcessError):
        return None
    return said[0] + ("+" if said[1] else "")


def key(goal: dict) -> str:
    """What names a goal over time: where it is set may change.

    >>> key({"title": "echo", "wanted": "at most 0.90 of asyncio"})
    'echo | at most of asyncio'
    """
    wanted = re.sub("(at most|at least) [0-9.,]+", r"\1", goal["wanted"])
    return f"{goal['title']} | {wanted}"


def number(found: str) -> float | None:
    """The figure in what was found.

    >>> number("1.11"), number("+0.3 % (chat)"), number("1,234 us"), number("not judged")
    (1.11, 0.3, 1234.0, None)
    """
    figure = re.match(r"[+-]?[\d,]*\.?\d+", found)
    return float(figure[0].replace(",", "")) if figure else None


def line(commit: str, results: list[dict], goals: list[dict]) -> dict:
    """The line of one commit. results: the sections that were measured there; goals: theirs."""
    shares = [result["others"] for result in results if result.get("others") is not None]
    return {
        "commit": commit,
        "date": min(result["date"] for result in results),
        "python": sorted({result["python"] for result in results if result.get("python")}),
        "others": round(max(shares), 3) if shares else None,
        "goals": {key(goal): value for goal in goals if (value := number(goal["found"])) is not None},
    }


def put(lines: list[dict], new: dict) -> list[dict]:
    """The lines with a new one; what is measured anew at a commit replaces what was measured there."""
    old = next((line for line in lines if line["commit"] == new["commit"]), None)
    if old is not None:
        new = new | {"date": min(old["date"], new["date"]), "goals": old["goals"] | new["goals"]}
    return sorted([*(line for line in lines if line is not old), new], key=lambda line: line["date"])


def earlier(lines: list[dict], results: dict[str, dict]) -> dict[str, float]:
    """What each goal was last, before the commits of these results."""
    now = {result.get("commit") for result in results.values()}
    found: dict[str, float] = {}
    for line in lines:
        if line["commit"] not in now:
            found |= line["goals"]
    return found


def read(file: Path) -> list[dict]:
    """The lines; none where there is no file yet."""
    return json.loads(file.read_text()) if file.exists() else []


def write(file: Path, lines: list[dict]) -> None:
    rows = ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    file.write_text(f"[\n{rows}\n]\n" if lines else "[]\n")
