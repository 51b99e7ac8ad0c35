"""Passwords, and how often one may guess."""

from __future__ import annotations

import io
import os
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from protocols.admission.attempts import ADDRESS_TRIES, TRIES, WAIT, Attempts, Wait
from protocols.chat.operators import passwords
from protocols.chat.operators.enrol import enrol
from protocols.chat.operators.login import QUEUE, OperatorLogin
from protocols.chat.operators.passwords import BadPassword, Hash, make
from reactor import ReactorClosed

QUICK = 4  # the cost of a hash that a test need not wait for
PASSLIB = "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$"


def test_a_password_fits_its_own_hash_and_no_two_hashes_are_the_same() -> None:
    first, second = (make("correct horse", QUICK) for _ in range(2))
    assert first != second
    assert first.startswith("$scrypt$ln=4,r=8,p=1$")
    for hashed in (first, second):
        assert Hash.parse(hashed).fits("correct horse")
        assert not Hash.parse(hashed).fits("correct horsE")


def test_the_cost_is_that_of_today() -> None:
    assert make("correct horse").startswith("$scrypt$ln=15,r=8,p=1$")


@pytest.mark.parametrize(
    ("made", "typed"), [("zo\u00eb's horse", " zoe\u0308's horse "), ("  padded pass  ", "padded pass")]
)
def test_it_is_the_same_from_every_keyboard(made: str, typed: str) -> None:
    assert Hash.parse(make(made, QUICK)).fits(typed)


def test_a_hash_of_rfc_7914_is_understood() -> None:
    """The third vector of RFC 7914, 12: N=16384, r=8, p=1."""
    known = bytes.fromhex(
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )
    assert Hash(14, 8, 1, b"SodiumChloride", known).fits("pleaseletmein")


@pytest.mark.parametrize(
    "password", ["", "short", "       x       ", "x" * 257, "with a\x00nul inside", "tab\tinside it"]
)
def test_a_password_that_will_not_do(password: str) -> None:
    with pytest.raises(BadPassword):
        make(password, QUICK)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("secret words", "line 2: a line is NAME"),
        (":$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ", "line 2: a line is NAME"),
        ("ada:secret words", "line 2: it is no"),
        ("ada:$scrypt$ln=31,r=8,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ", "line 2: more is asked"),
        ("ada:$scrypt$ln=4,r=0,p=1$c2FsdHNhbHQ$c2FsdHNhbHQ", "line 2: more is asked"),
        ("ada:$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$c2F", "line 2: the salt or the hash is cut"),
        ("ada:$scrypt$ln=4,r=8,p=1$c2FsdHNhbHQ$c2FsdHNhbHQsd", "line 2: the salt or the hash is cut"),
    ],
)
def test_a_line_that_will_not_do_is_told_without_what_is_in_it(line: str, why: str) -> None:
    with pytest.raises(BadPassword, match=why) as error:
        passwords.parse(f"# opers\n{line}\n")
    assert "secret" not in str(error.value)


def test_no_more_passwords_than_can_be_tried() -> None:
    lines = [f"oper{n}:{PASSLIB}c2FsdHNhbHQ\n" for n in range(17)]
    assert len(passwords.parse("".join(lines[:16]))) == 16
    with pytest.raises(BadPassword, match="more than 16"):
        passwords.parse("".join(lines))


def test_a_file_of_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "make", lambda password: make(password, QUICK))
    path = tmp_path / "opers"
    passwords.put(str(path), "ada", "correct horse")
    path.write_text(f"# ours\n\n{path.read_text()}")
    passwords.put(str(path), "bob", "battery staple")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [passwords.find(str(path), text) for text in ("correct horse", "battery staple", "ada")] == [
        "ada",
        "bob",
        None,
    ]
    passwords.put(str(path), "ada", "another horse")
    assert [passwords.find(str(path), text) for text in ("correct horse", "another horse")] == [None, "ada"]
    assert path.read_text().startswith("# ours\n")
    assert "horse" not in path.read_text()


@pytest.mark.parametrize("name", ["", " ", "a:b", "#a", "a\nb"])
def test_a_name_that_would_break_the_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadPassword, match="an operator's name"):
        passwords.put(str(tmp_path / "opers"), name, "correct horse")
    assert not list(tmp_path.iterdir())


