"""An HTTP/1.1 server on the reactor: routes to functions, uploads, streams, files; and the door to other protocols.

The map, from the bottom up; a file imports only from the lines above its own:

    limits             every bound and deadline, with its reason
    targets            what is asked for; pure
    response           an answer, and its head as bytes
    request            what a handler is given

An upgrade (a WebSocket, say) is a route whose handler has a method `upgrade(request)`: a class with a classmethod of
that name, or any object. Nothing else is known here of what comes then. It gives

    Upgrade(response, protocol)     the response (a Response of status 101, to which Date and `Connection: Upgrade` are
                                    added) is written, then `transport.set_protocol(protocol)`,
                                    `protocol.connection_made(transport)`, and what came behind the request goes to the
                                    protocol by `transport.unread`
    a Response                      a refusal: 400, 403, 426 with its fields; the connection goes on, or closes where
                                    the client or the answer says so

It is called for GET only, once the request is complete, from inside the loop; what it raises is a 500. `request` has
`method`, `version`, `headers`, `path`, `query`, `peer`, `secure` and `reactor`. From `connection_made` on the protocol
owns the transport: deadlines, limits and `draining(grace)` are its own.
"""

from __future__ import annotations

from .limits import LIMITS, TIMEOUTS, Bounds
from .request import Request
from .response import Refusal, Response, Upgrade

__all__ = ["LIMITS", "TIMEOUTS", "Bounds", "Refusal", "Request", "Response", "Upgrade"]
