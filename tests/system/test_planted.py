"""Who watches the watchman: bugs that reactors have had are put into ours, and the first seeds find each of them."""

from __future__ import annotations

import pytest

from protocols.chat.session import Session
from protocols.text import TextProtocol
from reactor.endpoints import shortage
from reactor.loop import timers
from reactor.testing import world
from reactor.transports import outbound, stream as transport
from reactor.transports.lanes import Out
from tests.system import scenarios

SEEDS = (0, 15, *range(40))  # of each scenario; most bugs need one or two, the one behind EMFILE needs 15


def loses_bytes_after_a_partial_send(patch):
    real = outbound.Outbound._on_blocked

    def on_blocked(self, sent):
        if sent and len(self._first) > 1:
            self._first = self._first[1:]
            self._size -= 1
        real(self, sent)

    patch(outbound.Outbound, "_on_blocked", on_blocked)


def calls_connection_lost_twice(patch):
    real = transport.StreamTransport._on_reap

    def _on_reap(self):
        self._callback("connection_lost", None)
        real(self)

    patch(transport.StreamTransport, "_on_reap", _on_reap)


def forgets_to_resume(patch):
    def settle(self):
        if self._out is Out.FULL and self._size <= self._low:
            self._out = Out.FULL.drain
        elif self._out is Out.FINISHING and not self._size:
            self._shut()
            self._check_phase()

    patch(outbound.Outbound, "_settle", settle)


def delivers_after_close(patch):
    real = transport.StreamTransport.close

    def close(self):
        held, direct = self._in, self._plain_read
        real(self)
        self._in, self._plain_read = held, direct

    patch(transport.StreamTransport, "close", close)


def never_accepts_again_after_emfile(patch):
    patch(shortage, "RETRY", 1e9)


def leaks_the_descriptor(patch):
    def _on_reap(self):
        self._callback("connection_lost", self._exc)
        self._home.on_gone(self)

    patch(transport.StreamTransport, "_on_reap", _on_reap)


def takes_a_reset_for_an_end(patch):
    real = transport.StreamTransport._lose

    def lose(self, exc):
        if isinstance(exc, ConnectionResetError):
            self._on_eof()
        else:
            real(self, exc)

    patch(transport.StreamTransport, "_lose", lose)


def keeps_a_deadline_of_the_dead(patch):
    patch(transport.StreamTransport, "_end", without_disarming(transport.StreamTransport._end))


def without_disarming(real):
    def end(self, exc):
        wheel = self._loop.wheel
        disarm, wheel.disarm = wheel.disarm, lambda watched: None
        try:
            real(self, exc)
        finally:
            wheel.disarm = disarm

    return end


def a_pause_is_not_noticed_by_what_is_being_handled(patch):
    real = transport.StreamTransport.pause_reading

    def pause_reading(self):
        real(self)
        self.delivery -= 1

    patch(transport.StreamTransport, "pause_reading", pause_reading)


def takes_a_half_close_for_a_close_while_output_is_blocked(patch):
    real = transport.StreamTransport._on_eof

    def on_eof(self):
        is_blocked = self._blocked
        real(self)
        if is_blocked:
            self.close()

    patch(transport.StreamTransport, "_on_eof", on_eof)


def a_quiet_timer_survives_its_connection(patch):
    patch(TextProtocol, "connection_lost", lambda self, exc: None)


def an_idle_timer_survives_its_session(patch):
    real = Session.connection_lost

    def connection_lost(self, exc):
        idle, self._idle = self._idle, None
        real(self, exc)
        self._idle = idle

    patch(Session, "connection_lost", connection_lost)


def the_timers_are_never_swept(patch):
    patch(timers, "SWEEP_AT", 10**9)


def a_silence_counts_as_stalled(patch):
    real = outbound.Outbound._on_blocked

    def on_blocked(self, sent):
        moved = self._moved
        real(self, sent)
        if not sent and self._timeouts.write is not None:
            self._moved = moved
            self._loop.wheel.arm(self, self._loop.now, moved + self._timeouts.write)

    patch(outbound.Outbound, "_on_blocked", on_blocked)


BUGS = [
    loses_bytes_after_a_partial_send,
    calls_connection_lost_twice,
    forgets_to_resume,
    delivers_after_close,
    never_accepts_again_after_emfile,
    leaks_the_descriptor,
    takes_a_reset_for_an_end,
    keeps_a_deadline_of_the_dead,
    a_pause_is_not_noticed_by_what_is_being_handled,
    takes_a_half_close_for_a_close_while_output_is_blocked,
    a_quiet_timer_survives_its_connection,
    an_idle_timer_survives_its_session,
    the_timers_are_never_swept,
    a_silence_counts_as_stalled,
]


@pytest.mark.loud
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(bug, monkeypatch):
    monkeypatch.setattr(world, "ROUNDS", 5000)  # a bug may spin: find out sooner
    bug(monkeypatch.setattr)
    assert any(fails(name, seed) for seed in SEEDS for name in scenarios.SCENARIOS)


def fails(name, seed):
    try:
        scenarios.run(name, seed)
    except Exception:
        return True
    return False
