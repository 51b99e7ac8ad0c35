"""The load generator: clients in a process of their own, which check and count every message.

samples   latencies, counted; when the generator was the limit
clients   connections that exchange as fast as they can
churn     connections that come and go
paced     a fixed rate, whatever the server does
load      the command line
"""
