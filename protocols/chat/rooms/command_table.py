"""Tables of commands, and how lists and long texts are shown. Knows no command and nobody who gives one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

WHO_LINE = 20  # names in one line
WHO_MAX = 400  # names; a list that nobody reads is only a burden, and this one stays below the soft cap of output
MAX_TOPIC = 200  # code points: three lines of a terminal

Where = TypeVar("Where")
Who = TypeVar("Who")


@dataclass(frozen=True, slots=True)
class Command(Generic[Where, Who]):
    """One row of a table. `run` is given where it works, who asks, and what follows the command's word, stripped.

    local: it changes nothing but on the server where it is given, or only shows something.
    """

    usage: str
    help: str
    run: Callable[[Where, Who, str], None]
    local: bool = False

    @property
    def word(self) -> str:
        """What it begins with."""
        return self.usage.partition(" ")[0]


class Table(Mapping[str, Command[Where, Who]]):
    """Commands by their words, in the order of the help.

    others: what the same is called in other chats, by the words that are understood as well and not listed.
    """

    def __init__(self, *commands: Command[Where, Who], others: Mapping[str, str] | None = None) -> None:
        self._commands = {command.word: command for command in commands}
        self._others = dict(others or {})

    def _find(self, word: str) -> Command[Where, Who] | None:
        word = word.lower()
        return self._commands.get(self._others.get(word, word))

    def __getitem__(self, word: str) -> Command[Where, Who]:
        return self._commands[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)

    def run(self, where: Where, who: Who, word: str, argument: str) -> bool:
        """Run the command that begins with `word`, in any case; false if there is none."""
        command = self._find(word)
        if command is None:
            return False
        command.run(where, who, argument.strip())
        return True

    def is_local(self, word: str) -> bool:
        """Whether the command that begins with `word` is no affair of the other servers of a cluster."""
        command = self._find(word)
        return command is not None and command.local

    def help(self, without: Collection[str] = ()) -> list[str]:
        """The table as people read it, less some words."""
        rows = [command for word, command in self._commands.items() if word not in without]
        width = max(len(row.usage) for row in rows)
        return [f"{row.usage:<{width}}  {row.help}" for row in rows]


def shorten(text: str, size: int = 40) -> str:
    """`text`, or its beginning: nobody needs all of a long mistake back."""
    return text if len(text) <= size else f"{text[: size - 1]}…"


def list_names(everybody: list[str]) -> list[str]:
    """Names in lines, with their number.

    >>> list_names(["Ada", "Bob"]), list_names([])
    (['2 here: Ada, Bob'], ['nobody is here'])
    """
    shown = everybody[:WHO_MAX]
    # The lines after the first are indented: a name alone on one would look like the server's word.
    lines = ["  " * bool(at) + ", ".join(shown[at : at + WHO_LINE]) for at in range(0, len(shown), WHO_LINE)]
    if not lines:
        return ["nobody is here"]
    lines[0] = f"{len(everybody)} here: {lines[0]}"
    if len(everybody) > WHO_MAX:
        lines.append(f"and {len(everybody) - WHO_MAX} more")
    return lines
