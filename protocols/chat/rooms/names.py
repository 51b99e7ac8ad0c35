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
_NOTICES = frozenset(
    {"is", "was", "now", "joined", "left", "operator", "operators", "banned", "kicked", "muted", "private"}
)

# How lines begin that are no person's speech: notices, actions, private messages, replays, and marks kept free; with
# what looks like the three that are used.
_SERVERS_BEGINNINGS = frozenset("/*[<>-=#+|~⁎∗٭⋆✱✲✳✻✽꙳𐌟•˜⁓∼〜∽⁅❲〔〖〘〚【⟦⎡⎣［")
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufffc\U0001d159")  # signs without ink
_APOSTROPHES = "'\u2019"
_JOINERS = "\u200c\u200d"
_SHAPING = frozenset(
    {
        "ARABIC", "SYRIAC", "MONGOLIAN", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU",
        "KANNADA", "MALAYALAM", "SINHALA", "MYANMAR", "KHMER", "TIBETAN",
    }
)  # fmt: skip
"""Scripts in which a joiner changes what is seen, as the names of their characters begin: the library has no table."""
_TOGETHER = frozenset(
    {"LATIN", "GREEK", "CYRILLIC", "CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC"}
)
"""Scripts that may stand in one word: UTS 39's highly restrictive level, and the two that `look` knows by letter."""
_LETTERS = ("Lu", "Ll", "Lt", "Lo", "Nd")
_DIGITS_OF = {"ARABIC-INDIC": "ARABIC", "EXTENDED": "ARABIC"}
_UNCOUNTED = re.compile("[\ufe0e\ufe0f\u200c\u200d]")  # does not tell two names apart
_EMOJI_STYLE = re.compile("[\ufe0e\ufe0f]")  # chooses between two pictures of one character: no part of a name

# Characters that look like a letter of a reserved name or of "from", the operator's first word. From the Unicode
# confusables (UTS 39), cut down to what fonts really show alike, with what people write for these letters (4, @, $).
_LOOKALIKES = {
    "a": "4@∀αΑаАⲁⲀɑɐᴀꓮᎪ𐊠",
    "d": "ԁԀɖɗđĐᴅꓓᎠժᗞᗪ",
    "e": "3€ҽεΕеЕєЄёЁəɛᴇꬲ℮ꓰᎬΣⲉⲈⴹ",
    "f": "ғҒƒϝꓝᖴꜰ",
    "i": "1!|¡lLιΙіІӏӀɩıɪꙇⲓⲒꓲᎥᏆᛁ׀∣ⵏ",
    "m": "мМΜϻϺⲙⲘᴍɱꓟᎷᛖ",
    "n": "ηΝпПпиИոռɴɲŋꓠⲛⲚᴎℕ",
    "o": "0οΟоОօՕⲟⲞᴏꓳØø",
    "r": "гГяЯʀɾɼᴦꓣᏒᎡꮁᖇⲅ",
    "s": "5$ѕЅʂꜱƨƽꓢᏚᏕՏ§",
    "v": "νѵѴᴠꓦᏙ∨⋁ᐯⴸ",
}
_SKELETON = {ord(char): letter for letter, alike in _LOOKALIKES.items() for char in alike} | {
    first + number: chr(ord("a") + number)
    for first in (0x1F150, 0x1F170, 0x1F1E6)  # letters in discs, in squares, of flags: NFKC leaves them as they are
    for number in range(26)
}

# Letters of other alphabets that look like Latin ones, small or capital, from the Unicode confusables. Fewer than the
# above: nobody may be kept from an honest name because somebody could misread it.
_ALIKE = (
    "aаαɑᴀ⍺", "bвβьƅʙ", "cсϲᴄ🝌", "dԁᴅ", "eеεҽᴇꬲ℮", "fꜰꞙꬵẝ", "gɡɢԍƍᶃ", "hһнʜ", "iіιıɩɪꙇ⍳", "jјϳᴊʝ", "kкκᴋ",
    "lӏʟ1|ǀ∣⏽", "mмμᴍϻ", "nոηɴ", "oоοօ0σᴏᴑꬽ", "pрρᴘ⍴", "qԛ", "rгʀᴦꭇꭈ", "sѕꜱƽ", "tтτᴛ⊤⟙🝨", "uυսᴜʋꞟꭎꭒ∪⋃",
    "vνѵᴠ∨⋁", "wԝѡᴡɯ", "xхχꭓ×╳⤫⤬⨯", "yуүʏɣγᶌỿꭚ", "zζᴢ",
)  # fmt: skip
_LOOKS = {ord(char): row[0] for row in _ALIKE for char in row[1:]}
_CAPITALS = str.maketrans("IΙІӀƖϹΗΝΥϺϜ", "lllllchnymf")
"""Capitals that look like other letters than their small ones do: bars, and Greek."""


