"""Language models: OpenAI-compatible `/v1/chat/completions`, and Ollama's `/api/chat`. Pure.

Both are asked for a stream and both may answer in one piece all the same; the reader takes either.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..sayings import Fault
from .backend import Call, NoAnswer, Reply, Request
from .bodies import JsonBody, Piece, Read, SniffedBody, StreamBody
from .streams import LineSplitter, SseSplitter

OPENAI_URL = "https://api.openai.com"
OPENAI_MODEL = "gpt-4o-mini"
OLLAMA_URL = "http://127.0.0.1:11434"
OLLAMA_MODEL = "llama3.2"

EXCHANGES = 6  # questions and answers that a model is reminded of: a conversation, and a bounded price for each answer
REMEMBERED = 1000  # characters of each of them: what it was about, not all of it

SYSTEM = (
    "You are 小图, a friendly chat robot. Answer in the language of the question, briefly, in plain text without "
    "Markdown."
)


class Model:
    """An API that is sent the whole conversation each time.

    make_reply: gives the reader for one response.
    """

    def __init__(self, url: str, model: str, key: str, make_reply: Callable[[], Reply], *, stream: bool = True) -> None:
        self._url = url
        self._model = model
        self._key = key
        self._stream = stream
        self._make_reply = make_reply
        self.secrets: tuple[str, ...] = (key,) if key else ()

    def meet(self, user_id: str) -> ModelConversation:
        return ModelConversation(self)

    def call(self, messages: list[dict[str, str]]) -> Call:
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}  # a stream is not to wait in zlib
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        body = {"model": self._model, "messages": messages, "stream": self._stream}
        return Call(Request(self._url, "POST", headers, json.dumps(body).encode()), self._make_reply())


class ModelConversation:
    """The last EXCHANGES questions and answers of one person."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._past: deque[tuple[str, str]] = deque(maxlen=EXCHANGES)

    def ask(self, question: str, name: str) -> Call:
        system = f"{SYSTEM} You talk with {name}." if name else SYSTEM
        messages = [_message("system", system)]
        for asked, answered in self._past:
            messages += [_message("user", asked), _message("assistant", answered)]
        return self._model.call([*messages, _message("user", question)])

    def heard(self, question: str, answer: str) -> None:
        self._past.append((question[:REMEMBERED], answer[:REMEMBERED]))


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def openai(url: str = OPENAI_URL, model: str = OPENAI_MODEL, key: str = "", *, stream: bool = True) -> Model:
    """An OpenAI-compatible API. `url` is its base or the whole endpoint."""
    return Model(openai_endpoint(url), model, key, _either(read_openai), stream=stream)


def ollama(url: str = OLLAMA_URL, model: str = OLLAMA_MODEL, key: str = "", *, stream: bool = True) -> Model:
    """Ollama. `url` is its base or the whole endpoint."""
    return Model(ollama_endpoint(url), model, key, lambda: StreamBody(LineSplitter(), read_ollama), stream=stream)


def _either(read: Read) -> Callable[[], Reply]:
    return lambda: SniffedBody(lambda: JsonBody(read), lambda: StreamBody(SseSplitter(), read))


def openai_endpoint(url: str) -> str:
    """The endpoint that `url` means.

    >>> openai_endpoint("http://127.0.0.1:8000"), openai_endpoint("https://h/v1/")
    ('http://127.0.0.1:8000/v1/chat/completions', 'https://h/v1/chat/completions')
    >>> openai_endpoint("https://h/api/paas/v4/chat/completions?a=b")
    'https://h/api/paas/v4/chat/completions?a=b'
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        version = path.rpartition("/")[2]
        path += "/chat/completions" if version[:1] == "v" and version[1:2].isdigit() else "/v1/chat/completions"
    return urlunsplit(parts._replace(path=path, fragment=""))


def ollama_endpoint(url: str) -> str:
    """The endpoint that `url` means.

    >>> ollama_endpoint("http://127.0.0.1:11434"), ollama_endpoint("http://h/api/chat")
    ('http://127.0.0.1:11434/api/chat', 'http://h/api/chat')
    """
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    if not path.endswith("/api/chat"):
        path += "/chat" if path.endswith("/api") else "/api/chat"
    return urlunsplit(parts._replace(path=path, fragment=""))


ENDINGS = {"content_filter": Fault.DECLINED, "length": None, "stop": None}
"""Why a model stopped. One that was cut by its own limit has still said what it has said."""


def read_openai(answer: dict[str, Any]) -> Piece:
    """The text of a completion, or of one chunk of it.

    >>> read_openai({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]})
    Piece(text='Hi', end=True)
    >>> read_openai({"choices": [{"delta": {"content": "H"}, "finish_reason": None}]})
    Piece(text='H', end=False)
    """
    _refuse_error(answer)
    choices = answer.get("choices")
    if not isinstance(choices, list):
        raise NoAnswer(Fault.GARBLED, "no choices")
    if not choices:
        return Piece()  # statistics, at the end of a stream
    choice = choices[0] if isinstance(choices[0], dict) else {}
    said = choice.get("message") or choice.get("delta") or {}
    if not isinstance(said, dict):
        raise NoAnswer(Fault.GARBLED, "a message that is no object")
    reason = choice.get("finish_reason")
    if isinstance(reason, str) and ENDINGS.get(reason):
        raise NoAnswer(Fault.DECLINED, reason)
    return Piece(_content(said.get("content")) or _content(said.get("refusal")), bool(reason))


def read_ollama(answer: dict[str, Any]) -> Piece:
    """The text of one line of an answer.

    >>> read_ollama({"message": {"role": "assistant", "content": "Hi"}, "done": False})
    Piece(text='Hi', end=False)
    """
    _refuse_error(answer)
    said = answer.get("message")
    if not isinstance(said, dict) and answer.get("done") is not True:
        raise NoAnswer(Fault.GARBLED, "no message")
    return Piece(_content(said.get("content")) if isinstance(said, dict) else "", answer.get("done") is True)


def _refuse_error(answer: dict[str, Any]) -> None:
    """Once a stream has begun, its status can no longer say that something went wrong: an object does."""
    error = answer.get("error")
    if not error:
        return
    code = error.get("code") if isinstance(error, dict) else None
    raise NoAnswer(Fault.QUOTA if code == "insufficient_quota" else Fault.BROKEN, "an error instead of an answer")


def _content(content: Any) -> str:
    """The text of a message: a string, or a list of parts of which some are text."""
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(text for text in texts if isinstance(text, str))
    return content if isinstance(content, str) else ""
