"""Proxies: which one a request goes through, and the way through it to a server that speaks TLS.

The files, from the bottom up; a file imports only from those above it in this list:

    choice       which proxy a request goes through
    tunnel       a way through a proxy to a server that speaks TLS
"""
