"""What the commands share: their options, child processes, and rounds that servers take in turn.

arguments   options, and what is wrong with them in one line
history     what each goal was, commit by commit
clocks      how much CPU another process has used
cores       how long a thread waited for a core
others      how much of the machine other programs took meanwhile
procs       child processes: servers, loads, their CPU and memory
turns       servers that take rounds in turn while the process that measures is their load
contest     the same with a load in a process of its own
matrix      many servers under one load, where one that fails does not end the others'
"""
