#!/usr/bin/env python3
"""Everything at once for a long time: does anything grow, and is anything lost that was acknowledged?

Chats over TCP, TLS and the page, files over HTTP, WebSocket echoes, the bot before an API, and a chat on two servers
with a redis-server of their own (left out with a word where it is not installed), each in a process of its own. People
stay, come and go, stall, reset and flood; what they do is drawn from `--seed`. Memory, descriptors, lag and losses of
each server are looked at every 10 s. It is to be flat after the first tenth of the time; a line whose sender saw its
echo, was told goodbye behind it, or stayed, is to be heard by all who stayed, in one order; files are to be whole.

It begins with a rush: several of every kind of visitor at every door at once, so that each heap has had a bad moment
when the first tenth is over; bench/README.md says what may grow after it.

The load is small, a quarter of a core, so that it may run beside other work. Ctrl-C ends it early with a report of what
there is. The status is 1 where a goal is missed. `--from FILE` only reports on the figures of an earlier run.
"""

import asyncio
import json
import logging
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from runs import procs
from runs.arguments import Parser
from soaking.run import Run
from soaking.summary import charts, goals, show

LONGEST = 24 * 60.0  # minutes: everything here is bounded


def minutes(text: str) -> float:
    number = float(text)
    if not 0.1 <= number <= LONGEST:
        raise ValueError
    return number


def main() -> int:
    parser = Parser(__doc__)
    option = parser.add_argument
    option("--minutes", type=minutes, default=2.0, help="how long people come, 0.1 to 1440 (2); an hour says something")
    option("--seed", type=int, default=1, help="of what people do (1)")
    option("--python", default=sys.executable, help="interpreter of the servers")
    option("--json", type=Path, metavar="FILE", help="keep the figures")
    option("--svg", type=Path, metavar="DIR", help="draw charts there")
    option("--from", type=Path, dest="earlier", metavar="FILE", help="measure nothing, report on these figures")
    option("--markdown", action="store_true", help="tables as RESULTS.md has them")
    options = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of writes to connections that have gone
    try:
        if options.earlier:
            figures = json.loads(options.earlier.read_text())
        else:
            figures = asyncio.run(Run(60 * options.minutes, options.seed, options.python).go())
    except KeyboardInterrupt:
        return 130
    except (procs.BenchError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    keep(figures, options)
    print(show(figures, options.markdown), flush=True)
    return 1 if any(line.endswith("MISSED") for line in goals(figures)) else 0


def keep(figures: dict, options) -> None:
    """Figures and charts, where they are wanted."""
    if options.json:
        options.json.write_text(json.dumps(figures))
    if options.svg:
        options.svg.mkdir(parents=True, exist_ok=True)
        for name, picture in charts(figures).items():
            (options.svg / name).write_text(picture)


if __name__ == "__main__":
    sys.exit(main())
