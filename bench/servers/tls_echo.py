#!/usr/bin/env python3
"""Echo over TLS on the reactor, with the certificate of the tests. What the TLS benchmark measures."""

import ssl
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))  # a fresh clone needs no installation

from protocols import Echo
from runs.arguments import server_parser
from servers.serving import serve

CERTIFICATE = Path(__file__).parents[2] / "tests" / "certificates" / "localhost.pem"


def main() -> int:
    options = server_parser("Echo over TLS, on the reactor.", 9443).parse_args()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return serve(Echo, options, tls=context)


if __name__ == "__main__":
    sys.exit(main())
