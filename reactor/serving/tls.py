"""A server's certificate and key, from files. Knows no connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


def tls_context(
    certificate: str | None, key: str | None = None, context: ssl.SSLContext | None = None
) -> ssl.SSLContext | None:
    """The context of a server with these PEM files; None without a certificate.

    context: one that this gave before; it takes the files as they are now, and connections from then on get them. So a
    renewed certificate needs no restart.
    Raises OSError (ssl.SSLError is one) and ValueError, with a message that names the file.
    """
    if not certificate:
        if key:
            raise ValueError("--tls-key needs --tls-cert")
        return None
    import ssl

    context = context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for path in filter(None, (certificate, key)):
        open(path, "rb").close()  # the error of load_cert_chain does not say which file it is about
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        reason = error.reason.replace("_", " ").lower() if error.reason else _missing(certificate, key)
        raise ValueError(f"cannot serve TLS with {certificate}: {reason}") from None
    return context


def _missing(certificate: str, key: str | None) -> str:
    """What OpenSSL has looked for in vain, and does not say: it has no reason for what is not in PEM form."""
    for path, mark, what in (
        (certificate, b"CERTIFICATE-----", "no certificate"),
        (key or certificate, b"PRIVATE KEY-----", "no key"),
    ):
        with open(path, "rb") as file:
            if mark not in file.read():
                return f"{what} in {path}" + (": give --tls-key" if what == "no key" and key is None else "")
    return "no certificate and key in PEM form"


def _no_password() -> str:
    raise ValueError("the key is encrypted: a server that starts by itself needs one without a password")
