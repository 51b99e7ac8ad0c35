"""Messages that have begun and not ended: what all of them together may hold."""

from __future__ import annotations

from protocols.websocket.frames import BINARY
from protocols.websocket.unfinished import unfinished_of

from .conftest import masked

KIB = 1024


def begin(scene, size, kib=40):
    """A client that has sent so much of a message of `kib` KiB, and the socket that holds it."""
    client, socket = scene.open()
    client.frame, client.at = masked(BINARY, bytes(kib * KIB)), size
    client.send(client.frame[:size])
    return client, socket


def total(scene):
    return unfinished_of(scene.reactor).total


def test_those_that_hold_the_most_are_ended(scene):
    scene.serve(max_unfinished=100 * KIB, max_message=100 * KIB)
    small, large, other = (begin(scene, size * KIB)[0] for size in (20, 39, 38))
    assert not any(client.ended for client in (small, large, other))
    last, socket = begin(scene, 30 * KIB)
    assert [client.ended for client in (small, large, other, last)] == [False, True, False, False]
    assert [event.code for event in large.events()] == [1013]
    assert total(scene) < 100 * KIB
    last.send(last.frame[last.at :])
    small.send(small.frame[small.at :])
    assert socket.heard == [bytes(40 * KIB)]
    assert [len(event) for event in small.events()] == [40 * KIB]


def test_of_equals_the_eldest_goes_first(scene):
    scene.serve(max_unfinished=100 * KIB, max_message=100 * KIB)
    clients = [begin(scene, 30 * KIB)[0] for _ in range(4)]
    assert [client.ended for client in clients] == [True, False, False, False]


def test_the_end_of_a_message_and_of_a_connection_count_nothing(scene):
    scene.serve()
    first, _ = begin(scene, 30 * KIB)
    second, _ = begin(scene, 20 * KIB)
    third, _ = scene.open()
    third.send(bytes([BINARY]) + masked(BINARY, bytes(10 * KIB))[1:])
    assert 59 * KIB < total(scene) <= 60 * KIB  # but for the heads of frames
    first.send(first.frame[first.at :])
    assert 29 * KIB < total(scene) <= 30 * KIB
    second.recorder.transport.abort()
    third.send(b"no frame")
    scene.reactor.settle()
    assert third.ended
    assert total(scene) == 0


def test_one_message_alone_always_has_room(scene):
    scene.serve(max_unfinished=10 * KIB, max_message=50 * KIB)
    client, socket = begin(scene, 39 * KIB)
    client.send(client.frame[client.at :])
    assert socket.heard == [bytes(40 * KIB)]


def test_short_ones_are_not_counted(scene):
    scene.serve(max_unfinished=0, max_message=4000)
    for _ in range(10):
        assert not begin(scene, 2000, kib=3)[0].ended
    assert total(scene) == 0
