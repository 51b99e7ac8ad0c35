"""Command lines: what is wrong is said in one line, without the usage around it. Knows no program."""

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """Shows the whole docstring for --help, and one line for an error."""

    def __init__(self, description: str | None) -> None:
        super().__init__(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {' '.join(message.split())} (--help lists the options)", file=sys.stderr)
        sys.exit(2)


def server_parser(description: str, port: int) -> Parser:
    """A parser with what every server takes."""
    parser = Parser(description)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=port, help=f"0 takes any free one ({port})")
    return parser


def positive(text: str) -> int:
    """A number of things, at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number


def seconds(text: str) -> float:
    """A span of time, longer than nothing and shorter than an hour."""
    number = float(text)
    if not 0 < number < 3600:
        raise argparse.ArgumentTypeError(f"must be seconds above 0 and below 3600, not {text}")
    return number


def positive_number(text: str) -> float:
    """A rate: more than nothing, and finite."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, not {text}")
    return number
