"""What servers need around their protocol: options, files, lines, and running until a signal."""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import sys
import urllib.request
from types import SimpleNamespace
from typing import Any

import pytest

from protocols.metrics import Metrics
from reactor import Protocol, Reactor, serving
from tests.kit.ports import HeldPort
from tests.kit.tls import CERTIFICATES, client_context


@pytest.mark.parametrize(
    ("name", "shown"),
    [(("127.0.0.1", 80), "127.0.0.1:80"), (("::1", 80, 0, 0), "[::1]:80"), ("/run/s", "/run/s"), (b"\0s", "\0s")],
)
def test_an_address_as_people_write_it(name: Any, shown: str) -> None:
    assert serving.address(name) == shown


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "70000"),
        ("--port", "-1"),
        ("--port", "x"),
        ("--worker", "2"),
        ("--workers", "-1"),
        ("--metrics", "1"),
    ],
)
def test_a_wrong_option_is_one_line_and_status_2(arguments: tuple[str, ...], capsys: Any) -> None:
    with pytest.raises(SystemExit) as left:
        serving.run(lambda reactor: Protocol, port=0, arguments=arguments)  # --metrics: none was given to `run`
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--workers", "four"), "argument --workers: must be a number, not four"),
        (("--port", "http"), "argument --port: must be a number, not http"),
        (("--workers", "3", "--metrics", "65534"), "--metrics 65534 leaves no port for the last of 3 workers"),
    ],
)
def test_what_is_wrong_with_a_number_is_said_in_plain_words(option: tuple[str, ...], said: str, capsys: Any) -> None:
    with pytest.raises(SystemExit):
        serving.run(lambda reactor: Protocol, port=0, metrics=Metrics, arguments=option)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("given", ["soon", "-1", "nan"])
def test_what_the_environment_asks_for_has_to_be_possible(given: str, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("REACTOR_WATCHDOG", given)
    with pytest.raises(SystemExit) as left:
        serving.server_parser("A server.", 9000).parse_args([])
    assert left.value.code == 2
    assert "a number of seconds, 0 for none, not " in (said := capsys.readouterr().err)
    assert said.count("\n") == 1


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "x"])
def test_numbers_that_are_none(text: str) -> None:
    for kind in (serving.count, serving.rate):
        with pytest.raises((ValueError, serving.options.argparse.ArgumentTypeError)):
            kind(text)


def test_both_sides_of_the_numbers() -> None:
    assert (serving.count("0"), serving.rate("0"), serving.port_number("0")) == (0, 0.0, 0)
    assert serving.port_number("65535") == 65535
    assert "0 is none: this one serves alone" in _help_of_workers()


def _help_of_workers() -> str:
    parser = serving.server_parser("A server.", 0)
    serving.add_workers_option(parser)
    return " ".join(parser.format_help().split())


def test_no_certificate_is_no_context() -> None:
    assert serving.tls_context(None) is None
    with pytest.raises(ValueError, match="--tls-key needs --tls-cert"):
        serving.tls_context(None, "key")


@pytest.mark.parametrize(
    ("certificate", "complaint"),
    [
        ("nothing.pem", "nothing.pem: No such file"),
        (str(CERTIFICATES / "ca.pem"), f"no key in {CERTIFICATES / 'ca.pem'}: give --tls-key"),
        (__file__, f"no certificate in {__file__}"),
    ],
)
def test_a_certificate_that_cannot_be_used_is_named(certificate: str, complaint: str) -> None:
    with pytest.raises((OSError, ValueError)) as failed:
        serving.tls_context(certificate)
    assert complaint in serving.in_words(failed.value)


def test_a_key_file_without_a_key_is_named() -> None:
    certificate = str(CERTIFICATES / "ca.pem")
    with pytest.raises(ValueError, match=r"no key in [^:]*test_serving\.py$"):
        serving.tls_context(certificate, __file__)


def test_run_says_what_it_takes_where_it_is_given_the_protocol_as_listen_tcp_is(capsys: Any) -> None:
    with pytest.raises(TypeError, match=r"run\(\) takes make\(reactor\).*: lambda reactor: Protocol$"):
        serving.run(Protocol, port=0, arguments=[])  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"not a function that gives <.*Protocol object.*>: lambda reactor: Player$"):
        serving.run(lambda reactor: Protocol(), port=0, arguments=["--port", "0"])  # type: ignore[arg-type,return-value]


