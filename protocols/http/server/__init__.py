"""An HTTP/1.1 server on the reactor: routes to functions, uploads, streams, files; and the door to other protocols.

The map, from the bottom up; a file imports only from the lines above its own:

    limits       every bound and deadline, with its reason
    targets      what is asked for; pure
    response     an answer, and its head as bytes
    routing      who answers; pure
    answers      what a handler gave, framed for its client
    request      what a handler is given
    files/       files below a directory
    uploads      a body in pieces for a handler, or whole for a function
    receiving    a body on its way to its handler
    sending      a body on its way to the client, pulled below the watermark
    events       server-sent events
    exchange     one request and its answer
    connection   the protocol: one request after the other
    peers        how many connections one address has
    server       the routes on listeners, and the deadlines of all connections
    demo         routes that show what a handler may give
    command      `python -m protocols.http.server`

An upgrade (a WebSocket, say) is a route whose handler has a method `upgrade(request)`: a class with a classmethod of
that name, or any object. Nothing else is known here of what comes then. It gives

    Upgrade(response, protocol)     the response (a Response of status 101, to which Date and `Connection: Upgrade` are
                                    added) is written, then the connection is the protocol's by
                                    `transport.switch_protocol`, with what came behind the request
    a Response                      a refusal: 400, 403, 426 with its fields; the connection goes on, or closes where
                                    the client or the answer says so

It is called for GET only, once the request is complete, from inside the loop; what it raises is a 500. `request` has
`method`, `version`, `headers`, `path`, `query`, `peer`, `secure` and `reactor`. From `connection_made` on the protocol
owns the transport: deadlines, limits and `draining(grace)` are its own, and what it raises ends the connection.
"""

from __future__ import annotations

from .events import EventStream, event
from .files import Files
from .limits import LIMITS, TIMEOUTS, Bounds
from .request import Request
from .response import Refusal, Response, Upgrade
from .sending import Stream
from .server import Server
from .uploads import Upload

__all__ = [
    "LIMITS", "TIMEOUTS", "Bounds", "EventStream", "Files", "Refusal", "Request", "Response", "Server", "Stream",
    "Upgrade", "Upload", "event",
]  # fmt: skip
