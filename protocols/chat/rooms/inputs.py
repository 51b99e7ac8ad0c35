"""What happens to a chat, as those tell it to whom it happens. Pure; knows no connection and no other server.

Sessions act on the rooms only through this. `Inputs` does all of it at once; in a cluster something else stands here,
which lets every server do it, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable

from .hub import Hub
from .room import Member
from .speech import hear


class Inputs:
    """Does at once what it is told."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def enter(self, member: Member, entered: Callable[[Member], None]) -> None:
        """Somebody has come; `entered` is called once it has a name and a room."""
        self.hub.enter(member)
        entered(member)

    def announce(self, member: Member) -> None:
        """The others may know that it is here."""
        self.hub.announce(member)

    def hear(self, member: Member, text: str) -> None:
        """A message has come from it."""
        hear(self.hub, member, text)

    def leave(self, member: Member) -> None:
        """Its connection is over. Harmless twice."""
        self.hub.leave(member)

    def dismiss(self, member: Member, goodbye: str, reason: str) -> None:
        """Its session sends it away."""
        self.hub.dismiss(member, goodbye, reason=reason)

    def farewell(self, member: Member) -> None:
        """This server ends."""
        self.hub.farewell(member)

    def promote(self, member: Member, operator: str) -> None:
        """It has shown that it is this operator."""
        member.operator = operator

    def when_done(self, call: Callable[[], None]) -> bool:
        """True where all that was told before is done. Else false, and `call` is called once it is."""
        return True
