"""What the programs beside this folder share.

view       dumps on a signal, metrics
cli        options, the line that says where a server listens, one line for what is wrong
output     what goes to stdout and must not block the loop
progress   how far a download is
"""
