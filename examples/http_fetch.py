#!/usr/bin/env python3
"""Fetch URLs: `http_fetch.py http://example.com/ -i`, `http_fetch.py -o file.iso -C https://example.com/file.iso`.

The bodies go to stdout in the order of the URLs, though all are fetched at once: what comes before its turn waits in a
temporary file. Status 0, 1 where a fetch failed (one line on stderr says why), 2 for a bad URL or argument.
"""

from __future__ import annotations

import argparse
import signal
import ssl
import sys
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

INTERRUPT = signal.getsignal(signal.SIGINT)
if INTERRUPT is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while the rest is imported ends this without a traceback

from _kit.cli import Parser, complain, count, program
from _kit.output import Queue, StdoutFailed
from _kit.progress import Progress
from protocols.http import CallbackFailed, Client, Download, FetchTimeouts, HTTPError, Response, fetch, parse_url
from protocols.http.client.request import make_request
from protocols.text.sanitize import sanitize
from reactor import Reactor

AT_ONCE = 16  # fetches under way: enough to keep a network busy, few enough for anybody's descriptors
TERMINATED = 128 + signal.SIGTERM
INTERRUPTED = 130
FORM = "application/x-www-form-urlencoded"  # what -d sends unless -H says otherwise, as curl does


class Terminated(BaseException):
    """SIGTERM came. Not an Exception: it goes through whatever runs at the moment."""


class StatusError(HTTPError):
    """A 4xx or 5xx, and --fail was given."""


class Job:
    """One URL on its way to its output."""

    def __init__(self, program: Program, url: str, position: int) -> None:
        self.program = program
        self.url = url
        self.position = position
        self.download: Download | None = None
        self.response: Response | None = None

    def begin(self) -> None:
        options = self.program.options
        if options.output and self.download is None:
            takes_parts = any(name.lower() == "range" for name, _ in options.headers)
            self.download = Download(options.output, self.url, resume=options.resume, takes_parts=takes_parts)
        headers = list(options.headers)
        if self.download:
            given = {name.lower() for name, _ in headers}
            headers += [field for field in self.download.fields.items() if field[0].lower() not in given]
        self.program.fetch(self.url, headers, self.on_head, self.on_data).add_done_callback(self.on_done)

    def on_head(self, response: Response) -> None:
        options = self.program.options
        usable = self.download is not None and self.download.can_use(response.status)
        if options.fail and response.status >= 400 and not usable:
            raise StatusError(status_line(response))
        self.response = response
        if options.include or options.head:
            self.program.queue.write(self.position, head_text(response))
        if self.download:
            self.download.on_head(response)
        self.program.progress.expect(response, self.download.offset if self.download else 0)

    def on_data(self, data: bytes) -> None:
        self.program.progress.advance(len(data))
        if self.download:
            self.download.write(data)
        else:
            self.program.queue.write(self.position, data)

    def on_done(self, future: Future[Response]) -> None:
        if self.program.leaving:
            return
        try:
            future.result()
            if self.download:
                self.download.complete()
        except (HTTPError, OSError) as error:
            self.abandon()
            return self.program.on_failed(self, error)
        if self.download and self.download.must_restart:
            self.download.restart()
            return self.begin()
        self.program.on_finished(self)

    def abandon(self) -> None:
        if self.download:
            self.download.abandon()


