"""How many may come, how fast one may speak, and from where. Knows no chat and no bot.

The files, from the bottom up; a file imports only from those above it in this list:

    addresses    which addresses are one and the same; pure
    door         how many may come; pure
    buckets      how much one person may say; pure
    attempts     how often a connection and an address may guess; pure
    seldom       which of many like events are told; pure
    quiet        log lines about what strangers cause at will
    rounds       how long all may take in a round of the loop; pure
    pace         how fast one person is heard: a bucket, and the clock that refills it
"""
