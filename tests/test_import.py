"""What `import reactor` does not load: each of these costs time and memory at every start, and few programs need it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "argparse": "a command line is for programs",
    "ast": "code that reads code: debug tools",
    "asyncio": "ours is another loop; `reactor.aio` is for those who want both",
    "dataclasses": "writes and compiles code at import, and loads inspect",
    "email": "no mail",
    "http": "a protocol, not the reactor's",
    "inspect": "code that reads code: debug tools",
    "ipaddress": "only what counts by /64, and multicast groups",
    "multiprocessing": "processes are forked by os.fork",
    "pathlib": "os.path does",
    "random": "only who connects again draws lots",
    "reactor.diagnostics.debug": "only in debug mode",
    "reactor.diagnostics.view": "only who looks inside",
    "reactor.endpoints.connector": "a server only listens",
    "reactor.processes.prefork": "one process is the rule",
    "reactor.sockets.tls": "only where there is TLS",
    "sqlite3": "no database",
    "ssl": "OpenSSL is 3 MiB, and nobody needs it without TLS",
    "subprocess": "nothing is run",
    "tempfile": "no files",
    "unittest": "no tests",
    "urllib": "no URLs",
}
"""Modules that no program gets with the reactor unless it asks for more, and why."""


def loaded(statement: str) -> set[str]:
    """The modules of a new process after that statement."""
    script = (
        f"import sys, json\nbefore = {{*sys.modules}}\n{statement}\nprint(json.dumps([*({{*sys.modules}} - before)]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("statement", "but"),
    [
        ("import reactor", set()),
        ("from reactor import Reactor\nwith Reactor() as r: r.listen_tcp(list, '127.0.0.1', 0)", set()),
        ("import reactor.serving, protocols, protocols.metrics", {"argparse"}),
    ],
    ids=["reactor", "a server", "what an example has"],
)
def test_what_few_programs_need_is_not_loaded(statement, but):
    assert loaded(statement) & HEAVY.keys() - but == set()


def test_a_chat_without_a_cluster_loads_no_redis():
    assert not {name for name in loaded("import protocols.chat.command") if name.startswith("protocols.redis")}


def test_what_is_loaded_later_is_there_when_it_is_asked_for():
    statement = "import reactor\nassert {*reactor.__all__} <= {*dir(reactor)}\nfrom reactor import *"
    assert {"reactor.processes.prefork", "reactor.reconnect", "reactor.diagnostics.stats"} <= loaded(statement)


def test_a_name_that_is_not_there_is_an_attribute_error():
    import reactor

    with pytest.raises(AttributeError, match="module 'reactor' has no attribute 'Recator'"):
        reactor.Recator  # noqa: B018
