"""What outlives a stop of all servers: topics, bans and what was said, as a text beside the log."""

from __future__ import annotations

import json

from ..rooms.hub import Hub
from ..rooms.state import dump, merge_kept
from .log import Log
from .replica import Console
from .stay import Stay

KEEP_EVERY = 30.0  # seconds between two copies


class Keeper:
    """Keeps a copy now and then; of several servers the one that is there for longest does it."""

    def __init__(self, hub: Hub, console: Console | None, shared: Log, now: float) -> None:
        self._hub = hub
        self._console = console
        self._log = shared
        self._looked = now
        self._said = hub.said

    def look(self, now: float, stay: Stay) -> None:
        """Keep a copy if it is time, and something was said."""
        if now - self._looked >= KEEP_EVERY:
            self._looked = now
            if self._hub.said != self._said:
                self.keep(stay)

    def keep(self, stay: Stay) -> None:
        """Keep a copy now, if that is for this server to do."""
        if next(iter(stay.replica.nodes), "") == stay.name:
            self._said = self._hub.said
            self._log.keep(self.dump())

    def dump(self) -> bytes:
        """All that is kept."""
        bans = [] if self._console is None else self._console.bans()
        return json.dumps({"hub": dump(self._hub, people=False), "bans": bans}).encode()

    def take(self, kept: bytes) -> None:
        """Begin with what was kept; before anybody comes."""
        state = json.loads(kept)
        merge_kept(self._hub, state["hub"])
        if self._console is not None and not self._console.bans():
            self._console.have_bans(state["bans"])
