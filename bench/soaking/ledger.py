"""What was said in one chat, what each member heard, and whether that is all of it. Pure; knows no connections.

Lines are numbers. A member who does not hear itself (on TCP) is spared its own. Promised is a line whose sender saw
its echo, or was told goodbye behind it, or has stayed: each of those must be in everybody's order.
"""

from dataclasses import dataclass, field


@dataclass
class Hearing:
    """What one member heard, in the order in which it came."""

    name: str
    hears_itself: bool
    stays: bool  # from before the first line until after the last
    lines: list[int] = field(default_factory=list)


@dataclass
class Ledger:
    """One chat, which may be several servers that are to be one."""

    name: str
    authors: dict[int, str] = field(default_factory=dict)
    promised: set[int] = field(default_factory=set)
    hearings: list[Hearing] = field(default_factory=list)

    def seat(self, name: str, *, hears_itself: bool, stays: bool = False) -> Hearing:
        """A member begins to listen."""
        self.hearings.append(Hearing(name, hears_itself, stays))
        return self.hearings[-1]

    def write(self, author: str) -> int:
        """Somebody is about to say a line: its number."""
        number = len(self.authors) + 1
        self.authors[number] = author
        return number

    def order(self) -> list[int]:
        """The lines as the first who stays and hears itself got them; nothing where nobody does."""
        return next((hearing.lines for hearing in self.hearings if hearing.stays and hearing.hears_itself), [])

    def complete(self) -> bool:
        """Whether all that was promised has come to everybody who stays: what the end waits for."""
        order = self.order()
        return self.promised <= set(order) and all(
            len(hearing.lines) >= len(self._due(hearing, order)) for hearing in self.hearings if hearing.stays
        )

    def faults(self) -> list[str]:
        """What was lost, doubled or in another order, a sentence each."""
        order = self.order()
        found = []
        if missing := self.promised - set(order):
            found.append(f"{self.name}: {len(missing)} promised lines were heard by nobody, as {min(missing)}")
        if len(set(order)) != len(order):
            found.append(f"{self.name}: {len(order) - len(set(order))} lines came twice")
        place = {number: at for at, number in enumerate(order)}
        found += [fault for hearing in self.hearings if (fault := self._fault(hearing, order, place))]
        return found

    def _due(self, hearing: Hearing, order: list[int]) -> list[int]:
        if hearing.hears_itself:
            return order
        return [number for number in order if self.authors[number] != hearing.name]

    def _fault(self, hearing: Hearing, order: list[int], place: dict[int, int]) -> str:
        if not hearing.lines and not hearing.stays:
            return ""
        start = 0 if hearing.stays else place.get(hearing.lines[0], 0)
        end = len(order) if hearing.stays else place.get(hearing.lines[-1], 0) + 1
        due = self._due(hearing, order[start:end])
        if hearing.lines == due:
            return ""
        lost, more = set(due) - set(hearing.lines), set(hearing.lines) - set(due)
        other = (
            f"lost {len(lost)}, has {len(more)} that are not due" if lost or more else "has another order, or doubles"
        )
        pairs = enumerate(zip(hearing.lines, due, strict=False))
        at = next((at for at, (one, another) in pairs if one != another), min(len(due), len(hearing.lines)))
        where = f"from its line {at} on {hearing.lines[at : at + 4]} for {due[at : at + 4]}"
        own = [number for number in hearing.lines[at : at + 4] if self.authors.get(number) == hearing.name]
        return f"{self.name}: {hearing.name} {other} ({len(hearing.lines)} for {len(due)}, {where}, of them own {own})"
