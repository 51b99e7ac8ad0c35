"""What outlives the process: rooms' lines in SQLite, and small files that people edit.

The files, from the bottom up; a file imports only from those above it in this list:

    files        small files, read whole and replaced whole
    archive      the SQLite file that rooms' lines are kept in
    backlog      rows that one thread hands over and another writes down
    store        what is said, on its way to the disk
    keep         rooms that are kept in a store
"""
