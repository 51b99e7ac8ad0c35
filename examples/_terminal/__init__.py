"""A line editor for a terminal in which lines arrive while one is typed. Pure, but for terminal.py.

cells      how wide a text is
editor     keys into a line
looks      colours, and who is shown how
screen     the line that is edited, and what stands above it
terminal   modes, signals, bytes
"""
