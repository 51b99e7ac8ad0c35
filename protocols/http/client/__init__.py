"""Fetching: one fetch from its call to its last byte, and the connections that are kept for the next.

The files, from the bottom up; a file imports only from those above it in this list:

    coding       gzip and deflate undone
    guard        keeps a server that fetches for strangers away from what only it can reach
    timeouts     how long a fetch may take, as a whole and in each of its parts
    patience     how long a fetch may still take
    failures     what the network and the caller do to a fetch, by name
    response     an answer, as the caller has it
    ranges       parts of a representation
    request      a request as bytes
    redirect     what a redirect asks for
    proxy        which proxy a request goes through
    tunnel       a way through a proxy to a server that speaks TLS
    connection   one connection to a server
    pool         connections, made, kept and handed out
    fetching     one fetch
    client       the verbs: Client, fetch, get
    download     a file that has its name only once it is whole
"""
