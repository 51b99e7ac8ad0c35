"""Our clients, measured: the server beside them is somebody else's, or of no account.

fetch          HTTP, beside other libraries and curl
redis_client   Redis, beside redis-py
bot            a slow API, and what its users cost an echo on the same loop
"""
