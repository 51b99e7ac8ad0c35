"""Changes one thing in the source at a time and runs the tests: a change that no test notices is a missing scene.

    python tests/mutants.py protocols/text reactor/loop/timers.py        every change of these files and folders
    python tests/mutants.py reactor protocols --sample 300 --seed 1      so many of them, drawn by a seed
    LINES_RUN=lines.json python -m pytest -p tests.kit.lines_run tests/reactor tests/protocols
    python tests/mutants.py reactor --lines lines.json                   each against the tests that run its line

Each change is tried in a copy of the project, first against the tests that stand nearest to the file (the same path
below tests/, and those that import it), then, if these pass, against all tests of its part: that takes seconds to
minutes for each. With --lines it is tried against the tests that have run the changed line, the nearest and shortest
first, which takes a second or two. A run that takes ten times as long as it should counts as noticed. What survives is
printed as a diff of one line, for a person to judge: a scene is missing, or the change has no effect. Standard library
and pytest only.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import json
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 10.0  # times what the unchanged source takes: a loop without end is noticed, a busy machine is not
LEAST = 30.0  # seconds, however short the unchanged run was
ALWAYS = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "--benchmark-disable"]

PLAIN = re.compile(r"[\w./:-]+(\[[\w .,/-]*\])?", re.ASCII)  # the name of a test that is the same in each run

SWAPPED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change: `old` at `start:end` of the file's text becomes `new`."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        old, new = (" ".join(text.split())[:100] for text in (self.old, self.new))
        return f"{self.path}:{self.line} {self.kind}: {old}  ->  {new}"

    def apply(self, source: bytes) -> bytes:
        return source[: self.start] + self.new.encode() + source[self.end :]


class Changes(ast.NodeVisitor):
    """Collects the changes of one file. Annotations, docstrings and what is for type checkers alone are left out."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path = path
        self.source = source
        self.found: list[Mutant] = []
        starts, at = list[int](), 0
        for line in source.splitlines(keepends=True):
            starts.append(at)
            at += len(line)
        self._starts = starts
        self.visit(ast.parse(source))

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()

    def _change(self, node: ast.expr | ast.stmt, kind: str, new: str) -> None:
        start, end = self._span(node)
        self.found.append(Mutant(self.path, node.lineno, kind, start, end, self._text(node), new))

    def _negate(self, test: ast.expr) -> None:
        self._change(test, "negated", f"(not ({self._text(test)}))")

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" in self._text(node.test):
            return
        self._negate(node.test)
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._negate(test)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        if len(node.ops) == 1:
            operator = SWAPPED[type(node.ops[0])]
            self._change(node, "compared", f"({self._text(node.left)} {operator} {self._text(node.comparators[0])})")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word = " or " if isinstance(node.op, ast.And) else " and "
        self._change(node, "and/or", f"({word.join(f'({self._text(value)})' for value in node.values)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._change(node, "constant", repr(not node.value))
        elif isinstance(node.value, (int, float)):
            self._change(node, "constant", repr(node.value + 1))

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node.value, ast.Call):
            self._change(node, "dropped", "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if isinstance(node.targets[0], (ast.Attribute, ast.Subscript)):
            self._change(node, "dropped", "pass")
        self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._change(node, "dropped", "pass")
        self.visit(node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, (ast.Call, ast.Name, ast.Attribute)):
            self._change(node.value, "gives None", "None")
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Parts of an f-string have no place of their own before Python 3.12."""

    def visit_arg(self, node: ast.arg) -> None:
        """An annotation changes nothing."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        for statement in node.body:
            self.visit(statement)


def mutants(root: Path, targets: list[str]) -> Iterator[Mutant]:
    """The changes of all Python files among `targets`, which are files and folders below `root`."""
    for target in targets:
        place = root / target
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            yield from Changes(path.relative_to(root).as_posix(), path.read_bytes()).found


def nearest(root: Path, path: str) -> list[str]:
    """The test files that stand nearest to a source file: those named after it, and those that import it."""
    module = path.removesuffix(".py").replace("/", ".")
    package, _, name = module.rpartition(".")
    spellings = (f"from {module} import", f"import {module}", f"from {package} import {name}")
    tests = sorted((root / "tests").rglob("test_*.py"))
    named = [test for test in tests if test.stem == f"test_{name}" and test.parts[-2] in package.split(".")]
    importing = [test for test in tests if test not in named and any(s in test.read_text() for s in spellings)]
    return [test.relative_to(root).as_posix() for test in named + importing]


def whole_part(path: str) -> list[str]:
    """All tests that the part of a source file answers to."""
    parts = path.split("/")
    if parts[0] == "reactor":
        return ["tests/reactor", "tests/conformance", "tests/system"]
    deeper = f"tests/protocols/{parts[1]}" if len(parts) > 2 else "tests/protocols"
    return [deeper, "tests/system", "tests/examples"]


def copied(root: Path) -> list[str]:
    """The files that a copy of the project has: those that git knows."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout.decode()
    return [name for name in names.split("\0") if name and (root / name).is_file()]


class Lines:
    """Which tests have run which lines, as tests/kit/lines_run.py has written it down, of one run or several."""

    MOST, LONGEST = 400, 40.0  # tests, and their seconds: who passes so many of those that run it passes the others

    def __init__(self, paths: list[str]) -> None:
        self._seconds: dict[str, float] = {}
        self._tests: dict[str, set[str]] = {}
        for path in paths:
            kept = json.loads(Path(path).read_text())
            names = []
            for name, seconds in kept["tests"]:
                # Parameters that show a value may have another name in each run (an address, the time in a gzip).
                name = name if PLAIN.fullmatch(name) else name.partition("[")[0]
                names.append(name)
                self._seconds[name] = self._seconds.get(name, 0.0) + seconds
            for line, numbers in kept["lines"].items():
                self._tests.setdefault(line, set()).update(names[number] for number in numbers)

    def tests(self, mutant: Mutant, near: list[str]) -> tuple[list[str], float]:
        """Those that run the line, and the seconds they take. None where it only runs while it is imported."""
        found = self._tests.get(f"{mutant.path}:{mutant.line}", set())
        ordered = sorted(found, key=lambda test: (test.partition("::")[0] not in near, self._seconds[test], test))
        chosen, seconds = list[str](), 0.0
        for test in ordered[: self.MOST]:
            if (seconds := seconds + self._seconds[test]) > self.LONGEST:
                break
            chosen.append(test)
        return chosen, seconds


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    noticed: bool
    by: str
    seconds: float


class Bench:
    """Copies of the project, one for each run at a time."""

    def __init__(self, root: Path, jobs: int, lines: Lines | None = None) -> None:
        self._lines = lines
        self._folder = tempfile.TemporaryDirectory(prefix="mutants-")
        self._free: queue.Queue[Path] = queue.Queue()
        self._usual: dict[tuple[str, ...], float] = {}
        names = copied(root)
        for number in range(jobs):
            copy = Path(self._folder.name, str(number))
            for name in names:
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(root / name, copy / name)
            self._free.put(copy)

    def close(self) -> None:
        self._folder.cleanup()

    def judge(self, mutant: Mutant) -> Verdict:
        copy = self._free.get()
        started = time.monotonic()
        try:
            for tests, usual in self._rounds(copy, mutant):
                if tests and (word := self._notices(copy, mutant, tests, usual)):
                    return Verdict(mutant, True, word, time.monotonic() - started)
            return Verdict(mutant, False, "", time.monotonic() - started)
        finally:
            self._free.put(copy)

    def _rounds(self, copy: Path, mutant: Mutant) -> list[tuple[list[str], float | None]]:
        """The tests of one run after the other, with the seconds that they take, where that is known."""
        near = nearest(copy, mutant.path)
        if self._lines is not None:
            tests, seconds = self._lines.tests(mutant, near)
            return [(tests or near, seconds if tests else None)]
        return [(near, None), (whole_part(mutant.path), None)]

    def _notices(self, copy: Path, mutant: Mutant, tests: list[str], usual: float | None) -> str:
        """What noticed the change, or nothing."""
        tests = [test for test in tests if (copy / test.partition("::")[0]).exists()]
        if usual is None:
            usual = self._usual.get(tuple(tests))
        if usual is None:
            started = time.monotonic()
            if (failed := run(copy, tests, 3600.0)) is not None:
                raise SystemExit(f"the tests fail without any change: {failed}")
            usual = self._usual[tuple(tests)] = time.monotonic() - started
        path = copy / mutant.path
        source = path.read_bytes()
        path.write_bytes(mutant.apply(source))
        try:
            return run(copy, tests, max(LEAST, PATIENCE * usual)) or ""
        finally:
            path.write_bytes(source)


def run(copy: Path, tests: list[str], patience: float) -> str | None:
    """Run tests in a copy: None if they pass, else which failed first."""
    command = [sys.executable, "-m", "pytest", *ALWAYS, *tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(
        command, cwd=copy, env=environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            out, _ = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)  # the programs that the tests started too
            process.communicate()
            return "time"
    if process.returncode in (0, 5):  # 5: none ran, as those on carriers that are like others
        return None
    if "ERROR: not found" in out:
        raise SystemExit(out)
    first = next((line for line in out.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
    return (first or out.strip().rpartition("\n")[2] or f"status {process.returncode}")[:150]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="+", metavar="FILE", help="files and folders of reactor/ and protocols/")
    parser.add_argument("--sample", type=int, metavar="N", help="so many changes, drawn by the seed; else all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="so many runs at a time")
    parser.add_argument("--lines", metavar="FILE", action="append", help="what tests/kit/lines_run.py has written")
    parser.add_argument("--list", action="store_true", help="print the changes, and run nothing")
    options = parser.parse_args(arguments)
    chosen = list(mutants(ROOT, options.targets))
    if options.sample is not None and options.sample < len(chosen):
        chosen = random.Random(options.seed).sample(chosen, options.sample)
    if options.list:
        print(*chosen, sep="\n")
        return 0
    return report(chosen, options.jobs, Lines(options.lines) if options.lines else None)


def report(chosen: list[Mutant], jobs: int, lines: Lines | None = None) -> int:
    """Judge all; print each survivor at once and the sum at the end. Status 1 if any survived."""
    survivors = 0
    bench = Bench(ROOT, jobs, lines)
    try:
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for number, verdict in enumerate(pool.map(bench.judge, chosen), 1):
                survivors += not verdict.noticed
                word = f"noticed by {verdict.by}" if verdict.noticed else "SURVIVED"
                print(f"{number}/{len(chosen)} {verdict.mutant}  {word} ({verdict.seconds:.0f} s)", flush=True)
    finally:
        bench.close()
    print(f"{len(chosen) - survivors} of {len(chosen)} changes noticed, {survivors} survived")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
