"""What every test has: a stepped reactor that must be left clean, and no warning or error that it did not expect."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import random
import signal
import sys
import tempfile

import pytest

from reactor.boundary import log
from reactor.testing import bugs
from tests.kit import guards, parts
from tests.kit.ports import HeldPort, refuses_datagrams
from tests.kit.stage import Stage
from tests.kit.theatre import Theatre

PATIENCE = 180  # seconds for one test, thrice what a scene waits for one thing; the slowest takes eight
PATIENCE_OF_LONG_RUNS = 1200  # seconds, where --soak or --seeds ask for more
COMPLAINTS = guards.Complaints()
os.environ.setdefault("REACTOR_WATCHDOG", "10")  # seconds: a loaded machine stalls programs that are at no fault


def pytest_addoption(parser):
    """How long the long tests are; the defaults keep the run under two minutes."""
    parser.addoption("--soak", type=int, default=100, metavar="N", help="connections of each kind in the soak (100)")
    parser.addoption("--seeds", type=int, default=25, metavar="N", help="simulated runs of each scenario (25)")
    parser.addoption("--all-carriers", action="store_true", help="conformance on those too that are much like others")
    parser.addoption("--one-process", action="store_true", help="everything in one process")
    parser.addoption("--chance", type=int, default=0, metavar="N", help="other draws where a test gives no seed (0)")
    parser.addoption("--seed", type=int, metavar="N", help="the one simulated run to play again")


def pytest_configure(config):
    """Let the hundreds of programs that tests start take Ctrl-C, and compile a module once, not each all of them.

    The second is what Python does by itself, unless PYTHONDONTWRITEBYTECODE is set: 0.3 s a program then. Whoever has
    set it wants no files beside the sources, so what is compiled is kept elsewhere, for this run only.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a script's background job: all it starts would too
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("SIGQUIT", "SIGHUP"):  # ignored in a background job, and under nohup: a program would inherit that
        if (signum := getattr(signal, name, None)) and signal.getsignal(signum) is signal.SIG_IGN:
            signal.signal(signum, lambda *_: None)  # still ignored here, but what is handled is the default after exec
    if sys.dont_write_bytecode:
        directory = tempfile.TemporaryDirectory(prefix="bytecode")
        config.add_cleanup(directory.cleanup)
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = directory.name
    parts.start(config)


def pytest_collection_finish():
    """Leave out of each test's gc.collect() what all tests share: 40 ms a test become 2."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """What a test draws is its own: the same in each run and whatever ran before it, so a failure comes again.

    Its outcome depends on no draw all the same: `--chance` gives others. 10 µs a test.
    """
    random.seed(f"{item.config.getoption('chance')} {item.nodeid}")


def pytest_runtest_logfinish():
    """What lives on after a test is pytest's own: it is not looked at again after each of thousands of tests.

    Not before the test is torn down altogether: what dies after it was frozen is never collected, and with all stages
    kept the run took 850 MB, which each child that a test forks pays for.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """What setup and teardown log is not the test's."""
    with COMPLAINTS:
        return (yield)


@pytest.fixture(autouse=True)
def _guarded(request):
    """One for all, as each costs a second or two of twelve thousand tests. It is set up first and torn down last.

    The test ends. Signals are as before: a program of `reactor.serving` ignores what has ended it until its last line,
    which is not the test's. Bugs are raised, and a log record of WARNING or above fails the test, unless it has said
    `@pytest.mark.loud`: who looks at the log itself may have a bug in it, and wants the reactor to go on.
    """
    long = request.config.getoption("seeds") > 25 or request.config.getoption("soak") > 100
    own = request.node.get_closest_marker("patience")
    loud = request.node.get_closest_marker("loud") is not None
    log.forget()  # what other tests have raised in this minute
    logging.getLogger("reactor").setLevel(logging.DEBUG)
    signals = guards.signals_as_before()
    next(signals)
    bugs.RAISED = not loud
    COMPLAINTS.heard.clear()
    yield from guards.ends(own.args[0] if own else PATIENCE_OF_LONG_RUNS if long else PATIENCE)
    bugs.RAISED = True
    next(signals, None)
    gc.collect()  # an unclosed socket warns now, in the test that left it
    assert loud or not COMPLAINTS.heard, f"unexpected: {COMPLAINTS.heard}"


@pytest.fixture
def port():
    """A port on which nobody listens, and which nobody else is given while the test lasts: it is bound all the time."""
    with HeldPort() as number:
        yield number


@pytest.fixture
def ports():
    """`ports()` is another such port."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(HeldPort())


@pytest.fixture
def refused_udp():
    """A UDP address that refuses all, and is nobody else's while the test lasts."""
    with refuses_datagrams() as sock:
        yield sock.getsockname()


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.close()


@pytest.fixture
def theatre(tmp_path):
    theatre = Theatre(tmp_path)
    yield theatre
    theatre.close()
