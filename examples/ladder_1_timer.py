#!/usr/bin/env python3
"""Step 1: time. One thread, several clocks, and nothing ever sleeps.

`call_later` runs a function once, `call_every` again and again; between them the loop waits in the kernel and uses
no processor. Try: run it, then make the ticks faster, then cancel the series instead of stopping the loop.
"""

from __future__ import annotations

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # a fresh clone needs no installation

from reactor import Reactor


def main() -> None:
    with Reactor() as reactor:
        start = reactor.time()
        reactor.call_every(0.2, lambda: print(f"tick at {reactor.time() - start:.1f} s", flush=True))
        reactor.call_later(0.5, print, "half a second has passed")
        reactor.call_later(0.9, reactor.stop)
        reactor.run()


if __name__ == "__main__":
    main()