def test_a_context_takes_a_renewed_certificate(tmp_path: Any) -> None:
    path = tmp_path / "cert.pem"
    path.write_text((CERTIFICATES / "localhost.pem").read_text())
    context = serving.tls_context(str(path))
    assert isinstance(context, ssl.SSLContext)
    path.write_text((CERTIFICATES / "elsewhere.pem").read_text())
    assert serving.tls_context(str(path), None, context) is context


@pytest.mark.loud
@pytest.mark.parametrize(
    ("user", "addresses", "warned"),
    [
        (0, [("127.0.0.1", 2401)], False),
        (0, [("127.0.0.1", 2401), ("0.0.0.0", 2401)], True),
        (0, [("::1", 2401, 0, 0)], False),
        (0, [("fe80::1%lo", 2401, 0, 1)], True),
        (0, ["/run/chat"], False),
        (1000, [("0.0.0.0", 2401)], False),
    ],
)
def test_root_at_the_reach_of_others_is_warned(
    user: int, addresses: list[Any], warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    serving.warn_if_root([SimpleNamespace(addresses=addresses)])
    assert [record.message.startswith("running as root on ") for record in caplog.records] == [True] * warned


def test_an_address_in_use_is_one_line_and_status_1(stage: Any, capsys: Any) -> None:
    port = stage.serve(Protocol).port
    with Reactor() as reactor:
        status = serving.serve(reactor, lambda: serving.listen(reactor, Protocol, "127.0.0.1", port))
    assert status == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("debug", [False, True])
def test_nor_is_anybody_told_that_nobody_was_served_where_the_second_place_failed(
    debug: bool, stage: Any, capsys: Any
) -> None:
    port = stage.serve(Protocol).port
    with Reactor(debug=debug) as reactor:

        def open_second() -> Any:
            return reactor.listen_tcp(Protocol, "127.0.0.1", port)

        def open_first() -> Any:
            return reactor.listen_tcp(Protocol, "127.0.0.1", 0)

        assert serving.serve(reactor, open_first, metrics=open_second) == 1  # a warning would fail this
    assert capsys.readouterr().err.count("\n") == 1


def test_what_was_started_is_said_and_a_signal_ends_it(capsys: Any) -> None:
    with Reactor() as reactor:
        reactor.call_later(0.01, os.kill, os.getpid(), signal.SIGTERM)
        status = serving.serve(
            reactor,
            lambda: serving.listen(reactor, Protocol, "127.0.0.1", 0),
            metrics=lambda: reactor.listen_tcp(lambda: Metrics(reactor), "127.0.0.1", 0),
        )
    assert status == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.rpartition(":")[0] for line in said] == ["listening on 127.0.0.1", "metrics on http://127.0.0.1"]


def test_what_the_program_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/a/b/echo.py"])
    assert serving.program() == "echo.py"
    monkeypatch.setattr(sys, "argv", ["/a/protocols/chat/__main__.py"])
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__spec__=SimpleNamespace(parent="protocols.chat")))
    assert serving.program() == "python -m protocols.chat"


def test_a_closed_stdout_is_no_reason_not_to_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed:
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(sys, "stderr", Closed())
    serving.say("x")
    serving.complain("x")


SHARED = """
from reactor import LineProtocol
from reactor.serving import run
from protocols.metrics import Metrics
def make(reactor):
    seen = []
    class Counting(LineProtocol):
        def line_received(self, line):
            seen.append(line)
            self.send_line(b"%d" % len(seen))
    return Counting
sys.exit(run(make, port=0, metrics=Metrics))
"""


def test_a_whole_server_with_tls_that_is_renewed(theatre: Any) -> None:
    path = theatre.tmp_path / "cert.pem"
    path.write_text((CERTIFICATES / "localhost.pem").read_text())
    server = theatre.script(SHARED, "--tls-cert", str(path), "--metrics", "0", "--log-level", "info")
    for number in (1, 2):
        peer = theatre.peer(server)
        peer.sock = client_context().wrap_socket(peer.sock, server_hostname="localhost")
        peer.sends("x\n")
        peer.gets(f"{number}\n")
        peer.sock.close()
        server.process.send_signal(signal.SIGHUP)
        server.err.shows("the certificate was read again")
    path.unlink()
    server.process.send_signal(signal.SIGHUP)
    server.err.shows(f"not reloaded: {path}: No such file or directory")
    assert server.leaves() == 0


