"""Fetching from a real nginx, where one is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time

import pytest

from protocols.http import Client, Headers, content_range, fetch, get, rest_after, strong_validator
from reactor import Reactor
from tests.kit.ports import HeldPort

NGINX = shutil.which("nginx")
pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")

CONF = """
daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off; gzip on; gzip_types text/plain; default_type text/plain;
    client_body_temp_path {here}/a; proxy_temp_path {here}/b; fastcgi_temp_path {here}/c; uwsgi_temp_path {here}/d;
    scgi_temp_path {here}/e;
    server {{ listen 127.0.0.1:{port}; root {here}/html; location /away {{ return 301 /page; }} }}
}}
"""
PAGE = "hello 你好\n".encode() * 5000


@pytest.fixture(scope="module")
def nginx(tmp_path_factory):
    here = tmp_path_factory.mktemp("nginx")
    here.chmod(0o755)
    (here / "html").mkdir()
    (here / "html" / "page").write_bytes(PAGE)
    held = HeldPort()
    port = held.number
    (here / "conf").write_text(CONF.format(here=here, port=port))
    process = subprocess.Popen([NGINX, "-e", here / "error.log", "-c", here / "conf"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except ConnectionRefusedError:
            assert process.poll() is None
            time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)
    held.close()


def test_pages(nginx):
    response = get(f"{nginx}/away", proxy=False)
    assert response.body == PAGE
    assert response.text == PAGE.decode()
    assert response.headers["content-encoding"] == "gzip"
    assert [past.status for past in response.history] == [301]
    assert get(f"{nginx}/none", proxy=False).status == 404
    assert get(f"{nginx}/page", method="HEAD", proxy=False).body == b""
    assert get(f"{nginx}/page", method="POST", body=b"x", proxy=False).status == 405


def test_many_on_few_connections(nginx):
    with Reactor() as reactor, Client(reactor, proxy=False) as client:
        futures = [client.fetch(f"{nginx}/page?{n}") for n in range(100)]
        assert {reactor.run_until(future).body for future in futures} == {PAGE}
        assert reactor.stats()["connections"] <= 6


def test_the_rest(nginx):
    whole = get(f"{nginx}/page", headers={"Accept-Encoding": None}, proxy=False)
    validator = strong_validator(whole.headers)
    assert validator is not None
    fields = {"Accept-Encoding": "identity", **rest_after(1000, validator)}
    with Reactor() as reactor:
        rest = reactor.run_until(fetch(reactor, f"{nginx}/page", headers=Headers(fields), proxy=False))
    assert (rest.status, rest.body) == (206, PAGE[1000:])
    assert content_range(rest.headers) == (1000, len(PAGE) - 1, len(PAGE))
    changed = get(f"{nginx}/page", headers={"Range": "bytes=1000-", "If-Range": '"other"'}, proxy=False)
    assert (changed.status, changed.body) == (200, PAGE)
