#!/usr/bin/env python3
"""Step 7: a test. The chat of step 5 in memory: first what should happen, then what a bad network makes of it.

`MemoryReactor` is the real reactor with no descriptor and no waiting: `advance(300)` passes five minutes at once. The
`Simulator` cuts messages, delays them and stalls, drawn from a seed: a seed that fails is the same run each time. Try:
`python3 examples/ladder_7_test.py`, or with pytest. Then break step 5 (let `say` skip somebody) and see both fail.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from ladder_5_chat import make
from reactor.testing import MemoryReactor, Recorder, Simulator, checked


def test_everybody_hears_what_is_said() -> None:
    with MemoryReactor() as reactor:
        reactor.listen_tcp(make(reactor), "127.0.0.1", 2400)
        connecting = [reactor.connect_tcp(Recorder, "127.0.0.1", 2400) for _ in range(2)]
        (ada, seen), (bob, _) = [reactor.run_until(future) for future in connecting]
        ada.write(b"Ada\n")
        bob.write(b"Bob\n")
        reactor.settle()  # everything that is under way has happened
        bob.write(b"hello\n")
        reactor.settle()
        bob.abort()  # as a killed program does
        reactor.settle()
        assert seen.data == b"your name?\n* Ada joined\n* Bob joined\nBob: hello\n* Bob left\n"


def test_whatever_the_network_does_to_it() -> None:
    for seed in range(20):
        with Simulator(seed=seed) as sim:
            talk(sim)


def talk(sim: Simulator) -> None:
    """Three people on an unreliable network; one says a hundred lines, and everybody hears each once."""
    server, people = sim.host("server"), sim.host("people")
    server.listen_tcp(checked(make(server)), None, 2400)  # checked: each connection is held to the contract
    connecting = [people.connect_tcp(Recorder, "server", 2400) for _ in range(3)]
    joined = [people.run_until(future) for future in connecting]
    for number, (transport, _) in enumerate(joined):
        transport.write(b"P%d\n" % number)
    sim.run_until(lambda: all(b"joined" in seen.data for _, seen in joined), seconds=60)
    joined[0][0].write(b"hello\n" * 100)
    sim.run_until(lambda: all(seen.data.count(b"P0: hello\n") == 100 for _, seen in joined), seconds=600)


if __name__ == "__main__":
    test_everybody_hears_what_is_said()
    test_whatever_the_network_does_to_it()
    print("two tests passed")
