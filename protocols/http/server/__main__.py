"""`python -m protocols.http.server`"""

import sys

from protocols.metrics import listen_for_scrapes

from .command import main

if __name__ == "__main__":
    sys.exit(main(metrics=listen_for_scrapes))
