"""Several processes: one after the other, side by side, or started by a manager.

The files, from the bottom up; a file imports only from those above it in this list:

    activation   sockets that whoever started us has opened, and telling it that we accept
    worker       one worker process
    handover     a successor process takes over the listening sockets
    prefork      several processes that serve the same addresses
"""
