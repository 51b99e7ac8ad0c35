#!/usr/bin/env python3
"""The least chat on several servers in pure Python: what a line needs to be in one order everywhere. A floor.

A line said is one XADD; each server waits in one XREAD, and tells its own members what comes back, also what was said
there. So a line costs, beyond its sends, an entry that is written by one server and read by each. No bounds, no
reconnects, no history, no names: nobody can serve with this. Without `--redis` a line is told at once, which is the
least chat on one server: `least_cluster.py --redis PORT`.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from runs.arguments import Parser
from runs.procs import connected
from servers.bare import SIZE, Ready, chat, listening, serve, tell

HEAD = 5  # parts of a reply of XREAD before its entries: one stream, of two parts, its name, and how many follow
ENTRY = 8  # parts of an entry: sizes, its id, and one field, which is who said it, with what was said
LOG = b"log"

Say = Callable[[bytes, bytes], object]  # who, by the server's number and the member's, and a whole line


def say_each(server: int, say: Say, member: int, lines: bytes) -> None:
    """Each line is said, but for commands: the load names its members."""
    who = b"%d:%d" % (server, member)
    for line in lines.split(b"\n")[:-1]:
        if not line.startswith(b"/"):
            say(who, b"%b: %b\n" % (who, line))


def tell_ours(server: int, who: bytes, line: bytes) -> None:
    """To each member of this server, but not to who has said it."""
    home, _, number = who.partition(b":")
    tell(int(number) if int(home) == server else -1, line)


def write(fd: int, who: bytes, line: bytes) -> None:
    """One entry of the log."""
    os.write(fd, b"*5\r\n$4\r\nXADD\r\n$3\r\n%b\r\n$1\r\n*\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
             % (LOG, len(who), who, len(line), line))  # fmt: skip


def reading(fd: int, told: Say) -> Ready:
    """Entries are told in the order of the log, and the next are asked for."""
    rest = b""

    def ask(last: bytes):
        os.write(fd, b"*6\r\n$5\r\nXREAD\r\n$5\r\nBLOCK\r\n$1\r\n0\r\n$7\r\nSTREAMS\r\n$3\r\n%b\r\n$%d\r\n%b\r\n"
                 % (LOG, len(last), last))  # fmt: skip

    def ready():
        nonlocal rest
        rest += os.read(fd, SIZE)
        parts = rest.split(b"\r\n")
        if len(parts) > HEAD and len(parts) == HEAD + ENTRY * int(parts[HEAD - 1][1:]) + 1:
            rest = b""
            ask(parts[-1 - ENTRY + 2])
            for who, line in zip(parts[HEAD + 5 :: ENTRY], parts[HEAD + 7 :: ENTRY], strict=False):
                told(who, line)
        return 1

    ask(b"0")
    return ready


def following(port: int, server: int) -> tuple[Say, dict[int, Ready]]:
    """How a line is said by the log of that redis-server, and what is to be watched for it."""
    log, answers = (connected(("127.0.0.1", port), 5).detach() for _ in range(2))  # an XREAD that waits holds up a line
    return partial(write, answers), {
        log: reading(log, partial(tell_ours, server)),
        answers: lambda: len(os.read(answers, SIZE)),  # the ids of what was written
    }


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--redis", type=int, metavar="PORT", help="of a redis-server on this machine, with others")
    options = parser.parse_args()
    server, watched = os.getpid(), {}
    say: Say = partial(tell_ours, server)
    if options.redis:
        say, watched = following(options.redis, server)
    listener = listening()
    print(f"listening on 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    serve({listener: partial(chat, say=partial(say_each, server, say))}, watched)


if __name__ == "__main__":
    main()
