"""The chat's log: one line an event, as `key=value`, for people and for grep. Never what was said."""

from __future__ import annotations

import json
import logging
import re

from ..text.sanitize import sanitize

log = logging.getLogger("protocols.chat")

_BARE = re.compile(r"[\w.:/@+\[\]-]+")  # needs no quotes to be one word


def record(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log `event`. Fields that are None are left out; text comes out in one piece and without control characters."""
    if log.isEnabledFor(level):
        log.log(level, "%s", render(event, fields))


def render(event: str, fields: dict[str, object]) -> str:
    """The line of one event.

    >>> render("disconnect", {"name": "The Weeknd", "reason": None, "duration": 1.25})
    'event=disconnect name="The Weeknd" duration=1.2'
    """
    return " ".join(
        [f"event={event}", *(f"{key}={_value(value)}" for key, value in fields.items() if value is not None)]
    )


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}"
    text = sanitize(str(value))
    return text if _BARE.fullmatch(text) else json.dumps(text, ensure_ascii=False)
