"""What a user sees of the objects that the reactor hands out, name by name.

A name that is not here is the reactor's own, and begins with an underscore. Who adds a name, or takes one away, changes
what programs may rely on: change the table with it, and the changelog.
"""

from __future__ import annotations

from reactor import DatagramTransport, Listener, Protocol, StreamTransport

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


def test_a_stream_transport_has_what_a_user_calls_and_nothing_else():
    assert public(StreamTransport) == STREAM


def test_a_datagram_transport_has_what_a_user_calls_and_nothing_else():
    assert public(DatagramTransport) == DATAGRAM


def test_a_listener_has_what_a_user_calls_and_nothing_else(stage):
    assert public(stage.serve(Protocol)) == LISTENER
    assert public(Listener) == LISTENER - {"addresses"}
