"""What the operating system is asked for beside sockets: room for a crowd, before it comes."""

import os
import re
import subprocess
import sys

import pytest

from reactor.loop.kernel import ROOM

LISTENING = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from reactor import Protocol, Reactor
with Reactor() as reactor:
    before = len(__import__("os").listdir("/proc/self/fd"))
    reactor.listen_tcp(Protocol, "127.0.0.1", 0)
    print(open("/proc/self/status").read(), len(__import__("os").listdir("/proc/self/fd")) - before)
    reactor.call_soon(reactor.stop)
    reactor.run()
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux, which tells how large the table is")
@pytest.mark.parametrize(("limit", "size"), [(64, 64), (ROOM[2], ROOM[2]), (2000, ROOM[2]), (ROOM[1] + 1, ROOM[1])])
def test_who_listens_has_a_table_for_a_crowd_from_the_start(limit, size):
    """As far as the process may have so many descriptors; and not one of them is left open."""
    code = LISTENING.format(limit=limit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert not done.stderr
    assert int(re.search(r"FDSize:\s+(\d+)", done.stdout)[1]) >= size
    assert done.stdout.split()[-1] == "1"
