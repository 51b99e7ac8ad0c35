"""What a user sees of the objects that the reactor hands out, name by name.

A name that is not here is the reactor's own, and begins with an underscore. Who adds a name, or takes one away, changes
what programs may rely on: change the table with it, and the changelog.
"""

from __future__ import annotations

import pytest

from reactor import DatagramTransport, Listener, Protocol, Reactor, StreamTransport

REACTOR = {
    "abort", "add_reader", "add_signal_handler", "add_writer", "call_at", "call_every", "call_later", "call_soon",
    "call_soon_threadsafe", "close", "connect_tcp", "connect_unix", "connections", "drain", "dump", "listen_socket",
    "listen_tcp", "listen_unix", "open_stdio", "open_udp", "promise", "remove_reader", "remove_signal_handler",
    "remove_writer", "run", "run_in_thread", "run_until", "stats", "stop", "time",
}  # fmt: skip

STATE = {"closed"}

GROUND = {"budget", "clock", "dirty", "doomed", "meter", "now", "poller", "timers", "wheel"}
"""For transports alone, and without an underscore because every message needs them: see `reactor.loop.ground`."""

CONNECTION = {
    "abort", "bytes_in", "bytes_out", "close", "delivery", "get_extra_info", "get_protocol", "get_write_buffer_limits",
    "get_write_buffer_size", "is_closing", "is_reading", "pause_reading", "resume_reading", "set_protocol",
    "set_write_buffer_limits",
}  # fmt: skip

STREAM = CONNECTION | {"can_write_eof", "sendfile", "start_tls", "unread", "write", "write_eof", "writelines"}

DATAGRAM = CONNECTION | {"datagrams_in", "datagrams_out", "dropped", "join", "leave", "sendto"}

LISTENER = {
    "abort", "close", "connections", "drain", "is_accepting", "keep_path", "port", "sockets",
    "addresses",
}  # fmt: skip


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def test_a_reactor_has_what_a_user_calls_and_the_ground_of_its_transports(stage):
    assert public(Reactor) == REACTOR
    assert {name for name in vars(stage.reactor) if not name.startswith("_")} == STATE | GROUND


def ours(kind):
    """The classes of this package that `kind` is made of."""
    return [each.__name__ for each in kind.__mro__ if each.__module__.partition(".")[0] == "reactor"]


def test_parts_are_held_and_not_inherited():
    assert ours(Reactor) == ["Reactor", "Loop"]
    assert ours(StreamTransport) == ["StreamTransport", "Stream", "Outbound", "Connection"]
    assert ours(DatagramTransport) == ["DatagramTransport", "Connection"]


def test_the_leaf_of_a_stream_transport_adds_slots_and_nothing_else():
    assert {name for name, value in vars(StreamTransport).items() if callable(value)} == set()


@pytest.mark.parametrize("name", REACTOR | STREAM | DATAGRAM | LISTENER)
def test_what_a_user_calls_has_a_docstring(name):
    owners = [kind for kind in (Reactor, StreamTransport, DatagramTransport, Listener) if hasattr(kind, name)]
    found = [getattr(kind, name) for kind in owners]
    assert all(each.__doc__ for each in found if callable(each) or isinstance(each, property))


def test_a_stream_transport_has_what_a_user_calls_and_nothing_else():
    assert public(StreamTransport) == STREAM


def test_a_datagram_transport_has_what_a_user_calls_and_nothing_else():
    assert public(DatagramTransport) == DATAGRAM


def test_a_listener_has_what_a_user_calls_and_nothing_else(stage):
    assert public(stage.serve(Protocol)) == LISTENER
    assert public(Listener) == LISTENER - {"addresses"}
