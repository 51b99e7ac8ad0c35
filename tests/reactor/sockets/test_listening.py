"""Accepting as `socket.accept` does, without what it does for each newcomer anew."""

from __future__ import annotations

import socket

import pytest

from reactor.sockets.listening import accepting


@pytest.fixture(params=[socket.AF_INET, socket.AF_UNIX], ids=["tcp", "unix"])
def listener(request, tmp_path):
    with socket.socket(request.param) as sock:
        sock.bind(("127.0.0.1", 0) if request.param == socket.AF_INET else str(tmp_path / "socket"))
        sock.listen()
        yield sock


def dialled(listener):
    peer = socket.socket(listener.family)
    peer.connect(listener.getsockname())
    return peer


def test_a_newcomer_is_what_accept_gives(listener):
    with dialled(listener), dialled(listener):
        (ours, address), (theirs, expected) = accepting(listener)(), listener.accept()
        with ours, theirs:
            assert type(ours) is socket.socket
            assert (ours.family, ours.type, ours.proto) == (theirs.family, theirs.type, theirs.proto)
            assert ours.getsockname() == theirs.getsockname()
            assert ours.get_inheritable() is theirs.get_inheritable() is False
            assert address == (ours.getpeername() if listener.family == socket.AF_INET else expected)


def test_nobody_waits(listener):
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        accepting(listener)()


def test_an_accept_of_its_own_is_what_is_called():
    class Counting(socket.socket):
        calls = 0

        def accept(self):
            self.calls += 1
            return super().accept()

    with Counting() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with dialled(listener), accepting(listener)()[0]:
            assert listener.calls == 1
