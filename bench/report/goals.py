"""Every goal that a run judged: one table of all, and under it why some were missed. Pure: from text to text."""

import re
from collections import Counter

from report.remarks import remark
from report.tables import table
from runs import history

GOAL = "- goal: "
FLOOR = "- floor: "  # of the goal above it: the least that Python can do
MISSED = "MISSED"
PROVED = "**proved: that floor is no better than the goal**"
HEADERS = ["measured", "goal", "found", "before", ""]


def goals(results: list[dict], prefixes: dict[str, str]) -> list[dict]:
    """Every sentence about a goal, with the table it stands under. prefixes: of those titles, by section."""
    found = []
    for result in results:
        title, prefix = "", prefixes.get(result["name"], "")
        for line in result["text"].splitlines():
            if line.startswith("**") and line.endswith("**"):
                title = prefix + line.strip("*")
            if line.startswith(GOAL):
                found.append({"section": result["name"], "title": title, **parts(line)})
            if line.startswith(FLOOR):
                found[-1]["floor"] = line.removeprefix("- ")
    return found


def parts(line: str) -> dict[str, str]:
    """What was wanted, what was found, and whether that is met.

    >>> parts("- goal: at most 1.00 of asyncio: 0.85, met")
    {'wanted': 'at most 1.00 of asyncio', 'found': '0.85', 'state': 'met'}
    """
    wanted, _, verdict = line.removeprefix(GOAL).rpartition(": ")
    value, _, state = verdict.rpartition(", ")
    return {"wanted": wanted, "found": value, "state": state}


def judged(found: list[dict], before: dict[str, float]) -> str:
    """How many were met, all of them as a table, and the reasons. before: see `history.earlier`."""
    rows, last = [], None
    for goal in found:
        was = before.get(history.key(goal))
        title = goal["title"] if goal["title"] != last else ""
        last = goal["title"]
        state = f"**{MISSED}**" if goal["state"] == MISSED else goal["state"]
        rows.append([title, goal["wanted"], goal["found"] or "-", f"{was:g}" if was is not None else "-", state])
    return "\n\n".join([summary(found), table(HEADERS, rows, markdown=True), *reasons(found, before)])


def summary(found: list[dict]) -> str:
    """One line of how many there are of each kind.

    >>> summary([{"state": "met"}, {"state": "met"}, {"state": "MISSED"}, {"state": "not installed"}])
    '4 goals: 2 met, 1 missed, 1 not judged.'
    """
    states = Counter(goal["state"] for goal in found)
    rest = states.total() - states["met"] - states[MISSED]
    unknown = f", {rest} not judged" if rest else ""
    proved = sum(goal["state"] == MISSED and out_of_reach(goal) for goal in found)
    too = f", {proved} of them proved out of reach by their floor" if proved else ""
    return f"{states.total()} goals: {states['met']} met, {states[MISSED]} missed{too}{unknown}."


def out_of_reach(goal: dict) -> bool:
    """Whether a floor of the goal, measured in the same rounds, is no better than what is wanted. That is the proof.

    >>> out_of_reach({"wanted": "at most 0.12 of C with x", "floor": "floor: 0.116 of C in bare Python, 0.123 of C so"})
    True
    >>> out_of_reach({"wanted": "at most 1.20 of uvloop", "floor": "floor: 0.967 of uvloop in bare Python"})
    False
    """
    wanted = re.search(r"at most ([\d.]+) of (.+?)(?: with .+)?$", goal.get("wanted", ""))
    if wanted is None:
        return False
    least, peer = wanted.groups()
    return any(float(floor) >= float(least) for floor in re.findall(rf"([\d.]+) of {peer}\b", goal.get("floor", "")))


def reasons(found: list[dict], before: dict[str, float]) -> list[str]:
    """What stands in the way of those that were missed: each reason once, behind all that it is the reason of."""
    missed: dict[str, list[str]] = {}
    for goal in found:
        if goal["state"] == MISSED:
            was = before.get(history.key(goal))
            earlier = f"before: {was:g}" if was is not None else None
            proved = PROVED if out_of_reach(goal) else None
            figures = "; ".join(filter(None, (goal["found"], goal.get("floor"), proved, earlier)))
            missed.setdefault(remark(goal), []).append(f"{goal['title']}, {goal['wanted']} ({figures})")
    if not missed:
        return []
    told = [
        "\n".join([*(f"- {goal}" for goal in which), "", f"  *Why:* {reason}."]) for reason, which in missed.items()
    ]
    return ["### Why goals were missed", *told]
