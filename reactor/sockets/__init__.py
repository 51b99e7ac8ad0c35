"""What a transport reads and writes: sockets, addresses, and what behaves like a socket. Knows no loop and no protocol.

The files, from the bottom up; a file imports only from those above it in this list:

    carrier      the interface between a transport and what it reads and writes
    addresses    socket addresses
    listening    sockets that listen, and the options of those that connect
    unix         addresses of Unix sockets
    udp          making UDP sockets
    stdio        standard input and output as one carrier
    sendfile     files in the stream
    records      OpenSSL as a pure engine: bytes in, bytes out
    handshake    from the bytes that still leave in the clear to its outcome
    tls          TLS over any carrier
    contexts     what `tls=` may be, and the carriers that are made with it
"""
