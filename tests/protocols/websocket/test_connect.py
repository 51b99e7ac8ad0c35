"""A WebSocket as a client: against our own server in memory, through proxies, and against servers that do wrong."""

from __future__ import annotations

from concurrent.futures import CancelledError

import pytest

from protocols.http import AddressForbidden, Guard, HTTPError
from protocols.http.client.failures import ConnectionFailed, FetchTimeout, ProxyError
from protocols.http.server import Refusal
from protocols.websocket import HandshakeError, WebSocket, connect
from protocols.websocket.handshake import accept_key
from reactor import Protocol
from reactor.testing import Recorder
from tests.kit.tls import client_context, server_context

from .conftest import Echo


class Heard(WebSocket):
    """Writes down what comes."""

    def __init__(self):
        self.heard = []

    def text_received(self, text):
        self.heard.append(text)

    def binary_received(self, data):
        self.heard.append(data)


def dial(scene, url="ws://localhost/", factory=Heard, **options):
    options.setdefault("proxy", False)
    return scene.reactor.run_until(connect(scene.reactor, url, factory, **options))


class Asks(Echo):
    subprotocols = ("b", "a")

    def request_received(self, request):
        if request.path == "/closed":
            raise Refusal(403, "members only")
        self.asked = request


def test_messages_both_ways(scene):
    scene.serve(Asks)
    socket = dial(
        scene, "ws://ada:pw@localhost/chat?room=tea", subprotocols=["a", "b"], headers={"Origin": "http://localhost"}
    )
    server = scene.sockets[0]
    assert (socket.subprotocol, server.subprotocol) == ("a", "a")
    assert server.asked.query["room"] == "tea"
    assert server.asked.headers["authorization"].startswith("Basic ")
    long = "a long one " * 10_000
    for message in ("héllo", b"\0\xff", long, b""):
        socket.send(message)
    scene.reactor.settle()
    assert socket.heard == ["héllo", b"\0\xff", long, b""]
    assert server.transport.bytes_in < 5_000, "it is compressed"


def test_a_close_of_the_client(scene):
    scene.serve()
    socket = dial(scene)
    socket.close(4000, "enough")
    scene.reactor.settle()
    assert (scene.sockets[0].close_code, scene.sockets[0].close_reason) == (4000, "enough")
    assert socket.close_code == 4000
    assert socket.transport.is_closing()


def test_a_close_of_the_server(scene):
    scene.serve()
    socket = dial(scene)
    scene.sockets[0].close(1000, "done")
    scene.reactor.settle()
    assert (socket.close_code, socket.close_reason) == (1000, "done")
    assert socket.transport.is_closing()


def test_a_server_that_does_not_end_the_connection_is_not_waited_for(scene):
    recorder = Recorder(keep_open=True)
    scene.reactor.listen_tcp(lambda: recorder, "localhost", 80)
    future = connect(scene.reactor, "ws://localhost/", Heard, proxy=False)
    scene.reactor.settle()
    recorder.transport.write(opening(recorder.data) + b"\x81\x02hi\x88\x02\x03\xe8")
    socket = scene.reactor.run_until(future)
    scene.reactor.settle()
    assert socket.heard == ["hi"], "what comes with the head is not lost"
    assert not socket.transport.is_closing()
    scene.reactor.advance(5.1)
    assert socket.transport.is_closing()


def opening(request):
    key = next(line.split(b": ")[1] for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key"))
    accept = accept_key(key.decode())
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ).encode()


def test_frames_are_masked_each_with_a_key_of_its_own(scene):
    recorder = Recorder()
    scene.reactor.listen_tcp(lambda: recorder, "localhost", 80)
    future = connect(scene.reactor, "ws://localhost/", Heard, proxy=False)
    scene.reactor.settle()
    recorder.transport.write(opening(recorder.data))
    socket = scene.reactor.run_until(future)
    start = len(recorder.data)
    socket.send("same")
    socket.send("same")
    socket.ping()
    scene.reactor.settle()
    frames = recorder.data[start:]
    assert frames[:2] == frames[10:12] == b"\x81\x84"
    assert frames[2:10] != frames[12:20]
    assert frames[20:22] == b"\x89\x80"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", HandshakeError, "403"),
        (b"HTTP/1.1 200 OK\r\n\r\n", HandshakeError, "200"),
        (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", HandshakeError, "key"),
        (b"SSH-2.0-x\r\n", HTTPError, "not an HTTP"),
        (b"", HTTPError, "without an answer"),
    ],
)
def test_servers_that_do_not_open_one(scene, answer, error, text):
    class Answers(Protocol):
        def connection_made(self, transport):
            transport.write(answer)
            transport.close()

    scene.reactor.listen_tcp(Answers, "localhost", 80)
    with pytest.raises(error, match=text):
        dial(scene)
    scene.reactor.settle()
    assert not scene.reactor.connections()


def test_a_refusal_of_the_program(scene):
    scene.serve(Asks)
    with pytest.raises(HandshakeError) as failed:
        dial(scene, "ws://localhost/closed")
    assert failed.value.status == 403


def test_a_server_that_says_nothing(scene):
    scene.reactor.listen_tcp(Protocol, "localhost", 80)
    with pytest.raises(FetchTimeout, match="30 s"):
        dial(scene)


