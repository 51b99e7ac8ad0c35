"""A command line taken apart as curl does it: `-sSLo FILE`, options and URLs in any order, values that begin with `-`.

argparse does the rest: what the values mean, and the help. What it is given has each option by its long name, joined to
its value, so that nothing in a value can be taken for an option, and what is unknown is named here, as it was typed.
"""

from __future__ import annotations

from typing import Any, NoReturn

from reactor.serving import Parser, program

from .curl import meant, why_not

RESUME = "--resume"
URL = "--url="


class CurlLike(Parser):
    """A parser whose options have a long name each, and often a letter."""

    def __init__(self, description: str) -> None:
        self._long: dict[str, str] = {}  # by each spelling
        self._metavar: dict[str, str | None] = {}  # by the long name: of a value, None where there is none
        super().__init__(description)
        self.prog = program()
        self._long |= {"-h": "--help", "--help": "--help"}  # argparse's own
        self._metavar["--help"] = None

    def option(self, *spellings: str, metavar: str | None = None, **settings: Any) -> None:
        """As `add_argument`. With a metavar it takes a value, without one it takes none."""
        long = next(spelling for spelling in spellings if spelling.startswith("--"))
        for spelling in spellings:
            self._long[spelling] = long
        self._metavar[long] = metavar
        if metavar is not None:
            settings["metavar"] = metavar
        elif "action" not in settings:
            settings["action"] = "store_true"
        self.add_argument(*spellings, **settings)

    def normalize(self, arguments: list[str]) -> list[str]:
        """The same in the form that cannot be misunderstood; what is no option stands behind `--`."""
        found: list[str] = []
        others: list[str] = []
        left = arguments[::-1]
        while left:
            argument = left.pop()
            if argument == "--":
                others += left[::-1]
                break
            if argument == "-" or not argument.startswith("-"):
                others.append(argument)
            elif argument.startswith("--"):
                option = self._long_option(argument, left)
                if option.startswith(URL):
                    others.append(option.removeprefix(URL))  # in the order of all: each has its -o, and its turn
                else:
                    found.append(option)
            else:
                found += self._letters(argument, left)
        return [*found, "--", *others]

    def _long_option(self, argument: str, left: list[str]) -> str:
        spelling, equals, value = argument.partition("=")
        long = self._long.get(spelling)
        if long is None:
            self.unknown(spelling, argument)
        metavar = self._metavar[long]
        if metavar is None:
            if equals:
                self.error(f"{spelling} takes no value")
            if long == RESUME:
                self._no_offset("", left)
            return long
        return f"{long}={value if equals else self._value(spelling, metavar, left)}"

    def _letters(self, argument: str, left: list[str]) -> list[str]:
        found: list[str] = []
        for at, letter in enumerate(argument[1:], 2):
            spelling = f"-{letter}"
            long = self._long.get(spelling)
            if long is None:
                self.unknown(spelling, argument)
            metavar = self._metavar[long]
            if metavar is not None:
                return [*found, f"{long}={argument[at:] or self._value(spelling, metavar, left)}"]
            found.append(long)
            if long == RESUME:
                if argument[at:] == "-":
                    break
                self._no_offset(argument[at:], left)
        return found

    def _no_offset(self, behind: str, left: list[str]) -> None:
        """`-C -` is how curl is asked to find out by itself; that is all that -C does here."""
        if left and left[-1] == "-" and not behind:
            left.pop()
        elif (left and left[-1].isdigit()) or behind.isdigit():
            self.error("-C takes no offset: it finds out by itself how much is there")

    def _value(self, spelling: str, metavar: str, left: list[str]) -> str:
        if not left:
            self.error(f"{spelling} needs a value: {spelling} {metavar}")
        return left.pop()

    def unknown(self, spelling: str, argument: str) -> NoReturn:
        """Say which, and what may have been meant."""
        where = "" if argument == spelling else f" in {argument[:60]}"
        if (remedy := why_not(spelling, self._long)) is not None:
            self.error(f"curl's {spelling}{where} is not here{remedy and f': {remedy}'}")
        close = meant(spelling, self._long)
        self.error(f"unknown option {spelling[:60]}{where}{f'; is it {close}?' if close else ''}")
