"""Names to addresses. Literal ones never leave the loop's thread."""

from __future__ import annotations

import errno
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reactor import ResolveError
from reactor.endpoints import resolver
from reactor.endpoints.resolver import resolve
from reactor.loop.workers import RESOLVERS

V4, V6 = socket.AF_INET, socket.AF_INET6


@pytest.fixture
def reactor(stage):
    return stage.reactor


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", (V4, ("127.0.0.1", 80))), ("::1", (V6, ("::1", 80, 0, 0))), ("192.0.2.7", (V4, ("192.0.2.7", 80)))],
)
def test_a_literal_address_is_known_at_once(reactor, monkeypatch, host, expected):
    monkeypatch.setattr(reactor._jobs, "run", lambda *args: pytest.fail("no thread is needed"))
    future = resolve(reactor, host, 80)
    assert future.done()
    assert future.result() == [expected]


def test_a_name_is_looked_up_in_a_thread(stage, reactor, monkeypatch):
    asked = []

    def getaddrinfo(host, port, family=0, type=0, proto=0, flags=0):
        if flags:
            raise socket.gaierror(socket.EAI_NONAME, "not a literal")
        asked.append((host, port, family, type, threading.get_ident()))
        entry = (V4, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))
        return [entry, entry, (V6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", port, 0, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    future = resolve(reactor, "name.example", 80, V4)
    found = future.result(timeout=0) if future.done() else reactor.run_until(future)
    assert found == [(V4, ("192.0.2.1", 80)), (V6, ("2001:db8::1", 80, 0, 0))]  # in order, each once
    ((host, port, family, kind, thread),) = asked
    assert (host, port, family, kind) == ("name.example", 80, V4, socket.SOCK_STREAM)
    assert thread != threading.get_ident()


def test_the_local_name(reactor):
    addresses = reactor.run_until(resolve(reactor, "localhost", 80))
    assert {address[0] for _, address in addresses} <= {"127.0.0.1", "::1"}
    assert addresses


@pytest.mark.parametrize("host", ["a" * 70, "two..dots", "\udcff", "", "localhost\0.evil", "[::1]"])
def test_what_is_no_name_is_a_resolve_error(reactor, host):
    with pytest.raises(ResolveError, match="cannot resolve") as caught:
        reactor.run_until(resolve(reactor, host, 80))
    assert isinstance(caught.value, OSError)


def test_a_name_that_nobody_knows(reactor, monkeypatch):
    def unknown(*args, flags=0, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ResolveError, match=r"cannot resolve 'no\.such': Name or service not known") as caught:
        reactor.run_until(resolve(reactor, "no.such", 80))
    assert caught.value.errno == socket.EAI_NONAME


def test_only_the_asked_family_is_given(reactor):
    with pytest.raises(ResolveError):
        reactor.run_until(resolve(reactor, "127.0.0.1", 80, V6))


def test_silent_name_servers_hold_up_nothing_but_names(reactor, monkeypatch):
    """Every thread for names is stuck: other work goes on, and what was cancelled meanwhile is never looked up."""
    release, begun, asked = threading.Event(), threading.Semaphore(0), []

    def stuck(kernel, host, port, family, flags):
        if flags:
            raise OSError("not a literal")
        asked.append(host)
        begun.release()
        release.wait(10)
        return []

    monkeypatch.setattr(resolver, "_lookup", stuck)
    lookups = [resolve(reactor, f"stuck-{number}", 80) for number in range(RESOLVERS + 5)]
    for _ in range(RESOLVERS):
        assert begun.acquire(timeout=5)
    assert reactor.run_until(reactor.run_in_thread(lambda: 7)) == 7
    assert len([thread for thread in threading.enumerate() if "resolver" in thread.name]) == RESOLVERS
    given_up = [future for future in lookups if future.cancel()]
    assert len(given_up) == 5
    release.set()
    for future in lookups[:RESOLVERS]:
        reactor.run_until(future)
    assert len(asked) == RESOLVERS


STUCK = """
import socket, time
from reactor import ConnectTimeout, Protocol, Reactor

def getaddrinfo(*args, flags=0, **options):
    if flags:
        raise socket.gaierror(socket.EAI_NONAME, "not a literal")
    time.sleep(600)

socket.getaddrinfo = getaddrinfo
with Reactor() as reactor:
    try:
        reactor.run_until(reactor.connect_tcp(Protocol, "slow.example", 80, timeout=0.05))
    except ConnectTimeout as exc:
        print(exc)
"""


def test_a_lookup_that_never_ends_does_not_hold_up_the_exit():
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", STUCK], cwd=root, capture_output=True, text=True, timeout=15)
    late = "no connection to slow.example:80 within 0.05 s: the name is not resolved yet\n"
    assert (run.stdout, run.stderr, run.returncode) == (late, "", 0)


def test_no_thread_to_be_had_is_an_error_in_the_future(reactor, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        future = resolve(reactor, "localhost", 80)
        with pytest.raises(OSError, match="can't start new thread") as caught:
            future.result(timeout=0)
    assert caught.value.errno == errno.EAGAIN
    assert reactor._jobs.pending == 0
    assert reactor.run_until(resolve(reactor, "localhost", 80))
