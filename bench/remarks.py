"""What stands in the way of goals that a run may miss, each by the words of its table. Knows no figures."""

REMARKS: tuple[tuple[str, str, str], ...] = ()
"""Words of the table's title, words of the goal, and the reason."""

UNKNOWN = "no remark yet; bench/remarks.py has room for one"


def remark(goal: dict) -> str:
    """The reason kept for a goal that was missed.

    >>> remark({"title": "some other table", "wanted": "at most 1.00 of nothing"}) == UNKNOWN
    True
    """
    for title, wanted, reason in REMARKS:
        if title in goal["title"] and wanted in goal["wanted"]:
            return reason
    return UNKNOWN
