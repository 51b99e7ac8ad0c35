"""What a user sees of the objects that the reactor hands out, name by name.

A name that is not here is the reactor's own, and begins with an underscore. Who adds a name, or takes one away, changes
what programs may rely on: change the table with it, and the changelog.
"""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import protocols
from reactor import DatagramTransport, Listener, Protocol, Reactor, StreamTransport

REACTOR = {
    "abort", "add_reader", "add_signal_handler", "add_writer", "call_at", "call_every", "call_later", "call_soon",
    "call_soon_threadsafe", "close", "connect_tcp", "connect_unix", "connections", "drain", "dump", "flush",
    "listen_socket", "listen_tcp", "listen_unix", "open_stdio", "open_udp", "promise", "remove_reader",
    "remove_signal_handler", "remove_writer", "run", "run_in_thread", "run_until", "stats", "stop", "time",
}  # fmt: skip

STATE = {"closed"}

GROUND = {"asleep", "budget", "clock", "dirty", "doomed", "meter", "now", "poller", "runner", "timers", "wheel"}
"""For transports and the protocols here alone, and without an underscore because every message needs them: see
`reactor.loop.ground`."""

CONNECTION = {
    "abort", "bytes_in", "bytes_out", "close", "delivery", "get_extra_info", "get_protocol", "get_write_buffer_limits",
    "get_write_buffer_size", "is_closing", "is_reading", "pause_reading", "resume_reading", "set_protocol",
    "set_write_buffer_limits",
}  # fmt: skip

STREAM = CONNECTION | {
    "can_write_eof", "sendfile", "start_tls", "switch_protocol", "unread", "write", "write_eof", "writelines",
}  # fmt: skip

DATAGRAM = CONNECTION | {"datagrams_in", "datagrams_out", "dropped", "join", "leave", "sendto"}

LISTENER = {
    "abort", "close", "connections", "drain", "is_accepting", "keep_path", "port", "sockets",
    "addresses",
}  # fmt: skip


PACKAGES = {
    "reactor": {
        "ActivationError", "BaseProtocol", "BufferedProtocol", "CloseTimeout", "ConnectError", "ConnectRefused",
        "ConnectTimeout", "ConnectionTimeout", "DatagramDropped", "DatagramProtocol", "DatagramTransport",
        "DrainReport", "DrainTimeout", "EXITS", "FileTruncated", "FramingError", "HandOverError", "HandshakeTimeout",
        "IdleTimeout", "LengthPrefixedProtocol", "LimitExceeded", "Limits", "LineProtocol", "ListenError",
        "Listener", "NetstringProtocol", "PeerError", "Promise", "Protocol", "Reactor", "ReactorClosed", "ReactorError",
        "ReconnectingClient", "ResolveError", "Stats", "StreamTransport", "Supervisor", "Timeouts", "Timer",
        "Worker", "WriteTimeout", "activated_sockets", "adopt", "attempt", "hand_over", "notify", "peer_key",
        "prefork_sockets", "say_ready", "start_successor",
    },
    "reactor.serving": {
        "USAGE_ERROR", "Parser", "add_log_option", "add_metrics_option", "add_tls_options", "add_workers_option",
        "address", "announce", "complain", "count", "dump_on_signal", "given_sockets", "in_words", "listen",
        "host_name", "log_to_stderr", "number", "on_hangup", "port_number", "program", "raise_descriptor_limit", "rate",
        "run", "say", "serve", "server_parser", "supervise", "tls_context", "warn_if_root",
    },
    "reactor.testing": {
        "ContractBreach", "Deadlock", "FakeClock", "Faults", "Host", "LeftBehind", "LineClient", "Livelock",
        "MemoryReactor", "OutOfTime", "Pair", "Recorder", "SimulationError", "Simulator", "SteppedPoller",
        "SteppedReactor", "checked", "connected_pair",
    },
    "protocols": {
        "Echo", "Greeting", "TextProtocol",
    },
    "reactor.aio": {
        "HostedEventLoop", "LoopVerbs", "new_event_loop", "verbs",
    },
    "protocols.bot": {
        "Backend", "BadSetting", "Bot", "BotServer", "Call", "Conversation", "Fault", "KINDS", "LIMITS",
        "Lobby", "Member", "NoAnswer", "Offline", "Parlour", "Request", "Saying", "Session", "TIMEOUT",
        "TIMEOUTS", "WELCOME", "make_backend",
    },
    "protocols.chat": {
        "CONSOLE_LIMITS", "Chat", "Console", "Door", "Hub", "LIMITS", "Session", "Settings", "TIMEOUTS",
        "check_passwords", "enrol", "open_desk", "read_motd", "set_up_operators",
    },
    "protocols.http": {
        "AddressForbidden", "BodyTooLarge", "CallbackFailed", "Client", "ClientClosed", "ConnectionFailed",
        "ContentRange", "DecodingError", "Download", "DownloadError", "EventStream", "FetchTimeout",
        "FetchTimeouts", "Files", "Guard", "HTTPError", "HeadTooLarge", "Headers", "MAX_BODY", "MAX_REDIRECTS",
        "NoResponse", "ProtocolError", "ProxyError", "RedirectError", "Refusal", "Request", "Response",
        "Server", "Truncated", "URL", "UnknownCoding", "Upgrade", "Upload", "basic_auth", "bearer_auth",
        "content_range", "decoder_for", "encode", "fetch", "get", "parse_url", "rest_after", "strong_validator",
    },
    "protocols.http.server": {
        "Bounds", "EventStream", "Files", "LIMITS", "Refusal", "Request", "Response", "Server", "Stream",
        "TIMEOUTS", "Upgrade", "Upload", "event",
    },
    "protocols.http.server.files": {
        "Files",
    },
    "protocols.http.wire": {
        "Data", "End", "Event", "Failed", "Head", "Informational", "MAX_HEAD", "MAX_INTERIM", "MAX_LEFTOVER",
        "MAX_LINES", "RequestHead", "RequestWire", "ResponseWire",
    },
    "protocols.metrics": {
        "HEAD_TIME", "LIMITS", "MAX_HEAD", "Metrics", "family", "PATH", "TIMEOUTS", "listen_for_scrapes", "metrics",
        "scrape",
    },
    "protocols.redis": {
        "AnswerTimeout", "ClientClosed", "ConnectionLost", "LoginRefused", "Prepared", "ProtocolError",
        "RedisClient", "RedisError", "RedisURL", "ReplyError", "ReplyWire", "TooMuchWaiting", "encode",
        "parse_redis_url", "password_from_file",
    },
    "protocols.text": {
        "Fault", "PATIENCE", "QUIET_GAP", "SLICE", "TextFramer", "TextProtocol", "UNFINISHED_GAP", "WORDS",
        "sanitize",
    },
    "protocols.websocket": {
        "ANY_ORIGIN", "HandshakeError", "LineSocket", "Refusal", "WebSocket", "WebSocketRoute", "broadcast",
        "connect", "lines_over",
    },
}  # fmt: skip
"""What can be imported from each package that people import from."""


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_has_what_a_user_imports_and_nothing_else(package):
    module = importlib.import_module(package)
    assert set(module.__all__) == PACKAGES[package]
    assert all(hasattr(module, name) for name in module.__all__)


def test_every_package_that_says_what_it_gives_is_in_the_table():
    found = [f"protocols.{each.name}" for each in pkgutil.iter_modules(protocols.__path__) if each.ispkg]
    assert {name for name in found if hasattr(importlib.import_module(name), "__all__")} <= PACKAGES.keys()


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
