"""The bot as a user runs it: the tutorial's client, ours, a terminal, an API, and a chat room."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

WELCOME = "你好，欢迎来到机器人聊天器！"
KEY = "Secret-Key-123"


def test_the_tutorials_client_as_printed(theatre: Any) -> None:
    server = theatre.serve("bot_server.py")
    client = theatre.seed("bot_client.py.txt", {"9999": server.port})
    client.out.shows(f"{WELCOME}\n\n请输入消息：")
    client.types("1+1\n")
    client.out.shows("【机器人小图】")
    client.out.shows("1+1 = 2\n\n\n我：")
    client.types("\n")
    client.out.shows("请说点什么吧。\n\n\n我：")
    client.types("exit\n")
    client.out.shows("聊天室已关闭")
    assert client.exits() == 0
    server.clean_exit()


def test_the_tutorials_client_may_leave_at_once(theatre: Any) -> None:
    """It takes our goodbye for an answer, and would otherwise wait for one for ever at full speed."""
    server = theatre.serve("bot_server.py")
    client = theatre.seed("bot_client.py.txt", {"9999": server.port})
    client.out.shows("请输入消息：")
    client.types("exit\n")
    client.out.shows("再见！\n\n\n我：")
    client.types("exit\n")
    client.out.shows("聊天室已关闭")
    assert client.exits() == 0


def test_questions_in_a_pipe(theatre: Any) -> None:
    server = theatre.serve("bot_server.py")
    questions = "".join(f"{number}+1\n" for number in range(3))
    client = theatre.run("bot_client.py", "--port", str(server.port), stdin=subprocess.PIPE)
    client.types(questions + "7*7")
    client.ends_input()
    assert client.out.all().splitlines() == [WELCOME, *(f"{n}+1 = {n + 1}" for n in range(3)), "7*7 = 49"]
    assert client.exits() == 0
    assert client.err.all() == ""
    server.clean_exit()


def test_the_client_at_a_terminal(theatre: Any) -> None:
    server = theatre.serve("bot_server.py")
    outer, inner = pty.openpty()
    client = theatre.run("bot_client.py", "--port", str(server.port), "--name", "小红", stdin=inner)
    os.close(inner)
    try:
        client.out.shows(f"{WELCOME}\n请输入消息：")
        os.write(outer, "我叫什么？\n".encode())
        client.out.wait(
            re.compile(r"\n【机器人小图】 \d{4}-\d\d-\d\d:\d\d:\d\d:\d\d\n.*小红.*\n\n我：$").search, "an answer"
        )
        os.write(outer, b"exit\n")
        client.out.shows("再见！\n聊天室已关闭\n")
        assert client.exits() == 0
        assert client.err.all() == ""
    finally:
        os.close(outer)


def test_the_client_in_english(theatre: Any) -> None:
    server = theatre.serve("bot_server.py")
    outer, inner = pty.openpty()
    client = theatre.run("bot_client.py", "--port", str(server.port), "--language", "en", stdin=inner)
    os.close(inner)
    try:
        client.out.shows(f"{WELCOME}\nYour message: ")
        os.write(outer, b"what is 6*7?\n")
        client.out.wait(
            re.compile(r"\n\[the bot\] \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n.*42.*\n\nYou: $").search, "an answer"
        )
        os.write(outer, b"exit\n")
        client.out.shows("\ngoodbye\n")
        assert client.exits() == 0
    finally:
        os.close(outer)


def test_the_client_says_what_is_wrong(theatre: Any, port: int) -> None:
    client = theatre.run("bot_client.py", "--port", str(port))
    assert client.exits() == 1
    assert client.err.all().count("\n") == 1
    server = theatre.serve("bot_server.py")
    client = theatre.run("bot_client.py", "--port", str(server.port), stdin=subprocess.PIPE)
    client.out.shows(WELCOME)
    server.clean_exit()
    assert client.exits() == 0
    assert client.err.all() == "the bot has closed the connection\n"


class Script(BaseHTTPRequestHandler):
    """An OpenAI-compatible API that knows one answer, and says the key."""

    asked: list[Any] = []  # noqa: RUF012

    def do_POST(self) -> None:
        self.asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
        self.send_response(200)
        self.end_headers()
        for text in ("你好，", "你的钥匙是", self.headers["Authorization"].removeprefix("Bearer ")):
            chunk = {"choices": [{"delta": {"content": text}, "finish_reason": None}]}
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Script) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


def test_an_api(theatre: Any, api: ThreadingHTTPServer, monkeypatch: Any) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # which leads nowhere, and is not asked about this machine
    url = f"http://127.0.0.1:{api.server_port}"
    server = theatre.serve("bot_server.py", "--backend", "openai", "--url", url, "--key-env", "MY_KEY", "--model", "m",
                           "--log-level", "debug")  # fmt: skip
    client = theatre.seed("bot_client.py.txt", {"9999": server.port})
    client.out.shows("请输入消息：")
    client.types("你好\n")
    client.out.shows("你好，你的钥匙是***\n")
    path, body = Script.asked[-1]
    assert path == "/v1/chat/completions"
    assert (body["model"], body["messages"][-1]) == ("m", {"role": "user", "content": "你好"})
    api.shutdown()
    api.server_close()
    client.types("在吗\n")
    client.out.shows("我现在连不上我的大脑，请稍后再试。\n")
    server.process.terminate()
    assert server.exits() == 0
    assert KEY not in server.err.all() + server.out.all() + client.out.text


def test_in_a_chat_room(theatre: Any) -> None:
    chat = theatre.serve("chat_server.py", "--no-console")
    server = theatre.serve("bot_server.py", "--join", f"127.0.0.1:{chat.port}")
    ada = theatre.peer(chat)
    ada.sends("/nick Ada\n")
    ada.gets("* you are Ada now\n")
    theatre.peer(server).gets(WELCOME)
    ada.sends("/who\n")
    ada.gets("小图")  # among those who are here, or among the newcomers of later
    ada.sends("@小图 what is 6*7?\n")
    ada.gets("小图: To Ada: 6*7 = 42\n")
    server.clean_exit()
    ada.gets("* 小图 left\n")


def test_a_chat_that_is_not_there_is_one_line(theatre: Any) -> None:
    server = theatre.serve("bot_server.py", "--join", "127.0.0.1:1")
    theatre.peer(server).gets(WELCOME)
    server.err.shows("not in the chat yet")
    server.process.terminate()
    assert server.exits() == 0
    assert server.err.all().count("\n") == 1


BAD_FOR_THE_BOT = (
    ["--backend", "tuling"],
    ["--backend", "openai", "--key-env", "NOT_SET"],
    ["--backend", "ollama", "--url", "localhost:11434"],
    ["--timeout", "nan"],
    ["--join", "h:0"],
    ["--name", "a\nb"],
)


def test_a_wrong_setting_is_one_line(invoke: Any, monkeypatch: Any) -> None:
    for name in ("TULING_API_KEY", "OPENAI_API_KEY", "NOT_SET"):
        monkeypatch.delenv(name, raising=False)
    for bad in BAD_FOR_THE_BOT:
        status, out, err = invoke("bot_server.py", "--port", "0", *bad)
        assert (status, out, err.count("\n")) == (2, "", 1), bad
