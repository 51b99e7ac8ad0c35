"""Files that are fetched: whole or not at all under their names, and gone on with where they were cut.

The files, from the bottom up; a file imports only from those above it in this list:

    ranges       parts of a representation
    part         the file in which a download grows
    download     a file that has its name only once it is whole
"""
