"""What the offline bot can really do: sums, the time, dice, picking somebody, the words of the trade. Pure.

Each skill is given the question, and answers it or says nothing; `answer` asks them in turn.
"""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

from .glossary import define

RIDDLE = re.compile(r"谜语|猜谜|\briddle\b", re.IGNORECASE)
AGAIN = re.compile(
    r"[再又][来讲说出背]?一?[个首条遍]吧?|还有吗|换一个|(?:one more|another(?: one)?|more|again)(?: please)?",
    re.IGNORECASE,
)
GIVE_UP = re.compile(r"答案|谜底|不知道|猜不|放弃|\b(?:answer|give up|don'?t know|no idea)\b", re.IGNORECASE)

LONGEST_SUM = 100  # characters; a sum that a person types
LARGEST = 10**30  # beyond it a result is no use in a chat, and powers could keep the processor busy for hours
DEEPEST_POWER = 100
MOST_PICKED = 10**9  # the largest number to pick up to


def answer(text: str, chinese: bool, now: datetime, rng: random.Random) -> str:
    """The answer of the first skill that has one; empty if none has."""
    return (
        _sum(text, chinese)
        or _clock(text, chinese, now)
        or _pick(text, chinese, rng)
        or define(text, chinese)
    )  # fmt: skip


# -- sums ---------------------------------------------------------------------------------------------------------

_WORDS = (
    (r"×|x(?=\s*\d)|乘以?|\btimes\b|\bmultiplied by\b", "*"),
    (r"÷|除以|\bdivided by\b", "/"),
    (r"加上?|\bplus\b", "+"),
    (r"减去?|－|−|\bminus\b", "-"),
    (r"\^", "**"),
    (r"的?平方", "**2"),
    ("（", "("),
    ("）", ")"),
)
_ASKING = re.compile(
    r"^(?:请问|帮我|算一下|算一算|算算|计算|请算|what(?:'s| is)|how much is|calculate|compute|\s)*+|"
    r"(?:等于|是)?(?:多少|几)?\s*+[=＝]?\s*+[?？。.!！]*+\s*+(?:呢|啊)?$",
    re.IGNORECASE,
)
_OPERATION = re.compile(r"[\d)]\s*[-+*/%]+\s*[-+\d(.]")
_SUM = re.compile(r"[\d\s.+\-*/()%]*\d[\d\s.+\-*/()%]*")

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: Fraction(a // b),
    ast.Mod: operator.mod,
}


def _sum(text: str, chinese: bool) -> str:
    if len(text) > LONGEST_SUM:
        return ""
    shown = _ASKING.sub("", text).strip()
    plain = shown
    for word, sign in _WORDS:
        plain = re.sub(word, sign, plain, flags=re.IGNORECASE)
    plain = _NUMERAL.sub(_number, plain)
    if not _SUM.fullmatch(plain) or not _OPERATION.search(plain):
        return ""
    if re.fullmatch(r"\d+([-/])\d+\1\d+", plain):
        return ""  # a date
    try:
        value = _value(ast.parse(plain.strip(), mode="eval").body)
    except ZeroDivisionError:
        return "除数不能是零哦。" if chinese else "Nothing can be divided by zero, not even by me."
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "这个算式我算不出来。" if chinese else "That sum is beyond me."
    return f"{shown} {'=' if value.denominator == 1 or _is_short(value) else '≈'} {_show(value)}"


_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"两": 2}
_NUMERAL = re.compile(f"[{''.join(_DIGITS)}十百]{{1,7}}")


def _number(found: re.Match[str]) -> str:
    """A Chinese numeral below a thousand: 二十三 is 23."""
    value, digit = 0, None
    for character in found[0]:
        if character in _DIGITS:
            digit = _DIGITS[character]
        else:
            value += (1 if digit is None else digit) * (10 if character == "十" else 100)
            digit = 0
    return str(value + (digit or 0))


