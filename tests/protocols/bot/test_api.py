"""The bot, the real HTTP client, and an API on the same loop that does what it is told to: everything that APIs do."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import pytest

from protocols.bot import LIMITS, TIMEOUTS, WELCOME, Bot, BotServer, Fault, Saying, make_backend
from protocols.bot.api_call import LINES_AT_ONCE
from protocols.bot.backends.streams import LineSplitter
from protocols.http import Client
from reactor import Protocol, StreamTransport

KEY = "Secret-Key-123"
TIMEOUT = 5.0


class Api(Protocol):
    """One connection: collects the request, and hands it to the script once it is whole."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.data = b""
        self.lost = False

    def connection_made(self, transport: StreamTransport) -> None:
        self.transport = transport
        self.stage.connections.append(self)

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, found, body = self.data.partition(b"\r\n\r\n")
        length = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        if found and len(body) >= length:
            self.stage.requests.append(self.data)
            self.data = b""
            self.stage.script(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True

    def answer(self, body: bytes, head: str = "200 OK", **fields: str) -> None:
        self.begin(head, Content_Length=str(len(body)), **fields)
        self.transport.write(body)

    def begin(self, head: str = "200 OK", **fields: str) -> None:
        lines = [f"HTTP/1.1 {head}", *(f"{name.replace('_', '-')}: {value}" for name, value in fields.items())]
        self.transport.write("\r\n".join([*lines, "", ""]).encode())


class Stage:
    """The API's script, what it was asked, and the bot's people."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.requests: list[bytes] = []
        self.connections: list[Api] = []
        self.script: Callable[[Api], Any] = lambda api: None
        self.port = scene.reactor.listen_tcp(lambda: Api(self), "127.0.0.1", 0).port
        self.client = Client(scene.reactor, proxy=False)

    def bot(self, backend: str = "tuling", path: str = "", **options: Any) -> None:
        url = f"http://127.0.0.1:{self.port}{path}"
        made = make_backend(backend, {"K": KEY}, url=url, key_env="K", **options)
        self.scene.serve(
            BotServer(Bot(self.scene.reactor, made, self.client.fetch, timeout=TIMEOUT)).session,
            limits=LIMITS,
            timeouts=TIMEOUTS,
        )

    def ask(self, *questions: str) -> Any:
        peer = self.scene.peer()
        peer.send("".join(f"{question}\n" for question in questions))
        self.scene.settle()
        return peer


@pytest.fixture
def stage(scene: Any) -> Any:
    stage = Stage(scene)
    yield stage
    stage.client.close()


def json_bytes(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def said(peer: Any) -> list[str]:
    first, *rest = peer.lines
    assert first == WELCOME
    return rest


def test_tuling(stage: Stage) -> None:
    stage.bot(path="/openapi/api")
    stage.script = lambda api: api.answer(json_bytes({"code": 100000, "text": "你也好"}))
    xiaoming = stage.ask("小明::a&key=x#f%00 +é", "小明::X-Evil: 1")
    xiaoming.gets("你也好\n你也好\n")
    first, second = (request.decode("ascii") for request in stage.requests)
    target = first.split(" ")[1]
    assert target.startswith("/openapi/api?")
    query = parse_qsl(target.partition("?")[2], strict_parsing=True)
    assert [name for name, _ in query] == ["key", "info", "userid"]
    assert query[1][1] == "a&key=x#f%00 +é"
    assert "evil" not in first.lower()
    assert "\r\nX-Evil" not in second
    assert dict(parse_qsl(second.split(" ")[1].partition("?")[2]))["info"] == "X-Evil: 1"
    assert len(stage.connections) == 1, "the connection is kept"


def test_openai_streams(stage: Stage) -> None:
    stage.bot("openai")

    def script(api: Api) -> None:
        api.begin(Content_Type="text/event-stream", Transfer_Encoding="chunked")
        for text in ("一\n", "二"):
            event = b"data: " + json_bytes({"choices": [{"delta": {"content": text}}]}) + b"\n\n"
            api.transport.write(b"%x\r\n%b\r\n" % (len(event), event))

    stage.script = script
    peer = stage.ask("你好")
    assert said(peer) == ["一"], "the first line is there while the second is still to come"
    stage.connections[0].transport.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    peer.gets("一\n二\n")
    assert b"\r\nauthorization: bearer secret-key-123\r\n" in stage.requests[0].lower()
    assert stage.requests[0].startswith(b"POST /v1/chat/completions HTTP/1.1\r\n")
    peer.send("again\n")
    stage.scene.settle()
    assert len(stage.connections) == 1, "the connection is kept"
    assert b"\xe4\xb8\x80" in stage.requests[1] or b"\\u4e00" in stage.requests[1], "the model is reminded"


def test_ollama_streams(stage: Stage) -> None:
    stage.bot("ollama", model="m")

    def script(api: Api) -> None:
        lines = [{"message": {"content": "你"}, "done": False}, {"message": {"content": "好"}, "done": True}]
        api.answer(b"\n".join(map(json_bytes, lines)), Content_Type="application/x-ndjson")

    stage.script = script
    stage.ask("hi").gets("你好\n")
    assert stage.requests[0].startswith(b"POST /api/chat HTTP/1.1\r\n")


def drip(api: Api) -> None:
    """A byte a second, for ever."""
    api.begin(Content_Length="1000000")
    api.stage.scene.reactor.call_every(1.0, lambda: api.transport.write(b" "))


def reset_in_the_middle(api: Api) -> None:
    api.begin(Content_Length="100")
    api.transport.write(b'{"code": 1000')
    api.stage.scene.reactor.call_later(0.1, api.transport.abort)


def end_in_the_middle(api: Api) -> None:
    api.begin(Content_Length="100")
    api.transport.write(b'{"code": 1000')
    api.transport.close()


def end_without_length(api: Api) -> None:
    api.begin()
    api.transport.write(b'{"code": 1000')
    api.transport.close()


def fifty_megabytes(api: Api) -> None:
    api.begin(Content_Length=str(50 << 20))
    api.transport.write(b'{"text": "')

    def more() -> None:
        if not api.transport.is_closing():
            api.transport.write(b"x" * (1 << 20))
            api.stage.scene.reactor.call_soon(more)

    more()


SINS: dict[str, tuple[Callable[[Api], Any], Fault]] = {
    "black hole": (lambda api: None, Fault.TIMEOUT),
    "drip": (drip, Fault.TIMEOUT),
    "closes at once": (lambda api: api.transport.close(), Fault.BROKEN),
    "reset in the middle": (reset_in_the_middle, Fault.LOST),
    "end in the middle": (end_in_the_middle, Fault.LOST),
    "end without a length": (end_without_length, Fault.GARBLED),
    "html": (lambda api: api.answer(b"<html>hi</html>", Content_Type="text/html"), Fault.GARBLED),
    "null": (lambda api: api.answer(b"null"), Fault.GARBLED),
    "a list": (lambda api: api.answer(b"[1]"), Fault.GARBLED),
    "nothing": (lambda api: api.answer(b""), Fault.GARBLED),
    "204": (lambda api: api.begin("204 No Content"), Fault.GARBLED),
    "NaN": (lambda api: api.answer(b'{"code": NaN}'), Fault.GARBLED),
    "deep": (lambda api: api.answer(b"[" * 500_000), Fault.GARBLED),
    "50 MB": (fifty_megabytes, Fault.TOO_LARGE),
    "gbk": (lambda api: api.answer('{"text": "你好"}'.encode("gbk"), Content_Type="a/b; charset=gbk"), Fault.GARBLED),
    "false gzip": (lambda api: api.answer(b'{"text": "x"}', Content_Encoding="gzip"), Fault.GARBLED),
    "no http": (lambda api: api.transport.write(b"SSH-2.0-OpenSSH\r\n"), Fault.GARBLED),
    "endless head": (lambda api: api.begin(**{f"X-{n}": "x" * 200 for n in range(500)}), Fault.GARBLED),
    "429": (lambda api: api.answer(b"{}", "429 Slow Down", Retry_After="99999999999999999999"), Fault.BUSY),
    "401": (lambda api: api.answer(KEY.encode(), "401 Who"), Fault.REFUSED),
    "404": (lambda api: api.answer(b"no such model", "404 Not Found"), Fault.NOT_FOUND),
    "500": (lambda api: api.answer(b"x" * 100_000, "500 Oops"), Fault.BROKEN),
    "503": (lambda api: api.begin("503 Busy"), Fault.BUSY),
    "redirect": (lambda api: api.begin("307 Go", Location="http://127.0.0.1:1/?key=" + KEY), Fault.NOT_FOUND),
    "a wrong key": (lambda api: api.answer(json_bytes({"code": 40001, "text": f"key {KEY}?"})), Fault.REFUSED),
    "used up": (lambda api: api.answer(json_bytes({"code": 40004, "text": "x"})), Fault.QUOTA),
    "only blanks": (lambda api: api.answer(json_bytes({"code": 100000, "text": " \n\t"})), Fault.EMPTY),
    "half a character": (lambda api: api.answer(b'{"text": "\\ud83d"}'), Fault.EMPTY),
}


@pytest.mark.loud  # of what only the operator can put right
@pytest.mark.parametrize("name", SINS)
def test_whatever_an_api_does_is_one_sentence_in_time(stage: Stage, caplog: Any, name: str) -> None:
    caplog.set_level("DEBUG")
    stage.script, fault = SINS[name]
    stage.bot()
    peer = stage.ask("你好")
    stage.scene.advance(TIMEOUT)
    peer.gets("\n" + fault.say(True) + "\n")
    assert said(peer) == [fault.say(True)]
    stage.scene.until(lambda: stage.connections[0].lost or not stage.connections[0].transport.get_write_buffer_size())
    stage.script = lambda api: api.answer(json_bytes({"text": "好了"}))
    peer.send("好了吗\n")
    peer.gets("好了\n")
    assert KEY not in caplog.text
    assert KEY not in peer.text


@pytest.mark.parametrize("end", [lambda api: api.transport.close(), lambda api: api.transport.abort()])
@pytest.mark.parametrize("backend", ["openai", "ollama", "tuling"])
def test_an_api_that_hangs_up_as_it_is_asked_is_asked_again(stage: Stage, backend: str, end: Any) -> None:
    """It closes the kept connection in the moment of the next question: once is bad luck, twice is a fault."""
    stage.bot(backend, model="m")
    answer = json_bytes(
        {"text": "好", "message": {"content": "好"}, "done": True, "choices": [{"message": {"content": "好"}}]}
    )
    stage.script = lambda api: api.answer(answer)
    peer = stage.ask("你好")
    stage.script = lambda api: end(api) if api is stage.connections[0] else api.answer(answer)
    peer.send("好了吗\n")
    peer.gets("好\n好\n")
    first, second = stage.requests[1:]
    assert first == second, "the same question"
    assert len(stage.connections) == 2


@pytest.mark.loud  # the operator is told
def test_an_api_that_hangs_up_twice_is_asked_no_more(stage: Stage) -> None:
    stage.bot()
    stage.script = lambda api: api.answer(json_bytes({"text": "好"}))
    peer = stage.ask("你好")
    stage.script = lambda api: api.transport.close()
    peer.send("好了吗\n")
    peer.gets(Fault.BROKEN.say(True) + "\n")
    assert len(stage.requests) == 3


def compressed(value: Any, wbits: int = 31) -> bytes:
    made = zlib.compressobj(wbits=wbits)
    return made.compress(json_bytes(value)) + made.flush()


OPENAI = {"choices": [{"message": {"content": "好了"}}]}


@pytest.mark.parametrize("backend", ["tuling", "openai", "ollama"])
@pytest.mark.parametrize(("coding", "wbits"), [("gzip", 31), ("deflate", 15), ("x-gzip", 31)])
def test_a_coding_that_comes_is_undone(stage: Stage, backend: str, coding: str, wbits: int) -> None:
    answers = {"tuling": {"text": "好了"}, "openai": OPENAI, "ollama": {"message": {"content": "好了"}, "done": True}}
    stage.script = lambda api: api.answer(compressed(answers[backend], wbits), Content_Encoding=coding)
    stage.bot(backend)
    stage.ask("你好").gets("好了\n")


@pytest.mark.loud
@pytest.mark.parametrize(
    ("body", "coding", "fault"),
    [
        (compressed(OPENAI)[:-9], "gzip", Fault.GARBLED),
        (b"not gzip", "gzip", Fault.GARBLED),
        (b"br", "br", Fault.GARBLED),
        (compressed({"choices": [{"message": {"content": "x" * 40_000_000}}]}), "gzip", Fault.TOO_LARGE),
    ],
    ids=["cut", "false", "unknown", "a bomb"],
)
def test_a_coding_that_cannot_be_undone(stage: Stage, body: bytes, coding: str, fault: Fault) -> None:
    stage.script = lambda api: api.answer(body, Content_Encoding=coding)
    stage.bot("openai")
    stage.ask("你好").gets("\n" + fault.say(True) + "\n")


@pytest.mark.loud
def test_a_compressed_refusal_is_told_to_the_host(stage: Stage, caplog: Any) -> None:
    stage.script = lambda api: api.answer(compressed({"error": "no such model"}), "404 No", Content_Encoding="gzip")
    stage.bot("openai")
    stage.ask("你好").gets("\n" + Fault.NOT_FOUND.say(True) + "\n")
    stage.scene.advance(2)
    assert "no such model" in caplog.text


@pytest.mark.loud
def test_refused(stage: Stage) -> None:
    with_nobody = make_backend("ollama", url="http://127.0.0.1:1")
    bot = Bot(stage.scene.reactor, with_nobody, stage.client.fetch, timeout=TIMEOUT)
    stage.scene.serve(BotServer(bot).session)
    stage.ask("hello").gets("\n" + Fault.UNREACHABLE.say(False) + "\n")


def test_who_leaves_closes_the_apis_connection(stage: Stage) -> None:
    stage.bot()
    peer = stage.ask("你好")
    (connection,) = stage.connections
    peer.reset()
    stage.scene.until(lambda: connection.lost)


def test_the_key_is_hidden_where_an_api_gives_it_back(stage: Stage, caplog: Any) -> None:
    caplog.set_level("DEBUG")
    stage.bot()
    stage.script = lambda api: api.answer(json_bytes({"text": f"your key is {KEY}, indeed {KEY.upper()}"}))
    stage.ask("hi").gets("your key is ***, indeed ***\n")
    assert KEY not in caplog.text


def test_an_answer_that_is_too_long_is_cut(stage: Stage) -> None:
    stage.bot()
    stage.script = lambda api: api.answer(json_bytes({"text": "好" * 100_000}))
    peer = stage.ask("你好")
    peer.gets(Saying.CUT.say(True) + "\n")
    assert len(peer.received) < 30_000


def test_a_fault_in_the_middle_of_a_stream(stage: Stage) -> None:
    stage.bot("ollama", model="m")

    def script(api: Api) -> None:
        api.begin(Transfer_Encoding="chunked")
        line = json_bytes({"message": {"content": "once upon a\ntime"}, "done": False}) + b"\n"
        api.transport.write(b"%x\r\n%b\r\n" % (len(line), line))

    stage.script = script
    peer = stage.ask("tell me a story")
    stage.scene.advance(TIMEOUT)
    assert said(peer) == ["once upon a", "time", Fault.TIMEOUT.say_in_the_middle(False)]


def test_a_flood_of_tiny_events_leaves_others_their_turns(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = LineSplitter.feed
    monkeypatch.setattr(LineSplitter, "feed", lambda self, data: fed.append(data.count(b"\n")) or feed(self, data))
    stage.bot("ollama", model="m")
    last = json_bytes({"message": {"content": "好"}, "done": True})
    tiny = b'{"message":{"content":""}}\n'
    stage.script = lambda api: api.answer(tiny * 20_000 + last, Content_Type="application/x-ndjson")
    stage.ask("hi").gets("好\n")
    assert sum(fed) == 20_000
    assert max(fed) <= LINES_AT_ONCE + 1


@pytest.mark.loud
def test_who_gives_up_in_a_flood_waits_for_nothing(stage: Stage) -> None:
    stage.bot("ollama", model="m")
    tiny = b'{"message":{"content":""}}\n'
    stage.script = lambda api: api.answer(tiny * 20_000 + b"}", Content_Type="application/x-ndjson")
    peer = stage.ask("hi")
    peer.close()
    stage.scene.advance(TIMEOUT)
    stage.script = lambda api: api.answer(tiny + json_bytes({"message": {"content": "好"}, "done": True}))
    stage.ask("hi").gets("好\n")
