"""The operators' passwords: a file of scrypt hashes, one a line, that is of no use to who steals it.

    ada:$scrypt$ln=15,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$PyC6fF1lYLkqQ4HzcM5fb1EB7zJYNLs3dHOGRmWwVWs

The form is that of passlib and of others that follow the PHC string format. The name is for the log alone: an operator
types only the password. What works on a password takes a tenth of a second, which is meant, and belongs in a thread.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass

from ..storage import files

# RFC 7914, 2: r=8 and p=1 suit the memory of today. 2**15 of it makes 32 MiB and 0.1 s for each guess, of which a thief
# with a thousand cores has ten thousand a second, and the server one at a time.
COST, BLOCK, PARALLEL = 15, 8, 1
MAX_COST, MAX_BLOCK, MAX_PARALLEL = 17, 16, 8  # what a file of another program may ask for: 256 MiB, two seconds
SALT, DIGEST = 16, 32  # bytes; RFC 7914 and NIST SP 800-132 ask for 16 of salt
MAX_PASSWORDS = 16  # each is tried in turn, and takes its tenth of a second; a chat with more operators has no guests
MIN_LENGTH, MAX_LENGTH = 8, 256  # characters of a password (NIST SP 800-63B: at least 8); all of it fits a line

_FORM = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


class BadPassword(ValueError):
    """A password, or a line of the file, that will not do; the message says why and never holds the password."""


@dataclass(frozen=True, slots=True)
class Hash:
    """What is left of a password."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def parse(cls, text: str) -> Hash:
        """Raises BadPassword."""
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise BadPassword("it is no $scrypt$ln=...,r=...,p=...$salt$hash")
        cost, block, parallel = (int(number) for number in form.groups()[:3])
        if not (1 <= cost <= MAX_COST and 1 <= block <= MAX_BLOCK and 1 <= parallel <= MAX_PARALLEL):
            raise BadPassword(f"more is asked of scrypt than ln={MAX_COST},r={MAX_BLOCK},p={MAX_PARALLEL}")
        return cls(cost, block, parallel, _decode(form[4]), _decode(form[5]))

    def __str__(self) -> str:
        salt, digest = (base64.b64encode(data).decode().rstrip("=") for data in (self.salt, self.digest))
        return f"$scrypt$ln={self.cost},r={self.block},p={self.parallel}${salt}${digest}"

    def fits(self, password: str) -> bool:
        """Whether it is that of `password`; how long that takes does not tell how near it is."""
        return hmac.compare_digest(_scrypt(password, self), self.digest)


def make(password: str, cost: int = COST) -> str:
    """The hash of a new password, as it stands in the file. Raises BadPassword.

    >>> Hash.parse(make("correct horse")).fits("correct horse"), Hash.parse(make("correct horse")).fits("wrong horse")
    (True, False)
    """
    password = _prepared(password)
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadPassword(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    if not password.isprintable():
        raise BadPassword("a password has nothing invisible in it")
    bare = Hash(cost, BLOCK, PARALLEL, secrets.token_bytes(SALT), bytes(DIGEST))
    return str(Hash(cost, BLOCK, PARALLEL, bare.salt, _scrypt(password, bare)))


def parse(text: str) -> dict[str, Hash]:
    """The passwords of a file, by the names. Raises BadPassword, with the number of the line and nothing of the rest.

    >>> parse("# nobody yet\\n")
    {}
    """
    found: dict[str, Hash] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, colon, hashed = line.partition(":")
        try:
            if not colon or not name.strip():
                raise BadPassword("a line is NAME:$scrypt$...")
            found[name.strip()] = Hash.parse(hashed)
        except BadPassword as why:
            raise BadPassword(f"line {number}: {why}") from None
    if len(found) > MAX_PASSWORDS:
        raise BadPassword(f"more than {MAX_PASSWORDS} passwords")
    return found


def load(path: str) -> dict[str, Hash]:
    """The passwords in a file. Raises OSError and BadPassword."""
    return parse(files.read(path).decode(errors="replace"))


def check(path: str) -> None:
    """Complain of a file that will not do, before anybody needs it. Raises OSError and BadPassword."""
    try:
        if not load(path):
            raise BadPassword("there is no password in it")
    except BadPassword as why:
        raise BadPassword(f"{path}: {why}") from None
    if files.is_anybodys(path):
        raise BadPassword(f"{path}: everybody on this machine can write a password into it: chmod 600 keeps it to you")
    files.warn_if_open(path, "oper")


def find(path: str, password: str) -> str | None:
    """Whose password it is, None if nobody's. Reads the file, so that a change counts at once. For a thread.

    Raises OSError and BadPassword.
    """
    return next((name for name, hashed in load(path).items() if hashed.fits(password)), None)


def put(path: str, name: str, password: str) -> None:
    """Give `name` a password in the file, which is made if need be. Raises OSError and BadPassword."""
    name = name.strip()
    if not name or ":" in name or name.startswith("#") or not name.isprintable():
        raise BadPassword("an operator's name is not empty, and has no ':' and nothing invisible in it")
    try:
        text = files.read(path).decode(errors="surrogateescape")
    except FileNotFoundError:
        text = ""
    others = [line for line in text.split("\n") if line.strip() and line.partition(":")[0].strip() != name]
    new = "".join(f"{line}\n" for line in (*others, f"{name}:{make(password)}"))
    parse(new)
    files.replace(path, new.encode(errors="surrogateescape"))


def _scrypt(password: str, how: Hash) -> bytes:
    memory = 128 * how.block * ((1 << how.cost) + how.parallel + 8)  # RFC 7914, 5 and 6, and room for OpenSSL's own
    return hashlib.scrypt(
        _prepared(password).encode(errors="surrogateescape"),
        salt=how.salt,
        n=1 << how.cost,
        r=how.block,
        p=how.parallel,
        maxmem=memory,
        dklen=len(how.digest),
    )


def _prepared(password: str) -> str:
    """The same password from every keyboard (RFC 8265, 4.2); the line it came in is stripped, and so is this."""
    return unicodedata.normalize("NFC", password.strip())


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    if not 8 <= len(data) <= 64:
        raise BadPassword("the salt or the hash is cut")
    return data
