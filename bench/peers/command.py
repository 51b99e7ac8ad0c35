"""The command line that the peers share, and leaving on a signal. Knows no library and no wire."""

import argparse
import os
import signal
import sys

BACKLOG = 1024  # the same as the threaded baselines
READ = 65536  # bytes; as much in one call as the threaded baselines
SERVICES = ("echo", "lines", "chat")


def parse(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--silent", action="store_true", help="chat: nobody's joining or leaving is announced")
    return parser.parse_args()


def listening(address):
    """Say where the server accepts."""
    print(f"listening on {address[0]}:{address[1]}", flush=True)


def leave_on_signals():
    """End at once on SIGINT and SIGTERM: these servers hold nothing that has to be saved."""
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: os._exit(0))


def reply(line):
    """What every service of lines answers."""
    return b"Hello, %b!\n" % line


def missing(name):
    """The status of a peer whose library is not there."""
    print(f"{name} is not installed", file=sys.stderr)
    return 2
