"""What stands in the way of goals that a run may miss, each by the words of its table. Knows no figures of that run."""

REMARKS: tuple[tuple[str, str, str], ...] = (
    (
        "echo of 100 B, 100 connections", "of ",
        "an echo is one receive and one send, which are the kernel's and the same for all; of the rest ours takes "
        "21,722 instructions (26,677 before short frames were unmasked as one number), bare 12,511, and promises, "
        "the least that takes what RFC 6455 demands on what a server promises, 18,305 (`bench/instructions.py "
        "--only websocket`, 2026-11-29), aiohttp 53,402 and websockets 112,767 (cachegrind). Where a floor is no "
        "better than the goal, no framework in Python meets it. How much the kernel takes differs from hour to hour "
        "on a virtual machine, and with it every ratio: within one day bare was 0.45 to 0.61 of aiohttp and 0.27 to "
        "0.52 of websockets (`bench/websocket.py echo`, 2026-11-29). Of the 3,400 instructions above promises more "
        "than half are those of a plain echo above its own; the rest is pings for the silent, and turns for those "
        "who send much at once",
    ),
    (
        "50 kept connections", "of uvicorn",
        "uvicorn answers from memory here too. A handler's bytes, which meet this goal, take 49,224 instructions, "
        "the file 59,503, uvicorn 113,334 (55,829 and 66,716 before; `bench/instructions.py --only http-file --only "
        "http-bytes`, 2026-11-29, the last by cachegrind). What the file has more is one system call, and 8,600 "
        "instructions to make and compare what it says: it is looked at for each request whether it has changed. A "
        "server that trusts what it has read takes 0.84 to 0.91 of that (a copy without the look, 9 rounds in turn, "
        "twice); to serve a file as it was is not worth that. It was 0.685 in the run before; three more behind "
        "this one gave 0.800, 0.783 and 0.764, and the handler's bytes 0.700, 0.699 and 0.700 (`bench/web.py`)",
    ),
    (
        "one a request", "of uvloop",
        "a line a request is an echo that cuts lines. Outside of the kernel it takes uvloop 7,085 instructions, of "
        "which cutting and formatting in Python are half, bare 8,529, contract 9,097 and the reactor 13,410 "
        "(`bench/instructions.py --only lines-1`, 2026-11-29); what lies between the last two is listed in "
        "bench/README.md, What the other promises cost",
    ),
    (
        "pipelined", "with lines_received",
        "the floor in bare Python does nothing with a read but cut it, format each reply and send them as one: of "
        "16 lines at once each takes it 1,612 instructions, contract, which calls `lines_received`, 1,773, and the "
        "reactor 2,289, of 64 lines 1,267, 1,314 and 1,465 (`bench/instructions.py`, batch-16 and batch-64, "
        "2026-11-29). So most of a line is the program's own reply. uvloop with the replies joined by hand "
        "(uvloop+join in that table) is compiled and needs much the same. Where the floor in bare Python is above "
        "the goal, no Python meets it",
    ),
    (
        "lines, 100 connections", "of uvloop",
        "a goal for a program that writes each reply by itself: two calls of Python a line, `line_received` and "
        "`write`, which bare has not. Each of 16 lines takes it 1,612 instructions, contract 2,658 and the reactor "
        "4,044 (`bench/instructions.py --only lines-16`, 2026-11-29): so the two calls alone are 1,000. The rest of "
        "ours is what `write` looks at, sixteen times: size and bounds of what waits 582, the state of the lane "
        "143, the type of what is given 183, see bench/README.md, What the other promises cost. Where the floor "
        "with the contract is above the goal, no framework in Python meets it",
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
        "outside of the kernel a connection takes asyncio 228,543 instructions, the reactor 61,048, promises "
        "39,800, contract 20,560, on CPython 3.13 244,755, 65,317, 42,193 and 22,243 (`bench/instructions.py --only "
        "accept`, 2026-11-29): a quarter of asyncio's, so it is the kernel's part, which is the same for both, that "
        "holds the ratio up: 13 system calls here, 16 there (`strace -f -c`). The load generator needs the other "
        "core whole, and rounds differ by more than is missed: three runs on 3.13 behind this one gave 0.579, 0.616 "
        "and 0.521, with contract at 0.552, 0.496 and 0.492 (`bench/cpu.py --only accept`). promises is contract "
        "with what no server does without: where that floor is no better than the goal, no framework in Python "
        "meets it. What lies between contract and the reactor is listed in bench/README.md, What the other promises "
        "cost",
    ),
    (
        "echo, ", "of uvloop",
        "the kernel's receive, send and share of a poll are the same for all, and two thirds of the time and more "
        "(the last column of that table). Outside of it an echo of 100 B takes uvloop 3,494 instructions, bare "
        "4,278, contract 6,022, promises 7,952 and the reactor 9,776; of 10 KiB 14,053, 4,533, 6,011, 8,006 and "
        "9,884; on CPython 3.13 of 100 B 4,272, 4,528, 6,426, 8,461 and 10,548, of 10 KiB 14,790, 4,937, 6,585, "
        "8,757 and 10,924 (`bench/instructions.py --only echo --only echo-10k`, 2026-11-29). Where a floor is no "
        "better than the goal, no framework in Python meets it: contract keeps what a protocol is promised, and "
        "promises what no server does without, each promise in the cheapest way known (bench/servers/promises.py "
        "lists them). The reactor's 1,800 to 2,200 instructions above that one take 0.02 to 0.03. On CPython 3.13 "
        "promises is 0.01 to 0.02 better than the goal, and the reactor missed it by as much in 60 rounds of 0.2 s "
        "in turn behind this run: 1.007 for 100 B, within 0.024, promises 0.986, and 1.022 for 10 KiB, within "
        "0.009, promises 0.994. Their price is one machine for all carriers, stamps of time for each direction, "
        "several loops, statistics, and parts that can be read and tested alone, see bench/README.md, What the "
        "other promises cost",
    ),
    (
        "echo, 100 KiB", "of asyncio",
        "the bytes are copied in and out by the kernel, which is most of it for every loop at this size; the "
        "difference is within the spread of the table",
    ),
    (
        "echo, ", "of asyncio",
        "outside of the kernel a message of 100 B takes 0.67 of asyncio's instructions (9,776 of 14,559, "
        "`bench/instructions.py --only echo`, 2026-11-29), promises 0.55 (7,952) and contract 0.41 (6,022); the "
        "kernel's receive, send and share of a poll are the same for all and most of the time (the last column of "
        "that table), so that three tenths of the rest are less than a tenth of the whole. Where a floor is no "
        "better than the goal, no framework in Python meets it; what lies between promises and the reactor is told "
        "in the remark on uvloop. 10 KiB on CPython 3.13 took 0.879, within 0.008, in 60 rounds of 0.2 s in turn "
        "behind this run",
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
        "outside of the kernel a connection takes uvloop 26,331 instructions, all of it compiled, bare 17,532, "
        "contract 20,560, promises 39,800 and the reactor 61,048 (`bench/instructions.py --only accept`, "
        "2026-11-29), and uvloop, bare, contract and the reactor 12, 10, 10 and 13 system calls (`strace -f -c`). "
        "promises is contract with what no server does without: half-close and an orderly end, counts, limits and "
        "drain, deadlines, epoll told in time and others. What the reactor takes more than that is TLS on the same "
        "machine, deadlines each in its own time, and parts that can be read and tested alone, see bench/README.md, "
        "What the other promises cost",
    ),
    (
        "CPU of all servers per delivery", "one at a time",
        "no floor proves that it cannot be met, and it was once: ours took 1.22, and in two more runs of 9 rounds "
        "1.26 and 1.26, where servers that know nothing of each other took 1.11, 1.13 and 1.18, and the least "
        "cluster 1.24, 1.17 and 1.19 of one of its servers, 0.934, 0.963 and 0.963 of one of ours "
        "(`bench/cluster.py`, 2026-11-29); earlier runs gave 1.16 to 1.37. In the least "
        "(bench/servers/least_cluster.py) a line is one entry, which one server writes and each reads, and then "
        "sends. With the servers apart at 1.11 to 1.18, 0.02 to 0.09 are left for a log, and the least one took "
        "0.06 where that was measured: so what a log must bear beyond that has next to nothing. Since then the same "
        "servers stand apart beside the least log, too: what it adds, added to ours apart, was 1.28 of one server "
        "where ours took 1.33, and 1.15 where it took 1.25 (two runs of 9 rounds, 12:54 to 12:57): the goal was out "
        "of reach in the first, and not in the second. A line on two servers of 20 members takes 621,000 "
        "instructions, 736,000 before, and on two apart 249,600: the cluster's own went from 486,000 to 371,000, "
        "the least log's are 38,400 (cachegrind). Counted one by one with stubs, twice each, on the server that is "
        "told and on the one that says it: parsing what XREAD answers 47,200 (70,600 before), applying an entry "
        "beyond what one server does too 38,100, its ids and objects 16,400, reading on 15,100; and once a line: "
        "packing it 18,900, hearing it 11,000, appending 9,500, XADD's answer 8,800; a command with its deadline "
        "and answer is 9,650, three times. The parser is bounded and takes any reply cut anywhere"
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
        "2,633, and the last after 4,809 instead of 4,837. By 16 it was 2,449 and 4,914, and each within its "
        "`write` 2,545 and 5,039. Rounds of one server differ by more than is missed: on a quiet machine from 0.83 "
        "to 1.15 of asyncio's p50 at 10 lines a second. In 15 rounds in turn behind this run, instead of 5 to 9, "
        "all eight were met: at 10 lines a second p50 was 0.976 of asyncio's and 0.951 of threads', p99 0.934 and "
        "0.914, at 100 lines 0.991, 0.767, 0.806 and 0.821 (`bench/chat.py --only latency --rounds 15`, 2026-11-29, "
        "12:27 to 12:34). Where asyncio's p99 is above 15 ms, the host was uneven in that run: an hour after the "
        "one of 2026-11-29 (`bench/chat.py --only latency --rate 50 --rounds 3`, twice, 02:41 to 02:45) p50 was "
        "0.913 and 0.971 of asyncio's and p99 0.784 and 0.809, of threads' 0.948, 0.928, 0.803 and 0.659; with all "
        "sends at the end of the round, in turn with it, 1.04 and 0.804 of asyncio's, 1.03 and 0.791 of threads'",
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
