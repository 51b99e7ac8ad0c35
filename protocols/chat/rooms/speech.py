"""What a message means: text, a command, or a name and text together. Pure; knows rooms and names only by the hub.

The tutorials' clients put their name before each message, in one of two forms:

    NAME::text                 claims NAME where it is not the sender's already, then says text
    From LABEL, NAME: text     the first from somebody unnamed names its sender; its own prefix is never shown again
"""

from __future__ import annotations

import re

from ...text.sanitize import sanitize
from . import member_commands as commands, names
from .hub import Hub
from .room import Member

_INTRODUCTION = re.compile("(From [^,:]+,([^:]+):)(.*)", re.DOTALL)
FAREWELL = "exit"
# /oper PASSWORD as people mistype it, the slash forgotten too. "Oper ist schön" can be said in other words, and a
# password that everybody has read cannot be taken back.
_SLIP = re.compile(r"[\W_]*oper\b.+", re.DOTALL | re.IGNORECASE)


def hear(hub: Hub, member: Member, raw: str) -> None:
    """Act on one message of `member`, given as it was sent: what is shown of it is sanitized here."""
    text = raw.strip()
    if text.startswith("/") and not text.startswith("//"):
        commands.run(hub, member, text)
    elif text.startswith("From ") and (form := _INTRODUCTION.fullmatch(text)):
        _hear_introduced(hub, member, text, form)
    elif "::" in text and not text.startswith("//"):
        _hear_claim(hub, member, *text.split("::", 1))
    else:
        _say(hub, member, text.removeprefix("/"))


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
        text = rest
    _say(hub, member, text)


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
    text = sanitize(raw).strip()
    if text.lower() == FAREWELL:
        commands.quit_chat(hub, member)
    elif hub.authority.has_passwords and _SLIP.fullmatch(text):
        member.tell(
            "not said: that may hold a password; operators write /oper PASSWORD, with one slash and on one line"
        )
    elif text:
        hub.say(member, text)
