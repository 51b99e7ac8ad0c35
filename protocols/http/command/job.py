"""One URL on its way to its output: a file, or its turn on standard output."""

from __future__ import annotations

import os
from concurrent.futures import Future
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ...places import check_place
from ..client.downloads.download import WHOLE, Download, DownloadError
from ..client.redirect import TooManyRedirects, is_redirect, turns_to_get
from ..client.response import Response
from ..dates import http_date
from ..errors import HTTPError
from ..url import parse_url
from . import body, messages
from .names import name_of_answer, name_of_url
from .options import REMOTE
from .retries import Retries, TryAgain
from .terminal import TerminalText

if TYPE_CHECKING:
    import argparse

    from .output import Queue
    from .progress import Progress


class StatusError(HTTPError):
    """A 4xx or 5xx, and --fail was given."""


class HeadIsAll(HTTPError):
    """What was asked for has come, and the rest is not waited for."""


class Job:
    """What becomes of one URL. The program begins it, again where that may help, and is told of its end."""

    def __init__(self, url: str, position: int, options: argparse.Namespace, queue: Queue, progress: Progress) -> None:
        self.url = url
        self.position = position
        self.options = options
        self.began = self.answered = 0.0
        self.retries: Retries | None = None
        self.download: Download | None = None
        self.response: Response | None = None
        self.error: Exception | None = None
        self.path: str | None = None
        """The file that it goes to, once that is known."""
        self.received = 0
        self.why_not_again = ""
        """For a message: why there was no other try, where one was asked for."""
        self._queue = queue
        self._progress = progress
        self._body: bytes | IO[bytes] | None = None
        self._has_shown = False
        self._stays = False  # the file that is there: nothing comes for it
        self._is_rest = False  # its status is about what was there already
        self._text = TerminalText() if queue.is_terminal and options.outputs[position] is None else None
        output = options.outputs[position]
        if output is REMOTE and not options.remote_header_name:
            self.path = self._place(str(name_of_url(url)))
        elif output not in (None, "-", REMOTE):
            self.path = self._place(output)

    def _place(self, name: str) -> str:
        return os.path.join(self.options.output_dir, name) if self.options.output_dir else name

    # -- the request --------------------------------------------------------------------------------------------

    def prepare(self) -> tuple[list[Any], bytes | IO[bytes] | None]:
        """The fields and the body of the next try. Raises OSError, and DownloadError for a file that is in use."""
        options = self.options
        if self.path is not None and self.download is None:
            self._open_download(self.path)
        self._close_body()
        self._body = body.content(options)
        given = {name.lower() for name, _ in options.headers}
        fields = WHOLE if options.remote_header_name else {}
        if self.download is not None:
            fields = self.download.fields
        if options.compressed:
            fields = {name: value for name, value in fields.items() if name != "Accept-Encoding"}
        return [*options.headers, *(pair for pair in fields.items() if pair[0].lower() not in given)], self._body

    def _open_download(self, path: str) -> None:
        options = self.options
        if options.create_dirs:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        takes_parts = any(name.lower() == "range" for name, _ in options.headers)
        self.download = Download(path, self.url, resume=options.resume, takes_parts=takes_parts)

    def _close_body(self) -> None:
        if self._body is not None and not isinstance(self._body, bytes):
            self._body.close()
        self._body = None

    # -- the answer ---------------------------------------------------------------------------------------------

    def on_head(self, response: Response) -> None:
        """Raises HTTPError for an answer that is not wanted."""
        options = self.options
        usable = self.download is not None and self.download.can_use(response.status)
        if not usable and self.retries is not None and self.retries.wants_another(response):
            raise TryAgain(response, messages.status_line(response))
        self.response = response
        if self.retries is not None:
            self.answered = self.retries.clock()
        self._is_rest = usable
        if options.include or options.head:
            self._show(messages.head_text(response, for_terminal=self._text is not None))
        if options.dump_header is not None:
            self._dump_head(response)
        if options.max_redirs == 0 and not options.no_redirect and is_redirect(response.status, response.headers):
            raise TooManyRedirects(0, parse_url(response.url))
        if options.fail and response.status >= 400 and not usable:
            raise StatusError(messages.status_line(response))
        if options.head and options.method != "HEAD":
            raise HeadIsAll  # some servers refuse HEAD, and tell the same for GET
        if options.remote_header_name and self.download is None:
            self._name_by(response)
        self._stays = response.status == 304 or options.head  # its conditions were the user's (RFC 9110, 15.4.5)
        if self.download and not self._stays:
            self.download.on_head(response)
        self._progress.expect(response, self.download.offset if self.download else 0)

    def _name_by(self, response: Response) -> None:
        """-J: the name that the server gives, or else the one in the URL."""
        name = name_of_answer(response.headers) or name_of_url(self.url)
        if name is None:
            raise DownloadError("neither the answer nor the URL has the name of a file: give -o FILE")
        path = self._place(name)
        if os.path.lexists(path):
            raise DownloadError(f"{path} is there already, and -J overwrites nothing")
        self.path = path
        self._open_download(path)

    def _dump_head(self, response: Response) -> None:
        if self.options.dump_header == "-":
            return self._show(messages.head_text(response, for_terminal=self._queue.is_terminal))
        path = self.options.dump_header
        try:
            check_place(path)
            with open(path, "ab" if self.options.has_dumped else "wb") as file:
                file.write(messages.head_text(response, for_terminal=False))
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None  # a full disk does not say which file
        self.options.has_dumped = True

    def on_data(self, data: bytes) -> None:
        """Some content."""
        self.received += len(data)
        self._progress.advance(len(data))
        if self.download:
            if not self._stays:
                self.download.write(data)
        else:
            self._show(data if self._text is None else self._text.feed(data))

    def _show(self, data: bytes) -> None:
        self._has_shown = self._has_shown or bool(data)
        self._queue.write(self.position, data)

    # -- the end ------------------------------------------------------------------------------------------------

    def take_result(self, future: Future[Response]) -> None:
        """All has come. Raises what was in the way: HTTPError, OSError."""
        self._close_body()
        if not isinstance(future.exception(), HeadIsAll):
            future.result()
        if self._text is not None:
            self._show(self._text.finish())
        if self.download and self._stays:
            self.download.abandon()
        elif self.download:
            self.download.complete()
            if not self.download.must_restart:
                self._set_time()

    def _set_time(self) -> None:
        """-R."""
        when = http_date(self.response.headers.get("last-modified") or "") if self.response else None
        if self.options.remote_time and when is not None and self.path is not None:
            os.utime(self.path, (when, when))

    def wants_another_request(self) -> bool:
        """What was there could not be continued: all of it is to be fetched."""
        if self.download is None or not self.download.must_restart:
            return False
        self.download.restart()
        return True

    def pause_before_next_try(self, error: Exception) -> float | None:
        """Seconds; None where no other try may help, or would show twice what was shown."""
        pause = None if self.retries is None else self.retries.pause(error)
        if pause is not None and self._has_shown:
            self.why_not_again = "; not tried again, for a part is printed already: -o FILE would have none of it"
            return None
        return pause

    def abandon(self) -> str:
        """Give up what came. What to say of what is kept."""
        self._close_body()
        download = self.download
        if download is None:
            return ""
        part = download.part_path
        download.abandon()
        self.download = None
        if not download.kept or part is None:
            return ""
        near = os.path.relpath(part)
        where = part if near.startswith("..") else near
        return f"kept {messages.size(download.kept)} in {where}; the same command goes on"

    def hint(self) -> str:
        """What somebody may not have meant; "" for nothing."""
        response = self.response
        if (
            response is None
            or response.status < 400
            or self.path is None
            or self._is_rest
            or self.options.fail_with_body
        ):
            return ""
        return f"{messages.status_line(response)}: {self.path} is what came with it (-f would refuse it)"

    def values(self, now: float, retries: int) -> dict[str, object]:
        """For -w."""
        response = self.response
        seconds = max(0.0, now - self.began)
        status = "000" if response is None else f"{response.status:03}"
        method = self.options.method
        for past in [] if response is None else response.history:
            method = "GET" if turns_to_get(method, past.status) else method
        redirected = response is not None and 300 <= response.status < 400
        return {
            "content_type": (response and response.headers.get("content-type")) or "",
            "errormsg": "" if self.error is None else messages.one_line(str(self.error)),
            "exitcode": 0 if self.error is None else 1,
            "filename_effective": self.path or "",
            "http_code": status,
            "response_code": status,
            "http_version": "0" if response is None else response.version,
            "method": method,
            "num_redirects": 0 if response is None else len(response.history),
            "num_retries": retries,
            "redirect_url": response.headers.get("location", "") if response is not None and redirected else "",
            "scheme": messages.shown(self.url).partition(":")[0],
            "size_download": self.received,
            "speed_download": int(self.received / seconds) if seconds else 0,
            "time_starttransfer": f"{max(0.0, self.answered - self.began):.6f}",
            "time_total": f"{seconds:.6f}",
            "url": messages.shown(self.url),
            "url_effective": messages.shown(self.url) if response is None else response.url,
            "urlnum": self.position,
        }
