"""Names, rooms and what a message means. Pure: knows no connection and no disk.

The files, from the bottom up; a file imports only from those above it in this list:

    command_table    tables of commands, and how lists are shown
    names            what a person may be called, and which names are the same
    history          the last things said in a room
    news             who came, went and changed its name, in few lines
    room             members and rooms: who hears what
    ignoring         who does not hear whom, by their own wish
    comings          what a room is told of who comes and goes
    departed         from where those came who have left lately
    empty_rooms      which of the rooms that are empty is forgotten
    authority        what operators decide, as the chat asks for it
    hub              the whole chat: names, rooms, what is announced to whom
    member_commands  what begins with a slash
    speech           what a message means
    state            the whole chat as plain data, and back
    inputs           what happens to a chat, as sessions tell it
"""
