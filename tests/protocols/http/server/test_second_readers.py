"""Others read the same bytes: h11 and nginx, where they are installed. Where they differ, the RFC is named."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

from protocols.http.server import EventStream, Server
from protocols.websocket import WebSocket
from protocols.websocket.frames import TEXT, pack
from reactor import Reactor
from tests.kit.documents import ROOT
from tests.kit.ports import HeldPort
from tests.kit.tls import CERTIFICATES, client_context

from .kit import answers
from .rows import ROWS, ask

try:
    import h11
except ImportError:
    h11 = None

NGINX = shutil.which("nginx")

TAKEN = {
    "one empty line before (2.2)": "9112 2.2: a server SHOULD ignore at least one",
    "an empty line in between": "the same",
}
"""What h11 refuses and we answer."""

REFUSED = {
    "CONNECT": "9112 3.2.3: we are no proxy, and an authority is no path",
    "GET *": "9112 3.2.4: of OPTIONS only",
    "GET of an authority": "9112 3.2: origin-form, or absolute-form of http and https",
    "GET without a slash": "the same",
    "another scheme": "the same",
    "a scheme that is code": "the same",
    "the absolute form": "9110 4.2.1 and 4.2.4: a host, and no userinfo",
    "a fragment": "9112 3.2.1: a target has none",
    "a percent sign": "3986 2.1",
    "half a percent code": "the same",
    "an encoded NUL": "3986 2.3: no name of a file has it",
    "above the root": "3986 5.2.4 would drop it; nobody who means well asks for it",
    "a method without end": "9112 3: a server MAY refuse a method that is longer than any it implements",
    "SSH": "the beginning is no request: h11 waits for its end",
    "a Redis command": "the same",
    "obs-fold": "9112 5.2: a server MUST reject it or replace it",
    "a bare LF": "9112 2.2: a recipient MAY take it for a line end; what one reader does and another not is smuggled",
    "bare LF": "the same",
    "a trailer with a bare LF": "the same",
    "Host '": "9112 3.2: an invalid field value MUST be answered with 400",
    "a Host that is none": "the same",
    "CL and TE": "9112 6.1: a server MAY reject it; the request behind it must not be answered",
    "TE and CL": "the same",
    "good, then smuggled": "the same",
    "TE of HTTP/1.0": "9112 6.1: the framing is faulty, and the connection to be closed",
}
"""What h11 takes, or waits on, and we refuse; by the beginning of the row's name."""


def h11_refuses(raw):
    """Whether h11, as a server, finds a fault in one connection's bytes; None: it waits for more."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(raw)
    try:
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                return None if connection.their_state not in (h11.IDLE, h11.DONE) else False
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                return False
            if getattr(event, "method", b"") == b"CONNECT":
                return False
            if isinstance(event, h11.EndOfMessage):
                connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    return False
                connection.start_next_cycle()
    except h11.RemoteProtocolError:
        return True


@pytest.mark.skipif(h11 is None, reason="h11 is not installed")
def test_h11_finds_no_fault_in_what_is_answered():
    """Where the status is about the bytes, and not a bound, a coding or a version of ours."""
    ours = {413, 414, 417, 431, 501, 505}
    faults = {row.name for row in ROWS if not {400, *ours} & {*row.statuses} and h11_refuses(row.raw)}
    assert faults == {*TAKEN}


@pytest.mark.skipif(h11 is None, reason="h11 is not installed")
def test_what_is_refused_and_h11_takes_has_its_reason():
    taken = [row.name for row in ROWS if 400 in row.statuses and h11_refuses(row.raw) is False]
    assert [name for name in taken if not name.startswith(tuple(REFUSED))] == []
    assert [start for start in REFUSED if not any(name.startswith(start) for name in taken)] == []


# -- nginx in front -----------------------------------------------------------------------------------------------

CONF = """
daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; default_type text/plain;
    client_body_temp_path {here}/a; proxy_temp_path {here}/b; fastcgi_temp_path {here}/c; uwsgi_temp_path {here}/d;
    scgi_temp_path {here}/e;
    {block}
}}
"""
BLOCK = re.compile(r"^```text\n(upstream .*?)^```$", re.DOTALL | re.MULTILINE)


def what_the_readme_says(port, backend):
    """Its block for nginx, with this test's ports and certificate."""
    block = BLOCK.search((ROOT / "protocols" / "http" / "README.md").read_text())[1]
    certificate = str(CERTIFICATES / "localhost.pem")
    for theirs, ours in {
        "127.0.0.1:8000": f"127.0.0.1:{backend}", "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl/site.pem": certificate, "/etc/ssl/site.key": certificate,
    }.items():  # fmt: skip
        assert block.count(theirs) == 1
        block = block.replace(theirs, ours)
    return block


