"""A chat client: types and receives at once, on one loop. `python -m protocols.chat.client --name Ada`; `exit` ends it.

At a terminal the line being typed stays whole while others speak, and a lost connection is made again. With a stdin
that is no terminal it is a tool for scripts: `printf '/who\\n' | python -m protocols.chat.client`.
"""

from __future__ import annotations

import argparse
import os
import ssl
import sys
from contextlib import ExitStack, nullcontext
from typing import Any

from reactor import LineProtocol, Reactor, ReactorError, ReconnectingClient, StreamTransport, Timer
from reactor.serving import Parser, complain, port_number, program

from ...text.sanitize import sanitize, uncover
from ...text.standing import LOBBY, Answer, Standing, key
from .ignored import Ignored
from .lines import Lines
from .log_above import log_above
from .looks import Looks
from .past import Past
from .paste import Paste

try:
    from .terminal import Modes, Terminal
except ImportError:  # no termios: Windows. Lines are edited by the console itself
    Modes = Terminal = None  # type: ignore[assignment,misc]

INTERRUPTED = 130  # as a shell says it of Ctrl-C

PERSON_GRACE = 5.0  # seconds for a server to say goodbye to who has typed Ctrl-D and waits for it
SCRIPT_GRACE = 120.0  # seconds to answer a whole script: twice what our server lets lines wait that come too fast
RECLAIM_EVERY, RECLAIMS = 15.0, 20  # seconds, times: five minutes, by when a server has noticed that who had it is gone

REPLAY_GAP = 0.5  # seconds in which a history comes, which is one piece

NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")  # OpenSSL's words for plain text


class Server(LineProtocol):
    """The connection to the server. What it says is shown, made safe for a terminal whoever the server is."""

    transport: StreamTransport

    def __init__(self, client: Client) -> None:
        self.client = client

    def connection_made(self, transport: StreamTransport) -> None:
        super().connection_made(transport)
        self.transport = transport
        self.client.on_connected(transport)

    def line_received(self, line: bytes) -> None:
        self.client.heard(sanitize(line.decode(errors="replace")))

    def pause_writing(self) -> None:
        self.client.terminal.pause_reading()

    def resume_writing(self) -> None:
        self.client.terminal.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.on_server_gone(exc)

    def draining(self, grace: float) -> None:
        self.client.on_draining()


