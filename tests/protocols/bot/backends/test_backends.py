"""What is asked of the APIs, and what is made of what they say."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from protocols.bot import BadSetting, Fault, NoAnswer, make_backend
from protocols.bot.backends.models import EXCHANGES, ollama, openai, read_ollama, read_openai
from protocols.bot.backends.tuling import V2_FAULTS, Tuling, read_v1, read_v2

AWKWARD = "a&key=x#f%00 +é\r\nX-Evil: 1\r\n\r\nGET / HTTP/1.1"


def test_an_awkward_question_is_one_parameter() -> None:
    call = Tuling("http://h/api", "k&y").meet("u1").ask(AWKWARD, "")
    query = urlsplit(call.request.url).query
    assert call.request.url.isascii()
    assert call.request.url.isprintable()
    assert query.count("&") == 2
    assert parse_qsl(query, strict_parsing=True) == [("key", "k&y"), ("info", AWKWARD), ("userid", "u1")]
    assert "info=a%26key%3Dx%23f%2500%20%2B%C3%A9%0D%0AX-Evil" in query
    assert not call.request.headers


def test_the_endpoints_own_query_stays() -> None:
    url = Tuling("http://h/api?app=1#frag", "k").meet("u").ask("hi", "").request.url
    assert url == "http://h/api?app=1&key=k&info=hi&userid=u"


def test_tuling_v2_is_asked_in_json() -> None:
    request = Tuling("http://h/v2", "k", version=2).meet("u1").ask(AWKWARD, "").request
    assert request.method == "POST"
    assert request.url == "http://h/v2"
    assert json.loads(request.body or b"") == {
        "reqType": 0,
        "perception": {"inputText": {"text": AWKWARD}},
        "userInfo": {"apiKey": "k", "userId": "u1"},
    }


NEWS = [{"article": f"新闻{n}", "source": "新浪", "icon": "i", "detailurl": f"http://n/{n}"} for n in range(9)]
RECIPES = [{"name": "红烧肉", "icon": "i", "info": "猪肉、糖", "detailurl": "http://r/1"}]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"code": 100000, "text": "你好"}, "你好"),
        ({"code": "100000", "text": " 你好 "}, "你好"),
        ({"text": "你好"}, "你好"),
        ({"code": 200000, "text": "图来了", "url": "http://p/1"}, "图来了\nhttp://p/1"),
        (
            {"code": 302000, "text": "新闻来了", "list": NEWS},
            "新闻来了\n" + "\n".join(f"新闻{n}（新浪） http://n/{n}" for n in range(3)),
        ),
        ({"code": 308000, "text": "菜谱来了", "list": RECIPES}, "菜谱来了\n红烧肉：猪肉、糖 http://r/1"),
        ({"code": 313000, "text": "儿歌", "function": {"song": "x"}}, "儿歌"),
        ({"code": 100000, "text": None, "list": "x", "url": 5}, ""),
        ({"code": 302000, "list": [None, 5, {"article": {}}, *NEWS]}, ""),
    ],
)
def test_tuling_v1_answers(answer: dict[str, Any], text: str) -> None:
    assert read_v1(answer).text == text


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (40001, Fault.REFUSED),
        (40002, Fault.NOT_TAKEN),
        (40004, Fault.QUOTA),
        (40007, Fault.NOT_TAKEN),
        (40999, Fault.BROKEN),
        ("40001", Fault.REFUSED),
        (True, Fault.GARBLED),
        (1.5, Fault.GARBLED),
        ("many", Fault.GARBLED),
        ([], Fault.GARBLED),
        (None, Fault.GARBLED),
    ],
)
def test_tuling_v1_codes(code: Any, fault: Fault) -> None:
    with pytest.raises(NoAnswer) as caught:
        read_v1({"code": code, "text": "亲爱的，key不对哦。"})
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("results", "text"),
    [
        ([{"resultType": "text", "values": {"text": "你好"}}], "你好"),
        (
            [{"resultType": "url", "values": {"url": "http://h"}}, {"resultType": "text", "values": {"text": "酒店"}}],
            "http://h\n酒店",
        ),
        (
            [{"resultType": "news", "values": {"news": [{"name": "头条", "info": "新浪", "detailurl": "http://n"}]}}],
            "头条：新浪 http://n",
        ),
        ([None, {}, {"values": []}, {"values": {"x": 5}}], ""),
    ],
)
def test_tuling_v2_answers(results: list[Any], text: str) -> None:
    assert read_v2({"intent": {"code": 10004}, "results": results}).text == text


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ({"intent": {"code": 4003}}, Fault.QUOTA),
        ({"intent": {"code": 4007}}, Fault.REFUSED),
        ({"intent": {"code": 5000}}, Fault.EMPTY),
        ({"intent": {"code": 8008}}, Fault.BROKEN),
        ({"intent": {"code": 10004}}, Fault.GARBLED),
        ({"intent": [], "results": {}}, Fault.GARBLED),
        ({}, Fault.GARBLED),
    ],
)
def test_tuling_v2_codes(answer: dict[str, Any], fault: Fault) -> None:
    with pytest.raises(NoAnswer) as caught:
        read_v2(answer)
    assert caught.value.fault is fault


V2_BY_ANOTHER_HAND = {
    Fault.REFUSED: [4001, 4002, 4005, 4007],
    Fault.NOT_TAKEN: [4000, 4200, 4600, 4602, 6000],
    Fault.QUOTA: [4003, 4500],
    Fault.BUSY: [4300],
    Fault.BROKEN: [4100, 4400, 7002, 8008],
    Fault.EMPTY: [5000],
}


def test_every_code_of_tuling_v2_is_the_fault_that_its_documentation_means() -> None:
    assert {code: fault for fault, codes in V2_BY_ANOTHER_HAND.items() for code in codes} == V2_FAULTS


# -- models -----------------------------------------------------------------------------------------------------------


def test_openai_is_asked_with_the_conversation() -> None:
    talk = openai("http://h", "m", "sk-1").meet("u1")
    talk.heard("1?", "one")
    request = talk.ask(AWKWARD, "小明").request
    assert request.method == "POST"
    assert request.headers["Authorization"] == "Bearer sk-1"
    body = json.loads(request.body or b"")
    assert (body["model"], body["stream"]) == ("m", True)
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][-1]["content"] == AWKWARD
    assert "小明" in body["messages"][0]["content"]
    assert "sk-1" not in repr(request)


def test_what_a_model_is_reminded_of_is_bounded() -> None:
    talk = openai("http://h", "m").meet("u1")
    for number in range(100):
        talk.heard(f"{number} " + "x" * 5000, "y" * 5000)
    request = talk.ask("z", "").request
    assert len(json.loads(request.body or b"")["messages"]) == 2 * EXCHANGES + 2
    assert len(request.body or b"") < 20_000
    assert "Authorization" not in request.headers


def test_half_a_character_can_be_asked_and_remembered() -> None:
    talk = ollama("http://h", "m").meet("u1")
    talk.heard("\ud83d", "\ude00")
    assert talk.ask("\ud83d", "").request.body


def reply(make: Any, data: bytes, size: int = 1000) -> str:
    body = make("http://h", "m").meet("u1").ask("hi", "").reply
    pieces: list[str] = []
    for at in range(0, len(data), size):
        pieces += body.feed(data[at : at + size])
        if body.done:
            return "".join(pieces)
    return "".join(pieces + body.finish())


def sse(*objects: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in objects)


def chunk(content: Any = None, reason: Any = None) -> Any:
    return {"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": reason}]}


STREAMED = {
    "by DONE": sse(chunk(""), chunk("你"), chunk("好")) + b"data: [DONE]\n\n",
    "by a reason": sse(chunk("你"), chunk("好"), chunk(reason="stop")),
    "by length": sse(chunk("你"), chunk("好"), chunk(reason="length")),
    "statistics": sse(chunk("你好"), {"choices": []}, {"choices": [], "usage": {}}) + b"data: [DONE]",
    "in one piece": json.dumps({"choices": [{"message": {"content": "你好"}, "finish_reason": "stop"}]}).encode(),
    "in parts": json.dumps({"choices": [{"message": {"content": [{"type": "text", "text": "你好"}, 5]}}]}).encode(),
    "a role alone": sse({"choices": [{"delta": {"role": "assistant"}}]}, chunk("你好"), chunk(None, "stop")),
    "an empty choice": sse({"choices": [None]}, chunk("你好", "stop")),
}


@pytest.mark.parametrize("data", STREAMED.values(), ids=STREAMED)
def test_openai_answers(data: bytes) -> None:
    for size in (1, 7, 1000):
        assert reply(openai, data, size) == "你好"


def line(content: Any, done: bool = False) -> bytes:
    return json.dumps({"message": {"role": "assistant", "content": content}, "done": done}).encode() + b"\n"


@pytest.mark.parametrize(
    "data",
    [
        line("你") + line("好") + line("", done=True),
        line("你好", done=True),
        line("你好", done=True).rstrip(),
        line(None) + line("你好") + b'{"done": true}',
    ],
)
def test_ollama_answers(data: bytes) -> None:
    for size in (1, 7, 1000):
        assert reply(ollama, data, size) == "你好"


@pytest.mark.parametrize(
    ("make", "data", "fault"),
    [
        (openai, sse(chunk("你"), {"error": {"message": "overloaded"}}), Fault.BROKEN),
        (openai, sse({"error": {"code": "insufficient_quota"}}), Fault.QUOTA),
        (openai, b'{"error": "no"}', Fault.BROKEN),
        (openai, sse(chunk("", "content_filter")), Fault.DECLINED),
        (openai, sse(chunk("你")), Fault.LOST),
        (openai, b'{"choices": {}}', Fault.GARBLED),
        (openai, b'{"choices": [{"message": "x"}]}', Fault.GARBLED),
        (openai, b"{}", Fault.GARBLED),
        (ollama, line("你") + b'{"error": "out of memory"}\n', Fault.BROKEN),
        (ollama, line("你"), Fault.LOST),
        (ollama, b"{}\n", Fault.GARBLED),
        (ollama, b'{"message": 5}\n', Fault.GARBLED),
        (ollama, b"<html>\n", Fault.GARBLED),
        (ollama, b"", Fault.GARBLED),
    ],
)
def test_what_is_no_answer(make: Any, data: bytes, fault: Fault) -> None:
    for size in (1, 1000):
        with pytest.raises(NoAnswer) as caught:
            reply(make, data, size)
        assert caught.value.fault is fault


@pytest.mark.parametrize("read", [read_v1, read_v2, read_openai, read_ollama])
@pytest.mark.parametrize("value", [None, True, -1, 1e400, "x", [], {}, [[]], [{}], {"content": {}}, [None], "9" * 99])
@pytest.mark.parametrize("name", ["code", "text", "url", "list", "intent", "results", "choices", "message", "done"])
def test_no_field_of_a_wrong_kind_breaks_anything(read: Any, name: str, value: Any) -> None:
    """Whatever an API says, there is a text or a NoAnswer."""
    try:
        assert isinstance(read({name: value}).text, str)
    except NoAnswer:
        pass


# -- settings ---------------------------------------------------------------------------------------------------------


def url_of(backend: Any) -> str:
    return backend.meet("u").ask("hi", "").request.url.partition("?")[0]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({"name": "tuling"}, "http://www.tuling123.com/openapi/api"),
        ({"name": "Tuling-v2"}, "http://openapi.tuling123.com/openapi/api/v2"),
        ({"name": "tuling", "url": "http://h/x"}, "http://h/x"),
        ({"name": "tuling", "url": "http://h/api/v2"}, "http://h/api/v2"),
        ({"name": "openai"}, "https://api.openai.com/v1/chat/completions"),
        ({"name": "openai", "url": "http://h"}, "http://h/v1/chat/completions"),
        ({"name": "openai", "url": "http://h/v1/chat/completions"}, "http://h/v1/chat/completions"),
        ({"name": "ollama"}, "http://127.0.0.1:11434/api/chat"),
        ({"name": "ollama", "url": "http://h:1/"}, "http://h:1/api/chat"),
        ({"name": "ollama", "url": "http://h:1/api"}, "http://h:1/api/chat"),
    ],
)
def test_where_a_backend_asks(settings: dict[str, str], url: str) -> None:
    assert url_of(make_backend(environment={"TULING_API_KEY": "k", "OPENAI_API_KEY": "k"}, **settings)) == url


def test_the_version_of_tuling_is_seen_in_the_url() -> None:
    backend = make_backend("tuling", {"K": "k"}, url="http://h/v2", key_env="K")
    assert backend.meet("u").ask("hi", "").request.method == "POST"  # type: ignore[union-attr]


def test_a_key_goes_only_where_it_was_said_to_go() -> None:
    environment = {"OPENAI_API_KEY": "sk-1", "OTHER": " k2\n"}
    assert make_backend("openai", environment).secrets == ("sk-1",)
    assert make_backend("openai", environment, url="http://h").secrets == ()
    assert make_backend("openai", environment, url="http://h", key_env="OTHER").secrets == ("k2",)
    assert make_backend("ollama", environment, key_env="OTHER").secrets == ("k2",)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"name": "eliza2"}, "eliza2"),
        ({"name": "tuling"}, "TULING_API_KEY"),
        ({"name": "openai"}, "OPENAI_API_KEY"),
        ({"name": "tuling", "key_env": "NOT_THERE"}, "NOT_THERE"),
        ({"name": "openai", "url": "http://h", "key_env": "EMPTY"}, "EMPTY"),
        ({"name": "openai", "key_env": "TWO_LINES"}, "TWO_LINES"),
        ({"name": "openai", "key_env": "CHINESE"}, "CHINESE"),
        ({"name": "offline", "url": "http://h"}, "--url"),
        ({"name": "offline", "key_env": "K"}, "--key-env"),
        *(
            ({"name": "ollama", "url": url}, "--url")
            for url in (
                "h:80", "ftp://h", "http://", "http:///x", "http://h:x", "http://h:99999", "http://h:0", "http://h /",
                "http://h/\r\nX: 1", "http://u:secret@h/", "http://[::1", "", "http://a..b", "http://u:secret@h:x",
            )
        ),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_one_line(settings: dict[str, str], word: str) -> None:
    environment = {"EMPTY": " ", "TWO_LINES": "sec\nret", "CHINESE": "密钥"}
    with pytest.raises(BadSetting) as caught:
        make_backend(environment=environment, **settings)
    text = str(caught.value)
    assert word in text
    assert text.isprintable()
    assert "sec" not in text
