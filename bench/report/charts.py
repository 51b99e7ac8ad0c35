"""Line charts as SVG text, readable in light and dark; axes are logarithmic unless told. Pure; knows no measurements.

A line is broken where a figure was refused: what is not known there is not drawn as a straight line between others.
Each line is named at its end, in its own colour; names that would overlap are moved apart and tied to their lines.
"""

import math
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 130, 52, 46  # margins; names stand in the right one
LABEL = 15  # pixels between two names: a line of 12 px text
HUES = ("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m")  # classes of STYLE, in the order of the series
LIGHT = ("#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#0a7f8c", "#9a6700", "#57606a", "#a40e26", "#3b6b12",
         "#6639ba", "#115e8c", "#7a4a2b")  # fmt: skip
DARK = ("#58a6ff", "#ff9b4a", "#56d364", "#bc8cff", "#ff7bbf", "#39c5cf", "#e3b341", "#a8b1bb", "#ff8f88", "#a5d66f",
        "#d2a8ff", "#79c0ff", "#d9a679")  # fmt: skip

LOG = " (log scale)"
STEPS = " (log scale: equal steps are equal factors)"

Point = tuple[float, float | None]  # None: no figure for this x


@dataclass(frozen=True)
class Chart:
    """What is drawn: `series` by name, in the order of importance; the first is drawn thick, on top.

    A series keeps its colour where others have no points, so give all of them to every chart that belongs together.
    """

    title: str
    y_label: str
    series: dict[str, list[Point]]
    x_label: str = "clients"
    note: str = ""  # what a reader must know of the points that are not there
    linear: bool = False  # both axes, from 0: what goes on in time, and whether it stays flat
    dots: bool = True  # a mark at each point


@dataclass(frozen=True)
class Scale:
    """From a value to a pixel, on a logarithmic axis, or on a linear one."""

    low: float
    high: float
    start: float
    end: float
    linear: bool = False

    def __call__(self, value: float) -> float:
        if self.linear:
            return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)
        span = math.log10(self.high / self.low)
        return self.start + (self.end - self.start) * math.log10(value / self.low) / span


def style() -> str:
    """Colours by class; dark ones where the reader's system is dark. Plain rules: not every viewer knows variables."""
    return (
        "svg{font:12px system-ui,sans-serif}.title{font-size:15px;font-weight:600}"
        ".grid{stroke-width:1}.line{fill:none;stroke-width:1.6}.tie{stroke-width:.7;opacity:.6;stroke-dasharray:2 4}"
        ".first .line{stroke-width:3.2}.first .name{font-weight:700}"
        f"{palette('#ffffff', '#1f2328', '#d8dee4', LIGHT)}"
        f"@media (prefers-color-scheme:dark){{{palette('#0d1117', '#e6edf3', '#30363d', DARK)}}}"
    )


def palette(paper: str, ink: str, faint: str, colours: tuple[str, ...]) -> str:
    """The rules of one set of colours."""
    lines = "".join(
        f".{hue} .line,.{hue} .tie{{stroke:{colour}}}.{hue} .dot,.{hue} .name{{fill:{colour}}}"
        for hue, colour in zip(HUES, colours, strict=True)
    )
    return f".paper{{fill:{paper}}}text{{fill:{ink}}}.grid{{stroke:{faint}}}{lines}"


def bounds(values: list[float]) -> tuple[float, float]:
    """A range that holds the values, its ends of the form 1, 2 or 5 times a power of ten, never empty.

    >>> bounds([3, 700]), bounds([10.0])
    ((2.0, 1000.0), (5.0, 20.0))
    """
    low, high = min(values), max(values)
    steps = sorted(step * 10.0**power for power in range(-9, 13) for step in (1, 2, 5))
    below = max(step for step in steps if step < low * 0.999 or step == low != high)
    above = min(step for step in steps if step > high * 1.001 or step == high != low)
    return below, above


def step(high: float) -> float:
    """Between two lines of a linear axis from 0 to about there: 1, 2 or 5 times a power of ten, for three to eight.

    >>> step(45), step(31.4), step(0.07)
    (10.0, 5.0, 0.01)
    """
    return next(size * 10.0**power for power in range(-9, 13) for size in (1, 2, 5) if high / (size * 10.0**power) < 8)


def from_zero(values: list[float]) -> tuple[float, float]:
    """The range of a linear axis: it ends with a line of the grid at or above the largest value.

    >>> from_zero([3, 31.4]), from_zero([0.0])
    ((0.0, 35.0), (0.0, 1.0))
    """
    high = max(values)
    return 0.0, step(high) * math.ceil(round(high / step(high), 9)) if high > 0 else 1.0


def linear_ticks(high: float) -> list[float]:
    """Lines of the grid of such an axis.

    >>> linear_ticks(35.0)
    [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]
    """
    return [round(number * step(high), 9) for number in range(round(high / step(high)) + 1)]


def ticks(low: float, high: float) -> list[float]:
    """Where the grid lines are: the ends, powers of ten, and 2 and 5 times those if there is room.

    >>> ticks(1, 5000)
    [1.0, 10.0, 100.0, 1000.0, 5000.0]
    >>> ticks(20, 100)
    [20.0, 50.0, 100.0]
    """
    decades = math.log10(high / low)
    steps = (1, 2, 5) if decades <= 2 else (1,)
    found = [step * 10.0**power for power in range(-9, 13) for step in steps]
    inside = {round(tick, 12) for tick in found if low * 0.999 <= tick <= high * 1.001}
    return sorted(inside | {round(float(low), 12), round(float(high), 12)})