class Client:
    """The two connections, how they end together, and what is said again to a server that is back."""

    terminal: StreamTransport

    def __init__(self, reactor: Reactor, options: argparse.Namespace, modes: Any) -> None:
        self.reactor = reactor
        self.options = options
        self.modes = modes
        self.seat: Any = None  # Terminal or Lines
        self.server: StreamTransport | None = None
        self.leaving = False
        self._said_exit = False
        self.status = INTERRUPTED  # until there is something to leave
        self._name: str | None = options.name
        self._standing = Standing()  # what the server has said of us
        self._ignored = Ignored()
        self._past = Past()
        self._last = ""  # what the server said last: nothing means that it never was a chat
        self._trouble = ""  # why there is no connection, as it was told last
        self._stalled = False
        self._log = ExitStack()
        self._patience: Timer | None = None  # for the server to end as well
        self._reclaim: Timer | None = None
        self._paste = Paste(reactor, self._send, lambda line: self.seat.said(line), lambda text: self.seat.note(text))

    def run(self) -> int:
        """Chat until either side ends. Gives the exit status."""
        self.begin()
        self.reactor.run()
        return self.status

    def begin(self) -> None:
        """Connect. Raises OSError for a certificate's file that cannot be used."""
        where, tls = (self.options.host, self.options.port), tls_context(self.options)
        connection = ReconnectingClient(
            self.reactor,
            lambda factory: self.reactor.connect_tcp(factory, *where, tls=tls),
            lambda: Server(self),
            on_retry=self._on_retry,
        )
        connection.finished.add_done_callback(lambda done: self._leave(1) if done.exception() else None)

    # -- the server ---------------------------------------------------------------------------------------------

    def on_connected(self, server: StreamTransport) -> None:
        """There is a connection, for the first time or again."""
        self.server = server
        again = self.seat is not None
        if not again:
            self.status = 0
            self._open_seat()
        if self.options.insecure:
            self.seat.note("encrypted, but nobody knows for whom: the certificate is not looked at (--insecure)")
        if again:
            self.seat.note("connected again")
            self._trouble = ""
        self.output_stalls(self._stalled)
        room = self._standing.room
        self._standing.connected()
        if again:
            self._past.connected_again(passing=bool(room) and key(room) != LOBBY, ignored=self._ignored.names)
        self._introduce(RECLAIMS if again else 0)
        for line in self._ignored.again():  # before the room, whose history is then without them
            self._send(line)
        if room:
            self._send(f"/join {room}")

    def heard(self, line: str) -> None:
        """The server has said `line`."""
        self._last = line
        self._ignored.heard(line)
        answer = self._standing.heard(line)
        if answer is Answer.NAMED:
            self._name = self._standing.name
            self._cancel_reclaim()
        elif answer is Answer.MOVED and not line.endswith(" already"):
            self._past.moved()
        self._past.names.add(self._standing.name)
        self._past.ever_ignored.update(self._ignored.names)
        held = self._past.holds
        self._show(self._past.hear(line))
        if self._past.holds and not held:
            self.reactor.call_later(REPLAY_GAP, lambda: self._show(self._past.flush()))

    def _show(self, lines: list[str]) -> None:
        for line in lines:
            self.seat.show(line)

    def on_server_gone(self, exc: Exception | None) -> None:
        """The connection has ended. One that was lost is made again, by itself."""
        self.server = None
        self._cancel_reclaim()
        self.terminal.resume_reading()
        self._paste.give_up()
        if self._comes_back():
            self.seat.note(f"the connection is lost{f': {exc}' if exc else ''}")
            return
        by_itself = not self.leaving or self._patience is not None  # neither `exit` nor a signal has ended it
        if by_itself and exc is None and not self._last and not self.status:
            self.seat.note(
                f"{self.options.host}:{self.options.port} has closed the connection without a word{self._hint()}"
            )
            return self._leave(1)
        if exc and (not self.leaving or self._patience):  # who waits for answers is told that they are cut
            self.seat.note(f"the server is gone: {exc}")
        elif not self.leaving and (self.modes is None or not self._standing.goodbye):  # else the goodbye has said it
            self.seat.note("the server has closed the connection")
        elif self._patience and not self.status and self.modes is not None and not self._standing.goodbye:
            self.seat.note("goodbye")  # for Ctrl-D, to which the server has no word
        self._leave(1 if exc or self._was_thrown_out() else 0)

    def on_draining(self) -> None:
        """Ctrl-C, or another signal: this program goes."""
        self.leaving = True
        self._paste.give_up()

    def _was_thrown_out(self) -> bool:
        """Whether not all that a script had to say was said: the server has sent it away in the midst of it."""
        script = self.modes is None and not self.options.reconnect
        return script and not self._said_exit and self._last.startswith("* goodbye: ")

    def _hint(self) -> str:
        """Our server takes plain text for a broken handshake and hangs up: who forgets --tls would see nothing."""
        return "" if self.options.tls else "; if it serves TLS, say --tls"

    def _comes_back(self) -> bool:
        """Whether to wait for the server: it is a chat, has not said goodbye, and a person is here to be told."""
        person = self.options.reconnect and not self.leaving
        return person and bool(self._last) and not self._standing.goodbye

    def _on_retry(self, error: OSError | None, delay: float) -> None:
        if self.seat is None:
            complain(f"{program()}: {explain(error, self.options)}")
            return self._leave(1)
        trouble = explain(error, self.options) if error else "trying again, Ctrl-C leaves"
        if trouble != self._trouble:
            self.seat.note(trouble)  # once, and not with each attempt of a whole night
        self._trouble = trouble

    def _introduce(self, times: int) -> None:
        """Say who this is, and so again until the server agrees: it may not have noticed that its last one is gone."""
        if self._name is not None:
            self._send(f"/nick {sanitize(self._name)}")
            if times:
                self._reclaim = self.reactor.call_later(RECLAIM_EVERY, self._introduce, times - 1)

    def _cancel_reclaim(self) -> None:
        if self._reclaim is not None:
            self._reclaim.cancel()

    def _send(self, line: str) -> None:
        assert self.server is not None
        self._standing.asked(line)
        self._ignored.asked(line)
        self._past.asked(line)
        self.server.write(f"{line}\n".encode(errors="surrogateescape"))

    # -- the terminal -------------------------------------------------------------------------------------------

    def _open_seat(self) -> None:
        def seat() -> Any:
            if self.modes is not None:
                self.seat = Terminal(self.reactor, self, self.modes, Looks(not os.environ.get("NO_COLOR")))
                self._log.enter_context(log_above(self.reactor, self.seat.note))
            else:
                self.seat = Lines(self)
            return self.seat

        self.terminal = self.reactor.open_stdio(seat)

    def typed(self, line: str) -> bool:
        """Send `line`. False if it cannot be sent, which the person is told."""
        line = uncover(line)
        if self.server is None:
            self.seat.note(f"not sent, there is no connection: {sanitize(line)}")
            return False
        if line.strip().lower() in ("exit", "/quit", "/exit", "/bye"):
            self.leaving = self._said_exit = True  # however the server takes it
            self._paste.give_up()
        elif self.modes is not None and not self._paste.take(line):
            return False  # it is shown when it is sent
        self._send(line)
        return True

    def input_ended(self) -> None:
        """Nothing is typed any more: the server answers what it has, then ends as well."""
        self.leaving = True
        self._cancel_reclaim()
        self._paste.give_up()
        if self.server is None:
            return self._leave(self.status)
        self.server.write_eof()
        grace = PERSON_GRACE if self.modes is not None else SCRIPT_GRACE
        self._patience = self.reactor.call_later(grace, self._give_up, grace)

    def _give_up(self, grace: float) -> None:
        self.seat.note(f"the server has not ended within {grace:g} s")
        self.leaving = True
        if self.server is not None:
            self.server.abort()
        self._leave(1)

    def output_stalls(self, stalls: bool) -> None:
        """What cannot be shown is not read either: the server, not this program, decides how much may wait."""
        self._stalled = stalls
        if self.server is not None:
            (self.server.pause_reading if stalls else self.server.resume_reading)()

    def seat_lost(self, exc: Exception | None) -> None:
        """Nobody sees what the server says any more."""
        self._log.close()
        self.leaving = True
        if self.server is not None:
            self.server.close()
        self._leave(1 if exc else self.status)

    def _leave(self, status: int) -> None:
        if self.status in (0, INTERRUPTED):  # what went wrong first counts
            self.status = status
        if self._patience is not None:
            self._patience.cancel()
        self._cancel_reclaim()
        self.reactor.drain()  # what is still to be shown is, then the loop stops