class Program:
    """All the URLs of one command line."""

    def __init__(self, reactor: Reactor, options: argparse.Namespace) -> None:
        self.reactor = reactor
        self.options = options
        self.status = 0
        self.leaving = False
        self.over: Future[None] = Future()
        self.queue = Queue(len(options.urls))
        shown = not options.quiet and (bool(options.output) or not sys.stdout or not sys.stdout.isatty())
        self.progress = Progress(reactor, shown)
        self.waiting = [Job(self, url, position) for position, url in enumerate(options.urls)][::-1]
        self.under_way: set[Job] = set()
        total = options.timeout
        self.timeouts = FetchTimeouts(total=None) if total is None else total
        self.client = Client(reactor, tls=options.tls) if len(options.urls) > 1 else None

    def run(self) -> int:
        try:
            self.begin_more()
            self.reactor.run_until(self.over)
        finally:
            self.leaving = True
            self.progress.end()
            for job in self.under_way:
                job.abandon()
            self.queue.close()
        return self.status

    def fetch(
        self, url: str, headers: Any, on_head: Callable[..., Any], on_data: Callable[..., Any]
    ) -> Future[Response]:
        options = self.options
        begin = self.client.fetch if self.client else partial(fetch, self.reactor, tls=options.tls)
        return begin(
            url,
            method=options.method,
            headers=headers,
            body=options.data,
            timeout=self.timeouts,
            max_redirects=0 if options.no_redirect else 10,
            max_body=options.max_body,
            on_head=on_head,
            on_data=on_data,
            allow_downgrade=options.allow_downgrade,
        )

    def begin_more(self) -> None:
        while self.waiting and len(self.under_way) < AT_ONCE:
            job = self.waiting.pop()
            self.under_way.add(job)
            try:
                job.begin()
            except OSError as error:  # the file of -o
                self.on_failed(job, error)

    def on_finished(self, job: Job) -> None:
        self.under_way.discard(job)
        try:
            self.queue.finish(job.position)
        except StdoutFailed as error:
            return self.give_up(error)
        if self.waiting:
            self.reactor.call_soon(self.begin_more)  # soon: the next may fail at once as well, and the one after it
        elif not self.under_way and not self.over.done():
            self.over.set_result(None)

    def on_failed(self, job: Job, error: HTTPError | OSError) -> None:
        if isinstance(error, StdoutFailed):
            return self.give_up(error)
        self.status = 1
        self.progress.clear()
        received = getattr(error, "received", 0)
        complain(f"{program()}: {shown(job.url)}: {one_line(error, self.options)} ({received} bytes received)")
        self.on_finished(job)

    def give_up(self, error: StdoutFailed) -> None:
        """Nobody sees the rest."""
        self.status = 1
        if not error.quiet:
            self.progress.clear()
            complain(f"{program()}: {error}")
        if not self.over.done():
            self.over.set_result(None)


def status_line(response: Response) -> str:
    """For a message: `503 Service Unavailable; it asks to wait for 120 s`."""
    wait = response.retry_after
    asks = "" if wait is None else f"; the server asks to wait for {wait:g} s"
    return f"{response.status} {response.reason}".strip() + asks


def head_text(response: Response) -> bytes:
    """The head as it came, but for folded lines."""
    lines = [f"HTTP/{response.version} {response.status} {response.reason}".rstrip()]
    lines += [f"{name}: {value}" for name, value in response.headers.raw]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def one_line(error: HTTPError | OSError, options: argparse.Namespace) -> str:
    """Why, without anything that a server could do to a terminal with it."""
    cause = error.__cause__
    reason = str(error)
    if isinstance(error, OSError) and not isinstance(error, HTTPError):
        reason = f"cannot write {options.output}: {error.strerror or error}"
    elif options.output and isinstance(cause, OSError) and isinstance(error, CallbackFailed):
        reason = f"cannot write {options.output}: {cause.strerror or cause}"
    return " ".join(sanitize(reason).split())


def shown(url: str) -> str:
    """The URL as messages have it: without a password."""
    return str(parse_url(url))


# -- the command line -------------------------------------------------------------------------------------------------


def address(text: str) -> str:
    """A URL; without a scheme it is http, as in a browser of old."""
    if "://" not in text.partition("?")[0]:
        text = f"http:{text}" if text.startswith("//") else f"http://{text}"
    try:
        parse_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def header(text: str) -> tuple[str, bytes | str | None]:
    """`Name: value`; `Name:` leaves a default out, `Name;` sends it empty, as curl has it. What is typed is sent."""
    name, colon, value = text.partition(":")
    if colon:
        return name.strip(), value.strip().encode("utf-8", "surrogateescape") or None
    if text.endswith(";"):
        return text[:-1].strip(), ""
    raise argparse.ArgumentTypeError(f"must be 'Name: value', not {text!r}")