def test_workers_each_have_what_was_made_and_metrics_of_their_own(theatre: Any) -> None:
    workers = set()
    server = theatre.script(SHARED, "--workers", "2", "--metrics", "0")
    server.out.wait(lambda text: text.count("metrics on http://") == 2 and "listening" in text, "both workers")
    for url in re.findall(r"^metrics on (\S+)$", server.out.text, re.MULTILINE):
        with urllib.request.urlopen(url, timeout=20) as answer:
            text = answer.read().decode()
            found = re.search(r'^reactor_accepted_total{worker="(\d)"} 0$', text, re.MULTILINE)  # not the scrape itself
            assert found, text
            workers.add(found[1])
    assert workers == {"0", "1"}
    peer = theatre.peer(server)
    peer.sends("x\n")
    peer.gets("1\n")
    server.process.send_signal(signal.SIGUSR1)  # passed on: both show their dump
    server.err.wait(lambda text: text.count("\n---\n") == 2, "two dumps")
    assert server.leaves() == 0


LATE = """
import json, threading, urllib.request
from protocols.metrics import scrape
from reactor import Reactor, Protocol
from reactor.serving import command, server
def listening(addresses):
    before.update(sys.modules)
    announce(addresses)
announce, before = server.announce, set()
server.announce = listening
def make(reactor):
    class Told(Protocol):
        def data_received(self, data):
            print(json.dumps([*({*sys.modules} - before)]), flush=True)
    return Told
sys.exit(command.run(make, port=0, metrics=scrape))
"""


@pytest.mark.parametrize("secure", [False, True])
def test_what_is_asked_for_is_loaded_before_anybody_is_served(theatre: Any, secure: bool) -> None:
    """An import in a callback holds up all who are connected, by a second where the disk is slow."""
    options = ("--tls-cert", str(CERTIFICATES / "localhost.pem")) if secure else ()
    server = theatre.script(LATE, "--metrics", "0", *options)
    server.out.wait(lambda text: "metrics on http://" in text, "both lines")
    (url,) = re.findall(r"^metrics on (\S+)$", server.out.text, re.MULTILINE)
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert b"\nreactor_accepted_total 0\n" in answer.read()
    peer = theatre.peer(server)
    if secure:
        peer.sock = client_context().wrap_socket(peer.sock, server_hostname="localhost")
    peer.sends("x")
    server.out.wait(lambda text: text.endswith("]\n"), "what was loaded since")
    assert json.loads(server.out.text.splitlines()[-1]) == []
    assert server.leaves() == 0


def neighbours() -> tuple[HeldPort, HeldPort]:
    """Two ports, the second one above the first: with workers each has its own."""
    while True:
        first = HeldPort()
        try:
            return first, HeldPort(first.number + 1)
        except (OSError, OverflowError):
            first.close()  # that one is somebody's, or there is none


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_a_metrics_port_in_use_is_one_line_and_status_1(theatre: Any, workers: tuple[str, ...]) -> None:
    asked, taken = neighbours()
    with asked as first, taken as port:
        taken.listen()
        server = theatre.script(SHARED, *workers, "--metrics", str(first if workers else port))
        assert server.process.wait(timeout=60) == 1
    server.err.wait(lambda text: text.endswith("\n"), "one line")
    (line,) = server.err.text.splitlines()
    assert line.endswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "becomes", "said"),
    [(10, 20, 20, 20, 0), (10, 20, 21, 20, 1), (10, 20, 10, None, 0), (20, 20, 30, None, 1), (10, -1, 99, 99, 0)],
)
def test_as_many_descriptors_as_the_machine_allows(
    monkeypatch: Any, caplog: Any, soft: int, hard: int, wanted: int, becomes: int | None, said: int
) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda what: (soft, hard))
    monkeypatch.setattr("resource.setrlimit", lambda what, limit: limits.append(limit))
    caplog.set_level("INFO", logger="reactor")
    serving.raise_descriptor_limit(wanted)
    assert limits == ([(becomes, hard)] if becomes else [])
    assert len(caplog.records) == said
