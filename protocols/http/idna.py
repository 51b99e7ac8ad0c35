"""Names of hosts that are not ASCII, as they are asked for: `bücher.example` is `xn--bcher-kva.example`. Pure.

Python's `idna` codec is IDNA 2003, in which four characters stand for others or for nothing: "straße" becomes
"strasse", which is somebody else's name by now. Browsers keep them (UTS 46, non-transitional), and so does this: "ß"
and "ς" are encoded; the two joiners, which are right only beside certain letters, are refused with a word.
"""

from __future__ import annotations

import re
from encodings import idna
from unicodedata import ucd_3_2_0

_DOTS = re.compile("[.\u3002\uff0e\uff61]")  # RFC 3490, 3.1
_KEPT = re.compile("([ßς])")
_JOINERS = {"\u200c": "ZERO WIDTH NON-JOINER", "\u200d": "ZERO WIDTH JOINER"}


def ascii_name(name: str) -> str:
    """The name in ASCII. Raises UnicodeError, which says what cannot be written.

    >>> ascii_name("bücher.example"), ascii_name("faß.example"), ascii_name("FASS.example")
    ('xn--bcher-kva.example', 'xn--fa-hia.example', 'FASS.example')
    """
    for joiner, called in _JOINERS.items():
        if joiner in name:
            raise UnicodeError(f"it has a {called} (U+{ord(joiner):04X}) in it: write the xn-- form")
    return ".".join(_ascii_label(label) for label in _DOTS.split("".join(map(_small, name))))


def _small(char: str) -> str:
    """The codec knows the letters of Unicode 3.2, and would take later capitals, ẞ among them, for small ones."""
    return char.lower() if ucd_3_2_0.category(char) == "Cn" else char


def _ascii_label(label: str) -> str:
    if not _KEPT.search(label):
        return label.encode("idna").decode("ascii")
    prepared = "".join(part if _KEPT.fullmatch(part) else idna.nameprep(part) for part in _KEPT.split(label))
    return "xn--" + prepared.encode("punycode").decode("ascii")