def seconds(text: str) -> float:
    """A time to wait."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, not {text}")
    return number


def data(text: str) -> bytes:
    """What to send; `@FILE` is what is in the file, `@-` what comes on stdin."""
    if not text.startswith("@"):
        return text.encode("utf-8", "surrogateescape")
    try:
        return sys.stdin.buffer.read() if text == "@-" else Path(text[1:]).read_bytes()
    except (OSError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or "standard input is closed"
        raise argparse.ArgumentTypeError(f"cannot read {text[1:]}: {reason}") from None


def trusted(text: str) -> ssl.SSLContext:
    """A context that trusts the certificates in a file, and no others."""
    try:
        return ssl.create_default_context(cafile=text)
    except OSError as error:
        reason = "there is no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise argparse.ArgumentTypeError(f"cannot use {text}: {reason}") from None


def parse() -> argparse.Namespace:
    parser = Parser("Fetch URLs over HTTP.")
    add = parser.add_argument
    add("urls", nargs="+", type=address, metavar="URL", help="http:// where it has no scheme")
    add("-i", "--include", action="store_true", help="print the head before the body")
    add("-I", "--head", action="store_true", help="ask for the head alone, and print it")
    add("-o", "--output", metavar="FILE", help="write the body to FILE, which has that name only once it is whole")
    add("-C", "--resume", action="store_true", help="with -o: go on from what came before; keep what comes if it fails")
    add("-X", "--request", metavar="METHOD", help="GET unless given; with -I HEAD, with -d POST")
    add("-H", "--header", metavar="'K: V'", type=header, action="append", dest="headers", default=[], help="send this")
    add("-d", "--data", type=data, action="append", help="send this as a form does; @FILE sends a file, @- stdin")
    add("--no-redirect", action="store_true", help="print a redirect instead of following it")
    add("--allow-downgrade", action="store_true", help="follow redirects from https to http")
    add("--timeout", type=seconds, metavar="S", help="for each URL, all of it (none; but a minute of silence ends it)")
    add("--cacert", type=trusted, metavar="FILE", dest="tls", help="trust these certificates instead of the system's")
    add("--max-body", type=count, metavar="N", help="fail a body of more than N bytes")
    add("-f", "--fail", action="store_true", help="fail a status of 400 or above, and print no body")
    add("-q", "--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args()
    check(parser, options)
    return options


def check(parser: Parser, options: argparse.Namespace) -> None:
    """What only shows when all is known."""
    if options.output == "-":
        options.output = None
    if options.output == "":
        parser.error("-o needs the name of a file")
    if options.output is not None and len(options.urls) > 1:
        parser.error("-o is for one URL")
    if options.resume and options.output is None:
        parser.error("-C needs a file: -o FILE")
    if options.head and options.data is not None:
        parser.error("-I asks for the head alone: there is nothing to send with -d")
    options.method = options.request or ("HEAD" if options.head else "GET" if options.data is None else "POST")
    options.data = None if options.data is None else b"&".join(options.data)
    if options.data is not None and "content-type" not in {name.lower() for name, _ in options.headers}:
        options.headers.append(("Content-Type", FORM))
    try:
        make_request(options.method, parse_url(options.urls[0]), options.headers, options.data)
    except (ValueError, TypeError) as error:
        parser.error(str(error))


def on_terminate(signum: int, frame: object) -> None:
    raise Terminated


def main() -> int:
    signal.signal(signal.SIGTERM, on_terminate)
    signal.signal(signal.SIGINT, INTERRUPT)
    try:
        options = parse()
        with Reactor() as reactor:
            return Program(reactor, options).run()
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated:
        return TERMINATED


if __name__ == "__main__":
    sys.exit(main())
