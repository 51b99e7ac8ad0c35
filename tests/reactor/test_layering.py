"""Imports point down. The list is the map of the package: a module may import only from the layers above its own."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LAYERS = [
    ["errors", "limits", "protocol", "lanes", "contract"],
    ["timers", "deadlines", "buffers", "wakeup", "poller", "signals", "workers", "records", "budget", "lag", "stats"],
    ["kernel", "meter"],
    ["addresses"],
    ["watcher", "framing", "tls", "sendfile", "unix", "udp", "activation", "forks", "futures", "dump"],
    ["jobs", "watchdog"],
    ["loop"],
    ["connection", "resolver"],
    ["outbound", "datagram"],
    ["transport"],
    ["roster"],
    ["listener", "connector", "stdio", "datagrams"],
    ["inside"],
    ["debug"],
    ["reactor"],
    ["reconnect", "worker_process"],
    ["handover", "prefork"],
    ["__init__", "testing"],
]
LAYER_OF = {module: number for number, modules in enumerate(LAYERS) for module in modules}

TESTING = [
    ["clock", "faults", "recorder", "sockets"],
    ["poller", "stepped"],
    ["network"],
    ["unreliable", "world"],
    ["memory", "simulator"],
    ["__init__"],
]
"""The layers of the test kit, which is a package of its own: `..name` there is the reactor, all of it."""
TESTING_LAYER_OF = {module: number for number, modules in enumerate(TESTING) for module in modules}


def imports(path):
    """The modules that a file imports: `.name` for a sibling, `..name` for the reactor's, else the package."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                dots = "." * node.level
                yield from (dots + name for name in ([node.module] if node.module else [a.name for a in node.names]))
            else:
                yield node.module.split(".")[0]


def files(package):
    return sorted((ROOT / package).rglob("*.py"))


def core():
    return sorted((ROOT / "reactor").glob("*.py"))


def kit():
    return sorted((ROOT / "reactor" / "testing").glob("*.py"))


def test_every_module_of_the_reactor_has_a_layer():
    assert {path.stem for path in core()} | {"testing"} == set(LAYER_OF)
    assert {path.stem for path in kit()} == set(TESTING_LAYER_OF)
    assert core() + kit() == sorted(files("reactor"), key=lambda path: (path.parent, path))


@pytest.mark.parametrize("path", core(), ids=lambda path: path.stem)
def test_a_module_imports_only_from_layers_below_its_own(path):
    upward = [name for name in imports(path) if name[0] == "." and LAYER_OF[name[1:]] >= LAYER_OF[path.stem]]
    assert not upward


@pytest.mark.parametrize("path", kit(), ids=lambda path: path.stem)
def test_a_module_of_the_test_kit_imports_only_from_layers_below_its_own(path):
    for name in imports(path):
        if name[:2] == "..":
            assert name[2:] in LAYER_OF
        elif name[0] == ".":
            assert TESTING_LAYER_OF[name[1:]] < TESTING_LAYER_OF[path.stem], name


@pytest.mark.parametrize("path", files("reactor") + files("protocols"), ids=str)
def test_only_the_standard_library_is_imported_at_run_time(path):
    ours = {"reactor", "protocols"} if "protocols" in path.parts else set()
    foreign = {name for name in imports(path) if name[0] != "."} - sys.stdlib_module_names - ours
    assert not foreign


@pytest.mark.parametrize("path", files("protocols"), ids=str)
def test_protocols_use_only_the_public_face_of_the_reactor(path):
    deep = [
        node.module
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("reactor.")
    ]
    assert not deep


def test_no_file_is_longer_than_400_lines():
    long = {
        str(path): n
        for path in files("reactor") + files("protocols")
        if (n := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_nothing_imports_the_test_kit():
    assert not [path for path in files("reactor") + files("protocols") if ".testing" in set(imports(path))]
