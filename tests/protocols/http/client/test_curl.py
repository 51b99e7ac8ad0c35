"""curl and our fetch agree on what is awkward, and legal."""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from protocols.http import get

CURL = shutil.which("curl")
pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
RAW = zlib.compressobj(wbits=-15)
ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",  # no reason, and no space before it
    b"HTTP/1.1 200 \r\ncontent-LENGTH:5   \r\n\r\nhello",
    b"HTTP/1.1 299 Whatever this is\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",  # bare line feeds
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n\r\nat last",
    b"HTTP/1.1 200 OK\r\nX-Long: one\r\n two\r\n\tthree\r\nContent-Length: 2\r\n\r\nok",  # obs-fold
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"5\r\nhello\r\n0006; name=value\r\n again\r\n0\r\nX-Trailer: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n" + CHUNKED + b"A\r\n0123456789\r\n0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone",
    b"HTTP/1.1 302 Found\r\nContent-Length: 4\r\n\r\nhere",  # to nowhere
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    + gzip.compress(b"packed"),  # one member: of two, curl forgets the second
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + zlib.compress(b"zlib"),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + RAW.compress(b"raw") + RAW.flush(),
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n",
]


@pytest.fixture
def port() -> Iterator[int]:
    """A server that answers `/n` with the n-th answer, each on a connection of its own."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock, sock.makefile("rb") as request:
                number = int(request.readline().split()[1][1:])
                while request.readline().strip():
                    pass
                sock.sendall(ANSWERS[number])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def test_curl_agrees(port: int, tmp_path: Path) -> None:
    urls = f"http://127.0.0.1:{port}/[0-{len(ANSWERS) - 1}]"
    command = [str(CURL), "-q", "-s", "--noproxy", "*", "--compressed", "-w", "%{http_code}\\n", "-o", f"{tmp_path}/#1"]
    done = subprocess.run([*command, urls], capture_output=True, text=True, timeout=30, check=False)
    theirs = [
        (int(status), path.read_bytes() if (path := tmp_path / str(number)).exists() else b"")
        for number, status in enumerate(done.stdout.split())
    ]
    responses = [get(f"http://127.0.0.1:{port}/{number}", proxy=False) for number in range(len(ANSWERS))]
    assert [(response.status, response.body) for response in responses] == theirs
