"""A bot whose backend is the test: calls are made by nobody, and the test says what came of them."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from protocols.bot import LIMITS, TIMEOUTS, Bot, BotServer, Call, Fault, NoAnswer, Request
from protocols.text import QUIET_GAP

KEY = "sk-Secret-123"


class Words:
    """A reply whose body is text, whole or in pieces; `!` ends it, `?` is what nobody can read."""

    def __init__(self) -> None:
        self.done = False

    def feed(self, data: bytes) -> list[str]:
        if b"?" in data:
            raise NoAnswer(Fault.GARBLED)
        text = data.decode()
        self.done = text.endswith("!")
        return [text.removesuffix("!")]

    def finish(self) -> list[str]:
        if not self.done:
            raise NoAnswer(Fault.LOST)
        return []


class Fetched:
    """One call that was made."""

    def __init__(self, url: str, options: dict[str, Any]) -> None:
        self.url = url
        self.options = options
        self.future: Future[Any] = Future()

    @property
    def cancelled(self) -> bool:
        return self.future.cancelled()

    def status(self, status: int) -> None:
        self.options["on_head"](SimpleNamespace(status=status))

    def says(self, text: str) -> None:
        self.options["on_data"](text.encode())

    def ends(self, status: int = 200) -> None:
        if not self.future.done():
            self.future.set_result(SimpleNamespace(status=status))

    def answers(self, text: str) -> None:
        self.status(200)
        self.says(f"{text}!")
        self.ends()

    def fails(self, error: BaseException) -> None:
        self.future.set_exception(error)


class FakeBackend:
    """Each question is a call to a URL that ends with it. Everybody's conversation is this one."""

    secrets = (KEY,)

    def __init__(self) -> None:
        self.memory: list[tuple[str, str]] = []

    def meet(self, user_id: str) -> FakeBackend:
        return self

    def ask(self, question: str, name: str) -> Call:
        return Call(Request(f"api:{name}/{question}"), Words())

    def heard(self, question: str, answer: str) -> None:
        self.memory.append((question, answer))


class Api:
    """The bot, and the calls that it makes."""

    def __init__(self, scene: Any) -> None:
        self.scene = scene
        self.calls: list[Fetched] = []
        self.backend = FakeBackend()
        self.bot = Bot(scene.reactor, self.backend, self.fetch, timeout=30.0)
        self.server = BotServer(self.bot)

    def fetch(self, url: str, **options: Any) -> Future[Any]:
        self.calls.append(Fetched(url, options))
        return self.calls[-1].future

    @property
    def urls(self) -> list[str]:
        return [call.url.removeprefix("api:") for call in self.calls]

    @property
    def open(self) -> list[Fetched]:
        return [call for call in self.calls if not call.future.done()]

    def peer(self) -> Any:
        peer = self.scene.peer()
        self.scene.settle()
        return peer

    def asks(self, peer: Any, *questions: str) -> None:
        """A client with newlines."""
        peer.send("".join(f"{question}\n" for question in questions))
        self.scene.settle()

    def mutters(self, peer: Any, text: str) -> None:
        """A client without."""
        peer.send(text)
        self.scene.advance(QUIET_GAP)


@pytest.fixture
def api(scene: Any) -> Api:
    api = Api(scene)
    scene.serve(api.server.session, limits=LIMITS, timeouts=TIMEOUTS)
    return api
