"""Text for people: tables, and a progress line on stderr. Knows no measurements."""

import shutil
import sys

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


class Progress:
    """What is going on: one line rewritten in place on a terminal, else a plain line for each step."""

    def __init__(self, steps: int) -> None:
        self.steps, self.step, self.title = steps, 0, ""
        self.live = sys.stderr.isatty()

    def next(self, title: str) -> None:
        """Begin a step."""
        self.step += 1
        self.title = f"[{self.step}/{self.steps}] {title}"
        if self.live:
            self.tick("starting")
        else:
            print(self.title, file=sys.stderr, flush=True)

    def tick(self, detail: str) -> None:
        """Tell how far the step is; only a terminal shows it."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            print(f"{CLEAR}{f'{self.title}: {detail}'[:width]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for a result."""
        if self.live:
            print(CLEAR, end="", file=sys.stderr, flush=True)
