"""The program: `python -m protocols.http URL`, for those who know curl. The library is `protocols.http.client`.

The files, from the bottom up; a file imports only from those above it in this list:

    messages      what is said about a fetch, in lines for people
    values        what the arguments of options mean
    body          what is sent: data, JSON, forms, files
    curl          what curl has and this has not
    arguments     a command line taken apart as curl does it
    write_out     a line about a fetch, by a format
    names         the name of a file that a URL or a server gives
    options       the options, and what only shows when all are known
    cookie_file   cookies in a file, as curl and browsers keep them
    terminal      what may be shown on a terminal
    output        standard output for several sources at once
    progress      how far it is, in one line
    ends          the signals that end the program
    retries       whether and when to try again
    job           one URL on its way to its output
    program       all the URLs of a command line
"""
