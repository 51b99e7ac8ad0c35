"""The map of the code is in its docstrings, and imports point up in it.

The docstring of `reactor/__init__.py` lists the parts of the package from the bottom up, the docstring of each folder
below lists its files in the same way; so do `protocols/__init__.py` and its folders. A line of such a list is a name
(with a slash if it is a folder) and what it is for. These tests read the lists: every file stands in one, once, and
imports only what stands above it. What is imported for type checkers alone counts too.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LISTED = re.compile(r"^    (\w+)(/?) {2,}\S", re.MULTILINE)
FOLDERS = sorted(path.parent for package in ("reactor", "protocols") for path in (ROOT / package).rglob("__init__.py"))

PURE = {
    "protocols/admission": {"addresses", "pace"},  # of the reactor, `addresses` takes only the pure peer_key
    "protocols/bot/backends": {"settings"},
    "protocols/chat/cluster": {"options", "cluster", "join", "operating", "redis_log", "stay"},
    "protocols/chat/rooms": set(),
    "protocols/chat/web": {"states", "sockets", "page", "options"},
    "protocols/http/wire": set(),
    "protocols/redis": {"connection", "sentinel", "line", "client"},
    "protocols/text": {"protocol"},
    "protocols/websocket": {"outbox", "route", "protocol", "connect", "lines"},
}
"""Folders whose files know no network, but for those named."""

IMPURE = {"reactor", "socket", "threading", "asyncio", "selectors"}


def name(path):
    """A path as people say it: from the root of the project."""
    return str(path.relative_to(ROOT))


def listed(folder):
    """The names in a folder's list, from the bottom up."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()), clean=True)
    return [match[1] for match in LISTED.finditer(text)]


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


@functools.cache
def imports(path):
    """The modules that a file imports, wherever in it, as paths of names: ("reactor", "loop", "timers")."""
    found = []
    here = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = here[: len(here) - node.level + 1] if node.level else ()
            base = (*start, *(node.module.split(".") if node.module else ()))
            found += [whole if is_module(whole := (*base, alias.name)) else base for alias in node.names]
    return found


def is_module(parts):
    path = ROOT.joinpath(*parts)
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def order_of(folder):
    return {entry: number for number, entry in enumerate(listed(folder))}


def wrong_way(path):
    """What a file imports that does not stand above it in the first list that tells the two apart.

    A `__main__` stands above all: nobody imports it, and it puts a program together.
    """
    own = path.relative_to(ROOT).with_suffix("").parts
    if own[-1] == "__main__":
        return
    for target in imports(path):
        if target[0] != own[0]:
            continue
        common = next((n for n, (a, b) in enumerate(zip(own, target, strict=False)) if a != b), None)
        if common is None:  # the folder that the file is in: only what has no file of its own could be meant
            if own[: len(target)] == target and own[-1] != "__init__":
                yield ".".join(target)
            continue
        if own[common] in ("__init__", "__main__"):
            continue
        order = order_of(ROOT.joinpath(*own[:common]))
        if order[target[common]] >= order[own[common]]:
            yield ".".join(target)


@pytest.mark.parametrize("folder", FOLDERS, ids=name)
def test_the_list_of_a_folder_has_each_of_its_files_once(folder):
    there = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert sorted(listed(folder)) == sorted(there - {"__init__", "__main__"})


@pytest.mark.parametrize("package", ["reactor", "protocols"])
def test_a_file_imports_only_what_stands_above_it(package):
    found = {name(path): sorted({*wrong_way(path)}) for path in files(package)}
    assert {path: targets for path, targets in found.items() if targets} == {}


def test_only_the_standard_library_is_imported_at_run_time():
    known = sys.stdlib_module_names
    for package, allowed in {"reactor": {"reactor"}, "protocols": {"reactor", "protocols"}}.items():
        foreign = {name(path): {t[0] for t in imports(path)} - known - allowed for path in files(package)}
        assert {path: found for path, found in foreign.items() if found} == {}


def test_protocols_use_only_the_public_interface_of_the_reactor():
    public = {("reactor",), ("reactor", "testing"), ("reactor", "serving"), ("reactor", "aio")}
    deep = {
        name(path): [t for t in imports(path) if t[0] == "reactor" and t not in public] for path in files("protocols")
    }
    assert {path: found for path, found in deep.items() if found} == {}


def test_what_is_said_to_be_pure_knows_no_network():
    found = {}
    for folder, apart in PURE.items():
        for path in files(folder):
            if path.stem not in apart | {"__init__"} and (bad := {t[0] for t in imports(path)} & IMPURE):
                found[name(path)] = bad
    assert found == {}


def test_nothing_below_in_the_reactor_imports_the_test_kit_or_the_processes():
    apart = {"testing", "processes"}
    outside = [
        p
        for p in files("reactor")
        if not (apart | {"serving"}) & set(p.parts) and p != ROOT / "reactor" / "__init__.py"
    ]
    found = {
        name(path): [t for t in imports(path) if t[:1] == ("reactor",) and apart & set(t[1:2])] for path in outside
    }
    assert {path: targets for path, targets in found.items() if targets} == {}


def test_only_the_kernel_and_the_wake_up_of_the_loop_know_sockets():
    knows = {path.stem for path in files("reactor/loop") if ("socket",) in imports(path)}
    assert knows <= {"kernel", "wakeup"}


def test_sockets_name_neither_the_loop_nor_a_protocol():
    for path in files("reactor/sockets"):
        assert not {
            t for t in imports(path) if t[:2] == ("reactor", "protocol") or t[:3] == ("reactor", "loop", "loop")
        }


def test_only_transports_and_diagnostics_name_the_states_of_a_connection():
    lanes = ("reactor", "transports", "lanes")
    outside = [p for p in files("reactor") if p.parent.name not in {"transports", "diagnostics", "aio"}]
    assert [name(path) for path in outside if lanes in imports(path)] == []


EVENING = [
    "protocol.py", "transports/lanes.py", "loop/poller.py", "loop/timers.py", "loop/loop.py",
    "transports/connection.py",
    "transports/outbound.py", "transports/stream.py", "transports/buffers.py", "endpoints/listener.py",
    "endpoints/roster.py",
]  # fmt: skip
"""What must be read to understand the life of an echo server: an evening's reading."""

WAY_OF_A_BYTE = ["loop/loop.py", "loop/poller.py", "transports/connection.py", "transports/outbound.py",
                 "transports/stream.py"]  # fmt: skip


def lines(paths):
    return sum(len((ROOT / "reactor" / path).read_text().splitlines()) for path in paths)


def test_the_core_is_an_evening_s_reading():
    assert lines(EVENING) <= 2300
    assert lines(WAY_OF_A_BYTE) <= 1400


def test_no_file_is_longer_than_400_lines():
    long = {name(p): n for p in files("reactor") + files("protocols") if (n := len(p.read_text().splitlines())) > 400}
    assert not long


def test_no_folder_has_more_than_17_files():
    full = {
        name(folder): n for folder in FOLDERS if (n := len(set(folder.glob("*.py")) - {folder / "__init__.py"})) > 17
    }
    assert not full
