#!/usr/bin/env python3
"""Echo over TLS on the reactor, with the certificate of the tests. What the TLS benchmark measures."""

import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from arguments import server_parser

from protocols import Echo
from reactor import Reactor

CERTIFICATE = Path(__file__).parents[1] / "tests" / "certificates" / "localhost.pem"


def main() -> int:
    options = server_parser("Echo over TLS, on the reactor.", 9443).parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with Reactor() as reactor:
        try:
            listener = reactor.listen_tcp(Echo, options.host, options.port, tls=context)
        except (OSError, OverflowError) as error:
            print(f"cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
            return 1
        print(f"listening on {options.host}:{listener.port}", flush=True)
        reactor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
