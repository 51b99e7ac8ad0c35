"""The programs of protocols/redis/README.md run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAMS = re.findall(r"```python\n(.*?)```", (ROOT / "protocols/redis/README.md").read_text("utf-8"), re.DOTALL)
PRINTED = {"greeting": "b'hello'\n", "HINCRBY": "b'100'\n", "subscribe": "news it works\n"}


@pytest.mark.parametrize("word", PRINTED)
def test_a_program(redis, word):
    (program,) = [text for text in PROGRAMS if word in text]
    program = program.replace("127.0.0.1:6379", f"127.0.0.1:{redis.port}")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")
    assert done.stdout.decode() == PRINTED[word]


def test_there_is_no_program_without_a_test():
    assert len(PROGRAMS) == len(PRINTED)
