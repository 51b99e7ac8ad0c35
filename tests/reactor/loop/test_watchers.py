"""Foreign descriptors: `add_reader`, `add_writer` and their removal, over real pipes and sockets."""

from __future__ import annotations

import logging
import os
import socket
import sys

import pytest


@pytest.fixture
def reactor(stage):
    return stage.reactor


@pytest.fixture
def pair(stage):
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    return stage.own(ours), stage.own(theirs)


def test_a_reader_is_called_while_there_is_something(reactor, pair):
    ours, theirs = pair
    got = []
    reactor.add_reader(ours, lambda word: got.append((word, ours.recv(1))), "arg")
    reactor.settle()
    assert got == []
    theirs.send(b"abc")
    reactor.settle()
    assert got == [("arg", b"a"), ("arg", b"b"), ("arg", b"c")]
    assert reactor.remove_reader(ours)
    theirs.send(b"d")
    reactor.settle()
    assert len(got) == 3
    assert not reactor.remove_reader(ours)


def test_a_number_does_as_well_as_an_object(reactor, pair):
    ours, theirs = pair
    got = []
    reactor.add_reader(ours.fileno(), lambda: got.append(ours.recv(9)))
    theirs.send(b"abc")
    reactor.settle()
    assert got == [b"abc"]
    assert reactor.remove_reader(ours)


def test_a_writer_is_called_while_there_is_room(reactor, pair):
    ours, theirs = pair
    sent = []
    reactor.add_writer(ours, lambda: sent.append(ours.send(bytes(65536))))
    reactor.settle()
    total = sum(sent)
    assert total > 0
    reactor.settle()
    assert sum(sent) == total  # no room: not called
    while total:
        total -= len(theirs.recv(1 << 20))
    sent.clear()
    reactor._tick()
    assert len(sent) == 1
    assert reactor.remove_writer(ours)
    assert not reactor.remove_writer(ours)


def test_a_second_reader_replaces_the_first_and_the_writer_stays(reactor, pair):
    ours, theirs = pair
    called = []
    theirs.send(b"x")
    reactor.add_reader(ours, called.append, "first")
    reactor.add_writer(ours, called.append, "writer")
    reactor.add_reader(ours, called.append, "second")
    reactor._tick()
    assert called == ["second", "writer"]
    assert reactor.remove_reader(ours)
    called.clear()
    reactor._tick()
    assert called == ["writer"]
    assert reactor.remove_writer(ours)
    assert reactor._watchers._found == {}


def test_removing_in_its_own_callback(reactor, pair):
    ours, theirs = pair
    called = []

    def once():
        called.append(1)
        assert reactor.remove_reader(ours)

    theirs.send(b"x")
    reactor.add_reader(ours, once)
    reactor.settle()
    assert called == [1]
    reactor.add_reader(ours, called.append, 2)
    reactor._tick()
    assert called == [1, 2]
    reactor.remove_reader(ours)


def test_the_reader_may_remove_the_writer_of_the_same_event(reactor, pair):
    ours, theirs = pair
    called = []

    def read():
        called.append("reader")
        reactor.remove_writer(ours)
        reactor.remove_reader(ours)

    theirs.send(b"x")
    reactor.add_reader(ours, read)
    reactor.add_writer(ours, called.append, "writer")
    reactor.settle()
    assert called == ["reader"]


@pytest.mark.loud
@pytest.mark.parametrize("kind", ["reader", "writer"])
def test_a_raising_callback_is_logged_once_and_removed(reactor, pair, caplog, kind):
    ours, theirs = pair
    theirs.send(b"x")
    getattr(reactor, f"add_{kind}")(ours, lambda: 1 / 0)
    reactor.settle()
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.exc_info[0] for record in records] == [ZeroDivisionError]
    assert str(ours.fileno()) in records[0].getMessage()
    assert not getattr(reactor, f"remove_{kind}")(ours)


@pytest.mark.loud
def test_a_callback_that_replaces_itself_and_raises_leaves_the_replacement(reactor, pair):
    ours, theirs = pair
    got = []

    def hand_over():
        reactor.add_reader(ours, lambda: got.append(ours.recv(9)))
        raise ValueError

    theirs.send(b"x")
    reactor.add_reader(ours, hand_over)
    reactor.settle()
    assert got == [b"x"]
    reactor.remove_reader(ours)


def test_a_number_closed_and_used_again_within_one_batch(stage, reactor):
    """Two descriptors are ready at once; the first one's callback closes the second and opens another in its place."""
    called = []
    first, second, third = (socket.socketpair() for _ in range(3))
    for sock in (*first, *second, *third):
        stage.own(sock)
    number = second[0].fileno()

    def replace():
        first[0].recv(9)
        reactor.remove_reader(number)
        second[0].close()
        os.dup2(third[0].fileno(), number)
        reactor.add_reader(number, called.append, "new")

    reactor.add_reader(first[0], replace)
    reactor.add_reader(number, called.append, "old")
    first[1].send(b"x")
    second[1].send(b"x")
    reactor.settle()
    assert called == []
    third[1].send(b"x")
    reactor._tick()
    assert called == ["new"]
    reactor.remove_reader(number)
    os.close(number)


@pytest.mark.skipif(sys.platform != "linux", reason="epoll refuses files, select does not")
def test_a_regular_file_is_refused_with_advice(reactor, tmp_path):
    with (tmp_path / "file").open("w+") as file, pytest.raises(PermissionError, match="run_in_thread"):
        reactor.add_reader(file, print)
    assert reactor._watchers._found == {}


@pytest.mark.skipif(sys.platform != "linux", reason="epoll refuses files, select does not")
def test_a_number_that_has_become_a_file_is_refused_and_forgotten(reactor, tmp_path):
    read, write = os.pipe()
    reactor.add_reader(read, print)
    with (tmp_path / "file").open("w+") as file:
        os.dup2(file.fileno(), read)
    with pytest.raises(PermissionError, match="run_in_thread"):
        reactor.add_writer(read, print)
    assert reactor._watchers._found == {}
    assert not reactor.remove_reader(read)
    os.close(read)
    os.close(write)


def test_a_descriptor_that_is_not_open_is_refused(reactor):
    with pytest.raises((OSError, ValueError)):
        reactor.add_reader(999_999, print)
    with pytest.raises((OSError, ValueError)):
        reactor.add_reader(-1, print)
    assert not reactor.remove_reader(999_999)
    assert reactor._watchers._found == {}


def test_a_hang_up_calls_the_reader(reactor):
    read, write = os.pipe()
    seen = []

    def ended():
        seen.append(os.read(read, 9))
        reactor.remove_reader(read)

    reactor.add_reader(read, ended)
    os.close(write)
    reactor.settle()
    assert seen == [b""]
    os.close(read)


def test_a_watched_descriptor_is_the_callers_to_close(pair):
    from reactor.testing import SteppedReactor

    reactor = SteppedReactor()
    reactor.add_reader(pair[0], print)
    reactor.close()
    pair[1].send(b"x")
    assert pair[0].recv(9) == b"x"
