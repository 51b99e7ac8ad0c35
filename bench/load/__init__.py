"""The load generator: clients in a process of their own, which check and count every message.

samples   latencies, counted; when the generator was the limit
clients   connections that exchange as fast as they can
rooms     members of a chat
churn     connections that come and go
paced     a fixed rate, whatever the server does
split     the same for a chat, with those who are measured in a process of their own
talk      connections that the process which measures plays itself
load      the command line
"""
