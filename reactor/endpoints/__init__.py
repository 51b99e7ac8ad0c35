"""Who makes transports, and counts them: listeners, connectors, and what is open of either.

The files, from the bottom up; a file imports only from those above it in this list:

    drain        the time from when all are told to end until nobody is left
    roster       the connections that belong together, and how they are drained
    resolver     names to addresses, off the loop's thread
    accept_errors  what accept(2) may report, and what it means
    peers        who has how many connections, and who is turned away
    shortage     descriptors or places have run out, and newcomers wait: who gives way to them
    listener     accepts connections and counts them
    connector    makes outgoing connections
    datagrams    opens datagram sockets
    inventory    all that is open on one reactor, and how it is drained and ended
"""
