"""What operators may do and how one becomes an operator: bans, passwords, commands, the console.

The files, from the bottom up; a file imports only from those above it in this list:

    bans               who may not come in, and which names nobody may have
    ban_file           the bans as a file
    passwords          the operators' passwords, as a file of hashes
    enrol              gives an operator a password
    login              where a member becomes an operator
    powers             what an operator can bring about
    operator_commands  the words for it
    typing             lines at the console, at a pace
    console            the operator at the server's own keyboard
    at_terminal        the same, where somebody sits at a terminal
"""
