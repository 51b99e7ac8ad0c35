"""Fetching: one fetch from its call to its last byte, and the connections that are kept for the next.

The files, from the bottom up; a file imports only from those above it in this list:

    content/     compression undone, text made of bytes
    special_addresses  what is not the public internet
    guard        keeps a server that fetches for strangers away from what only it can reach
    timeouts     how long a fetch may take, as a whole and in each of its parts
    fetch_timer  when a fetch has taken too long
    failures     what the network and the caller do to a fetch, by name
    response     an answer, as the caller has it
    cookies      cookies from one request to the next
    arguments    what a caller gives, looked at before anything is sent
    request      a request as bytes
    redirect     what a redirect asks for
    proxies/     which proxy a request goes through, and the way through it
    options      what a caller may choose
    reception    one answer on its way in
    connection   one connection to a server
    pool         connections, made, kept and handed out
    trace        what happens, in lines for people
    fetching     one fetch
    client       the verbs: Client, fetch, get
    downloads/   files that are fetched, and gone on with where they were cut
"""
