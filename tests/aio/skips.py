"""CPython's tests of asyncio that skip themselves, on asyncio's own loop as on ours: every one, with the reason.

`cpython.py` fails where one is skipped that does not stand here, so that nobody takes a skip for a pass. None of them
asks which loop it runs on: they skip themselves for the system, or for how Python was built. Where more than one
interpreter has a test, it stands once.

    3.11    43 tests: the three classes of Windows, the child watcher, the count of references
    3.12    14 tests: the same without the child watcher, which is gone
    3.13    14 tests: as 3.12
"""

from __future__ import annotations

from fnmatch import fnmatchcase

PROACTOR = "for the proactor, the loop of Windows"
SKIPS = {
    "test_buffered_proto.BufferedProtocolProactorTests.*": PROACTOR,
    "test_server.ProactorStartServerTests.*": PROACTOR,
    "test_sslproto.ProactorStartTLSTests.*": PROACTOR,
    "test_subprocess.SubprocessMultiLoopWatcherTests.*": "MultiLoopChildWatcher is racy and gone in 3.12 (bpo-38323)",
    "test_tasks.CTask_CFuture_Tests.test_refleaks_in_task___init__": "counts references: a debug build of Python only",
}
"""By the end of a test's name, as a pattern of the shell."""


def reason(test: str) -> str | None:
    """Why `test` is skipped, by its whole name; None for one that does not stand here."""
    return next((why for pattern, why in SKIPS.items() if fnmatchcase(test, f"*.{pattern}")), None)