def test_nobody_is_there(scene):
    with pytest.raises(ConnectionFailed, match="refused"):
        dial(scene, "ws://localhost:81/")


@pytest.mark.loud
@pytest.mark.parametrize("where", ["factory", "connection_made"])
def test_what_the_program_raises_as_the_websocket_begins_is_told_at_once_and_ends_the_connection(scene, where):
    def fail(*args):
        raise ZeroDivisionError

    scene.serve()
    factory = fail if where == "factory" else type("Broken", (Heard,), {"connection_made": fail})
    future = connect(scene.reactor, "ws://localhost/", factory, proxy=False)
    scene.reactor.settle()
    assert isinstance(future.exception(timeout=0), ZeroDivisionError)
    assert all(socket.transport.is_closing() for socket in scene.sockets)


def test_an_attempt_can_be_cancelled(scene):
    scene.reactor.listen_tcp(Protocol, "localhost", 80)
    future = connect(scene.reactor, "ws://localhost/", proxy=False)
    scene.reactor.settle()
    assert future.cancel()
    scene.reactor.settle()
    scene.reactor.settle()
    assert not scene.reactor.connections()
    with pytest.raises(CancelledError):
        future.result()


@pytest.mark.parametrize(
    "url", ["http://localhost/", "localhost", "ws:", "ws://", "ws://a/#part", "ws://a b/", "ws://a/\n"]
)
def test_urls_that_are_none(scene, url):
    with pytest.raises(ValueError, match="URL"):
        connect(scene.reactor, url, proxy=False)


def test_headers_that_are_the_handshakes_own(scene):
    with pytest.raises(ValueError, match="own"):
        connect(scene.reactor, "ws://a/", headers={"Upgrade": "h2c"}, proxy=False)


class Tunnels(Protocol):
    """A proxy: answers CONNECT, and passes bytes on to the server."""

    asked = b""

    def __init__(self, scene, status=b"200 OK", port=80):
        self.scene = scene
        self.status = status
        self.port = port
        self.far = None

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self.far is not None:
            return self.far.transport.write(data)
        Tunnels.asked = data
        self.far = Recorder()
        self.far.data_received = self.transport.write
        done = self.scene.reactor.connect_tcp(lambda: self.far, "localhost", self.port)
        done.add_done_callback(lambda _: self.transport.write(b"HTTP/1.1 " + self.status + b"\r\n\r\n"))


def test_through_a_proxy_ws_asks_for_a_tunnel_too(scene):
    scene.serve()
    scene.reactor.listen_tcp(lambda: Tunnels(scene), "localhost", 3128)
    socket = dial(scene, "ws://localhost/", proxy="http://u:p@localhost:3128")
    assert Tunnels.asked.startswith(b"CONNECT localhost:80 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic " in Tunnels.asked
    socket.send("through")
    scene.reactor.settle()
    assert socket.heard == ["through"]


def test_a_proxy_that_refuses(scene):
    scene.serve()
    scene.reactor.listen_tcp(lambda: Tunnels(scene, b"403 No"), "localhost", 3128)
    with pytest.raises(ProxyError, match="403"):
        dial(scene, proxy="http://localhost:3128")


def test_tls(scene):
    scene.serve()
    scene.site.listen("localhost", 443, tls=server_context())
    socket = dial(scene, "wss://localhost/", tls=client_context())
    socket.send("secret")
    scene.reactor.settle()
    assert socket.heard == ["secret"]
    with pytest.raises(ConnectionFailed, match="certificate"):
        dial(scene, "wss://localhost/")


def test_tls_through_a_proxy(scene):
    scene.serve()
    scene.site.listen("localhost", 443, tls=server_context())
    scene.reactor.listen_tcp(lambda: Tunnels(scene, port=443), "localhost", 3128)
    socket = dial(scene, "wss://localhost/", tls=client_context(), proxy="http://localhost:3128")
    socket.send("secret")
    scene.reactor.settle()
    assert socket.heard == ["secret"]


def test_a_guard_is_asked(scene):
    scene.serve()
    with pytest.raises(AddressForbidden):
        dial(scene, "ws://127.0.0.1/", guard=Guard())


@pytest.mark.parametrize("wrong", [{"guard": Guard}, {"guard": True}, {"tls": True}, {"headers": "X-A: b"}])
def test_a_wrong_kind_of_thing_is_named_at_the_call(scene, wrong):
    with pytest.raises(TypeError, match=rf"^{next(iter(wrong))} is an? "):
        connect(scene.reactor, "ws://localhost/", **{"proxy": False, **wrong})


def test_a_name_below_localhost_is_this_machine(scene):
    scene.serve()
    assert dial(scene, "ws://page.localhost/").is_open


@pytest.mark.parametrize("headers", [{"X-Key": "a\nb"}, {"X Key": "a"}, {"X-Key": "é\u20ac"}])
def test_headers_that_must_not_be_sent_are_named_without_their_value(scene, headers):
    with pytest.raises(ValueError, match=r"X.Key") as raised:
        connect(scene.reactor, "ws://a/", headers=headers, proxy=False)
    assert "headers is a mapping" not in str(raised.value)
    assert "\u20ac" not in str(raised.value)
