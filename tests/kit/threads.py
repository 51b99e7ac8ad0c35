"""Calls from another thread than the loop's."""

from __future__ import annotations

import threading


def elsewhere(fn, *args):
    """What `fn(*args)` raises in another thread while the loop runs in this one."""
    raised = []

    def attempt():
        try:
            fn(*args)
        except Exception as exc:
            raised.append(exc)

    thread = threading.Thread(target=attempt, name="worker-7")
    thread.start()
    thread.join()
    return raised[0] if raised else None