def short(value: float) -> str:
    """A number on an axis.

    >>> [short(value) for value in (0.05, 1, 20, 5000, 2_000_000)]
    ['0.05', '1', '20', '5k', '2M']
    """
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def spread(wanted: list[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones, in their order, at least `gap` apart and within the bounds if there is room.

    >>> spread([10, 11, 50], 10, 0, 100)
    [5.5, 15.5, 50]
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    groups: list[list[float]] = []  # centre of the first, how many: of names that stand gap by gap
    for index in order:
        groups.append([wanted[index], 1])
        while True:
            groups[-1][0] = max(low, min(groups[-1][0], high - gap * (groups[-1][1] - 1)))
            if len(groups) < 2 or groups[-2][0] + gap * groups[-2][1] <= groups[-1][0]:
                break
            later, earlier = groups.pop(), groups.pop()
            count = earlier[1] + later[1]
            start = (earlier[0] * earlier[1] + (later[0] - gap * earlier[1]) * later[1]) / count
            groups.append([start, count])
    places = [start + gap * number for start, count in groups for number in range(int(count))]
    found = [0.0] * len(wanted)
    for index, place in zip(order, places, strict=True):
        found[index] = place
    return found


def render(chart: Chart) -> str:
    """The whole picture. Series without figures are left out; without any, the picture says so."""
    series = {name: found for name, points in chart.series.items() if (found := pieces(points))}
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
        f' role="img" aria-label="{escape(chart.title)}"><style>{style()}</style>'
        f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="title" x="{LEFT}" y="24">{escape(chart.title)}</text>'
        f'<text x="{LEFT}" y="42">{escape(chart.y_label + ("" if chart.linear else STEPS))}</text>'
        f'<text class="note" x="{WIDTH - 8}" y="{HEIGHT - 8}" text-anchor="end">{escape(chart.note)}</text>'
    )
    if not series:
        return f'{head}<text x="{LEFT}" y="{HEIGHT / 2:g}">nothing to show</text></svg>\n'
    known = [point for found in series.values() for piece in found for point in piece]
    span = from_zero if chart.linear else bounds
    x = Scale(*span([x for x, _ in known]), LEFT, WIDTH - RIGHT, chart.linear)
    y = Scale(*span([y for _, y in known]), HEIGHT - BOTTOM, TOP, chart.linear)
    places = spread([y(found[-1][-1][1]) for found in series.values()], LABEL, TOP, HEIGHT - BOTTOM)
    edge = max(x(piece[-1][0]) for found in series.values() for piece in found)
    numbers = {name: number for number, name in enumerate(chart.series)}
    drawn = [
        line(numbers[name], name, found, x, y, place, edge, chart.dots)
        for (name, found), place in zip(series.items(), places, strict=True)
    ]
    return "".join([head, grid(chart, x, y), *reversed(drawn), "</svg>\n"])


def pieces(points: list[Point]) -> list[list[tuple[float, float]]]:
    """Points from left to right, cut where there is no figure.

    >>> pieces([(10, 2.0), (1, 5.0), (100, None), (1000, 3.0)])
    [[(1, 5.0), (10, 2.0)], [(1000, 3.0)]]
    """
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in sorted(points, key=lambda point: point[0]):
        if y is None:
            found.append([])
        else:
            found[-1].append((x, y))
    return [piece for piece in found if piece]


def grid(chart: Chart, x: Scale, y: Scale) -> str:
    """Both axes: lines, and numbers beside them."""
    parts = []
    for tick in linear_ticks(x.high) if chart.linear else ticks(x.low, x.high):
        at = f"{x(tick):.1f}"
        parts.append(f'<path class="grid" d="M{at} {TOP}V{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 17}" text-anchor="middle">{short(tick)}</text>')
    for tick in linear_ticks(y.high) if chart.linear else ticks(y.low, y.high):
        at = y(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    label = chart.x_label + ("" if chart.linear else LOG)
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 8}" text-anchor="middle">{escape(label)}</text>')
    return "".join(parts)


def line(
    number: int,
    name: str,
    found: list[list[tuple[float, float]]],
    x: Scale,
    y: Scale,
    place: float,
    edge: float,
    dotted: bool,
) -> str:
    """One series: the pieces of its line, its points, its name right of `edge`, and what ties them.

    A point that stands alone has no line, and a larger mark: what is left and right of it is not known.
    """
    drawn = [[(x(one), y(two)) for one, two in piece] for piece in found]
    path = "".join("M" + "L".join(f"{one:.1f} {two:.1f}" for one, two in piece) for piece in drawn if len(piece) > 1)
    alone = {piece[0] for piece in drawn if len(piece) == 1}
    spots = [spot for piece in drawn for spot in piece]
    marked = spots if dotted else sorted(alone)
    dots = "".join(
        f'<circle class="dot" cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="{4.5 if at in alone else 2.6}"/>' for at in marked
    )
    end = spots[-1]
    tie = f'<path class="tie" d="M{end[0]:.1f} {end[1]:.1f}L{edge + 8} {place:.1f}"/>'
    label = f'<text class="name" x="{edge + 11}" y="{place + 4:.1f}">{escape(name)}</text>'
    classes = f"{HUES[number % len(HUES)]}{' first' if number == 0 else ''}"
    drawing = f'<path class="line" d="{path}"/>' if path else ""
    return f'<g class="{classes}">{drawing}{dots}{tie}{label}</g>'
