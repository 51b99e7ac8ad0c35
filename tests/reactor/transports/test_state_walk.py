"""Every cell of the state table, walked by real connections.

Each reachable pair of lane states is entered by a real TCP connection; each operation is then applied to it; what the
transport says afterwards is compared with what the tables say. At last the connection ends, and the contract of the
callbacks must have held all the way.
"""

from __future__ import annotations

import itertools
import re
import socket

import pytest

from reactor import CloseTimeout, IdleTimeout, Timeouts, WriteTimeout
from reactor.testing import Recorder
from reactor.transports.lanes import In, Out, Phase

READING, PAUSED, DISCARDING, ENDED = In.READING, In.PAUSED, In.DISCARDING, In.ENDED
FLOWING, FULL, FINISHING, SHUT = Out.FLOWING, Out.FULL, Out.FINISHING, Out.SHUT

PAIRS = list(itertools.product(In, Out))
IMPOSSIBLE = {(DISCARDING, FLOWING), (DISCARDING, FULL)}  # only close() discards, and close() also finishes
REACHABLE = [pair for pair in PAIRS if pair not in IMPOSSIBLE]

TIMEOUTS = Timeouts(write=60, idle=100, close=30)

BLOCKED = {FULL, FINISHING}  # the peer does not read here, so bytes wait


def phase_of(inbound, outbound):
    if inbound is ENDED and outbound is SHUT:
        return Phase.CLOSED
    return Phase.CLOSING if inbound.is_leaving and outbound.is_leaving else Phase.OPEN


class Scene:
    """One connection, its raw peer, and the operations."""

    def __init__(self, stage, keep_open=True):
        self.stage = stage
        self.protocol = Recorder(keep_open=keep_open)
        self.peer, self.transport = stage.connect(self.protocol, timeouts=TIMEOUTS)
        self.error = None

    def enter(self, inbound, outbound):
        """Bring a new connection into this pair of states."""
        transport = self.transport
        if inbound is ENDED:
            self.peer_eof()
        if outbound in BLOCKED:
            self.stage.clog(transport)
        if inbound is PAUSED:
            transport.pause_reading()
        if inbound is DISCARDING:
            transport.close()
        elif outbound.is_leaving:
            transport.write_eof()

    def state(self):
        """What the transport says of itself."""
        phase, inbound, outbound = re.search(r"(\w+) in=(\w+) out=(\w+)", repr(self.transport)).groups()
        return Phase[phase], In[inbound], Out[outbound]

    def apply(self, operation):
        try:
            getattr(self, operation)()
        except RuntimeError as exc:
            self.error = exc
        self.stage.reactor.settle()

    def pause_reading(self):
        self.transport.pause_reading()

    def resume_reading(self):
        self.transport.resume_reading()

    def write(self):
        self.transport.write(b"more")

    def write_eof(self):
        self.transport.write_eof()

    def close(self):
        self.transport.close()

    def abort(self):
        self.transport.abort()

    def peer_sends(self):
        try:
            self.peer.sendall(b"hello")
        except OSError:
            pass  # the connection is over, or the peer has ended its own half

    def peer_eof(self):
        try:
            self.peer.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # over already
        self.stage.reactor.settle()

    def peer_resets(self):
        self.stage.reset(self.peer)

    def peer_reads_all(self):
        self.stage.received(self.peer)

    def deadline(self):
        self.stage.reactor.advance(200)


def nothing(inbound, outbound):
    return inbound, outbound


def pause(inbound, outbound):
    return inbound.pause, outbound


def resume(inbound, outbound):
    return inbound.resume, outbound


def finish(inbound, outbound):
    following = outbound.finish
    return inbound, following if outbound in BLOCKED else following.sent


def close(inbound, outbound):
    return finish(inbound.close, outbound)


def lost(inbound, outbound):
    return inbound.lost, outbound.lost


def peer_eof(inbound, outbound):
    """A paused lane does not look, and so does not see it."""
    return (inbound, outbound) if inbound is PAUSED else (inbound.eof, outbound)


def peer_resets(inbound, outbound):
    """Seen by reading, or by bytes that wait to be sent; a connection that does neither does not look."""
    looks = inbound in {READING, DISCARDING} or outbound in BLOCKED
    return lost(inbound, outbound) if looks else (inbound, outbound)


def peer_reads_all(inbound, outbound):
    return inbound, outbound.drain.sent


