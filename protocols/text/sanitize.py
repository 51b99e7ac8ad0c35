"""Text from one person made safe to show to another. Knows neither names nor protocols.

Removed: control characters (a tab becomes a space, four before the text), line and paragraph separators, bidirectional
controls and every other invisible format character, because they move the cursor, break the line or turn the order of
what was said.
Kept: everything that is visible, unassigned code points (next year's emoji) and private ones. The zero-width joiner
and non-joiner stay between two characters that are not ASCII: there they shape emoji, Persian and Indic text; beside
ASCII they only hide. Flag sequences of tag characters lose their tags: those can carry a whole hidden text.
"""

from __future__ import annotations

import re

# Categories Cc, Zl, Zp, Cs and Cf of Unicode 16, less the Cf that are visible signs (Arabic number signs and the like)
# and less the joiners. A test compares this with the running Python's tables.
_REMOVED = (
    (0x0000, 0x001F), (0x007F, 0x009F), (0x00AD, 0x00AD), (0x061C, 0x061C), (0x180E, 0x180E), (0x200B, 0x200B),
    (0x200E, 0x200F), (0x2028, 0x202E), (0x2060, 0x206F), (0xD800, 0xDFFF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB),
    (0x13430, 0x1343F), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE007F),
)  # fmt: skip
VISIBLE_FORMATS = frozenset({*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD})

_JOINERS = "\u200c\u200d"
_TABLE: dict[int, str | None] = {code: None for first, last in _REMOVED for code in range(first, last + 1)}
_HIDDEN = {**_TABLE, **dict.fromkeys(map(ord, _JOINERS))}
del _HIDDEN[0x09]
_BEFORE_SLASH = re.compile(f"[\\s{_JOINERS}{''.join(f'{chr(first)}-{chr(last)}' for first, last in _REMOVED)}]*+(?=/)")
_TABLE[0x09] = " "
TAB = "    "  # a tab before the text, which is an indentation; elsewhere it is one space
# Tried only where a run of joiners begins, and without a second thought: else a line of them costs their square.
_LONE_JOINER = re.compile("(?<![^\0-\x7f])[\u200c\u200d]++|(?<![\u200c\u200d])[\u200c\u200d]++(?![^\0-\x7f])")


def sanitize(text: str) -> str:
    """`text` without anything that could act on a reader's terminal or pose as another line.

    >>> sanitize("plain"), sanitize("a\\x1b[31mb\\u202ec")
    ('plain', 'a[31mbc')
    """
    if text.isprintable():  # no category C or Z but the space: nothing to remove. 30 ns, where the rest takes 2000
        return text
    if "\t" in text:
        blanks = len(text) - len(text.lstrip(" \t"))
        text = text[:blanks].replace("\t", TAB) + text[blanks:]
    return _LONE_JOINER.sub("", text.translate(_TABLE))


def uncover(text: str) -> str:
    """`text`; where a reader sees a command in it, without what is invisible before the slash.

    `/oper PASSWORD` behind a stray control character is shown as a command, so it has to be one. Else everybody would
    read it. Blanks stay: before `//` they are indentation.

    >>> uncover("\\x7f /who"), uncover("\\ufeff/who"), uncover("/\\x7fwho")
    (' /who', '/who', '/\\x7fwho')
    """
    if text.isprintable() or (covered := _BEFORE_SLASH.match(text)) is None:
        return text
    return covered[0].translate(_HIDDEN) + text[covered.end() :]
