"""Which program serves what: every service by server, and which library each needs. Knows no measurements."""

import argparse
import shutil

CHAT_OPTIONS = ("--no-console", "--flood-rate=0", "--max-per-ip=0", "--log-level=warning")  # nothing but the fan-out
OURS = {
    "echo": ("examples/echo_server.py",),
    "lines": ("bench/servers/lines_server.py",),
    "chat": ("examples/chat_server.py", *CHAT_OPTIONS),
    "tls": ("bench/servers/tls_echo.py",),
    "udp": ("examples/udp_echo.py",),
}
SERVED = ("echo", "lines", "chat")  # what the comparisons are about, and so what every library serves
LOOPS = ("asyncio", "uvloop", "rloop")  # one program a service, on these loops
LIBRARIES = {"twisted": "twisted", "gevent": "gevent", "trio": "trio", "tornado": "tornado", "pyasyncore": "asyncore"}
"""Peers with a program of their own, and the module that each needs."""
NEEDS = {"uvloop": "uvloop", "rloop": "rloop", **LIBRARIES}
CLIENTS = {"aiohttp": "aiohttp", "httpx": "httpx", "requests": "requests"}  # of HTTP; see fetch.py
PEERS = ("asyncio", "uvloop", "rloop", *LIBRARIES, "socketserver")
# Other chats announce each newcomer to everybody at once: half of a million sends until a thousand have joined. Where
# only the fan-out is measured, they say nothing; "joins" is the service where they do.
SILENT = ("--silent",)


def programs() -> dict[str, dict[str, tuple[str, ...]]]:
    """The command line of each server, by service."""
    table = {service: {"reactor": OURS[service]} for service in OURS}
    for service in ("echo", "lines", "chat", "tls", "udp"):
        program = f"bench/peers/aio_{'echo' if service == 'tls' else service}.py"
        for loop in LOOPS:
            flags = {"tls": ("--tls",), "chat": SILENT}.get(service, ())
            table[service][loop] = (program, f"--loop={loop}", *flags)
    for service in SERVED:
        flags = SILENT if service == "chat" else ()
        table[service]["threads"] = (f"bench/servers/threaded_{service}.py", *flags)
        table[service]["socketserver"] = ("bench/peers/on_socketserver.py", service, *flags)
        for name, module in LIBRARIES.items():
            table[service][name] = (f"bench/peers/on_{module}.py", service, *flags)
    for loop in ("asyncio", "uvloop"):
        table["lines"][f"{loop}+join"] = (*table["lines"][loop], "--join")
    for service in ("echo", "lines", "tls", "chat"):
        table[service]["bare"] = ("bench/servers/bare.py", "tls-echo" if service == "tls" else service)
        if service in ("echo", "lines"):
            for floor in ("contract", "promises"):
                table[service][floor] = (f"bench/servers/{floor}.py", service)
    table["lines"]["contract+batch"] = ("bench/servers/contract.py", "batches")
    # The others find out by themselves how much comes at once.
    table["bulk"] = table["echo"] | {
        name: (*table["echo"][name], f"--receive={120 * 1024}") for name in ("bare", "contract")
    }
    table["lines"]["reactor+batch"] = (*OURS["lines"], "--batch")
    table["chat"]["C"] = ("bench/peers/on_c.py",)  # with the same coalescing: a floor
    table["joins"] = {
        name: tuple(part for part in command if part not in SILENT)
        for name, command in table["chat"].items()
        if name not in ("C", "bare")
    }
    return table


PROGRAMS = programs()


def library(name: str) -> str | None:
    """The module that a server needs; None where Python is enough."""
    return NEEDS.get(name.partition("+")[0])


def present(names: tuple[str, ...], options: argparse.Namespace) -> list[str]:
    """The servers whose library the interpreter of the servers has. options.about: as procs.interpreter() gives it."""
    return [name for name in names if is_there(name, options.about["libraries"])]


def is_there(name: str, libraries: dict[str, str]) -> bool:
    if name == "C":
        return shutil.which("cc") is not None
    return library(name) is None or library(name) in libraries
