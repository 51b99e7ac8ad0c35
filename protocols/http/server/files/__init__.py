"""Files below a directory, over HTTP: never a byte from outside of it, and never more of a file in memory than a piece.

The files, from the bottom up; a file imports only from those above it in this list:

    types        what a file is, by its name
    ranges       which part is asked for
    conditions   whether the client has it already, or must not have it
    tree         opens what is below a root, and nothing else
    listing      a directory as a page
    shelf        small files, ready to be sent
    handler      the handler, which asks all of them
"""

from __future__ import annotations

from .handler import Files

__all__ = ["Files"]
