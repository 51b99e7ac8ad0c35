"""What a person may be called, and which names are the same. Pure text; knows nobody.

A name is shown before everything its holder says, so it is where a forger would begin: no name may be taken for the
operator's or make a line look like the server's.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Callable

MAX_NAME = 32  # code points after NFKC: a full name in most languages, and still a line's beginning
MAX_WRITTEN = 8 * MAX_NAME  # as somebody types it: four for one that NFKC composes, and spaces. Longer text is no
# name, and is not normalized to find that out: 2 KB of marks cost 2 ms, and 17 times that where a name has spaces
MAX_MARKS = 3  # combining marks in a row: Thai, Tibetan and Vietnamese need no more, and a heap hides the lines above
RESERVED = ("Admin", "Server")

# How lines begin that are no person's speech: notices, actions, private messages, replays, and marks kept free; with
# what looks like the three that are used.
_SERVERS_BEGINNINGS = frozenset("/*[<>-=#+|~⁎∗٭⋆✱✲✳✻✽꙳𐌟•˜⁓∼〜∽⁅❲〔〖〘〚【⟦⎡⎣［")
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\U0001d159")  # signs without ink
_EMOJI_STYLE = re.compile("[\ufe0e\ufe0f]")  # chooses between two pictures of one character: no part of a name

# Characters that look like a letter of a reserved name or of "from", the operator's first word. From the Unicode
# confusables (UTS 39), cut down to what fonts really show alike, with what people write for these letters (4, @, $).
_LOOKALIKES = {
    "a": "4@∀αΑаАⲁⲀɑɐᴀꓮᎪ𐊠",
    "d": "ԁԀɖɗđĐᴅꓓᎠժᗞᗪ",
    "e": "3€ҽεΕеЕєЄёЁəɛᴇꓰᎬΣⲉⲈⴹ",
    "f": "ғҒƒϝꓝᖴꜰ",
    "i": "1!|¡lLιΙіІӏӀɩıɪⲓⲒꓲᎥᏆᛁ׀∣ⵏ",
    "m": "мМΜϻϺⲙⲘᴍɱꓟᎷᛖ",
    "n": "ηΝпПпиИոռɴɲŋꓠⲛⲚᴎℕ",
    "o": "0οΟоОօՕⲟⲞᴏꓳØø",
    "r": "гГяЯʀɾɼᴦꓣᏒᎡᖇⲅ",
    "s": "5$ѕЅʂꜱƨꓢᏚՏ§",
    "v": "νѵѴᴠꓦᏙ∨⋁ᐯⴸ",
}
_SKELETON = {ord(char): letter for letter, alike in _LOOKALIKES.items() for char in alike} | {
    first + number: chr(ord("a") + number)
    for first in (0x1F150, 0x1F170, 0x1F1E6)  # letters in discs, in squares, of flags: NFKC leaves them as they are
    for number in range(26)
}


class BadName(ValueError):
    """A name that nobody may have; the message tells the person why."""


def clean(raw: str) -> str:
    """The name as it will be shown. Raises BadName.

    >>> clean("  The   Weeknd "), clean("Ｓｃｏｔｔ")
    ('The Weeknd', 'Scott')
    """
    name = _shown(raw) if len(raw.strip()) <= MAX_WRITTEN else ""
    if not 1 <= len(name) <= MAX_NAME:
        raise BadName(f"a name has 1 to {MAX_NAME} characters")
    if any(map(_is_refused, name)):
        raise BadName("a name has no ':' or ',' and nothing invisible in it")
    if name[0] in _SERVERS_BEGINNINGS or unicodedata.category(name[0]).startswith("M"):
        raise BadName(f"a name does not begin with {name[0]!r}" if name[0].isascii() else "a name begins with a letter")
    if name[0].isdigit() and _is_address(name):
        raise BadName("an address is no name")
    if _is_heaped(name):
        raise BadName(f"a name has at most {MAX_MARKS} accents on one letter")
    if _is_reserved(name):
        raise BadName("that name is reserved")
    return name


def _is_address(name: str) -> bool:
    """Whoever was called so would be banned in another's stead."""
    try:
        ipaddress.ip_network(name, strict=False)
    except ValueError:
        return False
    return True


def fits(written: str) -> bool:
    """Whether a name may be written like this, as far as its length goes.

    >>> fits("e\\u0301" * 32), fits("x" * 33), fits("ﬃ" * 11)
    (True, False, False)
    """
    return len(written) <= MAX_WRITTEN and len(_shown(written)) <= MAX_NAME


def _shown(written: str) -> str:
    return " ".join(filter(None, unicodedata.normalize("NFKC", _EMOJI_STYLE.sub("", written)).split(" ")))


def key(name: str) -> str:
    """What two names that count as the same have in common: case and width do not tell people apart.

    Of a name as it is shown, and as somebody may write it: keyboards add to an emoji what `clean` takes away.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _EMOJI_STYLE.sub("", name)).casefold())


def suggest(name: str, is_taken: Callable[[str], bool]) -> str:
    """A free name like `name`, which is taken.

    >>> suggest("Ada", {"Ada", "Ada2"}.__contains__)
    'Ada3'
    """
    number = 2
    while is_taken(other := name[: MAX_NAME - len(str(number))].rstrip() + str(number)):
        number += 1
    return other


def _is_refused(char: str) -> bool:
    if char.isalnum() or char == " ":
        return char in _UNSEEN
    return char in ":,\ufffd" or unicodedata.category(char)[0] in "CZ" or char in _UNSEEN or _is_selector(char)


def _is_heaped(name: str) -> bool:
    marks = "".join("m" if unicodedata.category(char).startswith("M") else " " for char in name)
    return "m" * (MAX_MARKS + 1) in marks


def _is_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef" or "\u180b" <= char <= "\u180f"


def skeleton(name: str) -> str:
    """The letters and digits that a reader takes `name` for, as far as reserved names are concerned."""
    text = name.translate(_SKELETON).casefold()
    text = "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text))).translate(_SKELETON)
    return text.replace("rn", "m").replace("cl", "d").replace("ci", "d")


_WORDS = "|".join(map(skeleton, RESERVED))
_RESERVED = re.compile(f"(?:{_WORDS})+|{skeleton('From')}(?:{_WORDS}).*")
_DECORATION = re.compile(r"^\W+|\W+$")
_DECORATION_BEHIND = re.compile(r"\W+$")


def _is_reserved(name: str) -> bool:
    # "@dmin" reads its sign as a letter, "Admin!" does not
    readings = name, _DECORATION.sub("", name), _DECORATION_BEHIND.sub("", name)
    return any(_RESERVED.fullmatch(skeleton(reading)) for reading in readings)