EXPECTED = {
    "pause_reading": pause,
    "resume_reading": resume,
    "write": nothing,
    "write_eof": finish,
    "close": close,
    "abort": lost,
    "peer_sends": nothing,
    "peer_eof": peer_eof,
    "peer_resets": peer_resets,
    "peer_reads_all": peer_reads_all,
    "deadline": lost,
}


def expected_error(phase, inbound, outbound, operation):
    """The type that connection_lost is given where the operation ends the connection."""
    if operation == "peer_resets":
        return type(None) if (inbound, outbound) == (DISCARDING, SHUT) else ConnectionError
    if operation == "deadline":
        if phase is Phase.CLOSING:
            return CloseTimeout if outbound is FINISHING else type(None)
        return WriteTimeout if outbound in BLOCKED else IdleTimeout
    return type(None)


def check_contract(protocol):
    events = protocol.events
    assert events[0] == "connection_made"
    assert events[-1] == "connection_lost"
    for once in ("connection_made", "connection_lost"):
        assert events.count(once) == 1
    assert events.count("eof_received") <= 1
    pressure = [event for event in events if event.endswith("_writing")]
    assert pressure == ["pause_writing", "resume_writing"][: len(pressure)]


@pytest.mark.parametrize("operation", EXPECTED)
@pytest.mark.parametrize(("inbound", "outbound"), REACHABLE, ids=lambda lane: lane.name)
def test_the_operation_leads_where_the_table_says(stage, inbound, outbound, operation):
    scene = Scene(stage)
    scene.enter(inbound, outbound)
    phase = phase_of(inbound, outbound)
    assert scene.state() == (phase, inbound, outbound)

    scene.apply(operation)

    after = EXPECTED[operation](inbound, outbound)
    assert scene.state() == (phase_of(*after), *after)
    refused = operation == "write" and phase is Phase.OPEN and outbound.is_leaving
    assert (scene.error is not None) == refused
    assert scene.transport.is_closing() == (scene.state()[0] is not Phase.OPEN)
    assert scene.transport.is_reading() == (after[0] is READING)
    if phase is not Phase.CLOSED and after == (ENDED, SHUT):
        assert isinstance(scene.protocol.lost, expected_error(phase, inbound, outbound, operation))
    scene.transport.abort()
    stage.reactor._tick()
    check_contract(scene.protocol)
    assert scene.state() == (Phase.CLOSED, ENDED, SHUT)


@pytest.mark.parametrize("outbound", [FLOWING, FULL, FINISHING, SHUT], ids=lambda lane: lane.name)
def test_the_peers_end_closes_where_the_protocol_does_not_keep_its_half_open(stage, outbound):
    scene = Scene(stage, keep_open=False)
    scene.enter(READING, outbound)

    scene.apply("peer_eof")

    after = close(ENDED, outbound)
    assert scene.state() == (phase_of(*after), *after)
    scene.apply("peer_reads_all")
    assert scene.state() == (Phase.CLOSED, ENDED, SHUT)
    assert scene.protocol.lost is None
    check_contract(scene.protocol)


@pytest.mark.parametrize("pair", sorted(IMPOSSIBLE, key=str), ids=str)
def test_nothing_leads_into_an_impossible_pair(pair):
    """The one way into DISCARDING is `close`, and `close` never leaves the lane out as it was."""
    others = [state for state in In if state is not pair[0]]
    events = ["pause", "resume", "close", "eof", "lost"]
    assert [event for event in events if pair[0] in [getattr(state, event) for state in others]] == ["close"]
    assert all(close(*before) != pair for before in REACHABLE)


def test_what_a_paused_connection_missed_it_finds_on_resuming(stage):
    scene = Scene(stage)
    scene.transport.pause_reading()
    scene.apply("peer_sends")
    scene.apply("peer_eof")
    assert scene.protocol.events == ["connection_made"]

    scene.apply("resume_reading")

    assert scene.protocol.events == ["connection_made", "data_received", "eof_received"]
    assert scene.protocol.data == b"hello"


@pytest.mark.parametrize("inbound", [PAUSED, ENDED], ids=lambda lane: lane.name)
def test_an_unnoticed_reset_is_found_by_the_next_write(stage, inbound):
    scene = Scene(stage)
    scene.enter(inbound, FLOWING)
    scene.apply("peer_resets")
    assert scene.protocol.lost is None

    scene.apply("write")

    assert scene.state()[0] is Phase.CLOSED
    assert isinstance(scene.protocol.lost, ConnectionError)
