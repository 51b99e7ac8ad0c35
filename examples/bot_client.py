#!/usr/bin/env python3
"""A client of the chatbot in the manner of the tutorial's, on one loop. End with Ctrl-D or `exit`.

With a stdin that is no terminal it is a tool for scripts: `printf '你好\\n' | bot_client.py` prints the bot's lines and
nothing else, and asks the next question when the one before is answered.
"""

from __future__ import annotations

import os
import sys
import time
from typing import NamedTuple

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from protocols.text import sanitize
from reactor import LineProtocol, Reactor, ReactorError, StreamTransport, Timer
from reactor.serving import Parser, complain, port_number


class Words(NamedTuple):
    """What stands around the conversation."""

    name: str  # of the user
    first_prompt: str
    prompt: str
    stamp: str
    farewell: str


LANGUAGES = {
    "zh": Words(
        "小明", "请输入消息：", "\n我：", "\n【机器人小图】 %Y-%m-%d:%H:%M:%S\n", "聊天室已关闭\n"
    ),  # the tutorial's
    "en": Words("Ada", "Your message: ", "\nYou: ", "\n[the bot] %Y-%m-%d %H:%M:%S\n", "goodbye\n"),
}
QUIET = 0.2  # seconds after its last line in which a bot that has more to say would have said it
NAME_LENGTH = 32  # characters; the bot takes nothing longer for a name


class Robot(LineProtocol):
    """The connection to the bot. What it says is shown, made safe for a terminal whoever it is."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def line_received(self, line: bytes) -> None:
        self.client.show(sanitize(line.decode(errors="replace")))

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.on_robot_gone(exc)

    def draining(self, grace: float) -> None:
        self.client.leaving = True


class Terminal(LineProtocol):
    """Standard input and output. What is typed goes to the bot, line by line."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def line_received(self, line: bytes) -> None:
        self.client.type(line.decode(errors="replace"))

    def line_too_long(self, size: int) -> None:
        complain(f"not sent: a line of more than {self.max_line} bytes")

    def eof_received(self) -> bool:
        super().eof_received()
        self.client.on_end_of_input()
        return True  # the answers are still to be shown

    def connection_lost(self, exc: Exception | None) -> None:
        self.client.leaving = True
        self.client.robot.close()  # nobody sees what it says any more


class Client:
    """The two connections, whose turn it is, and how they end together."""

    robot: StreamTransport
    terminal: StreamTransport

    def __init__(self, reactor: Reactor, name: str, words: Words, *, interactive: bool) -> None:
        self.reactor = reactor
        self.name = name
        self.words = words
        self.interactive = interactive
        self.leaving = False
        self.status = 0
        self._welcomed = False
        self._asked = False  # something was asked, and nothing of its answer has come
        self._speaking = False  # the bot has begun to speak, and is not silent yet
        self._silence: Timer | None = None

    def run(self, host: str, port: int) -> int:
        """Talk until either side ends. Gives the exit status."""
        connecting = self.reactor.connect_tcp(lambda: Robot(self), host, port)
        self.robot, _ = self.reactor.run_until(connecting)
        self.terminal = self.reactor.open_stdio(lambda: Terminal(self))
        self.reactor.run()
        return self.status

    def show(self, line: str) -> None:
        """The bot says a line."""
        if self.interactive and self._welcomed and not self._speaking:
            # an answer may come slowly: what follows a silence is under the stamp of its beginning
            self.terminal.write(time.strftime(self.words.stamp).encode() if self._asked else b"\n")
            self._asked = False
        self.terminal.write(f"{line}\n".encode())
        if not self._welcomed:
            self._prompt()
            self._welcomed = True
            return
        self._speaking = True
        if self._silence is None:
            self._silence = self.reactor.call_later(QUIET, self._on_silence)
        else:
            self._silence.reset(QUIET)

    def type(self, text: str) -> None:
        """The user says a line."""
        if not text.strip():
            return self._prompt()
        self.leaving = self.leaving or text.strip().lower() == "exit"
        self._asked = True
        self.robot.write(f"{self.name}::{text}\n".encode())
        if not self.interactive:
            self.terminal.pause_reading()  # the next question when this one is answered

    def on_end_of_input(self) -> None:
        self.leaving = True
        if self.interactive:
            self.terminal.write(b"\n")  # what Ctrl-D was typed behind is a line of its own
        self.robot.write_eof()  # the bot answers what it has, then ends as well

    def on_robot_gone(self, exc: Exception | None) -> None:
        if self.leaving and self.interactive:
            self.terminal.write(self.words.farewell.encode())
        elif not self.leaving:
            complain(f"the bot is gone: {exc}" if exc else "the bot has closed the connection")
        self.status = 1 if exc else 0
        self.reactor.drain()  # what is still to be shown is, then the loop stops

    def _on_silence(self) -> None:
        """The bot has said what it has to say."""
        self._speaking = False
        self._prompt()
        self.terminal.resume_reading()

    def _prompt(self) -> None:
        if self.interactive and not self.leaving:
            self.terminal.write((self.words.prompt if self._welcomed else self.words.first_prompt).encode())


def main() -> int:
    parser = Parser("Talk to the chatbot in a terminal.")
    parser.add_argument("--host", default="127.0.0.1", help="the bot's address or name (%(default)s)")
    parser.add_argument("--port", type=port_number, default=9999, help="the bot's port (%(default)s)")
    parser.add_argument("--name", help="your name (小明, or Ada in English)")
    parser.add_argument("--language", choices=LANGUAGES, default="zh", help="of what stands around it (%(default)s)")
    options = parser.parse_args()
    words = LANGUAGES[options.language]
    if not options.port:
        parser.error("argument --port: a server's port is 1 to 65535")
    name = words.name if options.name is None else options.name.strip()
    if not name.isprintable() or not 0 < len(name) <= NAME_LENGTH or "::" in name:
        parser.error(f"argument --name: a name has 1 to {NAME_LENGTH} characters, and no :: in it")
    with Reactor() as reactor:
        try:
            return Client(reactor, name, words, interactive=os.isatty(0)).run(options.host, options.port)
        except (OSError, ReactorError) as error:
            complain(f"{parser.prog}: {error}")
            return 1
        except KeyboardInterrupt:
            return 130


if __name__ == "__main__":
    sys.exit(main())
