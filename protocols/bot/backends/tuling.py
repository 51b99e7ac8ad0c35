"""The Tuling robot's API, both versions: the tutorial's backend. Pure.

v1: GET http://www.tuling123.com/openapi/api?key=..&info=..&userid=..; an object with `code`, `text`, `url`, `list`
v2: POST of JSON to http://openapi.tuling123.com/openapi/api/v2; an object with `intent.code` and `results`

The codes are those of Tuling's documentation ("Web API", and "API V2.0").
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from ..sayings import Fault
from .backend import Call, NoAnswer, Request
from .bodies import JsonBody, Piece

V1_URL = "http://www.tuling123.com/openapi/api"
V2_URL = "http://openapi.tuling123.com/openapi/api/v2"
ITEMS = 3  # news or recipes that are shown of a list of twenty: a chat is no newspaper

V1_FAULTS = {
    40001: Fault.REFUSED,  # the key is wrong
    40002: Fault.NOT_TAKEN,  # info is empty
    40004: Fault.QUOTA,  # today's requests are used up
    40007: Fault.NOT_TAKEN,  # the data has a wrong form
}
V2_FAULTS = {
    4000: Fault.NOT_TAKEN,  # the request has a wrong form
    4001: Fault.REFUSED,  # encryption is required, or wrong
    4002: Fault.REFUSED,  # no permission for this function
    4003: Fault.QUOTA,
    4005: Fault.REFUSED,
    4007: Fault.REFUSED,  # the key is wrong
    4100: Fault.BROKEN,  # userid
    4200: Fault.NOT_TAKEN,
    4300: Fault.BUSY,
    4400: Fault.BROKEN,
    4500: Fault.QUOTA,  # too many userids
    4600: Fault.NOT_TAKEN,  # empty
    4602: Fault.NOT_TAKEN,  # too long
    5000: Fault.EMPTY,  # nothing was found
    6000: Fault.NOT_TAKEN,
    7002: Fault.BROKEN,
    8008: Fault.BROKEN,
}


class Tuling:
    """Either version. `url` is the whole endpoint."""

    def __init__(self, url: str, key: str, *, version: int = 1) -> None:
        self._url = url
        self._key = key
        self._ask = self._ask_v1 if version == 1 else self._ask_v2
        self.secrets: tuple[str, ...] = (key,)

    def meet(self, user_id: str) -> TulingConversation:
        return TulingConversation(self, user_id)

    def ask(self, question: str, user_id: str) -> Call:
        return self._ask(question, user_id)

    def _ask_v1(self, question: str, user_id: str) -> Call:
        query = urlencode({"key": self._key, "info": question, "userid": user_id}, quote_via=quote, safe="")
        parts = urlsplit(self._url)
        url = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query, fragment=""))
        return Call(Request(url), JsonBody(read_v1))

    def _ask_v2(self, question: str, user_id: str) -> Call:
        body = {
            "reqType": 0,  # text
            "perception": {"inputText": {"text": question}},
            "userInfo": {"apiKey": self._key, "userId": user_id},
        }
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return Call(Request(self._url, "POST", headers, json.dumps(body).encode()), JsonBody(read_v2))


class TulingConversation:
    """Tuling remembers by itself, under the user's id."""

    def __init__(self, tuling: Tuling, user_id: str) -> None:
        self._tuling = tuling
        self._user_id = user_id

    def ask(self, question: str, name: str) -> Call:
        return self._tuling.ask(question, self._user_id)

    def heard(self, question: str, answer: str) -> None:
        """Nothing to do."""


def read_v1(answer: dict[str, Any]) -> Piece:
    """The text of a v1 answer, one line for each thing in it.

    >>> read_v1({"code": 200000, "text": "打开了", "url": "http://example.com/"}).text
    '打开了\\nhttp://example.com/'
    """
    code = _code(answer.get("code", 100000))
    if 40000 <= code < 50000:
        raise NoAnswer(V1_FAULTS.get(code, Fault.BROKEN), f"Tuling says {code}")
    lines = [_text(answer, "text"), _text(answer, "url")]
    items = answer.get("list")
    for item in items[:ITEMS] if isinstance(items, list) else []:
        if isinstance(item, dict):
            lines.append(_item(item))
    return Piece("\n".join(filter(None, lines)), end=True)


def _item(item: dict[str, Any]) -> str:
    """A piece of news (302000: article, source, detailurl) or a recipe (308000: name, info, detailurl)."""
    title = _text(item, "article") or _text(item, "name")
    source, info = _text(item, "source"), _text(item, "info")
    about = (f"（{source}）" if source else "") + (f"：{info}" if info else "")
    return f"{title}{about} {_text(item, 'detailurl')}".strip()


def read_v2(answer: dict[str, Any]) -> Piece:
    """The text of a v2 answer.

    >>> read_v2({"intent": {"code": 10004}, "results": [{"resultType": "text", "values": {"text": "你好"}}]}).text
    '你好'
    """
    intent, results = answer.get("intent"), answer.get("results")
    code = _code(intent.get("code", 0)) if isinstance(intent, dict) else 0
    if code in V2_FAULTS:
        raise NoAnswer(V2_FAULTS[code], f"Tuling says {code}")
    if not isinstance(results, list):
        raise NoAnswer(Fault.GARBLED, "no results")
    lines: list[str] = []
    for result in results[: 2 * ITEMS]:
        values = result.get("values") if isinstance(result, dict) else None
        for value in values.values() if isinstance(values, dict) else []:
            lines.extend(_value(value))
    return Piece("\n".join(filter(None, lines)), end=True)


def _value(value: Any) -> list[str]:
    """A text, a link, or news in the form of v1's."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [_news(item) for item in value[:ITEMS] if isinstance(item, dict)]
    return []


def _news(item: dict[str, Any]) -> str:
    return _item({**item, "article": item.get("name") or item.get("article"), "name": None})


def _code(value: Any) -> int:
    """A code, which some proxies give as text. Anything else is no answer of Tuling's."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise NoAnswer(Fault.GARBLED, "a code that is no number")


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return value.strip() if isinstance(value, str) else ""
