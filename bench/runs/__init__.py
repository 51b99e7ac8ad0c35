"""What the commands share: their options, child processes, and rounds that servers take in turn.

arguments   options, and what is wrong with them in one line
others      how much of the machine other programs took meanwhile
procs       child processes: servers, loads, their CPU and memory
contest     servers that compete, round by round
matrix      many servers under one load, where one that fails does not end the others'
"""
