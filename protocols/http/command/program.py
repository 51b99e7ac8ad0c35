"""All the URLs of one command line, some of them at once: begun, tried again, told of, and the exit status."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import Future
from functools import partial
from http.cookiejar import CookieJar
from typing import Any

from reactor import Reactor, attempt
from reactor.serving import complain, program

from ...text.sanitize import sanitize
from ..client.client import Client
from ..client.cookies import make_jar
from ..client.failures import CallbackFailed
from ..client.guard import Guard
from ..client.response import Response
from ..client.timeouts import FetchTimeouts
from ..errors import HTTPError
from . import cookie_file, messages
from .ends import INTERRUPTED, EndingSignals, Terminated
from .job import Job
from .options import parse
from .output import Queue, StdoutFailed, write_stdout
from .progress import Progress
from .retries import Retries
from .values import typed
from .write_out import write_out

AT_ONCE = 16  # fetches under way: enough to keep a network busy, few enough for anybody's descriptors


class Program:
    """All the URLs of one command line."""

    def __init__(self, reactor: Reactor, options: argparse.Namespace) -> None:
        self.reactor = reactor
        self.options = options
        self.status = 0
        self.over: Future[None] = Future()
        self.queue = Queue(len(options.urls))
        to_files = all(output not in (None, "-") for output in options.outputs)
        shown = not options.quiet and (to_files or not self.queue.is_terminal)
        self.progress = Progress(reactor, shown)
        self.jar = self._load_cookies()
        self.client = Client(
            reactor,
            tls=options.tls,
            proxy=options.choose_proxy,
            guard=OneFamily(options) if options.ipv4 or options.ipv6 else None,
            cookies=self.jar,
        )
        jobs = [Job(url, at, options, self.queue, self.progress) for at, url in enumerate(options.urls)]
        self._waiting = jobs[::-1]
        # Who asks for a jar may log in with the first URL, and need its cookies for the second.
        with_jar = options.cookie_jar is not None or any("=" not in text for text in options.cookie or ())
        self._at_once = 1 if with_jar else AT_ONCE
        self._under_way: set[Job] = set()
        self._leaving = False
        self._timeouts = self._make_timeouts()

    def run(self) -> int:
        """Until all are fetched, or have failed."""
        try:
            self._begin_more()
            self.reactor.run_until(self.over)
        finally:
            self._leaving = True
            self.progress.end()
            for job in self._under_way:
                if kept := job.abandon():
                    complain(f"{program()}: {kept}")
            self.queue.close()
            self._save_cookies()
        return self.status

    def _make_timeouts(self) -> FetchTimeouts:
        total, connect = self.options.timeout, self.options.connect_timeout
        if total is None:
            return FetchTimeouts(total=None) if connect is None else FetchTimeouts(total=None, connect=connect)
        return FetchTimeouts(total=total, connect=connect, first_byte=None, idle=None)

    # -- cookies ------------------------------------------------------------------------------------------------

    def _load_cookies(self) -> CookieJar:
        """One jar for all URLs. Raises OSError."""
        jar = make_jar()
        for path in self.options.cookie_files:
            if not cookie_file.load_cookies(jar, path):
                complain(f"{program()}: there is no cookie in {path}, but something else: -c FILE writes what -b reads")
        if self.options.junk_session_cookies:
            jar.clear_session_cookies()
        return jar

    def _save_cookies(self) -> None:
        path = self.options.cookie_jar
        if path is None:
            return
        try:
            if path == "-":
                write_stdout(cookie_file.cookie_text(self.jar).encode(cookie_file.AS_SENT))
            else:
                cookie_file.save_cookies(self.jar, path)
        except StdoutFailed as error:
            self._give_up(error)
        except OSError as error:
            self._fail_with(f"cannot write {path}: {error.strerror or error}")

    # -- fetching -----------------------------------------------------------------------------------------------

    def _begin_more(self) -> None:
        while self._waiting and len(self._under_way) < self._at_once:
            job = self._waiting.pop()
            job.began = self.reactor.time()
            job.retries = Retries(self.options, self.reactor.time)
            self._under_way.add(job)
            self._begin(job)

    def _begin(self, job: Job) -> None:
        options = self.options
        try:
            fields, content = job.prepare()
        except (OSError, HTTPError) as error:  # the file of -o, that of -T
            return self._on_failed(job, error)
        self.client.fetch(
            job.url,
            method=options.method,
            headers=fields,
            body=content,
            timeout=self._timeouts,
            max_redirects=0 if options.no_redirect else options.max_redirs,
            max_body=options.max_body,
            on_head=job.on_head,
            on_data=job.on_data,
            allow_downgrade=options.allow_downgrade,
            trace=self._trace if options.verbose else None,
        ).add_done_callback(partial(self._on_done, job))

    def _trace(self, line: str) -> None:
        self.progress.clear()
        complain(messages.safe(line))

    def _on_done(self, job: Job, future: Future[Response]) -> None:
        if self._leaving:
            return
        _, error = attempt(self._settle, job, future)
        if error is not None and not self.over.done():
            self.over.set_exception(error)  # a defect of ours: a future would only log it, and nothing would end us

    def _settle(self, job: Job, future: Future[Response]) -> None:
        try:
            job.take_result(future)
        except (HTTPError, OSError) as error:
            return self._on_failed(job, error)
        if job.wants_another_request():
            return self._begin(job)
        if (hint := job.hint()) and not self.options.quiet:
            self._say(job, hint)
        if self.options.fail_with_body and job.response is not None and job.response.status >= 400:
            self.status = 1
            self._say(job, f"{messages.status_line(job.response)} ({job.received} bytes received)")
        self._on_finished(job)

    def _on_failed(self, job: Job, error: HTTPError | OSError) -> None:
        if isinstance(error, StdoutFailed):
            return self._give_up(error)
        kept = job.abandon()
        wait = job.pause_before_next_try(error)
        reason = one_line(error, job)
        if wait is not None:
            if not self.options.quiet:
                self._say(job, f"{reason}: trying again in {wait:g} s")
            self.reactor.call_later(wait, self._begin, job)
            return
        job.error = error
        self.status = 1
        received = getattr(error, "received", 0)
        more = messages.remedy(error, proxy="with the proxy" in reason) + job.why_not_again
        self._say(job, f"{reason}{more} ({received} bytes received)" + (f"; {kept}" if kept else ""))
        self._on_finished(job)

    def _on_finished(self, job: Job) -> None:
        self._under_way.discard(job)
        try:
            if self.options.write_out is not None:
                retries = 0 if job.retries is None else job.retries.used
                line = write_out(self.options.write_out, job.values(self.reactor.time(), retries))
                self.queue.write(job.position, typed(sanitize_lines(line) if self.queue.is_terminal else line))
            self.queue.finish(job.position)
        except StdoutFailed as error:
            return self._give_up(error)
        if self._waiting:
            self.reactor.call_soon(self._begin_more)  # soon: the next may fail at once as well, and the one after it
        elif not self._under_way and not self.over.done():
            self.over.set_result(None)

    def _give_up(self, error: StdoutFailed) -> None:
        """Nobody sees the rest."""
        self.status = 1
        if not error.quiet:
            self._fail_with(str(error))
        if not self.over.done():
            self.over.set_result(None)

    def _say(self, job: Job, text: str) -> None:
        self.progress.clear()
        complain(f"{program()}: {messages.shown(job.url)}: {text}")

    def _fail_with(self, text: str) -> None:
        self.status = 1
        self.progress.clear()
        complain(f"{program()}: {text}")


class OneFamily(Guard):
    """-4 and -6: only addresses of one kind are connected to."""

    def __init__(self, options: argparse.Namespace) -> None:
        super().__init__(trust_proxy=True)
        self._wanted = "IPv4" if options.ipv4 else "IPv6"

    def check_connect(self, address: Any) -> None:
        """See `Guard`."""
        if (":" in address[0]) == (self._wanted == "IPv4"):
            raise OSError(None, f"not an {self._wanted} address")

    def check_proxied(self, host: str, port: int) -> None:
        """The proxy chooses."""


def one_line(error: HTTPError | OSError, job: Job) -> str:
    """Why, without anything that a server could do to a terminal with it."""
    cause = error.__cause__
    reason = str(error)
    if isinstance(error, OSError) and not isinstance(error, HTTPError):
        reason = f"cannot {about(error, job)}: {error.strerror or error}"
    elif isinstance(cause, OSError) and isinstance(error, CallbackFailed):
        reason = f"cannot {about(cause, job)}: {cause.strerror or cause}"
    return messages.one_line(reason)


def about(error: OSError, job: Job) -> str:
    """What could not be done with which file."""
    name = None if error.filename is None else os.fsdecode(error.filename)
    if name == job.options.upload and name is not None:
        return f"read {name}"
    if name == job.options.dump_header and name is not None:
        return f"write {name}"
    return f"write {job.path}"


def sanitize_lines(text: str) -> str:
    """-w on a terminal: a server's words are in it."""
    return "\n".join(sanitize(line) for line in text.split("\n"))


def main(arguments: list[str] | None = None) -> int:
    """Run it with the process's arguments, and give the exit status. SystemExit is raised for a bad argument."""
    with EndingSignals():
        try:
            options = parse(sys.argv[1:] if arguments is None else arguments)
            with Reactor(watchdog=0) as reactor:  # a pipe whose reader takes its time holds nobody else up
                return Program(reactor, options).run()
        except OSError as error:
            complain(f"{program()}: {os.fsdecode(error.filename or b'')}: {error.strerror or error}")
            return 1
        except KeyboardInterrupt:
            return INTERRUPTED
        except Terminated as end:
            return end.status
