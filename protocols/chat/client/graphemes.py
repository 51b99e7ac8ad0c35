"""What a reader takes for one character (UAX #29, extended grapheme clusters). Pure.

The standard library has no table of the property that the rules are written in, so it is derived from categories, names
and a few ranges. Left to itself is what no keyboard of today makes: the prepended marks of old scripts.
"""

from __future__ import annotations

import functools
import unicodedata

WINDOW = 256  # characters looked at before a place: no cluster that a person types is as long

ZWJ, STYLE = "\u200d", "\ufe0f"
_SPACING = "\u0e33\u0eb3"  # vowels of Thai and Lao that stand behind their consonant and belong to it
_VIRAMAS = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d"  # of the scripts in which they join consonants (rule GB9c)
_JOINING_SCRIPTS = ("DEVANAGARI", "BENGALI", "GUJARATI", "ORIYA", "TELUGU", "MALAYALAM")
_VOWELS = frozenset(["A", "AA", "I", "II", "U", "UU", "E", "EE", "AI", "O", "OO", "AU", "VOCALIC", "SHORT", "CANDRA"])

# Emoji that may be joined or coloured: Extended_Pictographic of Unicode 16, its small islands in ranges.
_PICTURES = (
    (0xA9, 0xA9), (0xAE, 0xAE), (0x203C, 0x203C), (0x2049, 0x2049), (0x2122, 0x2122), (0x2139, 0x2139),
    (0x2194, 0x2199), (0x21A9, 0x21AA), (0x231A, 0x231B), (0x2328, 0x2328), (0x23CF, 0x23CF), (0x23E9, 0x23F3),
    (0x23F8, 0x23FA), (0x24C2, 0x24C2), (0x25AA, 0x25AB), (0x25B6, 0x25B6), (0x25C0, 0x25C0), (0x25FB, 0x25FE),
    (0x2600, 0x2605), (0x2607, 0x2612), (0x2614, 0x2685), (0x2690, 0x2705), (0x2708, 0x2712), (0x2714, 0x2714),
    (0x2716, 0x2716), (0x271D, 0x271D), (0x2721, 0x2721), (0x2728, 0x2728), (0x2733, 0x2734), (0x2744, 0x2744),
    (0x2747, 0x2747), (0x274C, 0x274C), (0x274E, 0x274E), (0x2753, 0x2755), (0x2757, 0x2757), (0x2763, 0x2767),
    (0x2795, 0x2797), (0x27A1, 0x27A1), (0x27B0, 0x27B0), (0x27BF, 0x27BF), (0x2934, 0x2935), (0x2B05, 0x2B07),
    (0x2B1B, 0x2B1C), (0x2B50, 0x2B50), (0x2B55, 0x2B55), (0x3030, 0x3030), (0x303D, 0x303D), (0x3297, 0x3297),
    (0x3299, 0x3299), (0x1F000, 0x1F1E5), (0x1F201, 0x1F3FA), (0x1F400, 0x1FAFF), (0x1FC00, 0x1FFFD),
)  # fmt: skip


def breaks(text: str, at: int) -> bool:
    """Whether a character ends before `at`, and another begins there.

    >>> breaks("ab", 1), breaks("e\\u0301", 1), breaks("a", 0), breaks("a", 1)
    (True, False, True, True)
    """
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if before < "\x7f" and after < "\x7f":
        return True  # CR LF is no character in a line
    if is_control(before) or is_control(after):
        return True
    if _extends(after) or _spaces(after) or _joins_jamo(before, after):
        return False
    if _is_regional(before) and _is_regional(after):
        return not _odd_regionals(text, at)
    if before == ZWJ and _is_picture(after):
        return not _follows_picture(text, at - 1)
    return not (_is_consonant(after) and _follows_virama(text, at))


def start_before(text: str, at: int) -> int:
    """Where the character before `at` begins."""
    start = max(at - 1, 0)
    while start > max(0, at - WINDOW) and not breaks(text, start):
        start -= 1
    return start


def end_after(text: str, at: int) -> int:
    """Where the character at `at` ends."""
    end = min(at + 1, len(text))
    while end < min(len(text), at + WINDOW) and not breaks(text, end):
        end += 1
    return end


def is_control(char: str) -> bool:
    """Whether it stands alone, whatever comes."""
    return unicodedata.category(char) in ("Cc", "Zl", "Zp")


def is_emoji(cluster: str) -> bool:
    """Whether a character is drawn as a picture of two columns although its first code point may have one."""
    return (
        STYLE in cluster
        or (_is_regional(cluster[0]) and len(cluster) > 1)
        or (ZWJ in cluster and _is_picture(cluster[0]))
    )


@functools.cache
def _extends(char: str) -> bool:
    code = ord(char)
    return (
        unicodedata.category(char) in ("Mn", "Me")
        or char in "\u200c\u200d\uff9e\uff9f"
        or 0x1F3FB <= code <= 0x1F3FF  # the colours of skin
        or 0xE0020 <= code <= 0xE007F  # tags of flags
    )


@functools.cache
def _spaces(char: str) -> bool:
    return unicodedata.category(char) == "Mc" or char in _SPACING


def _joins_jamo(before: str, after: str) -> bool:
    """Hangul: leading consonants, vowels, trailing consonants, and syllables that are made of them already."""
    first, second = _jamo(before), _jamo(after)
    return second in {"L": "L V LV LVT", "V": "V T", "LV": "V T", "T": "T", "LVT": "T"}.get(first, "").split()


def _jamo(char: str) -> str:
    code = ord(char)
    if 0xAC00 <= code <= 0xD7A3:
        return "LVT" if (code - 0xAC00) % 28 else "LV"
    if 0x1100 <= code <= 0x115F or 0xA960 <= code <= 0xA97C:
        return "L"
    if 0x1160 <= code <= 0x11A7 or 0xD7B0 <= code <= 0xD7C6:
        return "V"
    return "T" if 0x11A8 <= code <= 0x11FF or 0xD7CB <= code <= 0xD7FB else ""


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _odd_regionals(text: str, at: int) -> bool:
    """Whether the letter before `at` is the first of its flag."""
    start = at
    while start and _is_regional(text[start - 1]):
        start -= 1
    return (at - start) % 2 == 1


@functools.cache
def _is_picture(char: str) -> bool:
    return any(first <= ord(char) <= last for first, last in _PICTURES)


def _follows_picture(text: str, at: int) -> bool:
    """Whether what stands before `at` is a picture, with whatever extends it."""
    while at and _extends(text[at - 1]) and text[at - 1] != ZWJ:
        at -= 1
    return at > 0 and _is_picture(text[at - 1])


@functools.cache
def _is_consonant(char: str) -> bool:
    words = unicodedata.name(char, "").split()
    return len(words) > 2 and words[0] in _JOINING_SCRIPTS and words[1] == "LETTER" and words[2] not in _VOWELS


def _follows_virama(text: str, at: int) -> bool:
    """Whether a consonant stands before `at`, with a virama among the marks on it."""
    joined = False
    while at and (_extends(text[at - 1])):
        joined = joined or text[at - 1] in _VIRAMAS
        at -= 1
    return joined and at > 0 and _is_consonant(text[at - 1])
