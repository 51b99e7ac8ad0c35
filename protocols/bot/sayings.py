"""What the bot says of its own accord, in Chinese and in English. Knows neither backends nor connections.

The rule of language: a question with a Chinese character in it is answered in Chinese, one with letters and none of
those in English, and one with neither (`1+1`, `???`) as the one before; who has said nothing yet is spoken to in
Chinese, as the tutorial's clients are.
"""

from __future__ import annotations

import re
from enum import Enum

from ..text.faults import Fault as TextFault

WELCOME = "你好，欢迎来到机器人聊天器！"  # the tutorial's own words, to the letter

_CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTERS = re.compile("[A-Za-z\u00c0-\u024f]")


def is_chinese(text: str, otherwise: bool = True) -> bool:
    """Whether to answer `text` in Chinese; `otherwise` where it does not say.

    >>> is_chinese("Python 是什么"), is_chinese("What is it?"), is_chinese("1+1", otherwise=False)
    (True, False, False)
    """
    if _CHINESE.search(text):
        return True
    return otherwise and not _LETTERS.search(text)


class _Bilingual(Enum):
    def say(self, chinese: bool) -> str:
        """The sentence in that language."""
        texts: tuple[str, str] = self.value
        return texts[0 if chinese else 1]


class Saying(_Bilingual):
    """What is no answer and no fault."""

    NOTHING = ("请说点什么吧。", "Say something, please.")
    WAIT = (
        "请等一下，前面的问题我还没答完；这一句我没有收下。",
        "One moment please: I am still at your earlier questions, and did not take this one.",
    )
    BYE = ("再见！", "Goodbye!")
    CLOSING = ("机器人要休息了，再见！", "The bot is closing down, goodbye!")
    FULL = ("人太多了，请稍后再来。", "Too many people are here; please come back later.")
    FLOOD = ("你说得太快了，今天先到这里吧。", "That was too much at once; goodbye.")
    CUT = ("（回答太长，后面的略去了）", "(the answer was too long; the rest is left out)")
    SLOWER = ("我需要歇一会儿，请过一分钟再问我。", "I need a rest; please ask me again in a minute.")


class Fault(_Bilingual):
    """Why there is no answer: the one sentence that a person gets instead."""

    UNREACHABLE = ("我现在连不上我的大脑，请稍后再试。", "I cannot reach my brain right now; please try again later.")
    TIMEOUT = ("我想得太久了，还没有想出来，请再问一次。", "That is taking me too long; please ask again.")
    BUSY = ("现在问的人太多了，请过一会儿再问。", "Too many people are asking right now; please try again later.")
    QUOTA = ("我今天的提问次数用完了，请明天再来。", "I have used up my answers for today; please come back tomorrow.")
    REFUSED = ("我的钥匙打不开门，请告诉管理员。", "My key was not accepted; please tell whoever runs me.")
    NOT_FOUND = (
        "我找不到我的大脑了，请告诉管理员。",
        "My brain is not where it should be; please tell whoever runs me.",
    )
    NOT_TAKEN = (
        "这个问题我的大脑不收，请换个说法。",
        "My brain did not take that question; please say it differently.",
    )
    BROKEN = ("我的大脑出了点毛病，请稍后再试。", "My brain has a problem; please try again later.")
    GARBLED = ("我收到的回答看不懂，请再问一次。", "I could not make sense of the answer I got; please ask again.")
    TOO_LARGE = ("回答大得我拿不动，请换个问法。", "The answer was too large for me; please ask differently.")
    EMPTY = ("我想了想，没有什么可说的。", "I thought about it, and have nothing to say.")
    DECLINED = ("这个话题我不方便聊，换一个吧。", "I would rather not talk about that; let us change the subject.")
    LOST = ("话说到一半断了，请再问一次。", "I lost the thread; please ask again.")

    def say_in_the_middle(self, chinese: bool) -> str:
        """The sentence where a part of the answer was given already."""
        return f"（没说完：{self.say(True)}）" if chinese else f"(not finished: {self.say(False)})"


FOR_THE_OPERATOR = frozenset(Fault) - {Fault.EMPTY, Fault.DECLINED, Fault.TIMEOUT, Fault.LOST}
"""Faults that may stay until whoever runs the bot does something."""

BY_STATUS = {
    400: Fault.NOT_TAKEN,
    401: Fault.REFUSED,
    402: Fault.QUOTA,
    403: Fault.REFUSED,
    404: Fault.NOT_FOUND,
    405: Fault.NOT_FOUND,
    408: Fault.TIMEOUT,
    410: Fault.NOT_FOUND,
    413: Fault.NOT_TAKEN,
    422: Fault.NOT_TAKEN,
    429: Fault.BUSY,
    503: Fault.BUSY,
    504: Fault.TIMEOUT,
    529: Fault.BUSY,  # "overloaded", as some APIs say it
}


def fault_of_status(status: int) -> Fault | None:
    """What an HTTP status means to who asked; None for an answer.

    Redirects are not followed: the key may be in the body, which would follow as well.

    >>> fault_of_status(200), fault_of_status(307).name, fault_of_status(418).name, fault_of_status(500).name
    (None, 'NOT_FOUND', 'NOT_TAKEN', 'BROKEN')
    """
    if 200 <= status < 300:
        return None
    if fault := BY_STATUS.get(status):
        return fault
    by_class = {3: Fault.NOT_FOUND, 4: Fault.NOT_TAKEN}
    return by_class.get(status // 100, Fault.BROKEN)


TEXT_FAULTS: dict[TextFault, tuple[str, str]] = {
    TextFault.LINE_TOO_LONG: (
        "这句话我没有收下：它超过了 2,048 字节。",
        "I did not take that line: it is longer than 2,048 bytes.",
    ),
    TextFault.NOT_UTF8: ("这句话我没有收下：它不是 UTF-8 编码。", "I did not take that line: it is not UTF-8."),
    TextFault.IRC: (
        "再见：这里不是 IRC 服务器，直接打字就行（用 telnet 或 nc）。",
        "Goodbye: this is no IRC server; come with telnet or nc, and just type.",
    ),
    TextFault.NO_NEWLINE: ("再见：8 KiB 还没有换行。", "Goodbye: that was 8 KiB without the end of a line."),
}
"""What a sender is told of what was no message. Strangers behind whom nobody sits are told nothing."""
