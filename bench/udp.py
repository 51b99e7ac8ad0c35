#!/usr/bin/env python3
"""Server CPU of a UDP echo: the reactor against asyncio and uvloop. Measured as bench/cpu.py does it.

Every client has one datagram on its way and sends again as soon as it has it back. With one client nothing can be
read in a batch; with a hundred there is nearly always a burst. `--burst`: all send before anybody reads.
"""

import argparse
import sys
from collections.abc import Iterator

import cpu
from cpu import Case, Goal, Outcome
from report.tables import Progress
from runs.arguments import Parser, positive, seconds
from runs.turns import MORE, ROUNDS

LOST = 10.0  # seconds until a datagram that has not come back is lost, and the measurement with it
GOALS = (Goal("asyncio", 1.0),)

CASES = tuple(
    Case(
        f"udp-{count}-{size}",
        f"UDP echo, {size:,} B, {count} client{'s' * (count > 1)}: server CPU per datagram",
        "udp",
        {"connections": count, "size": size, "timeout": LOST},
        cpu.PEERS,
        GOALS,
    )
    for count, size in ((1, 100), (100, 100), (100, 500))  # 100 of 1,000 B overflow the receive buffer of a socket
)


def parse() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument("--rounds", type=positive, default=ROUNDS, help=f"{ROUNDS}, and up to {MORE} near a goal")
    parser.add_argument("--seconds", type=seconds, default=0.5, help="length of a round (0.5)")
    parser.add_argument("--burst", action="store_true", help="all clients send, then all read")
    parser.add_argument("--python", default=sys.executable, help="interpreter of all servers, say one with uvloop")
    parser.add_argument("--markdown", action="store_true", help="tables for a README")
    return parser.parse_args()


def outcomes(options: argparse.Namespace) -> Iterator[Outcome]:
    """Run the cases one after another."""
    progress = Progress(len(CASES))
    for case in CASES:
        case.load["burst"] = options.burst
        progress.next(case.name)
        outcome = cpu.run_case(case, options, progress.tick)
        progress.clear()
        yield outcome


if __name__ == "__main__":
    sys.exit(cpu.report(parse(), outcomes))
