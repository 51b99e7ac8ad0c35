"""Text for people: tables, and a progress line on stderr. Knows no measurements."""

import shutil
import sys
import time

CLEAR = "\r\x1b[K"  # to the start of the line, and empty it


def table(headers: list[str], rows: list[list[str]], markdown: bool = False) -> str:
    """Columns in line, the first to the left and figures to the right; as Markdown if wanted."""
    widths = [max(len(row[i]) for row in [headers, *rows]) for i in range(len(headers))]
    lines = []
    for row in [headers, *rows]:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("| " + " | ".join(cells) + " |" if markdown else "  ".join(cells).rstrip())
    if markdown:
        rules = ["-" * w if i == 0 else "-" * (w - 1) + ":" for i, w in enumerate(widths)]
        lines.insert(1, "| " + " | ".join(rules) + " |")
    return "\n".join(lines)


def paragraph(lines: list[str], markdown: bool = False) -> str:
    """Lines that belong together; as a list where Markdown would run them into each other."""
    return "\n".join(f"- {line}" if markdown else line for line in lines)


def figure(value: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, never in scientific notation; a dash for none."""
    if value is None:
        return "-"
    if value == 0:
        return "0"
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:,.{max(0, digits - whole)}f}"


def complain(text: str) -> None:
    """One line on stderr, in place of the progress line if there is one."""
    print(f"{CLEAR if sys.stderr.isatty() else ''}{text}", file=sys.stderr)


def bar(done: int, steps: int, width: int = 16) -> str:
    """How far something is.

    >>> bar(3, 12, 8)
    '##------'
    """
    full = width * done // max(1, steps)
    return "#" * full + "-" * (width - full)


def left(done: int, steps: int, elapsed: float) -> str:
    """How long the rest takes if it goes on like this; nothing while nobody can know.

    >>> left(1, 4, 60.0), left(0, 4, 9.0)
    (', 3:00 left', '')
    """
    if not done:
        return ""
    seconds = round(elapsed * (steps - done) / done)
    return f", {seconds // 60}:{seconds % 60:02} left"


class Progress:
    """What is going on: a bar rewritten in place on a terminal, else a plain line for each step."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.title = steps, 0, ""
        self.live = sys.stderr.isatty()
        self.start = time.monotonic()

    def next(self, title: str) -> None:
        """Begin a step."""
        self.step += 1
        rest = left(self.step - 1, self.steps, time.monotonic() - self.start)
        self.title = f"[{self.step}/{self.steps}{rest}] {title}"
        if self.live:
            self.tick("starting")
        else:
            print(self.title, file=sys.stderr, flush=True)

    def tick(self, detail: str) -> None:
        """Tell how far the step is; only a terminal shows it."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print(
                f"{CLEAR}{f'{bar(self.step - 1, self.steps)} {self.title}: {detail}'[:width]}",
                end="",
                file=sys.stderr,
                flush=True,
            )

    def clear(self) -> None:
        """Make room for a result."""
        if self.live:
            print(CLEAR, end="", file=sys.stderr, flush=True)
