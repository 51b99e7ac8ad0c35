"""What may be done about a failure, by the names of the options. Pure."""

from __future__ import annotations

import ssl

from ..client.redirect import Downgrade, TooManyRedirects

UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})  # X509_verify_cert: who has signed it is not among those trusted


def remedy(error: BaseException, *, proxy: bool = False) -> str:
    """Half a sentence to put behind the reason; "" where there is none.

    proxy: the failure is on the way to a proxy.
    """
    if isinstance(error, Downgrade):
        return "; --allow-downgrade follows it"
    if isinstance(error, TooManyRedirects):
        return "; --max-redirs N follows more"
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__
    if cause is None:
        return ""
    trusts = "--proxy-cacert" if proxy else "--cacert"
    trust = f"{trusts} FILE trusts who has signed it, and " if cause.verify_code in UNKNOWN_ISSUER else ""
    return f"; {trust}-k takes any certificate"
