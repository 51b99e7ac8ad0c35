"""Who gives way where descriptors or places have run out and a newcomer waits."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from reactor import Limits
from reactor.endpoints.shortage import LOOK, PART, RETRY
from reactor.testing import MemoryReactor, Recorder
from reactor.transports.expiry import FRESH_FOR

STAYS, IDLE, SILENT = 0, 1, 2


class Guest(Recorder):
    """One that says what it is worth."""

    kind = SILENT

    def giving_way(self):
        return self.kind


class Exhausted(socket.socket):
    """A listening socket in a process that has descriptors for `most` connections."""

    most = 100

    def accept(self):
        if sum(len(listener.connections) for listener in self.listeners) >= self.most:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return super().accept()


class Hotel:
    """Listeners of one reactor. `guests`: in the order of coming."""

    def __init__(self, stage):
        self.stage = stage
        self.guests = []
        self.kinds = []
        self.peers = []
        self.sockets = []
        self.listeners = []

    def listen(self, **options):
        sock = self.stage.own(Exhausted())
        sock.bind(("127.0.0.1", 0))
        sock.listeners = self.listeners
        listener = self.stage.reactor.listen_socket(self.guest, sock, **options)
        self.sockets.append(sock)
        self.listeners.append(listener)
        return listener

    def guest(self):
        guest = Guest()
        guest.kind = self.kinds[len(self.guests)]
        self.guests.append(guest)
        return guest

    def come(self, listener, *, kind=SILENT, age=FRESH_FOR):
        """Somebody comes, and time passes."""
        self.kinds.append(kind)
        peer = self.stage.own(socket.socket())
        peer.connect(listener.addresses[0])
        self.peers.append(peer)
        self.stage.reactor.settle()
        self.stage.reactor.advance(age)

    def fill(self):
        """No descriptor is left."""
        for sock in self.sockets:
            sock.most = len(self.guests)

    @property
    def gone(self):
        return [n for n, guest in enumerate(self.guests) if "connection_lost" in guest.events]


@pytest.fixture
def hotel(stage):
    return Hotel(stage)


ORDERS = {
    "the silent before the idle": ([IDLE, SILENT, IDLE], 1),
    "of the silent the oldest": ([STAYS, SILENT, SILENT], 1),
    "of the idle the oldest": ([STAYS, IDLE, IDLE], 1),
}


@pytest.mark.loud
@pytest.mark.parametrize("name", ORDERS)
def test_out_of_descriptors_who_has_least_to_lose_goes(hotel, name):
    kinds, first = ORDERS[name]
    listener = hotel.listen()
    for kind in kinds:
        hotel.come(listener, kind=kind)
    hotel.fill()
    hotel.come(listener, age=0)
    assert hotel.gone == [first]
    assert len(hotel.guests) == len(kinds) + 1, "the newcomer is in at once"


@pytest.mark.loud
def test_who_has_just_come_has_a_moment_to_say_what_it_wants(hotel):
    listener = hotel.listen()
    hotel.come(listener, kind=IDLE)
    hotel.come(listener, age=FRESH_FOR / 2)
    hotel.fill()
    hotel.come(listener, kind=IDLE, age=0.01)
    assert hotel.gone == [0]
    hotel.come(listener, kind=STAYS, age=0.01)
    assert hotel.gone == [0, 2]
    hotel.come(listener, kind=STAYS, age=0.01)
    assert hotel.gone == [0, 1, 2]


@pytest.mark.loud
def test_an_eighth_of_the_silent_goes_at_a_time(hotel):
    listener = hotel.listen()
    for _ in range(2 * PART):
        hotel.come(listener, age=0)
    hotel.stage.reactor.advance(FRESH_FOR)
    hotel.fill()
    hotel.come(listener, kind=STAYS, age=0)
    assert hotel.gone == [0, 1]


@pytest.mark.loud
def test_the_silent_of_one_listener_make_room_on_another(hotel):
    web, chat = hotel.listen(), hotel.listen()
    hotel.come(web)
    hotel.come(chat, kind=STAYS)
    hotel.fill()
    hotel.come(chat, kind=STAYS, age=0)
    assert hotel.gone == [0]
    assert len(chat.connections) == 2


@pytest.mark.loud
def test_where_nobody_gives_way_newcomers_wait(hotel):
    listener = hotel.listen()
    for _ in range(2):
        hotel.come(listener, kind=STAYS)
    hotel.fill()
    hotel.come(listener, age=10 * RETRY)
    assert (hotel.gone, len(hotel.guests)) == ([], 2)
    hotel.guests[0].kind = IDLE
    hotel.stage.reactor.advance(2 * RETRY)
    assert (hotel.gone, len(hotel.guests)) == ([0], 3)


def test_where_places_have_run_out_it_is_the_same(hotel):
    listener = hotel.listen(limits=Limits(connections=2))
    other = hotel.listen()
    hotel.come(other)
    for kind in (IDLE, SILENT):
        hotel.come(listener, kind=kind)
    assert not listener.is_accepting()
    hotel.come(listener, kind=STAYS, age=0)
    assert hotel.gone == [2], "it is this listener's places that are taken"
    hotel.come(listener, kind=STAYS)
    assert hotel.gone == [1, 2]
    hotel.come(listener)
    assert (len(hotel.guests), len(listener.connections)) == (5, 2)
    hotel.peers[-2].close()
    hotel.stage.reactor.settle()
    assert (len(hotel.guests), len(listener.connections)) == (6, 2)


def test_looking_takes_a_tenth_of_the_time_at_most(hotel, monkeypatch):
    looks = []
    monkeypatch.setattr(Guest, "giving_way", lambda self: looks.append(self) or self.kind)
    listener = hotel.listen(limits=Limits(connections=50))
    for _ in range(50):
        hotel.come(listener, age=0)
    for _ in range(10):
        hotel.come(listener, age=0)
    assert (len(looks), len(hotel.guests)) == (50, 56)
    hotel.stage.reactor.advance(50 * LOOK + 0.002)
    assert (len(looks), len(hotel.guests)) == (100, 60)


@pytest.mark.loud
def test_a_callback_that_fails_ends_its_own_connection(hotel):
    listener = hotel.listen(limits=Limits(connections=2))
    for _ in range(2):
        hotel.come(listener)
    hotel.guests[1].giving_way = lambda: 1 / 0
    hotel.come(listener, age=0)
    assert hotel.gone == [0, 1]
    assert isinstance(hotel.guests[1].lost, ZeroDivisionError)


def test_in_memory_too():
    with MemoryReactor() as reactor:
        guests = []
        reactor.listen_tcp(lambda: guests.append(Guest()) or guests[-1], "localhost", 80, limits=Limits(connections=1))
        for _ in range(2):
            reactor.run_until(reactor.connect_tcp(Recorder, "localhost", 80))
            reactor.advance(2)
        assert "connection_lost" in guests[0].events
        assert guests[1].transport.is_reading()