class BadName(ValueError):
    """A name that nobody may have; the message tells the person why."""


def clean(raw: str) -> str:
    """The name as it will be shown. Raises BadName.

    >>> clean("  The   Weeknd "), clean("Ｓｃｏｔｔ")
    ('The Weeknd', 'Scott')
    """
    name = _formed(raw)
    if _is_reserved(name):
        raise BadName("that name is reserved")
    if _has_delimiters(name):
        raise BadName("a name has no brackets and no quotes in it")
    words = name.split(" ")
    if len(words) > 1 and any(map(_is_reserved, words)):
        raise BadName("that name is reserved")
    if why := _misleads(words):
        raise BadName(why)
    return name


def could_be(written: str) -> bool:
    """Whether somebody may be called so, as far as the writing goes.

    >>> could_be("The Weeknd"), could_be("see http"), could_be("[hi]"), could_be("")
    (True, True, False, False)
    """
    try:
        name = _formed(written)
    except BadName:
        return False
    return not _has_delimiters(name) and not _misleads(name.split(" "))


def _formed(raw: str) -> str:
    name = _shown(raw) if len(raw.strip()) <= MAX_WRITTEN else ""
    if not 1 <= len(name) <= MAX_NAME:
        raise BadName(f"a name has 1 to {MAX_NAME} characters")
    if any(_is_refused(char) and not _is_joiner_in_place(name, at) for at, char in enumerate(name)):
        raise BadName("a name has no ':' or ',' and nothing invisible in it")
    if name[0] in _SERVERS_BEGINNINGS or unicodedata.category(name[0]).startswith("M"):
        raise BadName(f"a name does not begin with {name[0]!r}" if name[0].isascii() else "a name begins with a letter")
    if name[0].isdigit() and _is_address(name):
        raise BadName("an address is no name")
    if _is_heaped(name):
        raise BadName(f"a name has at most {MAX_MARKS} accents on one letter")
    return name


def _misleads(words: list[str]) -> str:
    """Why nobody may have a name of these words: a reader would take it for something else. Empty if not so."""
    if len(words) > 1 and any(map(_is_of_notices, words)):
        return "a name of several words has none of which the server's own lines are made"
    if any(map(_mixes_scripts, words)):
        return "a word of a name is written in one alphabet; put a blank between two"
    return ""


def _mixes_scripts(word: str) -> bool:
    """Whether letters stand together that no writing has in one word: what looks like Latin there is none.

    The library has no table of scripts: the names of the characters begin with them.
    """
    letters = [char for char in word if char >= "\x80" and unicodedata.category(char) in _LETTERS]
    scripts = {unicodedata.name(char, "").split(" ")[0] for char in letters}
    scripts = {_DIGITS_OF.get(script, script) for script in scripts}
    if any(char.isascii() and char.isalpha() for char in word):
        scripts.add("LATIN")
    return len(scripts) > 1 and not scripts <= _TOGETHER


def _is_of_notices(word: str) -> bool:
    """Whether a reader could take the name for a part of the server's sentence: `Mal is now an operator`."""
    bare = "".join(filter(str.isalnum, word))
    return key(bare) in _NOTICES or look(bare) in _NOTICES


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
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", _UNCOUNTED.sub("", name)).casefold())


def look(name: str) -> str:
    """What two names that look alike to the eye have in common: the skeleton of UTS 39, of the letters people mix up.

    >>> look("Ada") == look("\u0410d\u0430"), look("Bill") == look("BiIl"), look("Dan") == look("Don")
    (True, True, False)
    """
    text = key(name.translate(_CAPITALS)).translate(_LOOKS)
    return text.replace("rn", "m").replace("vv", "w")


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


def _has_delimiters(name: str) -> bool:
    """What stands around names in the lines of the chat must not be in them: a reader could not tell where one ends."""
    return any(map(_is_delimiter, name)) or _quotes_with_apostrophes(name)


def _is_delimiter(char: str) -> bool:
    if char.isalnum() or char == " ":
        return False
    return char in ':,<>"`' or (unicodedata.category(char) in ("Ps", "Pe", "Pi", "Pf") and char not in _APOSTROPHES)


def _quotes_with_apostrophes(name: str) -> bool:
    """O'Brien has one inside; anywhere else it is a quote."""
    return any(
        char in _APOSTROPHES and not (name[:at][-1:].isalpha() and name[at + 1 :][:1].isalpha())
        for at, char in enumerate(name)
    )


def _is_joiner_in_place(name: str, at: int) -> bool:
    """Whether that is a joiner or non-joiner where the writing needs one, as Persian and Sinhala do."""
    return name[at] in _JOINERS and _shapes(name[:at][-1:]) and _shapes(name[at + 1 :][:1])


def _shapes(char: str) -> bool:
    return unicodedata.name(char, "").split(" ")[0] in _SHAPING if char else False


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
