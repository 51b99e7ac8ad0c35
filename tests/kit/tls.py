"""Contexts from the certificates beside this file, and a peer that speaks TLS over a raw socket, step by step."""

from __future__ import annotations

import ssl
from pathlib import Path

from reactor.testing import Recorder

CERTIFICATES = Path(__file__).parents[1] / "certificates"
ROOT = CERTIFICATES / "ca.pem"


def server_context(name="localhost", *, ask_client=False, alpn=()):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    if ask_client:
        context.load_verify_locations(ROOT)
        context.verify_mode = ssl.CERT_REQUIRED
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def client_context(name=None, *, alpn=(), version=None):
    context = ssl.create_default_context(cafile=str(ROOT))
    if name:
        context.load_cert_chain(CERTIFICATES / f"{name}.pem")
    if alpn:
        context.set_alpn_protocols(alpn)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


class Peer:
    """A TLS client (or server) on a raw socket. Nothing goes out before `flush`, so that a test can cut it anywhere."""

    def __init__(self, stage, sock, context, *, server_side=False, server_hostname="localhost"):
        self.stage, self.sock = stage, sock
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side, None if server_side else server_hostname)

    def pull(self):
        """Take what the reactor has sent."""
        self.incoming.write(self.stage.received(self.sock))

    def flush(self, cut=None):
        """Send what waits, in pieces of `cut` bytes with everything handled in between."""
        data = self.outgoing.read()
        for start in range(0, len(data), cut or max(1, len(data))):
            self.sock.sendall(data[start : start + (cut or len(data))])
            self.stage.reactor.settle()

    def shake(self, cut=None):
        """The whole handshake; the client's last flight waits to be flushed."""
        while True:
            try:
                self.tls.do_handshake()
                return self
            except ssl.SSLWantReadError:
                self.flush(cut)
                self.pull()

    def say(self, data):
        self.tls.write(data)
        self.flush()

    def hear(self):
        """All that was said so far; ends with None where close_notify was said."""
        self.pull()
        heard = []
        try:
            while data := self.tls.read(1 << 16):
                heard.append(data)
            heard.append(None)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            heard.append(None)
        said = b"".join(part for part in heard if part)
        return (said, None) if None in heard else said

    def end(self):
        """Say close_notify."""
        try:
            self.tls.unwrap()
        except ssl.SSLError:
            pass
        self.flush()


class Echo(Recorder):
    def data_received(self, data):
        super().data_received(data)
        self.transport.write(data)


def connect(stage, protocol, server=None, **options):
    """`protocol` connected to a listener with Echo."""
    listener = stage.serve(Echo, tls=server or server_context())
    options = {"tls": client_context(), "server_hostname": "localhost", **options}
    return stage.reactor.run_until(stage.reactor.connect_tcp(lambda: protocol, "127.0.0.1", listener.port, **options))
