"""One connection, of streams or datagrams: its states, its life, its lane out, its lane in.

The files, from the bottom up; a file imports only from those above it in this list:

    lanes        the states of a connection, as one table
    buffers      chunks waiting to be sent
    reads        how many bytes one read asks for
    slots        what a connection keeps
    watermarks   how much may wait before the writer is told
    expiry       what no state of a connection may outlast, as one table
    connection   the life of a connection, and the one boundary to the protocol's code
    upgrade      STARTTLS: an open connection changes to TLS
    files        files in the stream of a connection
    outbound     the lane out of a stream
    buffered     reading into a buffer of the protocol's own
    discarding   reading for nobody, behind our end
    interrupted  taking up a connection behind Ctrl-C
    switch       an open connection changes its protocol
    stream       the stream transport: the lane in, and the verbs a protocol calls
    datagram     the datagram transport
"""
