"""Proxies: which one a request goes through, and the way through it.

The files, from the bottom up; a file imports only from those above it in this list:

    choice       which proxy a request goes through
    tunnel       a way through a proxy: CONNECT, and TLS inside
"""
