"""The tick, and what it turns: timers, descriptors, signals, threads, counters. Knows no protocols, no peers' sockets.

The files, from the bottom up; a file imports only from those above it in this list:

    futures      completes futures that others may cancel
    timers       deadlines in a heap
    deadlines    one coarse deadline for each of many connections
    budget       what all connections together may have waiting to be sent
    poller       which descriptors are ready
    wakeup       interrupts a poll from another thread or from a signal
    signals      Unix signals as calls on the loop
    workers      threads for calls that block
    kernel       where sockets, names, threads and the wake-up come from; testing puts its own here
    forks        what a loop may do in a forked child: nothing
    lag          how long the rounds of a loop take
    meter        what a loop counts while it runs
    watchers     foreign descriptors with callbacks
    jobs         calls in threads, and the futures that a loop has promised
    loop         the tick: poll, I/O, timers, soon, flush, reap
"""
