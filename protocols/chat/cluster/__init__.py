"""One chat on many servers: every server runs the same rooms on the same log of inputs.

    from protocols.chat.cluster.cluster import Cluster
    from protocols.chat.cluster.redis_log import RedisLog

    log = RedisLog(reactor, "redis://localhost")
    chat.inputs = Cluster(reactor, chat.hub, log, title="mill:2401", wall=time.time)

The log is a stream of Redis. Names, rooms, topics, bans, who is here and what was said are results of it, and so are
equal everywhere without being stored or asked for.

The files, from the bottom up; a file imports only from those above it in this list:

    entries      what a server has to say to all, packed
    nodes        which servers are there, and which of their entries count
    replica      the chat as the log has it
    log          what is needed of a log, an interface
    outbox       what is to be said, until it is read back
    people       this server's own people, and what they missed
    stay         one stay in the cluster
    kept         what outlives a stop of all servers
    join         one attempt to join
    cluster      one server in the cluster: alone, in, out
    operating    what operators do, on all servers
    exposition   what is told to Prometheus
    redis_log    the log as a stream of Redis
    options      a server's command line, and joining at its start
"""
