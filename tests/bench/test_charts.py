"""Charts: logarithmic, named at the lines, readable in light and dark."""

import itertools
import random
import re
import xml.etree.ElementTree as ET

import pytest

from report import charts
from report.charts import (
    BOTTOM,
    DARK,
    HEIGHT,
    LABEL,
    LEFT,
    LIGHT,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    Scale,
    bounds,
    render,
    spread,
)

SVG = "{http://www.w3.org/2000/svg}"
NAMES = [f"server {number}" for number in range(13)]


def texts(svg, kind=None):
    found = ET.fromstring(svg).iter(f"{SVG}text")
    return [text for text in found if kind is None or text.get("class") == kind]


def test_equal_factors_are_equal_distances():
    scale = Scale(1, 10_000, 0, 400)
    assert [round(scale(value)) for value in (1, 10, 100, 10_000)] == [0, 100, 200, 400]


@pytest.mark.parametrize("seed", range(40))
def test_names_never_overlap_and_stay_inside(seed):
    luck = random.Random(seed)
    wanted = [luck.choice([luck.uniform(0, 400), 200.0, 399.9]) for _ in range(luck.randint(1, 13))]
    places = spread(wanted, LABEL, 0, 400)
    ordered = sorted(places)
    assert all(b - a >= LABEL - 1e-6 for a, b in itertools.pairwise(ordered))
    assert ordered[0] >= -1e-6
    assert ordered[-1] <= 400 + 1e-6
    for a, b in zip(sorted(zip(wanted, places, strict=True)), sorted(wanted), strict=True):
        assert a[0] == b  # nobody is lost
    assert [place for _, place in sorted(zip(wanted, places, strict=True))] == ordered  # and their order is kept


def test_names_with_room_stay_at_their_lines():
    assert spread([10.0, 100.0, 300.0], LABEL, 0, 400) == [10.0, 100.0, 300.0]


def test_thirteen_lines_that_end_together_have_thirteen_readable_names():
    svg = render(Chart("t", "y", {name: [(1, 100 + n), (5000, 100.0)] for n, name in enumerate(NAMES)}))
    names = texts(svg, "name")
    heights = sorted(float(name.get("y")) for name in names)
    assert sorted(name.text for name in names) == sorted(NAMES)
    assert min(b - a for a, b in itertools.pairwise(heights)) >= LABEL - 0.2
    assert min(heights) >= TOP
    assert max(heights) <= HEIGHT - BOTTOM + 4.1


def test_every_point_is_inside_the_axes():
    svg = render(Chart("t", "y", {"a": [(1, 0.003), (5000, 9e6)], "b": [(70, 5.0)]}))
    for dot in ET.fromstring(svg).iter(f"{SVG}circle"):
        assert LEFT <= float(dot.get("cx")) <= WIDTH - RIGHT
        assert TOP <= float(dot.get("cy")) <= HEIGHT - BOTTOM


def test_light_and_dark_have_colours_of_their_own_for_every_line():
    svg = render(Chart("t", "y", {name: [(1, 2), (2, 3)] for name in NAMES}))
    light, dark = svg.split("@media (prefers-color-scheme:dark)")
    assert all(colour in light for colour in LIGHT)
    assert all(colour in dark for colour in DARK)
    assert len(set(LIGHT)) == len(set(DARK)) == len(charts.HUES) >= len(NAMES)


@pytest.mark.parametrize(("colours", "paper"), [(LIGHT, "#ffffff"), (DARK, "#0d1117")], ids=["light", "dark"])
def test_every_colour_stands_out_from_the_paper(colours, paper):
    """WCAG 2.1, 1.4.3: 4.5 to 1 for text."""

    def luminance(colour):
        parts = [int(part, 16) / 255 for part in re.findall("..", colour[1:])]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    for colour in colours:
        low, high = sorted((luminance(colour), luminance(paper)))
        assert (high + 0.05) / (low + 0.05) >= 4.5, colour


def test_words_are_escaped_and_a_series_without_points_is_left_out():
    svg = render(Chart("a < b & c", "y", {"<x>": [(1, 1)], "none": []}))
    assert [text.text for text in texts(svg, "name")] == ["<x>"]
    assert texts(svg, "title")[0].text == "a < b & c"


def test_a_server_keeps_its_colour_and_only_the_first_is_thick_though_others_have_no_points():
    drawn = {}
    for first in ([(1, 1.0)], []):
        svg = render(Chart("t", "y", {"ours": first, "other": [(1, 2.0)]}))
        for group in ET.fromstring(svg).iter(f"{SVG}g"):
            drawn.setdefault(group.find(f"{SVG}text").text, set()).add(group.get("class"))
    assert drawn == {"ours": {"a first"}, "other": {"b"}}


def test_a_line_is_broken_where_there_is_no_figure():
    svg = render(Chart("t", "y", {"a": [(1, 5.0), (10, 6.0), (100, None), (1000, 7.0), (5000, None)]}))
    path = next(path.get("d") for path in ET.fromstring(svg).iter(f"{SVG}path") if path.get("class") == "line")
    assert [piece.count("L") for piece in path.split("M")[1:]] == [1]  # and none through the point that stands alone
    assert len(list(ET.fromstring(svg).iter(f"{SVG}circle"))) == 3


def test_a_point_alone_has_a_mark_and_no_line_and_its_name_beside_it():
    root = ET.fromstring(svg := render(Chart("t", "y", {"a": [(10, 5.0)], "b": [(10, 50.0)]})))
    assert [path for path in root.iter(f"{SVG}path") if path.get("class") == "line"] == []
    dots = list(root.iter(f"{SVG}circle"))
    assert [float(dot.get("r")) > 4 for dot in dots] == [True, True]
    assert [float(name.get("x")) - float(dots[0].get("cx")) for name in texts(svg, "name")] == pytest.approx([11, 11])


def test_the_ends_of_both_axes_have_numbers():
    said = [text.text for text in texts(render(Chart("t", "y", {"a": [(1, 5.0), (5000, 700.0)]})))]
    assert {"1", "5k", "5", "1k"} <= set(said)


def test_a_series_without_any_figure_is_left_out():
    svg = render(Chart("t", "y", {"a": [(1, 5.0)], "b": [(1, None)]}))
    assert [text.text for text in texts(svg, "name")] == ["a"]


def test_the_axes_say_that_they_are_logarithmic_and_the_note_is_shown():
    said = [text.text for text in texts(render(Chart("t", "milliseconds", {"a": [(1, 5.0)]}, note="two are absent")))]
    assert {
        "clients (log scale)",
        "milliseconds (log scale: equal steps are equal factors)",
        "two are absent",
    } <= set(said)


def test_nothing_measured_is_said():
    assert any(text.text == "nothing to show" for text in texts(render(Chart("t", "y", {"a": []}))))


@pytest.mark.parametrize("values", [[1], [5000], [1, 5000], [0.017, 0.018], [3e6]])
def test_the_axis_holds_its_values_and_is_never_empty(values):
    low, high = bounds(values)
    assert low < high
    assert low <= min(values) <= max(values) <= high
