#!/usr/bin/env python3
"""Compiles epoll_chat.c and becomes it: the same process, so that its CPU is what is read."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from command import missing

SOURCE = Path(__file__).with_name("epoll_chat.c")


def main():
    compiler = shutil.which("cc")
    if not compiler:
        return missing("a C compiler (cc)")
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "epoll_chat"
        subprocess.run([compiler, "-O2", "-o", program, SOURCE], check=True)
        descriptor = os.open(program, os.O_RDONLY)
    os.execve(descriptor, ["epoll_chat", *sys.argv[1:]], os.environ)


if __name__ == "__main__":
    sys.exit(main())