def tls_context(options: argparse.Namespace) -> ssl.SSLContext | None:
    """How to encrypt; None: not at all. Raises OSError for a file that cannot be used."""
    if not options.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=options.cacert)
    except OSError as error:  # it does not say which file
        raise OSError(f"cannot use the certificates in {options.cacert}: {error.strerror or error}") from None
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def explain(error: Exception | None, options: argparse.Namespace) -> str:
    """An error of connecting, in words for who does not know TLS by heart."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {options.host} is not to be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLEOFError) or getattr(error, "reason", "") in NO_TLS:
        return f"{options.host}:{options.port} does not seem to speak TLS"
    return str(getattr(error, "strerror", None) or error)  # without the number, which says nothing to a person


def parse() -> argparse.Namespace:
    parser = Parser("Chat in a terminal.")
    option = parser.add_argument
    option("--host", default="127.0.0.1", help="the server's address or name (%(default)s)")
    option("--port", type=port_number, default=2401, help="the server's port (%(default)s)")
    option("--name", help="be called so")
    option("--tls", action="store_true", help="encrypt, and verify that the server is the one that was meant")
    option(
        "--cacert", metavar="FILE", help="trust what this signed, or a server's own certificate (the system's roots)"
    )
    option("--insecure", action="store_true", help="with --tls: take any certificate")
    option("--no-reconnect", dest="reconnect", action="store_false", help="leave when the connection is lost")
    options: argparse.Namespace = parser.parse_args()
    if not options.port:
        parser.error("argument --port: a server's port is 1 to 65535")
    if (options.cacert or options.insecure) and not options.tls:
        parser.error("--cacert and --insecure are for --tls")
    options.reconnect = options.reconnect and is_terminal(sys.stdin)  # a script has nobody to wait
    return options


def is_terminal(stream: Any) -> bool:
    """Whether a standard stream is a terminal; it may be closed."""
    return stream is not None and not stream.closed and stream.isatty()


def has_screen() -> bool:
    """Whether a line can be kept at the bottom of a terminal."""
    dumb = os.environ.get("TERM", "dumb") == "dumb"
    return Terminal is not None and is_terminal(sys.stdin) and is_terminal(sys.stdout) and not dumb


def _reactor(modes: Any) -> Reactor:
    """Where a person can stop this program with Ctrl-Z, a loop that stands still is nobody's fault."""
    return Reactor() if modes is None else Reactor(watchdog=0)


def main() -> int:
    options = parse()
    with Modes(sys.stdin.fileno()) if has_screen() else nullcontext() as modes, _reactor(modes) as reactor:
        try:
            return Client(reactor, options, modes).run()
        except (OSError, ReactorError) as error:
            complain(f"{program()}: {error}")
            return 1
        except KeyboardInterrupt:
            return INTERRUPTED