class Echo(WebSocket):
    def text_received(self, text):
        self.send(text)


class Behind:
    """A site in a thread, and nginx in front of it."""

    def __init__(self, here, make):
        self.reactor = Reactor(watchdog=0)
        self.site = Server(self.reactor)
        make(self.site)
        backend = self.site.listen("127.0.0.1", 0).port
        self.thread = threading.Thread(target=self.reactor.run)
        self.thread.start()
        self._held = HeldPort()
        self.port = self._held.number
        block = what_the_readme_says(self.port, backend)
        (here / "conf").write_text(CONF.format(here=here, block=block))
        self.nginx = subprocess.Popen([NGINX, "-e", here / "error.log", "-c", here / "conf"], stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.dial().close()
                return
            except ConnectionRefusedError:
                assert self.nginx.poll() is None
                time.sleep(0.02)

    def dial(self):
        sock = socket.create_connection(("127.0.0.1", self.port), 10)
        return client_context().wrap_socket(sock, server_hostname="localhost")

    def close(self):
        self.nginx.terminate()
        self.nginx.wait(10)
        self._held.close()
        self.reactor.call_soon_threadsafe(self.reactor.stop)
        self.thread.join(10)
        self.reactor.close()


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    if NGINX is None:
        pytest.skip("nginx is not installed")
    here = tmp_path_factory.mktemp("nginx")
    here.chmod(0o755)

    def make(site):
        site.route("GET", "/hello", lambda request: f"{request.headers['host']} {request.version}")
        site.route("POST", "/echo", lambda request: request.body, max_body=8 << 20)
        site.route("GET", "/stream", lambda request: (f"piece {n}\n" for n in range(10)))
        site.route("GET", "/events", lambda request: EventStream(request).send("at once"))
        site.route("GET", "/from", lambda request: request.headers["x-forwarded-for"])
        site.route("GET", "/socket", Echo)

    behind = Behind(here, make)
    yield behind
    behind.close()


def say(behind, raw):
    with behind.dial() as sock:
        sock.sendall(raw)
        sock.settimeout(10)
        data = b""
        while piece := sock.recv(1 << 16):
            data += piece
        return answers(data)


def test_behind_nginx(behind):
    close = "Connection: close"
    (hello,) = say(behind, ask("GET /hello HTTP/1.1", close, host=f"Host: 127.0.0.1:{behind.port}"))
    assert hello.body == f"127.0.0.1:{behind.port} 1.1".encode()
    body = bytes(range(256)) * 8000
    (echo,) = say(behind, ask("POST /echo HTTP/1.1", close, f"Content-Length: {len(body)}", body=body))
    assert echo.body == body
    (stream,) = say(behind, ask("GET /stream HTTP/1.1", close))
    assert stream.body.count(b"\n") == 10
    (refused,) = say(behind, ask("POST /echo HTTP/1.1", close, "Content-Length: 9000000", body=bytes(9_000_000)))
    assert refused.status == 413


def test_nginx_tells_who_asks(behind):
    (told,) = say(behind, ask("GET /from HTTP/1.1", "X-Forwarded-For: 1.2.3.4", "Connection: close"))
    assert told.body == b"127.0.0.1"


@pytest.mark.parametrize(("scheme_and_host", "status"), [("https://localhost", 101), ("https://elsewhere", 403)])
def test_a_websocket_through_nginx(behind, scheme_and_host, status):
    """A page of the site as the browser knows it may connect, and no other."""
    fields = [
        f"Origin: {scheme_and_host}:{behind.port}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]  # fmt: skip
    with behind.dial() as sock:
        sock.sendall(ask("GET /socket HTTP/1.1", *fields, host=f"Host: localhost:{behind.port}"))
        stream = sock.makefile("rb")
        assert stream.readline().split()[1] == b"%d" % status
        if status == 101:
            while stream.readline() != b"\r\n":
                pass
            sock.sendall(pack(TEXT, b"hello", key=b"1234"))
            assert stream.read(7) == pack(TEXT, b"hello")


def test_events_pass_nginx_at_once(behind):
    """It collects nothing: X-Accel-Buffering says so."""
    with behind.dial() as sock:
        sock.sendall(ask("GET /events HTTP/1.1"))
        sock.settimeout(5)
        data = b""
        while b"data: at once" not in data:
            data += sock.recv(1 << 16)


def test_many_through_few(behind):
    """Kept connections of nginx: a hundred requests by eight connections at most, none lost to a race."""
    bodies = {say(behind, ask("GET /hello HTTP/1.1", "Connection: close"))[0].status for _ in range(100)}
    assert bodies == {200}
    assert len(behind.site._connections) <= 9
