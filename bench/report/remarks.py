"""What stands in the way of goals that a run may miss, each by the words of its table. Knows no figures of that run."""

REMARKS: tuple[tuple[str, str, str], ...] = (
    (
        "echo of 100 B, 100 connections", "of ",
        "an echo is one receive and one send, which are the kernel's and the same for all; of the rest ours takes "
        "22,087 instructions (26,677 before short frames were unmasked as one number), bare 12,512, and promises, the "
        "least that takes what RFC 6455 demands on what a server promises, 18,308 (`bench/instructions.py --only "
        "websocket`, 2026-11-29), aiohttp 53,402 and websockets 112,767 (cachegrind). Where a floor is no better than "
        "the goal, no framework in Python meets it. How much the kernel takes differs from hour to hour on a virtual "
        "machine, and with it every ratio: within one day bare was 0.45 to 0.61 of aiohttp and 0.27 to 0.52 of "
        "websockets (`bench/websocket.py echo`, 2026-11-29). Of the 3,800 instructions above promises more than "
        "half are those of a plain echo above its own; the rest is pings for the silent, and turns for those who send "
        "much at once",
    ),
    (
        "50 kept connections", "of uvicorn",
        "uvicorn answers from memory here too. A handler's bytes, which meet this goal, take 50,386 instructions, the "
        "file 60,365, uvicorn 113,334 (55,829 and 66,716 before; `bench/instructions.py --only http-file --only "
        "http-bytes`, 2026-11-29, the last by cachegrind). What the file has more is one system call, and 8,600 "
        "instructions to make and compare what it says: it is looked at for each request whether it has changed. "
        "A server that trusts what it has read takes 0.84 to 0.91 of that (a copy without the look, 9 rounds in turn, "
        "twice); to serve a file as it was is not worth that",
    ),
    (
        "one a request", "of uvloop",
        "a line a request is an echo that cuts lines. Outside of the kernel it takes uvloop 7,085 instructions, "
        "of which cutting and formatting in Python are half, bare 8,312, contract 8,683 and the reactor 13,753 "
        "(`bench/instructions.py --only lines-1`, 2026-11-29); what lies between the last two is listed in "
        "bench/README.md, What the other promises cost",
    ),
    (
        "pipelined", "with lines_received",
        "the floor in bare Python does nothing with a read but cut it, format each reply and send them as one: of "
        "16 lines at once each takes it 1,599 instructions, contract, which calls `lines_received`, 1,745, and "
        "the reactor 2,304, of 64 lines 1,265, 1,304 and 1,470 (`bench/instructions.py`, batch-16 and batch-64, "
        "2026-11-29). So most of a line is the program's own reply. uvloop with the replies joined by hand "
        "(uvloop+join in that table) is compiled and needs much the same. Where the floor in bare Python is above "
        "the goal, no Python meets it",
    ),
    (
        "lines, 100 connections", "of uvloop",
        "a goal for a program that writes each reply by itself: two calls of Python a line, `line_received` and "
        "`write`, which bare has not. Each of 16 lines takes it 1,599 instructions, contract 2,616 and the "
        "reactor 4,065 (`bench/instructions.py --only lines-16`, 2026-11-29): so the two calls alone are 1,000. "
        "The rest of ours is what `write` looks at, sixteen times: size and bounds of what waits 582, the state "
        "of the lane 143, the type of what is given 183, see bench/README.md, What the other promises cost. Where "
        "the floor with the contract is above the goal, no framework in Python meets it",
    ),
    (
        "fan-out, 100 members", "at most 0.06",
        "with a hundred members each turn is short, and the part that is done once for each line said (cutting, "
        "decoding, cleaning, flood and history of the real chat; the others' chats have none of it) is shared by only "
        "99 deliveries; a thousand members make it a tenth. The C server in that table shows what the kernel alone "
        "takes",
    ),
    (
        "connect, one exchange", "of asyncio",
        "outside of the kernel a connection takes asyncio 228,543 instructions, the reactor 61,455, promises 39,774, "
        "contract 19,773, on CPython 3.13 244,599, 65,627, 42,189 and 22,243 (`bench/instructions.py --only accept`, "
        "2026-11-29): "
        "a quarter of asyncio's, so it is the kernel's part, which is the same for both, that holds the ratio up: "
        "13 system calls here, 16 there (`strace -f -c`). The load generator needs the other core whole, and "
        "rounds differ by more than is missed: three runs on 3.13 behind this one gave 0.579, 0.616 and 0.521, "
        "with contract at 0.552, 0.496 and 0.492 (`bench/cpu.py --only accept`). promises is contract with what no "
        "server does without: where that floor is no better than the goal, no framework in Python meets it. What lies "
        "between contract and the reactor is listed in bench/README.md, What the other promises cost",
    ),
    (
        "echo, ", "of uvloop",
        "the kernel's receive, send and share of a poll are the same for all, and two thirds of the time and more "
        "(the last column of that table). Outside of it an echo of 100 B takes uvloop 3,494 instructions, bare "
        "4,001, contract 5,645, promises 7,962 and the reactor 10,179; of 10 KiB 14,011, 4,122, 5,502, 8,014 and "
        "10,991; on CPython 3.13 of 100 B 4,272, 4,285, 6,426, 8,443 and 10,908, of 10 KiB 14,789, 4,466, 6,585, "
        "8,749 and 12,000 (`bench/instructions.py --only echo --only echo-10k`, 2026-11-29). Where a floor is no "
        "better than the goal, no framework in Python meets it: contract keeps what a protocol is promised, and "
        "promises what no server does without, each promise in the cheapest way known (bench/servers/promises.py "
        "lists them). The reactor's 2,200 to 3,250 instructions above that one take 0.02 to 0.06. Their price is one "
        "machine for all carriers, stamps of time for each direction, several loops, statistics, and parts that can "
        "be read and tested alone, see bench/README.md, What the other promises cost",
    ),
    (
        "echo, 100 KiB", "of asyncio",
        "the bytes are copied in and out by the kernel, which is most of it for every loop at this size; the "
        "difference is within the spread of the table",
    ),
    (
        "echo, ", "of asyncio",
        "outside of the kernel a message of 100 B takes 0.70 of asyncio's instructions (10,179 of 14,549, "
        "`bench/instructions.py --only echo`, 2026-11-29), promises 0.55 (7,962) and contract 0.39 (5,645); the "
        "kernel's receive, send and share of a poll are the same for all and most of the time (the last column of "
        "that table), so that three tenths of the rest are less than a tenth of the whole. Where a floor is no better "
        "than the goal, no framework in Python meets it; what lies between promises and the reactor is told in the "
        "remark on uvloop",
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
        "two thirds of it are the kernel's send, one for each member and turn, which joins only what comes within a "
        "turn; ten who talk and wait for each other make some seven messages to a send at most, fewer on a busy "
        "machine. The floor does nothing for a delivery but this send, joined once for everybody, and misses the goal "
        "as well",
    ),
    (
        "connect, one exchange", "of uvloop",
        "outside of the kernel a connection takes uvloop 26,331 instructions, all of it compiled, bare 16,220, "
        "contract 19,773, promises 39,774 and the reactor 61,455 (`bench/instructions.py --only accept`, 2026-11-29), "
        "and uvloop, bare, contract and the reactor 12, 10, 10 and 13 system calls (`strace -f -c`). promises is "
        "contract with what no server does without: half-close and an orderly end, counts, limits and drain, "
        "deadlines, epoll told in time and others. What the reactor takes more than that is TLS on the same machine, "
        "deadlines each in its own time, and parts that can be read and tested alone, see bench/README.md, What the "
        "other promises cost",
    ),
    (
        "CPU of all servers per delivery", "one at a time",
        "no floor proves that it cannot be met, and it was once: ours took 1.30, 1.16, 1.37 and 1.22 of one server, "
        "where servers that know nothing of each other took 1.13, 1.09, 1.08 and 1.04, and the least cluster 1.19, "
        "1.17, 0.93 and 1.10 of one of its servers, 0.94, 0.88, 0.76 and 0.86 of one of ours (`bench/cluster.py`, 5 to "
        "9 rounds in turn, the first and third by its crowds in rounds of 0.7 s, the last two on loaded cores, "
        "2026-11-29). In the least (bench/servers/least_cluster.py) a line is one entry, which one server writes and "
        "each reads, and then sends. In the first of these runs, with the machine at rest, its log added 0.15 us to a "
        "delivery, beside 2.40 of one of our servers, which is 0.06, and ours 0.50, which is 0.21: our servers with "
        "the least log would take 1.19, so the goal leaves 0.01 for all that a log must bear. Of the 0.50 us, 0.12 "
        "are the kernel's and 0.38 Python's, 380 us a line on both servers together: 145 calls where a line is written "
        "and 90 where it is only read (cProfile), which find cold caches behind 500 sends. They were halved before "
        "(two servers, 20 members: 1,053,692 -> 645,356 instructions a line; one server: 176,774). Of what is left, "
        "parsing what XREAD answers takes 70,600 on each server, a command 13,000, packing a line 10,200 (19,700 "
        "before; cachegrind, one by one). So the parser, which is bounded and takes any reply cut anywhere, is half of "
        "what can be saved; counts in local names and a shorter way for strings took 4,000 of it, were harder to read, "
        "and were taken back"
    ),
    (
        "serves nobody yet", "of asyncio",
        "most of it is the interpreter's own start, the same for both; the rest is the import of what a server has "
        "that the echo on asyncio lacks: a command line, TLS files, workers, signals and a log (`python -X "
        "importtime examples/echo_server.py`)",
    ),
    (
        "serves nobody yet", "MiB",
        "the interpreter alone is half of it; see `python -X importtime examples/echo_server.py` for what the rest is",
    ),
    (
        "16 lines at once", "of asyncio",
        "the floor below that goal is the least that a loop in Python takes for this program, and is above 0.22 "
        "itself: 0.25 to 0.26 in five rounds (`bench/asyncio_loops.py lines`, 2026-11-28). Outside of the kernel "
        "an exchange of 16 lines takes 31,079 instructions there, 55,094 on the reactor, 82,021 on asyncio's loop "
        "and 38,590 on uvloop (`valgrind --tool=cachegrind` on `bench/peers/aio_loops.py lines`, 20 rounds of 50 "
        "connections, 2026-11-28): most is the program's own, which cuts the lines and joins each with its end, "
        "and the rest of ours is `write`, sixteen times, which looks at its argument, the state of the connection "
        "and its limit",
    ),
    (
        "asyncio.Protocol, 100 B each way", "of asyncio",
        "a message is one receive and one send on either loop: there is nothing to collect, and what a loop in "
        "Python cannot save is the floor below that goal",
    ),
    (
        "plaintext with httptools", "of asyncio",
        "uvicorn writes an answer in two pieces, which asyncio sends as two and the reactor as one: that is what "
        "is gained. The floor below that goal is uvicorn's own code with asyncio's own tasks, calls and timers, which "
        "a program is promised, between a receive and one send in Python: 120,192 instructions a request, of which "
        "98,353 are left without these calls and timers; the reactor takes 131,801 and asyncio's loop 143,738 "
        "(cachegrind on `bench/peers/aio_loops.py uvicorn`, rounds of 50 connections, 2026-11-29). It was 0.79 of "
        "asyncio in one run and 0.83 in the next, where the reactor's was 0.83 too, on a loaded machine: the goal asks "
        "for no more than the floor. The reactor's "
        "12,000 instructions above it are a connection's: its bounds, deadlines, context, and what it counts",
    ),
    (
        "bursts: websockets", "of asyncio",
        "0.33 to 0.48 in other runs of 2026-11-28 (`bench/asyncio_loops.py bursts`); the kernel's part is one send "
        "for fifty messages, and what is left is the library websockets, which frames each message for each "
        "member, the same on both loops",
    ),
    (
        "latency of a delivery", "at most",
        "four fifths are the kernel's, for 999 sends. CPU from a receive to the first, 500th and last send: bare "
        "Python 12, 2,007 and 3,959 us, asyncio 47, 2,486 and 4,778, the reactor 155, 2,588 and 5,134, threads 255, "
        "2,718 and 5,222 (medians of 360 lines at 50 a second, in turn on a busy machine, counted before the C "
        "library's calls, 2026-11-29). A send costs ours what it costs asyncio's; before the first stands the real "
        "chat, which cuts, cleans, pays for and keeps a line: the others' chats have none of it. The room sends to "
        "each 64 as it writes to them; both ways in turn in one process, half had a line after 2,421 us instead of "
        "2,633, and the last after 4,809 instead of 4,837. By 16 it was 2,449 and 4,914, and each within its `write` "
        "2,545 and 5,039. Rounds of one server differ by more than is missed: on a quiet machine from 0.83 to 1.15 of "
        "asyncio's p50 at 10 lines a second. Where asyncio's p99 is above 15 ms, the host was uneven in that run: an "
        "hour after the one of 2026-11-29 (`bench/chat.py --only latency --rate 50 --rounds 3`, twice, 02:41 to 02:45) "
        "p50 was 0.913 and 0.971 of asyncio's and p99 0.784 and 0.809, of threads' 0.948, 0.928, 0.803 and 0.659; "
        "with all sends at the end of the round, in turn with it, 1.04 and 0.804 of asyncio's, 1.03 and 0.791 of "
        "threads'",
    ),
    (
        "StreamReader and StreamWriter", "of asyncio",
        "a message is one receive and one send on either loop, and most of the rest is asyncio's own streams and "
        "tasks, which are the same code on both",
    ),
    (
        "no sockets", "of asyncio",
        "the loop is asyncio's own code there, with a poll of the reactor in each turn: nothing else differs, and "
        "the table shows how far the rounds do. A round with one call took 15,327 instructions, asyncio's own "
        "16,545 (callgrind, 5,000 rounds, 2026-11-29), and asks the clock once since then instead of twice, which "
        "no count of instructions sees: 1.05 and 1.06 became 0.998 and 0.979 (two runs of each in turn)",
    ),
    (
        "storm of 5,000", "nobody who is in",
        "what the server or who asks waited for a core is taken off, which the kernel tells, but only the longer of "
        "the two, since both may wait at one time; the table's CPU says how long the server worked. Until "
        "listeners made room for a crowd (reactor/DESIGN.md) the process slept 8 to 20 ms at 256, 512, 1,024 "
        "descriptors and so on, in 17 of 17 storms; since then at most 1.3 ms of a long wait are neither work nor a "
        "wait of either for a core (nine storms, on a machine that was busy, 2026-11-29)",
    ),
    (
        "call_soon_threadsafe", "us each",
        "the thread that calls and the loop that runs the calls take turns with the interpreter's lock: a burst "
        "costs more where it changes hands more often, which is the highest in that table. How often is the "
        "machine's. A call takes 2,739 instructions on both sides together, 6,884 before (cachegrind, "
        "2026-11-29), and 0.21 to 0.24 us where it was 0.52 to 0.61 (`bench/micro/wakeup.py`, in turn)",
    ),
    (
        "idle ones beside them", "idle ones add",
        "epoll tells only of those who have something to say, so the idle ones cost memory and nothing else; the "
        "sign of the difference changes from run to run: -1.61 % and 1.31 % (`bench/cpu.py --only active`, "
        "2026-11-28)",
    ),
    (
        "servers in a long run", "lag flat",
        "a round of the loop that waits for a core counts as lag, and a long run shares the cores with other "
        "programs; the chart below shows when",
    ),
)  # fmt: skip
"""Words of the table's title, words of the goal, and the reason. The first that fits is given."""

UNKNOWN = "no reason is kept for it; the table of its section shows how far the rounds differ"


def remark(goal: dict) -> str:
    """The reason kept for a goal that was missed.

    >>> remark({"title": "some other table", "wanted": "at most 1.00 of nothing"}) == UNKNOWN
    True
    """
    for title, wanted, reason in REMARKS:
        if title in goal["title"] and wanted in goal["wanted"]:
            return reason
    return UNKNOWN
