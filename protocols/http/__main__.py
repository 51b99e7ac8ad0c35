"""`python -m protocols.http URL`: see `command`."""

from __future__ import annotations

import sys

from .command.program import main

if __name__ == "__main__":
    sys.exit(main())
