"""Memory, descriptors and metrics of one server at a moment. Linux's /proc; knows no limits."""

import asyncio
import os
import re
from dataclasses import dataclass, field

PAGE = os.sysconf("SC_PAGE_SIZE")
SCRAPE_TIMEOUT = 10.0  # seconds; a loop that does not answer for so long is a fault of its own
_LOST = re.compile(r'reactor_lost_total\{reason="([^"]+)"\} (\d+)')
_LAG = re.compile(r'reactor_lag_seconds\{quantile="0\.99"\} ([\d.e+-]+)')


@dataclass(frozen=True)
class Sample:
    """`lag` is None where the server has no metrics."""

    at: float  # seconds since the run began
    memory: int
    descriptors: int
    lag: float | None = None
    lost: dict[str, int] = field(default_factory=dict)


def read_metrics(text: str) -> tuple[float | None, dict[str, int]]:
    """The lag and the losses by reason, of a page of metrics.

    >>> read_metrics('reactor_lost_total{reason="IdleTimeout"} 2\\nreactor_lag_seconds{quantile="0.99"} 0.0005\\n')
    (0.0005, {'IdleTimeout': 2})
    """
    lag = _LAG.search(text)
    return float(lag[1]) if lag else None, {reason: int(count) for reason, count in _LOST.findall(text)}


def memory(pid: int) -> int:
    """Resident bytes."""
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * PAGE


def descriptors(pid: int) -> int:
    """How many are open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


async def scrape(port: int) -> str:
    """The page of metrics. TimeoutError where the server does not answer."""
    async with asyncio.timeout(SCRAPE_TIMEOUT):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            return (await reader.read(1 << 20)).decode() + (await reader.read()).decode()
        finally:
            writer.close()


async def look(pid: int, metrics: int | None, at: float) -> Sample:
    """All of it. The connection of the scrape itself is over, or not yet made, when descriptors are counted."""
    open_ = descriptors(pid)
    if metrics is None:
        return Sample(at, memory(pid), open_)
    lag, lost = read_metrics(await scrape(metrics))
    return Sample(at, memory(pid), open_, lag, lost)