def test_a_password_from_a_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "opers"
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\nmore\n"))
    enrol(str(path), "ada")
    assert passwords.find(str(path), "correct horse") == "ada"
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(BadPassword):
        enrol(str(path), "ada")


@pytest.mark.parametrize(
    ("typed", "why"), [(["one password", "two passwords"], "different"), ([EOFError], "no password was typed")]
)
def test_a_password_at_a_terminal_is_typed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: list[Any], why: str
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def getpass(prompt: str) -> str:
        text = typed.pop(0)
        if text is EOFError:
            raise EOFError
        return str(text)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", getpass)
    with pytest.raises(BadPassword, match=why):
        enrol(str(tmp_path / "opers"), "ada")


# -- tries ----------------------------------------------------------------------------------------------------------


def test_three_wrong_tries_and_the_connection_waits() -> None:
    tries = Attempts(tries=3, wait=600.0)
    assert [tries.begin("192.0.2.1", "Max", now) for now in (0.0, 1.0, 2.0)] == [None] * 3
    assert tries.begin("192.0.2.1", "Max", 3.0) == Wait(599.0)
    assert tries.begin("192.0.2.1", "Ada", 3.0) is None, "who sits behind the same router"
    assert tries.begin("192.0.2.1", "Max", 601.9) is not None, "waiting is not made longer by asking"
    assert tries.begin("192.0.2.1", "Max", 602.0) is None
    assert tries.left("192.0.2.1", "Max", 602.0) == 2


@pytest.mark.parametrize("hosts", [["192.0.2.1"], ["2001:db8::1", "2001:db8::ffff"], ["127.0.0.1"], ["::1"], [""]])
def test_other_connections_give_an_address_no_more_guesses_a_day(hosts: list[str]) -> None:
    """However one guesses: each ten seconds on a new connection, from all of what counts as one address."""
    tries = Attempts()
    tried = [n for n in range(8640) if tries.begin(hosts[n % len(hosts)], n, n * 10.0) is None]
    assert len(tried) <= ADDRESS_TRIES + 86400 * TRIES / WAIT
    assert tried[ADDRESS_TRIES - 1] == ADDRESS_TRIES - 1, "four who slip at the same time are no guesser"
    assert tries.begin("198.51.100.1", "Ada", 86400.0) is None


def test_a_connection_that_waits_takes_nothing_from_its_address() -> None:
    tries = Attempts()
    for _ in range(100):
        tries.begin("192.0.2.1", "Max", 0.0)
    assert [tries.begin("192.0.2.1", number, 0.0) for number in range(9)] == [None] * 9
    assert tries.begin("192.0.2.1", "Ada", 0.0) == Wait(200.0, by_others=True)


def test_wrong_tries_long_ago_are_forgotten() -> None:
    tries = Attempts(tries=3, wait=600.0)
    for now in (0.0, 1.0, 601.0):
        tries.begin("192.0.2.1", "Max", now)
    assert tries.left("192.0.2.1", "Max", 601.0) == 2


def test_the_right_password_forgives_its_connection_and_nobody_else() -> None:
    tries = Attempts(tries=2, of_address=4)
    for name in ("Ada", "Max", "Max"):
        tries.begin("192.0.2.1", name, 0.0)
    tries.right("192.0.2.1", "Ada")
    assert tries.left("192.0.2.1", "Ada", 0.0) == 2
    assert tries.begin("192.0.2.1", "Max", 1.0) is not None
    tries.begin("192.0.2.2", "Eve", 0.0)
    tries.right("192.0.2.2", "Eve")
    assert len(tries) == 1


def test_the_memory_of_tries_has_an_end() -> None:
    tries = Attempts(tries=1, limit=10, of_address=1)
    for number in range(100):
        tries.begin(f"192.0.2.{number}", number, 0.0)
    assert len(tries) == 10
    assert tries.begin("192.0.2.99", "another", 1.0) is not None


# -- the gate -------------------------------------------------------------------------------------------------------


