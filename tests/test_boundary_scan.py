"""No code of the program is called outside of the boundary: every handler that catches all is found here and judged.

A bare `except Exception` lets a CancelledError through, and the connection that was called for it is left half done; a
bare `except BaseException` takes a Ctrl-C for a bug. So a handler of either kind must be of one of three shapes: behind
an `except EXITS: raise`, with such a choice in it, or one that only cleans up and raises again. What is none of these
stands in ALLOWED, with the reason.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for part in ("reactor", "protocols", "examples") for path in (ROOT / part).rglob("*.py"))
ALL = {"Exception", "BaseException"}

ALLOWED = {
    ("reactor/boundary.py", "say"): "nobody is left to be told",
    ("reactor/boundary.py", "say_traceback"): "nobody is left to be told",
    ("reactor/processes/worker.py", "_live"): "the last frame of a process: its status tells what it was",
    ("reactor/loop/jobs.py", "job"): "SystemExit too: whoever asked for the call must hear of it",
    ("reactor/transports/datagram.py", "_on_flush"): "of the socket, for an address that cannot be: no code is called",
    ("reactor/aio/loop.py", "_shake_hands"): "asyncio's boundary, which lets every BaseException but Exception through",
    ("protocols/chat/storage/store.py", "load"): "of SQLite and our own archive, in a thread of their own",
    ("protocols/chat/storage/store.py", "_commit"): "of SQLite and our own archive, in a thread of their own",
    ("protocols/chat/client/log_above.py", "emit"): "a logging handler tells its faults by handleError",
}


def names(handler):
    """What a handler catches; all, where it says nothing."""
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {"BaseException" if kind is None else getattr(kind, "id", getattr(kind, "attr", "")) for kind in kinds}


def raises_again(handler):
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def lets_exits_through(handler, before):
    if any("EXITS" in names(each) and raises_again(each) for each in before):
        return True
    chosen = [each for each in ast.walk(handler) if isinstance(each, ast.If) and "EXITS" in ast.unparse(each.test)]
    return any(isinstance(each.body[-1], ast.Raise) for each in chosen)


def bare(tree):
    """The functions with a handler that catches all and is of none of the shapes, with its line."""
    for function in ast.walk(tree):
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for node in own(function):
                if isinstance(node, ast.Try):
                    for number, handler in enumerate(node.handlers):
                        fine = raises_again(handler) or lets_exits_through(handler, node.handlers[:number])
                        if names(handler) & ALL and not fine:
                            yield function.name, handler.lineno


def own(function):
    """The nodes of a function, without those of functions inside it."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            waiting += ast.iter_child_nodes(node)


def test_every_handler_that_catches_all_is_the_boundary_or_has_a_reason():
    found = {}
    for path in FILES:
        name = str(path.relative_to(ROOT))
        for function, line in bare(ast.parse(path.read_text())):
            found[name, function] = line
    assert {place: line for place, line in found.items() if place not in ALLOWED} == {}
    assert set(ALLOWED) <= set(found), "a reason for what is not there any more"


def test_the_exits_are_named_in_one_place():
    both = ("(SystemExit, KeyboardInterrupt)", "(KeyboardInterrupt, SystemExit)")
    again = {str(path.relative_to(ROOT)) for path in FILES if any(pair in path.read_text() for pair in both)}
    assert again == {"reactor/boundary.py"}


@pytest.mark.parametrize(
    ("code", "is_bare"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: pass", True),
        ("try: f()\nexcept (ValueError, BaseException) as e: tell(e)", True),
        ("try: f()\nexcept EXITS: pass\nexcept BaseException: pass", True),
        ("try: f()\nexcept EXITS: raise\nexcept BaseException: pass", False),
        ("try: f()\nexcept BaseException as e:\n  if isinstance(e, EXITS): raise\n  tell(e)", False),
        ("try: f()\nexcept BaseException:\n  clean()\n  raise", False),
        ("try: f()\nexcept ValueError: pass", False),
    ],
)
def test_the_scan_sees_what_it_is_for(code, is_bare):
    body = "\n".join("    " + line for line in code.splitlines())
    assert bool(list(bare(ast.parse(f"def g():\n{body}")))) == is_bare
