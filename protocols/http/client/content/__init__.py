"""What the bytes of a body mean: compression undone, text made of them. Pure.

The files, from the bottom up; a file imports only from those above it in this list:

    labels       the names of encodings
    charsets     text made of bytes
    codings      gzip and deflate undone
"""
