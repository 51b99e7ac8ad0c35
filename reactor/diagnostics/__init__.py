"""Seeing inside a running reactor: counters, connections, what holds the loop, what a program does wrong.

The files, from the bottom up; a file imports only from those above it in this list:

    asked        what a program, or its environment, asks to be told
    stats        what a reactor has done and holds, at one moment
    dump         a reactor in lines of text
    view         counters, connections, and both in words
    standstill   tells a process that did not run from a loop that is held
    watchdog     tells who holds the loop, while it is held
    contract     a connection held to its contract
    debug        what a program does wrong is said where it does it
"""