def _value(node: ast.expr) -> Fraction:
    """The value of a sum, exact. Raises ValueError for whatever is more than a sum, or too large."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return _bounded(Fraction(str(number)))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            return -_value(operand) if isinstance(sign, ast.USub) else _value(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_value(left), _value(right))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _bounded(_OPERATORS[type(op)](_value(left), _value(right)))
    raise ValueError("no sum")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1 or abs(exponent) > DEEPEST_POWER:
        raise ValueError("no such power")
    return _bounded(base**exponent.numerator)


def _bounded(value: Fraction) -> Fraction:
    if abs(value.numerator) > LARGEST or value.denominator > LARGEST:
        raise ValueError("too large")
    return value


def _is_short(value: Fraction) -> bool:
    """Whether six digits behind the point say all of it."""
    return 10**6 % value.denominator == 0


def _show(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.6f}".rstrip("0").rstrip(".") if abs(value) >= Fraction(1, 10**5) else f"{float(value):.3g}"


# -- the time -----------------------------------------------------------------------------------------------------

_TIME = re.compile(
    r"^time\W*$|几点|现在.{0,3}时间|什么时间了|what(?:'s| is)? (?:the )?time|\btime is it", re.IGNORECASE
)
_DATE = re.compile(
    r"今天.{0,3}(?:几号|几月|日期|星期|礼拜|周几)|星期几|"
    r"(?:what|which) (?:day|date)|(?:today's|the) date|what is today",
    re.IGNORECASE,
)
_DAYS_ZH = "一二三四五六日"


def _clock(text: str, chinese: bool, now: datetime) -> str:
    if _TIME.search(text):
        return f"现在是 {now:%H:%M}。" if chinese else f"It is {now:%H:%M}."
    if _DATE.search(text):
        if chinese:
            return f"今天是 {now.year} 年 {now.month} 月 {now.day} 日，星期{_DAYS_ZH[now.weekday()]}。"
        return f"Today is {_DAYS_EN[now.weekday()]}, {now.year}-{now.month:02}-{now.day:02}."
    return ""


_DAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

# -- chance -------------------------------------------------------------------------------------------------------

_COIN = re.compile(r"[抛扔掷]个?.{0,3}硬币|\b(?:flip|toss)\b.*\bcoin\b", re.IGNORECASE)
_DIE = re.compile(r"[掷扔投]个?.{0,3}骰子|\broll\b.*\b(?:die|dice)\b", re.IGNORECASE)
_RANGE = re.compile(
    r"^(?=.*(?:抽|选|挑|点|随机|\b(?:pick|choose|draw|random)\b)).*?(\d{1,9})\s*(?:-|~|～|到|至|to|and)\s*(\d{1,9})",
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?:抽签|[抽选挑]一?个|点名|\b(?:pick|choose|draw)(?: one)?(?: of| from| between)?)\s*[:：]?\s*(.+)",
    re.IGNORECASE,
)
_COMMAS = re.compile(r"\s*(?:[,，、;；/]|\bor\b|\band\b|还是|或者?)\s*", re.IGNORECASE)


def _pick(text: str, chinese: bool, rng: random.Random) -> str:
    if _COIN.search(text):
        heads = rng.random() < 0.5
        return ("正面！" if heads else "反面！") if chinese else ("Heads!" if heads else "Tails!")
    if _DIE.search(text):
        return f"掷出了 {rng.randint(1, 6)}。" if chinese else f"You rolled a {rng.randint(1, 6)}."
    if found := _RANGE.search(text):
        low, high = sorted((int(found[1]), int(found[2])))
        number = rng.randint(low, min(high, MOST_PICKED))
        return f"抽到了 {number} 号！" if chinese else f"I pick {number}."
    if found := _LIST.search(text):
        names = [name for name in _COMMAS.split(found[1].strip(" 。.!！?？")) if name]
        if len(names) > 1:
            return f"就选{rng.choice(names)}！" if chinese else f"I pick {rng.choice(names)}!"
    return ""
