"""The bot that needs no network: what it can do, what it remembers, and that nothing breaks it."""

from __future__ import annotations

import random
import re
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from protocols.bot import Offline
from protocols.bot.backends import offline_en, offline_zh
from protocols.bot.backends.offline import CHINESE, ENGLISH
from protocols.bot.sayings import is_chinese

NOW = datetime(2026, 11, 22, 21, 5)


def meet(seed: int = 1) -> Any:
    return Offline(seed, lambda: NOW).meet("u1")


def ask(*questions: str, seed: int = 1) -> str:
    """The answer to the last of them."""
    talk, answer = meet(seed), ""
    for question in questions:
        answer = talk.ask(question, "")
    return answer


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("12*7等于多少？", "12*7 = 84"),
        ("what is 12 * 7?", "12 * 7 = 84"),
        ("1+1=?", "1+1 = 2"),
        ("(2+3)^2", "(2+3)^2 = 25"),
        ("5的平方", "5的平方 = 25"),
        ("三加五等于几", "三加五 = 8"),
        ("二十三乘以两百", "二十三乘以两百 = 4600"),
        ("10 divided by 4", "10 divided by 4 = 2.5"),
        ("10/3", "10/3 ≈ 3.333333"),
        ("0.1+0.2", "0.1+0.2 = 0.3"),
        ("-3 * -2", "-3 * -2 = 6"),
        ("7 % 4", "7 % 4 = 3"),
        ("1/0 是多少", "除数不能是零哦。"),
        ("what is 5 % 0", "Nothing can be divided by zero, not even by me."),
        ("9^9^9^9^9", "这个算式我算不出来。"),
        ("2**100000", "这个算式我算不出来。"),
        ("9**99*9**99", "这个算式我算不出来。"),
        ("2**0.5", "这个算式我算不出来。"),
        ("(1+2", "这个算式我算不出来。"),
        (
            "((((((((((((((((((((((((1+1))))))))))))))))))))))))",
            "((((((((((((((((((((((((1+1)))))))))))))))))))))))) = 2",
        ),
        ("现在几点了", "现在是 21:05。"),
        ("what time is it?", "It is 21:05."),
        ("今天星期几", "今天是 2026 年 11 月 22 日，星期日。"),
        ("What day is it?", "Today is Sunday, 2026-11-22."),
        ("你喜欢什么颜色", "我喜欢干净的换行符，还有和你聊天。你呢？"),
    ],
)
def test_what_it_knows(question: str, answer: str) -> None:
    assert ask(question) == answer or answer.startswith("我喜欢")


@pytest.mark.parametrize(
    "text", ["2026-11-22", "1/2/2026", "555-1234-99 is my number", "call 110", "3", "3 + x", "a*b"]
)
def test_what_is_no_sum(text: str) -> None:
    assert not re.search(r"[=≈]", ask(text))


@pytest.mark.parametrize(
    "question", ["抽一个 1-40", "从1到40随机点一个名", "pick 1 to 40", "pick a number between 40 and 1"]
)
def test_picking_a_number(question: str) -> None:
    picked = {int(re.findall(r"\d+", ask(question, seed=seed))[0]) for seed in range(300)}
    assert min(picked) == 1
    assert max(picked) == 40


@pytest.mark.parametrize(
    "question", ["抽签：小明、小红、小刚", "选一个：小明 小红 小刚，小刚", "pick 小明, 小红 or 小刚"]
)
def test_picking_somebody(question: str) -> None:
    answers = {ask(question, seed=seed) for seed in range(100)}
    assert any("小刚" in answer for answer in answers)
    assert len(answers) > 1


def test_the_words_of_the_trade() -> None:
    assert ask("socket是什么？").startswith("socket（套接字）是网络连接的一个端点")
    assert ask("什么是套接字") == ask("socket 是什么")
    assert ask("What is a socket?").startswith("A socket is one end of a network connection")
    assert ask("TCP和UDP有什么区别").startswith("TCP 像打电话")
    assert ask("explain http").startswith("HTTP is what browsers and sites speak")


def test_it_remembers_a_name() -> None:
    assert "李老师" in ask("我叫李老师", "我是谁？")
    assert "Ada" in ask("Hi, my name is Ada!", "what is my name")
    assert "小明" in meet().ask("你好", "小明")
    talk = meet()
    talk.ask("我叫大明", "小明")
    assert "大明" in talk.ask("我是谁", "小明"), "what is said counts more than what the client says"
    for no_name in ("我叫什么", "叫我怎么说呢", "call me later maybe tomorrow", "my name is not your business"):
        assert "{" not in ask(no_name)


