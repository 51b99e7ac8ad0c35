#!/usr/bin/env python3
"""UDP echo, both sides: `udp_echo.py` serves, `udp_echo.py --send hello --to 127.0.0.1:9000 --count 3` asks.

Datagrams get lost, come late or twice, and nobody says so. So the client numbers what it asks, counts only an answer to
what it has asked, and asks again after a while.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.metrics import listen_for_scrapes
from reactor import DatagramProtocol, DatagramTransport, Listener, Reactor, ReactorError
from reactor.serving import (
    Parser,
    add_log_option,
    add_metrics_option,
    address,
    complain,
    count,
    in_words,
    log_to_stderr,
    number,
    port_number,
    program,
    say,
    serve,
)

TRIES = 3  # times each question is asked: on a link that loses one in ten, one in a thousand stays without an answer


class Echo(DatagramProtocol):
    """Sends every datagram back to where it came from (RFC 862)."""

    transport: DatagramTransport

    def connection_made(self, transport: DatagramTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.transport.sendto(data, addr)

    def pause_writing(self) -> None:
        self.transport.pause_reading()  # what comes meanwhile waits in the kernel, or is lost there

    def resume_writing(self) -> None:
        self.transport.resume_reading()


class Questioner(DatagramProtocol):
    """Asks one question after another, each up to TRIES times."""

    transport: DatagramTransport

    def __init__(self, reactor: Reactor, text: str, questions: int, timeout: float) -> None:
        self.reactor = reactor
        self.text = text
        self.questions = questions
        self.timeout = timeout
        self.asked = 0
        self.tries = 0
        self.sent_at: dict[bytes, float] = {}  # of the present question, by what was sent
        self.serial = 0
        self.round_trips: list[float] = []

    def connection_made(self, transport: DatagramTransport) -> None:
        self.transport = transport
        self.timer = self.reactor.call_later(self.timeout, self.on_silence)
        self.next_question()

    def next_question(self) -> None:
        if self.asked == self.questions:
            return self.transport.close()
        self.asked += 1
        self.tries = 0
        self.sent_at.clear()
        self.ask()

    def ask(self) -> None:
        self.tries += 1
        self.serial += 1  # each try has its own: an answer tells how long this one took
        data = f"{self.serial} {self.text}".encode()
        self.sent_at[data] = self.reactor.time()
        self.timer.reset(self.timeout)
        self.transport.sendto(data)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data not in self.sent_at:
            return  # late, a second copy, or not from an echo server
        seconds = self.reactor.time() - self.sent_at[data]
        self.round_trips.append(seconds)
        say(f"answer {self.asked} from {address(addr)}: {self.text} ({1000 * seconds:.2f} ms)")
        self.next_question()

    def error_received(self, exc: OSError) -> None:
        complain(f"question {self.asked}: {exc.strerror or exc}")

    def on_silence(self) -> None:
        if self.tries < TRIES:
            return self.ask()
        complain(f"question {self.asked}: no answer to {TRIES} tries within {self.timeout:g} s each")
        self.next_question()

    def connection_lost(self, exc: Exception | None) -> None:
        self.timer.cancel()
        self.reactor.stop()
        if times := [1000 * seconds for seconds in self.round_trips]:
            mean = sum(times) / len(times)
            figures = f"round trip {min(times):.2f} to {max(times):.2f} ms, {mean:.2f} on average"
            say(f"{len(times)} of {self.questions} answered, {figures}")


def ask(reactor: Reactor, options: argparse.Namespace) -> int:
    """Be the client. Gives the exit status: 0 if every question was answered."""
    questioner = Questioner(reactor, options.send, options.count, options.timeout)
    reactor.open_udp(lambda: questioner, remote=options.to)
    reactor.run()
    return 0 if len(questioner.round_trips) == options.count else 1


def host_and_port(text: str) -> tuple[str, int]:
    """HOST:PORT, with brackets around an IPv6 address."""
    host, colon, port = text.rpartition(":")
    if not colon or not host or not 0 < port_number(port) <= 65535:
        raise argparse.ArgumentTypeError(f"must be HOST:PORT, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def seconds(text: str) -> float:
    """A time to wait."""
    found = number(text, float)
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text}")
    return found


def parse() -> argparse.Namespace:
    parser = Parser("Send every datagram back; or, with --send, ask who does.")
    parser.add_argument("--host", default="127.0.0.1", help="address or name to receive on (%(default)s)")
    parser.add_argument("--port", type=port_number, default=9000, help="0 takes any free one (%(default)s)")
    parser.add_argument("--send", metavar="TEXT", help="be the client: send this")
    parser.add_argument("--to", type=host_and_port, metavar="HOST:PORT", help="where the server is (127.0.0.1:9000)")
    parser.add_argument("--count", type=count, default=1, help="how many times (%(default)s)")
    parser.add_argument("--timeout", type=seconds, default=1.0, help=f"seconds to wait, {TRIES} times (%(default)s)")
    add_metrics_option(parser)
    add_log_option(parser)
    options = parser.parse_args()
    if options.to and options.send is None:
        parser.error("--to is for the client: give it a text with --send")
    options.to = options.to or ("127.0.0.1", 9000)
    return options


def open_metrics(reactor: Reactor, port: int | None) -> Listener | None:
    return None if port is None else listen_for_scrapes(reactor, port)


def main() -> int:
    options = parse()
    log_to_stderr(options.log_level)
    with Reactor() as reactor:
        if options.send is None:
            place = (options.host, options.port)
            return serve(
                reactor,
                lambda: reactor.open_udp(Echo, local=place),
                metrics=lambda: open_metrics(reactor, options.metrics),
            )
        try:
            return ask(reactor, options)
        except (OSError, ReactorError) as error:
            complain(f"{program()}: {in_words(error)}")
            return 1


if __name__ == "__main__":
    sys.exit(main())
