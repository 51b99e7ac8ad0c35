"""What a caller gives wrongly is named at the call: nothing is sent, and nothing is waited for."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from protocols.http import Client, Guard, fetch
from reactor.testing import MemoryReactor


async def later(what):
    """Nobody awaits it."""


WRONG = [
    ({"cookies": {"a": "b"}}, "cookies is an http.cookiejar.CookieJar, or None, not dict"),
    ({"cookies": "a=b"}, "cookies is an http.cookiejar.CookieJar, or None, not str"),
    ({"guard": Guard}, "guard is a Guard, such as Guard(), or None, not the class Guard"),
    ({"guard": True}, "guard is a Guard, such as Guard(), or None, not bool"),
    ({"headers": "X-A: b"}, "headers is a mapping, or pairs"),
    ({"headers": ["X-A: b"]}, "headers is a mapping, or pairs"),
    ({"headers": b"X"}, "headers is a mapping, or pairs"),
    ({"headers": 5}, "headers is a mapping, or pairs"),
    ({"headers": "X-A: b", "body": b"x"}, "headers is a mapping, or pairs"),
    ({"file": "/tmp/out"}, "not a path: open('/tmp/out', 'wb')"),
    ({"file": Path("out")}, "not a path: open('out', 'wb')"),
    ({"file": io.StringIO()}, "opened for text"),
    ({"file": 5}, "file is an open binary file, not int"),
    ({"file": io.BytesIO}, "not the class BytesIO"),
    ({"on_data": later}, "on_data is a coroutine function"),
    ({"on_head": later}, "on_head is a coroutine function"),
    ({"trace": later}, "trace is a coroutine function"),
    ({"on_data": []}, "on_data is a function, not list"),
    ({"max_redirects": "3"}, "max_redirects is a whole number, not str"),
    ({"max_body": 1.5}, "max_body is a whole number, not float"),
    ({"json": {}}, "a fetch has no option 'json': there are allow_downgrade, body, cookies, file, guard, headers"),
]


@pytest.mark.parametrize(("options", "complaint"), WRONG, ids=[f"{row[0]}"[:40] for row in WRONG])
def test_a_wrong_kind_of_thing_is_named_at_the_call(options, complaint):
    with MemoryReactor() as reactor, pytest.raises(TypeError) as raised:
        fetch(reactor, "http://localhost/", **{"proxy": False, **options})
    assert complaint in str(raised.value)


def test_a_file_must_be_writable(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"x")
    with MemoryReactor() as reactor, path.open("rb") as file, pytest.raises(TypeError, match="for reading only"):
        fetch(reactor, "http://localhost/", file=file, proxy=False)


@pytest.mark.parametrize("options", [{"cookies": {}}, {"guard": Guard}])
def test_so_is_what_a_client_is_made_with(options):
    with MemoryReactor() as reactor, pytest.raises(TypeError):
        Client(reactor, **options)
