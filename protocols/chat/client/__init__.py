"""The chat's client at a terminal: a line is edited while others speak. Pure, but for terminal and command.

The files, from the bottom up; a file imports only from those above it in this list:

    graphemes  what a reader takes for one character
    cells      how wide a text is
    editor     keys into a line
    looks      colours, and who is shown how
    screen     the line that is edited, and what stands above it
    terminal   modes, signals, bytes
    lines      stdin and stdout that are no terminal
    log_above  log records shown above the row
    paste      lines that are typed faster than a server hears them
    ignored    whom this client ignores, for the next connection
    past       which replayed lines stand on the screen already
    command    the client itself: `python -m protocols.chat.client`
"""
