"""Who answers a request: one table of paths and methods. Pure; knows handlers only by what they have.

    /hello          exactly this path
    /user/{name}    any one segment, given as request.parameters["name"]
    /files/*        all below, given as request.rest

The most specific pattern of a path decides, segment by segment: what is spelled out before {name}, {name} before *. A
method that it lacks is 405, also where a less specific pattern would have it. HEAD is answered by the handler of GET,
OPTIONS by the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any, NamedTuple

from .response import Refusal, Response
from .targets import CACHED, SHORT, Target

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
"""What is 405 where a path lacks it. Any other is 501 (RFC 9110, 9.1) unless a route has it; TRACE gives a stranger's
page the cookies that a script may not see, and CONNECT would make a proxy of us, so no route may have them."""
NEVER = frozenset({"CONNECT", "TRACE"})

_NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})


class Kind(Enum):
    """How a handler is called."""

    CALL = "with the whole request"
    UPLOAD = "with the head, then with the body in pieces"
    UPGRADE = "for another protocol"


CALL, UPLOAD, UPGRADE = Kind  # under names of their own: see `wire.states` for why


class Route(NamedTuple):
    """A handler, and what it may be given."""

    handler: Any
    kind: Kind
    call: Any
    """What gives the answer to the whole request; None for an upload."""
    max_body: int | None
    """Bytes of the body; None: the server's own bound."""


class Found(NamedTuple):
    """The route of a request, and what its pattern stands for."""

    route: Route
    rest: tuple[str, ...]
    parameters: Mapping[str, str]


class Path:
    """What one pattern has: a route for each method."""

    __slots__ = ("_has_parameters", "_prefix", "_size", "names", "routes", "specific")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._prefix = names[:-1] if names[-1] == "*" else names  # without what stands for the rest
        self._size = len(self._prefix)
        self._has_parameters = any(map(_is_parameter, names))
        self.specific = tuple(2 if name == "*" else 1 if _is_parameter(name) else 0 for name in names)
        self.routes: dict[str, Route] = {}

    def allow(self) -> str:
        """The Allow field."""
        automatic = {"OPTIONS", "HEAD"} if self.route("HEAD") else {"OPTIONS"}
        return ", ".join(sorted(self.routes.keys() | automatic))

    def route(self, method: str) -> Route | None:
        """The route of a method. HEAD is that of GET, but not where it would change the protocol."""
        found = self.routes.get(method)
        if found is None and method == "HEAD":
            found = self.routes.get("GET")
            return None if found is None or found.kind is UPGRADE else found
        return found

    def match(self, segments: tuple[str, ...]) -> tuple[tuple[str, ...], Mapping[str, str]] | None:
        """What the pattern stands for in `segments`; None: it is another path."""
        size = self._size
        rest, segments = segments[size:], segments[:size]
        if len(segments) != size or (rest and size == len(self.names)):
            return None
        if not self._has_parameters:
            return (rest, _NO_PARAMETERS) if segments == self._prefix else None
        parameters = {}
        for name, segment in zip(self._prefix, segments, strict=True):
            if _is_parameter(name) and segment:
                parameters[name[1:-1]] = segment
            elif name != segment:
                return None
        return rest, parameters or _NO_PARAMETERS


def _is_parameter(name: str) -> bool:
    return name.startswith("{") and name.endswith("}")


class Routes:
    """The table.

    >>> from .targets import parse_target
    >>> routes = Routes()
    >>> routes.add("GET", "/user/{name}", print)
    >>> routes.find("HEAD", parse_target("HEAD", "/user/ada%20l")).parameters
    {'name': 'ada l'}
    """

    def __init__(self) -> None:
        self._exact: dict[str, Path] = {}
        self._patterns: list[Path] = []
        self._cached = lru_cache(CACHED)(self._search)  # a Refusal is raised, and what is raised is not cached

    def add(self, method: str, pattern: str, handler: Any, max_body: int | None = None) -> None:
        """Raises ValueError for a pattern or a method that can never match, and for a route that is there already."""
        if not pattern.startswith("/") or "*" in pattern[:-1] or (pattern.endswith("*") and not pattern.endswith("/*")):
            raise ValueError(f"a path begins with a slash and has * only behind its last one, not {pattern!r}")
        if method in NEVER or not method.isascii() or method != method.upper() or not method.strip():
            raise ValueError(f"{method!r} is not a method that a handler can have")
        path = self._path(pattern)
        if method in path.routes:
            raise ValueError(f"{method} {pattern} has a handler already")
        kind = _kind(handler)
        if kind is UPGRADE and method != "GET":
            raise ValueError(f"an upgrade is asked for with GET, not {method}")
        self._cached.cache_clear()
        path.routes[method] = Route(handler, kind, handler.upgrade if kind is UPGRADE else handler, max_body)

    def _path(self, pattern: str) -> Path:
        names = tuple(pattern[1:].split("/"))
        if names[-1] != "*" and not any(map(_is_parameter, names)):
            return self._exact.setdefault(pattern, Path(names))
        for path in self._patterns:
            if path.names == names:
                return path
        path = Path(names)
        self._patterns.append(path)
        self._patterns.sort(key=lambda path: path.specific)
        return path

    def find(self, method: str, target: Target) -> Found:
        """The route. Raises Refusal with 404, 405 or 501, and with the answer to OPTIONS."""
        path, segments, _ = target
        # A long path is not cached: it would fill the cache with a stranger's bytes.
        found = self._cached(method, path, segments) if len(path) <= SHORT else self._search(method, path, segments)
        if found.parameters:  # a copy: the cached one is shared by all requests, and a handler may change its own
            return found._replace(parameters=dict(found.parameters))
        return found

    def _search(self, method: str, asked: str, segments: tuple[str, ...]) -> Found:
        path = self._exact.get(asked)
        found: tuple[tuple[str, ...], Mapping[str, str]] | None = (), _NO_PARAMETERS
        if path is None:
            for path in self._patterns:
                if found := path.match(segments):
                    break
            else:
                raise self._nothing(method, asked)
        route = path.route(method)
        if route is None or found is None:
            raise self._no_method(method, path)
        return Found(route, *found)

    def _nothing(self, method: str, path: str) -> Refusal:
        if path == "*":  # RFC 9110, 9.3.7: the server as a whole
            every = {name for path in (*self._exact.values(), *self._patterns) for name in path.allow().split(", ")}
            return Answered(204, {"Allow": ", ".join(sorted(every | {"OPTIONS"}))})
        return Refusal(404) if method in METHODS else Refusal(501)

    def _no_method(self, method: str, path: Path) -> Refusal:
        if method == "OPTIONS":
            return Answered(204, {"Allow": path.allow()})
        if method not in METHODS:
            return Refusal(501)
        return Refusal(405, headers={"Allow": path.allow()})


class Answered(Refusal):
    """No refusal: the table itself has the answer."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(status)
        self.response = Response(status, None, headers)


def _kind(handler: Callable[..., Any]) -> Kind:
    if hasattr(handler, "upgrade"):
        return UPGRADE
    if isinstance(handler, type) and hasattr(handler, "head_received"):
        return UPLOAD
    if not callable(handler):
        raise TypeError(f"a handler is a function of the request, an Upload or an upgrade, not {handler!r}")
    if iscoroutinefunction(handler):
        text = "no handler is a coroutine, such as {}: give a Future, or start a task on the loop of reactor.aio"
        raise TypeError(text.format(getattr(handler, "__qualname__", handler)))
    return CALL