class Porter:
    """A gate whose thread is the test's, and the answers it has given."""

    def __init__(self, path: str | None = "opers") -> None:
        self.now = 0.0
        self.jobs: list[Future[Any]] = []
        self.answers: list[tuple[str | None, str]] = []
        self.asked: list[str] = []
        self.login = OperatorLogin(path, self._run, lambda: self.now)

    def _run(self, fn: Any, path: str, password: str) -> Future[Any]:
        assert fn is passwords.find
        self.asked.append(password)
        self.jobs.append(Future())
        return self.jobs[-1]

    def ask(self, password: str, address: str = "192.0.2.1", connection: str = "") -> None:
        self.login.ask(
            password, address, connection or address, lambda name, notice: self.answers.append((name, notice))
        )


def test_one_password_at_a_time_is_looked_at() -> None:
    porter = Porter()
    porter.ask("first", "192.0.2.1")
    porter.ask("second", "192.0.2.2")
    assert porter.asked == ["first"]
    porter.jobs[0].set_result(None)
    assert porter.asked == ["first", "second"]
    porter.jobs[1].set_result("ada")
    assert porter.answers == [
        (None, "that is not the password; 2 more tries"),
        ("ada", "you are an operator now; /help lists what you can do"),
    ]


def test_the_third_wrong_one_is_told_to_wait_and_the_fourth_not_looked_at() -> None:
    porter = Porter()
    for number in range(3):
        porter.ask(f"guess {number}")
        porter.jobs[-1].set_result(None)
    porter.now = 300.0
    porter.ask("the right one at last")
    assert [notice for _, notice in porter.answers[1:]] == [
        "that is not the password; 1 more try",
        "that is not the password; you wait up to 10 minutes now",
        "after 3 wrong passwords you wait: 5 minutes left",
    ]
    assert len(porter.asked) == 3


def test_who_comes_again_and_again_is_told_that_its_address_waits() -> None:
    porter = Porter()
    for number in range(13):
        porter.ask("guess", connection=f"guest-{number}")
        if len(porter.asked) > number:
            porter.jobs[-1].set_result(None)
    assert porter.answers[-2:] == [
        (None, "that is not the password; you wait up to 10 minutes now"),
        (None, "too many wrong passwords came from your address: the next may be tried in 4 minutes"),
    ]
    assert len(porter.asked) == 12


def test_who_knows_it_never_waits() -> None:
    porter = Porter()
    for _ in range(5):
        porter.ask("the right one")
        porter.jobs[-1].set_result("ada")
    assert [name for name, _ in porter.answers] == ["ada"] * 5


def test_tries_at_the_same_time_are_counted() -> None:
    porter = Porter()
    for number in range(5):
        porter.ask(f"guess {number}")
    assert len(porter.answers) == 2
    assert all("you wait:" in notice for _, notice in porter.answers)


def test_the_queue_has_an_end() -> None:
    porter = Porter()
    for number in range(QUEUE + 2):
        porter.ask("guess", f"192.0.2.{number}")
    assert porter.answers == [(None, "too many are at the passwords now; try again in a minute")]
    for number in range(QUEUE + 1):
        porter.jobs[number].set_result(None)
    assert len(porter.answers) == QUEUE + 2


def test_without_a_file_nobody_is_asked() -> None:
    porter = Porter(None)
    assert not porter.login.is_open
    porter.ask("anything")
    assert porter.answers == [(None, "there are no passwords here")]


@pytest.mark.loud
def test_a_file_that_cannot_be_read_is_told_to_both_sides(caplog: pytest.LogCaptureFixture) -> None:
    porter = Porter()
    for _ in range(4):
        porter.ask("correct horse")
        porter.jobs[-1].set_exception(PermissionError(13, "Permission denied"))
    assert set(porter.answers) == {(None, "the passwords cannot be read now; the server's console says why")}
    assert caplog.records[0].getMessage() == "oper: opers: nobody becomes an operator: Permission denied"
    assert "horse" not in caplog.text


def test_the_end_of_the_server_is_no_answer() -> None:
    porter = Porter()
    porter.ask("first")
    porter.ask("second")
    porter.jobs[0].set_exception(ReactorClosed("the reactor was closed"))
    assert porter.answers == []
    assert len(porter.jobs) == 1


def test_a_file_that_everybody_may_write_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "opers")
    passwords.put(path, "ada", "open sesame")
    passwords.check(path)
    os.chmod(path, 0o602)
    with pytest.raises(BadPassword, match="everybody on this machine can write a password into it: chmod 600"):
        passwords.check(path)
