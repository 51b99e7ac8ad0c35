"""A long run of everything at once: people who come and go, what is promised to them, and what the servers need.

ledger      what was said in a chat, and whether everybody heard all of it
verdict     whether figures stay flat; which losses are the peers' own
watch       memory, descriptors and metrics of a server, now
services    the servers, each a process of its own
dialing     connections of the load, and what is broken off on purpose
members     people of a chat, on lines or in browsers
visits      people of the other servers: files, WebSocket, bot
crowd       who comes when, and does what
"""
