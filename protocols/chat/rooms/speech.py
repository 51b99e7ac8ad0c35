"""What a message means: text, a command, or a name and text together. Pure; knows rooms and names only by the hub.

The tutorials' clients put their name before each message, in one of two forms:

    NAME::text                 from somebody unnamed claims NAME and says text; from NAME it says text
    From LABEL, NAME: text     the first from somebody unnamed names its sender; its own prefix is never shown again

Whoever has chosen a name is not renamed by speaking: `use std::sort here` and `fe80::1` are said as they stand. Text
keeps the blanks before it, which are what Python is made of.
"""

from __future__ import annotations

import ipaddress
import re

from ...text.sanitize import sanitize
from . import member_commands as commands, names
from .hub import Hub
from .room import Member

_INTRODUCTION = re.compile("(From [^,:]+,([^:]+):)(.*)", re.DOTALL)
FAREWELL = "exit"
# /oper PASSWORD as people mistype it, the slash forgotten too. "Oper ist schön" can be said in other words, and a
# password that everybody has read cannot be taken back.
_SLIP = re.compile(r"[\W\d_]*oper\b.+", re.DOTALL | re.IGNORECASE)
NOT_SAID = "not said: that may hold a password; operators write /oper PASSWORD, with one slash and on one line"


def hear(hub: Hub, member: Member, raw: str) -> None:
    """Act on one message of `member`, given as it was sent: what is shown of it is sanitized here."""
    bare = raw.strip()
    if bare[:1] == "/":
        if bare[:2] == "//":
            _say(hub, member, raw.replace("/", "", 1))
        else:
            commands.run(hub, member, bare)
    elif raw.startswith("From ") and (form := _INTRODUCTION.fullmatch(bare)):
        _hear_introduced(hub, member, bare, form)
    elif "::" in raw:
        _hear_prefixed(hub, member, raw)
    else:
        _say(hub, member, raw)


def _hear_introduced(hub: Hub, member: Member, text: str, form: re.Match[str]) -> None:
    prefix, name, rest = form.groups()
    if not member.named and not member.prefix:
        member.prefix = prefix
        try:
            hub.rename(member, name)
        except names.BadName as why:
            member.tell(f"you stay {member.name}: {why}")
        else:
            member.skip_welcome()  # this client takes each line it gets for an answer to what it said
    if prefix == member.prefix or hub.get(name) is member:
        text = rest.removeprefix(" ")
    _say(hub, member, text)


def _hear_prefixed(hub: Hub, member: Member, raw: str) -> None:
    name, text = raw.split("::", 1)
    if _is_own(hub, member, name):
        _say(hub, member, text)
    elif _may_claim(member, name, raw):
        _hear_claim(hub, member, name, text)
    else:
        _say(hub, member, raw)


def _is_own(hub: Hub, member: Member, name: str) -> bool:
    return member.named and name == name.strip() and hub.get(name) is member


def _may_claim(member: Member, name: str, raw: str) -> bool:
    """Whether a client that puts its name before what it says would write this, and nobody who speaks of code."""
    if member.named or name != name.strip() or not names.could_be(name):
        return False
    if any(map(str.isdigit, name)) and _is_ipv6(raw.split()[0]):
        return False
    words = name.split()
    return (len(words) == 1 and not member.plain) or not any(word[0].islower() for word in words)


def _is_ipv6(word: str) -> bool:
    """Whether a network could have that address: `Ada2::a` is of a block that nobody was given (RFC 4291, 2.4)."""
    try:
        address = ipaddress.IPv6Address(word.rstrip(".,;!?"))
    except ValueError:
        return False
    return word[0].isdigit() or not address.is_reserved


def _hear_claim(hub: Hub, member: Member, name: str, text: str) -> None:
    if text.strip().lower() == FAREWELL:
        return commands.quit_chat(hub, member)
    try:
        commands.rename(hub, member, name)
    except names.BadName as why:
        member.tell(f"not said, you stay {member.name}: {why}")
    else:
        _say(hub, member, text)


def _say(hub: Hub, member: Member, raw: str) -> None:
    text = sanitize(raw).rstrip()
    bare = text.lstrip()
    if len(bare) == len(FAREWELL) and bare.lower() == FAREWELL:
        commands.quit_chat(hub, member)
    elif member.local and hub.authority.has_passwords and _SLIP.fullmatch(bare):
        member.tell(NOT_SAID)
    elif bare:
        member.plain = True
        hub.say(member, text)


def asks_to_operate(raw: str) -> bool:
    """Whether it is /oper, which is this server's own affair: its password goes nowhere else."""
    return raw.strip().partition(" ")[0].lower() == "/oper"


def may_hold_password(raw: str) -> bool:
    """Whether any part of it, as it might be said, looks like a mistyped /oper PASSWORD."""
    text = raw.strip()
    form = _INTRODUCTION.fullmatch(text)
    parts = [text, text.removeprefix("/"), text.partition("::")[2], *([form[3]] if form else [])]
    return any(_SLIP.fullmatch(sanitize(part).strip()) for part in parts)
