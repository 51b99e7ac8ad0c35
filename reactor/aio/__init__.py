"""asyncio and the reactor in one thread: all that is written for asyncio, with one send a tick.

    import asyncio, reactor.aio

    with asyncio.Runner(loop_factory=reactor.aio.new_event_loop) as runner:    # from Python 3.12 on also
        runner.run(main())                                                     # asyncio.run(main(), loop_factory=...)

In `main`, `asyncio.get_running_loop().reactor` is the reactor underneath: its Protocols, timers and verbs work on the
same thread, and each of its futures can be awaited. README.md in this folder says when to use which, and what is
different. Nothing else in `reactor` imports this, or asyncio.

The files, from the bottom up; a file imports only from those above it in this list:

    selector     the reactor as a selector of the standard library
    hosted       asyncio's own loop on that selector
    private      the private names of asyncio that the rest leans on, and whether they are there
    stream       our stream transport under asyncio's contract
    debug        what debug mode says of them
    serving      the listener under asyncio's servers
    timers       asyncio's timers
    guest        what asyncio's loop does in each round of the reactor's
    loop         asyncio's loop with our transports, in our rounds
    verbs        the other way round: what protocols ask of a reactor's loop, on any loop of asyncio's
"""

from __future__ import annotations

import logging

from ..limits import Limits, Timeouts
from ..reactor import Reactor
from .hosted import HostedEventLoop
from .private import missing
from .verbs import LoopVerbs, verbs

__all__ = ["HostedEventLoop", "LoopVerbs", "new_event_loop", "verbs"]

log = logging.getLogger("reactor")


def new_event_loop(
    reactor: Reactor | None = None, *, limits: Limits | None = None, timeouts: Timeouts | None = None
) -> HostedEventLoop:
    """A loop for asyncio, on `reactor` or on one of its own; a `loop_factory` for `asyncio.Runner` and `asyncio.run`.

    reactor: stays open when the loop is closed, and can be run by itself then. It must not run now.
    limits, timeouts: for every stream connection, as on a listener of ours. asyncio's programs expect none, so none
        are there by default but one: a connection that was closed is given up when its peer takes nothing for 30 s.
        `limits.connections` and `per_peer` count for each listening socket. On a reactor of the loop's own there is no
        output budget, and a watchdog only where REACTOR_WATCHDOG asks for one.

    Where the asyncio of this Python lacks something that the fast loop needs, one warning is logged, and the loop has
    asyncio's own transports: everything works, at asyncio's speed, and without the bounds.

    >>> import asyncio, reactor.aio
    >>> async def main():
    ...     async def shout(reader, writer):
    ...         async for line in reader:
    ...             writer.write(line.upper())  # all of them leave in one send, at the end of the tick
    ...         writer.close()
    ...     async with await asyncio.start_server(shout, "127.0.0.1", 0) as server:
    ...         reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    ...         writer.write(b"one\\ntwo\\n")
    ...         writer.write_eof()
    ...         print(await reader.read())
    ...         writer.close()
    >>> with asyncio.Runner(loop_factory=reactor.aio.new_event_loop) as runner:
    ...     runner.run(main())
    b'ONE\\nTWO\\n'
    """
    absent = missing()
    if absent:
        log.warning("asyncio has changed (%s): the loop has asyncio's own transports, and no bounds", ", ".join(absent))
        return HostedEventLoop(reactor)
    from .loop import ReactorEventLoop  # not before: where a name is missing, it may not even be imported

    return ReactorEventLoop(reactor, limits=limits, timeouts=timeouts)
