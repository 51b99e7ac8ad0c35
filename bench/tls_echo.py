#!/usr/bin/env python3
"""Echo over TLS on the reactor, with the certificate of the tests. What the TLS benchmark measures."""

import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a fresh clone needs no installation

from arguments import server_parser
from serving import serve

from protocols import Echo

CERTIFICATE = Path(__file__).parents[1] / "tests" / "certificates" / "localhost.pem"


def main() -> int:
    options = server_parser("Echo over TLS, on the reactor.", 9443).parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return serve(Echo, options, tls=context)


if __name__ == "__main__":
    sys.exit(main())
