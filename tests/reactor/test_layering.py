"""Imports point down. The list is the map of the package: a module may import only from the layers above its own."""

from __future__ import annotations

import ast
import functools
import sys
from pathlib import Path

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


@functools.cache  # four tests ask
def import_nodes(path):
    """The import statements of a file, wherever they stand in it."""
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, (ast.Import, ast.ImportFrom))]


def imports(path):
    """The modules that a file imports: `.name` for a sibling, `..name` for the reactor's, else the package."""
    for node in import_nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif node.level:
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


def offenders(paths, offends):
    """{file: what it may not import}, empty where all is well."""
    return {str(path.relative_to(ROOT)): found for path in paths if (found := [*filter(offends, imports(path))])}


def test_a_module_imports_only_from_layers_below_its_own():
    upward = {}
    for path in core():
        own = LAYER_OF[path.stem]
        upward |= offenders([path], lambda name, own=own: name[0] == "." and LAYER_OF[name[1:]] >= own)
    assert upward == {}


def test_a_module_of_the_test_kit_imports_only_from_layers_below_its_own():
    upward = {}
    for path in kit():
        own = TESTING_LAYER_OF[path.stem]
        upward |= offenders([path], lambda name, own=own: not below_in_the_kit(name, own))
    assert upward == {}


def below_in_the_kit(name, own):
    if name[:2] == "..":
        return name[2:] in LAYER_OF
    return name[0] != "." or TESTING_LAYER_OF[name[1:]] < own


def test_only_the_standard_library_is_imported_at_run_time():
    standard = {"reactor": sys.stdlib_module_names, "protocols": sys.stdlib_module_names | {"reactor", "protocols"}}
    for package, known in standard.items():
        assert offenders(files(package), lambda name, known=known: name[0] != "." and name not in known) == {}


def test_protocols_use_only_the_public_face_of_the_reactor():
    deep = [
        (str(path.relative_to(ROOT)), node.module)
        for path in files("protocols")
        for node in import_nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("reactor.")
    ]
    assert deep == []


def test_no_file_is_longer_than_400_lines():
    long = {
        str(path): n
        for path in files("reactor") + files("protocols")
        if (n := len(path.read_text().splitlines())) > 400
    }
    assert not long


def test_nothing_imports_the_test_kit():
    assert not [path for path in files("reactor") + files("protocols") if ".testing" in set(imports(path))]
