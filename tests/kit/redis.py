"""Starts, stops, kills and empties a redis-server (or valkey-server) for tests, on a port of its own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress

import pytest

from tests.kit.ports import HeldPort
from tests.kit.tls import CERTIFICATES

DEADLINE = 60  # seconds of real time for it to answer: a loaded machine


def find_redis():
    """The program. Skips the test where there is none."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    return program


class RedisServer:
    """One server; `start` it again after `kill`, with other options if need be."""

    def __init__(self, program, directory, *options, tls=False):
        self.program = program
        self.directory = directory
        self._held = [HeldPort() for _ in range(1 + tls)]  # it comes back to the very port after it was killed
        self.port, *more = (held.number for held in self._held)
        self.tls_port = more[0] if tls else None
        self.process = None
        self.start(*options)

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def words(self):
        """The command line."""
        words = [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.directory),
                 "--save", "", "--appendonly", "no", "--loglevel", "warning"]  # fmt: skip
        if self.tls_port:
            words += ["--tls-port", str(self.tls_port), "--tls-auth-clients", "no",
                      "--tls-cert-file", str(CERTIFICATES / "localhost.pem"),
                      "--tls-key-file", str(CERTIFICATES / "localhost.pem"),
                      "--tls-ca-cert-file", str(CERTIFICATES / "ca.pem")]  # fmt: skip
        return words

    def start(self, *options):
        words = [*self.words(), *options]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + DEADLINE
        while True:
            assert self.process.poll() is None, "redis-server ended at once"
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self):
        self.kill()
        for held in self._held:
            held.close()

    def stop(self):
        """It hangs, with all its connections open."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def command(self, *words):
        """What a person types into redis-cli; gives the raw answer, b"" where the server cuts its clients off.

        It does so when it is promoted: https://redis.io/docs/latest/develop/reference/sentinel-clients/
        """
        command = b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%b\r\n" % (len(word), word) for word in (str(word).encode() for word in words)
        )
        with suppress(ConnectionResetError), socket.create_connection(("127.0.0.1", self.port), DEADLINE) as sock:
            sock.sendall(command)
            return sock.recv(1 << 16)
        return b""


class RedisSentinel(RedisServer):
    """Watches the server on `port` by the name of mymaster."""

    def __init__(self, program, directory, port):
        self.file = directory / "sentinel.conf"
        self.file.write_text(
            f"sentinel monitor mymaster 127.0.0.1 {port} 1\nsentinel down-after-milliseconds mymaster 300\n"
            "sentinel failover-timeout mymaster 2000\n"
        )
        super().__init__(program, directory)

    def words(self):
        return [self.program, str(self.file), "--sentinel", "--port", str(self.port), "--bind", "127.0.0.1"]
