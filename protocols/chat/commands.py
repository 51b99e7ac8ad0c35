"""What begins with a slash. The table below is the whole truth: it runs the commands and prints the help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..sanitize import sanitize
from . import names
from .hub import Hub
from .room import Member

WHO_LINE = 20  # names in one line
WHO_MAX = 400  # names; a list that nobody reads is only a burden, and this one stays below the soft cap of output


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table. `run` is given the hub, who asks, and what follows the command's word, stripped."""

    usage: str
    help: str
    run: Callable[[Hub, Member, str], None]


def run(hub: Hub, member: Member, text: str) -> None:
    """Run the command that `text` begins with; what is no command is an error to its sender only."""
    word, _, argument = text.partition(" ")
    command = COMMANDS.get(word.lower())
    if command is None:
        member.tell(f"there is no {shorten(sanitize(word))}; /help lists what there is, //text says /text")
    else:
        command.run(hub, member, argument.strip())


def rename(hub: Hub, member: Member, name: str) -> None:
    """Give `member` a name and tell it so. Raises BadName."""
    if hub.rename(member, name):
        member.tell(f"you are {member.name} now")


def quit_chat(hub: Hub, member: Member, _: str = "") -> None:
    """`member` leaves by its own will."""
    member.tell("goodbye")
    hub.leave(member)
    member.close()


def shorten(text: str, size: int = 40) -> str:
    """`text`, or its beginning: nobody needs all of a long mistake back."""
    return text if len(text) <= size else f"{text[: size - 1]}…"


def who(hub: Hub) -> list[str]:
    """Everybody's names, in lines.

    >>> who(Hub(print))
    ['nobody is here']
    """
    everybody = [member.name for member in hub.members()]
    shown = everybody[:WHO_MAX]
    lines = [", ".join(shown[at : at + WHO_LINE]) for at in range(0, len(shown), WHO_LINE)]
    if not lines:
        return ["nobody is here"]
    lines[0] = f"{len(everybody)} here: {lines[0]}"
    if len(everybody) > WHO_MAX:
        lines.append(f"and {len(everybody) - WHO_MAX} more")
    return lines


def _nick(hub: Hub, member: Member, argument: str) -> None:
    try:
        rename(hub, member, argument)
    except names.BadName as why:
        member.tell(f"you stay {member.name}: {why}")


def _who(hub: Hub, member: Member, _: str) -> None:
    member.tell(*who(hub))


def _help(_: Hub, member: Member, __: str) -> None:
    member.tell(*help_lines())


def help_lines() -> list[str]:
    """The table as people read it."""
    width = max(len(command.usage) for command in COMMANDS.values())
    return [f"{command.usage:<{width}}  {command.help}" for command in COMMANDS.values()]


COMMANDS = {
    "/nick": Command("/nick NAME", "be called NAME", _nick),
    "/who": Command("/who", "list who is here", _who),
    "/help": Command("/help", "list the commands", _help),
    "/quit": Command("/quit", "leave; so does exit", quit_chat),
}
"""By the word, in the order of the help."""
