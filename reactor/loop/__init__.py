"""The tick, and what it turns: timers, descriptors, signals, threads, counters. Knows no protocols, no peers' sockets.

The files, from the bottom up; a file imports only from those above it in this list:

    futures      completes futures that others may cancel, and keeps those that a loop has promised
    timers       deadlines in a heap
    deadlines    one coarse deadline for each of many connections
    budget       what all connections together may have waiting to be sent
    poller       which descriptors are ready
    wakeup       interrupts a poll from another thread or from a signal
    signals      Unix signals as calls on the loop
    termination  what a run does when it is asked to end by a signal
    workers      threads for calls that block
    kernel       where pollers, sockets, names, threads and the wake-up come from; testing puts its own here
    lag          how long the rounds of a loop take
    meter        what a loop counts while it runs, and who is told of its slow rounds
    ground       what transports stand on: the part of a loop that they use
    forks        what a loop may do in a forked child: nothing
    watchers     foreign descriptors with callbacks
    jobs         calls in threads whose futures complete on the loop
    loop         the tick: poll, I/O, timers, soon, flush, reap
"""
