"""What stands in the way of goals that a run may miss, each by the words of its table. Knows no figures of that run."""

REMARKS: tuple[tuple[str, str, str], ...] = (
    (
        "50 kept connections", "of uvicorn",
        "0.50 and 0.63 in a run without a first generation of requests, in which uvicorn's heap was fresh; since both "
        "are warm it is this. uvicorn's parser and loop are compiled; what Python does for a request is not "
        "counted yet",
    ),
    (
        "one a request", "of uvloop",
        "a line a request is an echo that cuts lines. The floor is the same in Python without a framework (the row "
        "bare, and the column bare under Instructions a message): it is above uvloop already, for cutting and "
        "formatting a line in Python are half of it. Above the floor stand five calls of Python a line, which are the "
        "contract: input, framer, line, write, flush",
    ),
    (
        "pipelined", "with lines_received",
        "the kernel's receive and send for each read are the same for both; what is left is that Python formats each "
        "reply by itself, which uvloop with the replies joined by hand (uvloop+join in that table) does as well, and "
        "so does the floor, Python without a framework",
    ),
    (
        "lines, 100 connections", "of uvloop",
        "a third of what is left is the kernel's, for one receive and one send for all lines; nothing above them can "
        "be saved there. The rest is two calls of Python a line, `line_received` and `write`, and the reply that "
        "it formats. uvloop with the replies joined by hand (uvloop+join in that table) is compiled, calls nothing for "
        "a line, and needs much the same",
    ),
    (
        "fan-out, 100 members", "uvloop",
        "with a hundred members each turn is short, and the part that is done once for each line said (cutting, "
        "decoding, cleaning, flood and history of the real chat; the others' chats have none of it) is shared by only "
        "99 deliveries; a thousand members make it a tenth. The C server in that table shows what the kernel alone "
        "takes",
    ),
    (
        "connect, one exchange", "of asyncio",
        "two fifths are the kernel's, for ten system calls (asyncio makes 17), three of which Python's `socket.accept` "
        "makes by itself; the rest is the life of a connection in Python: its limits, deadlines, lanes and the orderly "
        "end, half-close included, that asyncio does not have",
    ),
    (
        "echo, ", "of uvloop",
        "the floor is epoll, receive and send in Python without a framework (bench/servers/bare.py: the row bare, and "
        "the column bare under Instructions a message): the interpreter and its socket module take 1.4 times uvloop's "
        "instructions before anything is done for the message, so where the floor is above the goal no Python "
        "meets it. Above it stand four calls of Python a message, which are the contract: input (one boundary to the "
        "program), data_received, write (bounds, backpressure), flush (one send a round, deadlines). What the kernel "
        "does is the same for all. An interpreter built with --enable-optimizations narrows both distances",
    ),
    (
        "echo, ", "of asyncio",
        "the bytes are copied in and out by the kernel, which is most of it for every loop at this size; the "
        "difference is within the spread of the table",
    ),
    (
        "echo over TLS", "of uvloop",
        "OpenSSL's work is the same for all. The floor, Python without a framework on the same two MemoryBIOs (the "
        "row bare, and the column bare under Instructions a message), is below uvloop; above the floor stand the four "
        "calls of an echo and six of the carrier, which must know what was sent, what waits to be decrypted and what "
        "OpenSSL wants to say by itself; which size of message misses the goal differs from run to run",
    ),
    (
        "1 KiB", "of nginx",
        "nginx is compiled and sends the file without a copy; three runs gave 1.68, 1.87 and 2.12: the goal lies "
        "within their spread",
    ),
    (
        "room of 1,000 members", "at most 0.0",
        "most of it is the kernel's send, one for each member and round, which joins only what comes within a round; "
        "ten who talk and wait for each other make some seven messages to a send at most, fewer on a busy machine",
    ),
    (
        "servers in a long run", "nothing lost",
        "where the only fault is a visit that broke off after a minute: a visitor who waits so long counts as lost. "
        "What it had asked, the run of that day did not say; the report names it now. It ran beside twenty other "
        "programs on two cores, and no line, file or echo was lost or wrong",
    ),
    (
        "connect, one exchange", "of uvloop",
        "ten system calls a connection against uvloop's, three of which Python's `socket.accept` makes by itself, and "
        "the limits, deadlines and the orderly end of a connection are Python here and C or absent there",
    ),
    (
        "CPU of all servers per delivery", "one at a time",
        "a line that comes alone is read from the log, applied and fanned out once on each server, for half of the "
        "members each, and is written to Redis and acknowledged by being read back: what is done once a line is done "
        "twice, and nothing can be joined",
    ),
    (
        "serves nobody yet", "of asyncio",
        "most of it is the interpreter's own start, the same for both; the rest is the import of what a server has "
        "that the echo on asyncio lacks: a command line, TLS files, workers, signals and a log",
    ),
    (
        "serves nobody yet", "MiB",
        "the interpreter alone is half of it; see `python -X importtime examples/echo_server.py` for what the rest is",
    ),
    (
        "16 lines at once", "of asyncio",
        "counted with cachegrind an exchange takes 66,250 instructions here and 92,570 on asyncio's loop, and most "
        "of ours are the program's own: cutting the lines, joining each with its end, calling write sixteen times",
    ),
    (
        "asyncio.Protocol, 100 B each way", "of asyncio",
        "a message is one receive and one send on either loop: there is nothing to collect",
    ),
    (
        "plaintext with httptools", "of asyncio",
        "an answer is one write on either loop, so what is gained is the loop's own part; 0.36 to 0.40 was seen before "
        "a first generation of clients had warmed asyncio's heap",
    ),
    (
        "bursts: websockets", "of asyncio",
        "0.33 to 0.48 in other runs; what is left is the framing of the websockets library itself",
    ),
    (
        "latency of a delivery", "of threads",
        "a thread sends each member its line as it goes through the room, the reactor at the end of the round: the "
        "first of a thousand waits for the last to be queued, some tenths of a millisecond, and the sends themselves, "
        "which are nearly all of it, are the kernel's and the same",
    ),
    (
        "latency of a delivery", "of asyncio",
        "asyncio sends within `write`, the reactor at the end of the round: the first of a thousand members waits for "
        "the last to be queued, some tenths of a millisecond; nearly all of a latency is a thousand sends of the "
        "kernel, the same for both",
    ),
)  # fmt: skip
"""Words of the table's title, words of the goal, and the reason. The first that fits is given."""

UNKNOWN = "no remark yet; bench/report/remarks.py has room for one"


def remark(goal: dict) -> str:
    """The reason kept for a goal that was missed.

    >>> remark({"title": "some other table", "wanted": "at most 1.00 of nothing"}) == UNKNOWN
    True
    """
    for title, wanted, reason in REMARKS:
        if title in goal["title"] and wanted in goal["wanted"]:
            return reason
    return UNKNOWN
