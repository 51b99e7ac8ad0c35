"""HTTP-date: seconds since the epoch from text, in each of its three forms (RFC 9110, 5.6.7). Pure."""

from __future__ import annotations

from datetime import UTC
from email.utils import formatdate, parsedate_to_datetime


def http_date(value: str) -> float | None:
    """Seconds since the epoch; None if it is no date."""
    try:
        when = parsedate_to_datetime(value)
        return when.timestamp() if when.tzinfo else when.replace(tzinfo=UTC).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def format_date(seconds: float) -> str:
    """The one form in which it is sent.

    >>> format_date(784111777), http_date("Sunday, 06-Nov-94 08:49:37 GMT")
    ('Sun, 06 Nov 1994 08:49:37 GMT', 784111777.0)
    """
    return formatdate(seconds, usegmt=True)
