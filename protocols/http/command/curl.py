"""What curl has and this program has not, by name: no habit is called unknown, or taken for something else. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

ELSEWHERE = frozenset(
    """
    -0 -1 -2 -3 -a -B -F -K -l -M -n -p -P -Q -t -y -Y -z --abstract-unix-socket --alt-svc --anyauth --append
    --aws-sigv4 --basic --capath --cert-type --ciphers --config --connect-to --crlf --crlfile --curves --digest
    --disable --dns-servers --doh-url --etag-compare --etag-save --expect100-timeout --fail-early --form
    --form-string --haproxy-protocol --happy-eyeballs-timeout-ms --hsts --http0.9 --http1.0 --http2
    --http2-prior-knowledge --http3 --http3-only --ignore-content-length --interface --keepalive-time --key-type
    --libcurl --limit-rate --local-port --location-trusted --manual --negotiate --netrc --netrc-file
    --netrc-optional --next --no-alpn --no-clobber --no-keepalive --no-sessionid --ntlm --oauth2-bearer
    --parallel-max --pass --path-as-is --pinnedpubkey --post301 --post302 --post303 --preproxy --proto
    --proto-default --proto-redir --proxy-anyauth --proxy-basic --proxy-digest --proxy-header --proxy-insecure
    --proxytunnel --rate --raw --remove-on-error --request-target --resolve --socks4 --socks4a --socks5
    --socks5-hostname --speed-limit --speed-time --ssl-reqd --stderr --styled-output --tcp-fastopen --tcp-nodelay
    --time-cond --tls-max --tls13-ciphers --tlsv1 --tlsv1.0 --tlsv1.1 --tr-encoding --trace --trace-ascii
    --trace-config --trace-time --unix-socket --url-query --xattr
    """.split()  # noqa: SIM905
)

REMEDIES = {
    "-F": "send a body of your own with --data-binary @FILE and -H",
    "--form": "send a body of your own with --data-binary @FILE and -H",
    "-z": "-H 'If-Modified-Since: DATE' leaves FILE as it is at a 304",
    "--time-cond": "-H 'If-Modified-Since: DATE' leaves FILE as it is at a 304",
    "--etag-compare": "-H 'If-None-Match: ETAG' leaves FILE as it is at a 304",
    "-n": "-u NAME:PASSWORD",
    "--netrc": "-u NAME:PASSWORD",
    "--basic": "-u is that anyway",
    "--oauth2-bearer": "-H 'Authorization: Bearer TOKEN'",
    "--no-location": "--no-redirect prints a redirect",
    "--trace": "-v",
    "--trace-ascii": "-v",
    "--url-query": "-G -d DATA",
    "--no-keepalive": "-H 'Connection: close'",
}


def why_not(spelling: str, known: Collection[str]) -> str | None:
    """What to say of an option that is not here; None of one that curl does not have either.

    >>> why_not("-z", []), why_not("--digest", []), why_not("--no-verbose", ["--verbose"]), why_not("--nope", [])
    ("-H 'If-Modified-Since: DATE' leaves FILE as it is at a 304", '', 'leave --verbose out', None)
    """
    if spelling in REMEDIES:
        return REMEDIES[spelling]
    if spelling in ELSEWHERE:
        return ""
    plain = f"--{spelling.removeprefix('--no-')}"
    return f"leave {plain} out" if spelling.startswith("--no-") and plain in known else None


def meant(spelling: str, known: Collection[str]) -> str | None:
    """What was perhaps meant: never another version, nor the opposite."""
    if not spelling.startswith("--"):
        return None
    close = difflib.get_close_matches(spelling, known, 1, 0.75)
    return close[0] if close and _firm(close[0]) == _firm(spelling) else None


def _firm(spelling: str) -> tuple[list[str], bool]:
    return re.findall(r"[0-9]", spelling), spelling.startswith("--no-")
