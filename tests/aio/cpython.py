"""CPython's own tests of asyncio, run on our loop and on asyncio's, and compared test by test.

    python tests/aio/cpython.py [--layer hosted] [MODULE...]

They come from the test package of the interpreter that runs this (`test.test_asyncio`), which some distributions leave
out: then this says so and ends with 0. Every test must end on our loop as it ends on asyncio's own; what cannot, stands
in EXCEPTIONS with its reason. What asyncio's own loop skips likewise is listed with its reason in `skips.py`. Takes
some minutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import signal
import subprocess
import sys
import unittest
from collections import Counter

from skips import reason

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

MODULES = (
    "test_buffered_proto", "test_context", "test_eager_task_factory", "test_events", "test_free_threading",
    "test_futures", "test_locks", "test_pep492", "test_queues", "test_runners", "test_sendfile", "test_server",
    "test_sock_lowlevel", "test_ssl", "test_sslproto", "test_staggered", "test_streams", "test_subprocess",
    "test_taskgroups", "test_tasks", "test_threads", "test_timeouts", "test_unix_events", "test_waitfor",
)  # fmt: skip
"""Those that run a loop. Left out: test_base_events and test_selector_events, which give mock sockets to asyncio's own
classes; test_futures2, test_protocols and test_transports, which have no loop; Windows and its proactor."""

EXCEPTIONS: dict[str, str] = {}
"""Tests that may end otherwise on our loop, by the end of their name, with the reason."""

MEMORY = 4 << 30  # bytes: what runs away must not take the machine with it
SHOWN = 20  # differences of one module
TIMEOUT = 900  # seconds for one module on one loop: test_ssl takes one minute on an idle machine


class Outcomes(unittest.TextTestResult):
    """Notes how each test ended."""

    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        self.ends: dict[str, str] = {}

    def startTest(self, test):
        super().startTest(test)
        self.ends[test.id()] = "passed"

    def _note(self, test, end):
        self.ends[getattr(test, "test_case", test).id()] = end

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "failed")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failed")

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(test, "failed")

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped")
        self.stream.writeln(f"\n{test.id()} skipped: {reason}")

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self._note(test, "expected to fail")


def install(layer: str) -> None:
    """Let every loop that asyncio makes be ours."""
    import asyncio
    from asyncio import unix_events

    sys.path.insert(0, ROOT)
    import reactor.aio.hosted
    import reactor.aio.loop

    base = reactor.aio.loop.ReactorEventLoop if layer == "full" else reactor.aio.hosted.HostedEventLoop

    class JudgedEventLoop(base):  # type: ignore[misc,valid-type]
        def __init__(self, selector=None):
            if selector is not None:
                selector.close()  # which one the tests ask for is all one to us
            super().__init__()

    asyncio.SelectorEventLoop = unix_events.SelectorEventLoop = JudgedEventLoop
    if hasattr(asyncio, "EventLoop"):
        asyncio.EventLoop = unix_events.EventLoop = JudgedEventLoop
    for name in ("_UnixDefaultEventLoopPolicy", "_DefaultEventLoopPolicy"):
        policy = getattr(unix_events, name, None)
        if policy is not None:
            policy._loop_factory = JudgedEventLoop


def run_one(module: str, layer: str, only: str | None) -> None:
    """In a child: run the tests of `module`, and print how each ended, as JSON, last."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a script's background job ignores it, and its children
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    if layer != "asyncio":
        install(layer)
    loader = unittest.defaultTestLoader
    if only:
        loader.testNamePatterns = [f"*{only}*"]
    suite = loader.loadTestsFromName(f"test.test_asyncio.{module}")
    runner = unittest.TextTestRunner(sys.stderr, verbosity=1, resultclass=Outcomes)
    print("\n" + json.dumps(runner.run(suite).ends))


def outcomes(module: str, layer: str, only: str | None, show: bool) -> tuple[dict[str, str], str]:
    """How each test of `module` ended on that loop, and what was printed."""
    command = [sys.executable, os.path.abspath(__file__), "--child", "--layer", layer, module]
    command += ["--only", only] if only else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired as exc:
        return {}, f"not done within {TIMEOUT} s\n" + str((exc.stderr or b"")[-3000:])
    if show:
        sys.stderr.write(done.stderr)
    last = done.stdout.strip().splitlines()[-1:] or ["{}"]
    try:
        return json.loads(last[0]), done.stderr
    except ValueError:
        return {}, done.stderr


def compare(module: str, layer: str, only: str | None, show: bool) -> bool:
    """Run `module` on both loops, print the counts and what differs. True where nothing does that may not."""
    theirs, _ = outcomes(module, "asyncio", only, False)
    ours, said = outcomes(module, layer, only, show)
    counts = ", ".join(f"{count} {end}" for end, count in sorted(Counter(ours.values()).items()))
    same = Counter(theirs.values()) == Counter(ours.values())
    print(f"{module:24} {counts or 'nothing ran'}{'' if same else f'   asyncio: {dict(Counter(theirs.values()))}'}")
    wrong = not tell_skips([name for name, end in sorted(ours.items()) if end == "skipped"])
    different = [name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name)]
    for number, name in enumerate(different):
        why = next((text for end, text in EXCEPTIONS.items() if name.endswith(end)), None)
        wrong = wrong or why is None
        if number < SHOWN:
            print(f"    {name}: {ours.get(name)}, on asyncio {theirs.get(name)}{f' ({why})' if why else ''}")
    if len(different) > SHOWN:
        print(f"    and {len(different) - SHOWN} others")
    if wrong or not ours:
        print("    | " + "\n    | ".join(said.splitlines()[-60:]))
    return not wrong and bool(ours)


def tell_skips(names: list[str]) -> bool:
    """Print why these tests are skipped. True where each of them stands in the list."""
    for why, count in Counter(reason(name) for name in names).items():
        if why is not None:
            print(f"    {count} skipped, on asyncio too: {why}")
    unlisted = [name for name in names if reason(name) is None]
    for name in unlisted:
        print(f"    {name}: skipped, and not in skips.py")
    return not unlisted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", help="such as test_streams; all that run a loop unless given")
    parser.add_argument("--layer", default="full", choices=("full", "hosted", "asyncio"), help="which of our loops")
    parser.add_argument("--only", help="tests whose name has this in it")
    parser.add_argument("--show", action="store_true", help="what the tests print on our loop")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        run_one(args.modules[0], args.layer, args.only)
        return 0
    if importlib.util.find_spec("test.test_asyncio") is None:
        print(f"{sys.executable} has no test package: nothing to run")
        return 0
    package = importlib.util.find_spec("test.test_asyncio").submodule_search_locations[0]
    there = [name for name in args.modules or MODULES if os.path.exists(os.path.join(package, name + ".py"))]
    print(f"CPython {sys.version.split()[0]}, {len(there)} modules")
    good = [compare(module, args.layer, args.only, args.show) for module in there]
    print("as asyncio" if all(good) else "NOT as asyncio")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
