"""The servers that are measured, one program each; programs.py says which stands for what.

threaded*      the baselines: a thread for each connection
lines_server   tls_echo   http_origin   services on the reactor that have no program in examples/
serving        what those share
bare           the least that a server in Python does
contract       the least framework in Python
promised_streams   promises   the least server in Python: contract with the promises that none does without
least_cluster  the least chat on several servers, on bare
counted        whose instructions are counted
programs       every server by name, and the library that it needs
"""
