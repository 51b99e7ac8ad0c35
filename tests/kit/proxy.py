"""A line to somewhere that a test may cut, hold up, or fill with noise."""

from __future__ import annotations

import select
import socket
import threading


class Proxy:
    """Forwards TCP to `port`, in a thread.

    cut: connections are reset and refused. held: they are taken, and nothing passes. noise: bytes that clients get.
    """

    def __init__(self, port):
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs = []
        self._lock = threading.Lock()
        self.port = self._listener.getsockname()[1]
        self.accepted = 0
        self.is_cut = self.is_held = False
        self.noise = b""
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cut(self):
        self.is_cut = True
        self._drop()

    def hold(self):
        self.is_held = True

    def heal(self):
        """All passes again; what was on a line that was held is gone with it, as after a router's restart."""
        self._drop()
        self.is_cut = self.is_held = False
        self.noise = b""

    def say(self, noise):
        """Every client gets this, now and when it comes."""
        self.noise = noise
        with self._lock:
            for client, _ in self._pairs:
                self._send(client, noise)

    def _drop(self):
        with self._lock:
            for pair in self._pairs:
                for sock in pair:
                    sock.close()
            self._pairs.clear()

    def _send(self, sock, data):
        try:
            sock.sendall(data)
        except OSError:
            pass

    def _run(self):
        while not self._over:
            with self._lock:
                ways = {a.fileno(): (a, b) for pair in self._pairs for a, b in (pair, pair[::-1])}
            try:
                ready, _, _ = select.select([self._listener, *(() if self.is_held else ways)], [], [], 0.02)
            except (OSError, ValueError):
                continue  # one was closed meanwhile
            for fd in ready:
                if fd is self._listener:
                    self._accept()
                else:
                    self._forward(*ways[fd])

    def _accept(self):
        client, _ = self._listener.accept()
        self.accepted += 1
        if self.is_cut:
            return client.close()
        client.settimeout(5)
        self._send(client, self.noise)
        try:
            server = socket.create_connection(("127.0.0.1", self._target), 5)
        except OSError:
            return client.close()
        with self._lock:
            self._pairs.append((client, server))

    def _forward(self, source, target):
        try:
            data = source.recv(65536)
            if data:
                return target.sendall(data)
        except OSError:
            pass
        with self._lock:
            self._pairs = [pair for pair in self._pairs if source not in pair]
        source.close()
        target.close()

    def close(self):
        self._over = True
        self._thread.join(2)
        self._listener.close()
        self._drop()