@pytest.mark.parametrize("question", ["Where are you from?", "where do you live", "where do you come from?"])
def test_it_says_where_it_is(question: str) -> None:
    assert ask(question) in {
        "From an event loop on this machine; it is warm here. And you?",
        "I live behind a port number. Where are you?",
    }


def test_riddles() -> None:
    talk = meet()
    riddle = talk.ask("出个谜语", "")
    solution = dict(offline_zh.RIDDLES)[riddle.split("（猜一猜")[0]]
    assert talk.ask(f"是{solution}吗？", "") == "答对了！真聪明。"
    assert "猜一猜" in talk.ask("再来一个", "")
    assert talk.ask("不知道", "").startswith("答案是：")
    assert not talk.ask("不知道", "").startswith("答案是：")


def test_another_one() -> None:
    jokes = {ask("讲个笑话", "再讲一个", seed=seed) for seed in range(50)}
    assert jokes == set(next(templates for pattern, templates in offline_zh.RULES if "笑话" in pattern))


def test_it_comes_back_to_what_was_said() -> None:
    answers = {ask("我家的猫不见了", "啦啦啦", seed=seed) for seed in range(50)}
    assert any("你家的猫不见了" in answer for answer in answers)
    answers = {ask("my cat ran away", "la la la", seed=seed) for seed in range(50)}
    assert any("your cat ran away" in answer for answer in answers)


def test_the_same_seed_is_the_same_conversation() -> None:
    questions = ["你好", "我很累", "抛硬币", "讲个笑话", "嗯", "hello", "tell me a joke", "bla"]
    first, second = meet(7), meet(7)
    assert [first.ask(question, "") for question in questions] == [second.ask(question, "") for question in questions]
    assert len({ask("讲个笑话", seed=seed) for seed in range(50)}) > 3


def test_no_answer_twice_in_a_row() -> None:
    talk = meet()
    answers = [talk.ask("blabla", "") for _ in range(50)]
    assert all(a != b for a, b in pairwise(answers))


def test_the_language_is_that_of_the_question() -> None:
    for question in ("你好", "python 好学吗", "我爱 C++", "什么是 API", "掷骰子"):
        assert is_chinese(ask("hello", question)), question
    for question in ("hello", "I love you", "what is TCP", "roll a die", "naïve question"):
        assert not is_chinese(ask("你好", question)), question
    assert is_chinese(ask("???"))
    assert not is_chinese(ask("hello", "???"))


@pytest.mark.parametrize("language", [CHINESE, ENGLISH])
def test_every_template_can_be_filled(language: Any) -> None:
    for pattern, templates in language.rules:
        for template in templates:
            fields = {int(field) for field in re.findall(r"\{(\d)\}", template)}
            assert max(fields, default=0) <= pattern.groups, template
            assert not re.sub(r"\{(?:1|,?name)\}", "", template).count("{"), template


def test_the_two_tables_are_of_their_language() -> None:
    for _, templates in offline_zh.RULES:
        assert all(is_chinese(template, otherwise=False) for template in templates)
    for _, templates in offline_en.RULES:
        assert not any(is_chinese(template.replace("小图", "")) for template in templates)


def test_nothing_breaks_it(request: Any) -> None:
    rng = random.Random(11)
    words = [
        "我", "你", "觉得", "I", "you", "am", "my", "{name}", "{1}", "{", "\\1",
        "%s", "12", "*", "(", "抽", "1-", "😀", "\ud800",
             "是什么", "what is", "because", "想", "name is", "叫",
        "\t", "为什么", "socket", "…", "pick", "or", "、", "谜语",
    ]  # fmt: skip
    for number in range(20 * request.config.getoption("--seeds")):
        talk = meet(number)
        for _ in range(3):
            answer = talk.ask("".join(rng.choices(words, k=rng.randrange(12))), rng.choice(["", "小明"]))
            assert answer
            assert len(answer) < 400
            assert "\n" not in answer


@pytest.mark.parametrize(
    "text",
    [
        "我" * 2000,
        "I think " * 250,
        "1+" * 1000,
        "(" * 2000,
        "抽、" * 600,
        "a " * 1000,
        "9" * 2000,
        "*" * 2000,
        "because" * 290,
    ],
)
def test_no_question_takes_long(text: str) -> None:
    """No pattern is quadratic enough to matter: 40 such questions are done in the test's own time."""
    talk = meet()
    for _ in range(40):
        assert len(talk.ask(text, "")) < 400
