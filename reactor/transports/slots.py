"""What a connection keeps. The leaf classes alone have these as `__slots__`."""

from __future__ import annotations

SLOTS = (
    "__weakref__", "_blocked", "_born", "_buffered", "_edge", "_entered", "_exc", "_fd", "_first", "_high", "_home",
    "_in", "_interest", "_later", "_limits", "_loop", "_low", "_moved", "_notice_at", "_out", "_peername", "_phase",
    "_plain_read", "_poller", "_promises", "_protocol", "_read_size", "_size", "_slot", "_sock", "_soft_since",
    "_stamp", "_timeouts", "_told_made", "_unread", "_upgrade", "bytes_in", "bytes_out", "delivery",
)  # fmt: skip
"""Python cannot join two classes that both have slots. So the classes above a leaf can be joined with others, such as
asyncio's."""

NO_SLOTS: tuple[str, ...] = ()
