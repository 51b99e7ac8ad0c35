"""The options of the program, and what only shows when all are known. Those that curl has mean what they mean there."""

from __future__ import annotations

import argparse
import ssl
import sys
from dataclasses import replace
from typing import Any

import reactor

from ..client.proxies.choice import Choose, all_through, make_proxy, proxies_from_environment, straight
from ..client.request import basic_auth, make_request
from ..url import parse_url
from . import body, values
from .arguments import CurlLike
from .names import name_of_url
from .write_out import NAMES, unknown

REMOTE = object()
"""Where -O stands: the name is in the URL."""

DESCRIPTION = (
    "Fetch URLs over HTTP, as curl does. Redirects are followed; several URLs are fetched at once and shown in order."
)
AS_IT_IS = "as it is here anyway: taken for those who know curl"


def parse(arguments: list[str]) -> argparse.Namespace:
    """What is asked for. Leaves with status 2 and one line for what is wrong."""
    parser = CurlLike(DESCRIPTION)
    _about_what_comes(parser)
    _about_where_it_goes(parser)
    _about_the_request(parser)
    _about_the_way(parser)
    _about_time(parser)
    options = parser.parse_args(parser.normalize(arguments))
    try:
        check(options)
    except (body.BadBody, argparse.ArgumentTypeError, ValueError, TypeError) as error:
        parser.error(str(error))
    return options


def _about_what_comes(parser: CurlLike) -> None:
    add = parser.option
    parser.add_argument("urls", nargs="*", type=values.address, metavar="URL", help="http:// where it has no scheme")
    add("--url", metavar="URL", help="one more URL")
    add("-i", "--include", help="print the head before the body")
    add("-I", "--head", help="ask for the head alone, and print it")
    add("-f", "--fail", help="fail a status of 400 or above, and print no body")
    add("--fail-with-body", help="fail a status of 400 or above, and print its body")
    add("-v", "--verbose", help="tell what is asked and answered, on stderr")
    add("-q", "--quiet", help="no progress bar, and no hints")
    add("-s", "--silent", "--no-progress-meter", dest="quiet", help="the same")
    add("-w", "--write-out", metavar="FORMAT", type=values.template,
        help="print this at the end of each, such as '%%{http_code}\\n'; @FILE has it in a file")  # fmt: skip
    add("-V", "--version", action="version", version=f"%(prog)s {_version()}", help="say which version this is")
    for spelling in (["-S", "--show-error"], ["-L", "--location"], ["-N", "--no-buffer"], ["-g", "--globoff"],
                     ["-#", "--progress-bar"], ["-Z", "--parallel"], ["--http1.1"]):  # fmt: skip
        add(*spelling, dest="as_it_is", help=AS_IT_IS)


def _about_where_it_goes(parser: CurlLike) -> None:
    add = parser.option
    outputs: Any = {"action": "append", "dest": "outputs"}
    add(
        "-o",
        "--output",
        metavar="FILE",
        **outputs,
        help="write the body to FILE, named so once it is whole; - is stdout",
    )
    add(
        "-O", "--remote-name", action="append_const", const=REMOTE, dest="outputs", help="the same, named as in the URL"
    )
    add("--remote-name-all", help="-O for every URL")
    add("-J", "--remote-header-name", help="with -O: the name that the server gives; overwrites nothing")
    add("-C", "--resume", "--continue-at", help="go on from what came before; keep what comes if it fails")
    add("--output-dir", metavar="DIR", help="where files of -o and -O go")
    add("--create-dirs", help="make the folders that -o names")
    add("-R", "--remote-time", help="give the file the time that the server says it has")
    add("-D", "--dump-header", metavar="FILE", help="write the head to FILE; - is stdout")
    add("--max-body", "--max-filesize", metavar="N", type=values.size, help="fail a body of more than N bytes")
    add("--compressed", help="let the server compress what goes to a file, and undo it")


def _about_the_request(parser: CurlLike) -> None:
    add = parser.option
    add("-X", "--request", metavar="METHOD", type=values.method,
        help="GET unless given; HEAD with -I, POST with -d, PUT with -T; those are sent in capitals")  # fmt: skip
    add(
        "-H",
        "--header",
        metavar="'K: V'",
        type=values.header,
        action="append",
        dest="headers",
        default=[],
        help="send this",
    )
    add("-d", "--data", "--data-ascii", "--data-binary", metavar="DATA", type=values.data, action="append",
        help="send this as a form does; @FILE sends a file, @- stdin")  # fmt: skip
    add("--data-raw", metavar="DATA", type=values.typed, action="append", dest="data", help="the same; @ is an @")
    add("--data-urlencode", metavar="DATA", type=values.encoded_data, action="append", dest="data",
        help="the same, percent-encoded: VALUE, NAME=VALUE, NAME@FILE")  # fmt: skip
    add("--json", metavar="DATA", type=values.data, action="append", help="send this as JSON, and ask for JSON")
    add("-G", "--get", help="put what -d has into the URL")
    add("-T", "--upload-file", metavar="FILE", dest="upload", action="append",
        help="PUT this file to the one URL; - is stdin, read whole before it is sent")  # fmt: skip
    add("-u", "--user", metavar="NAME:PASSWORD", type=values.user, help="say who you are, to this server alone")
    add("-A", "--user-agent", metavar="NAME", help="send this as User-Agent")
    add("-e", "--referer", metavar="URL", type=values.referer, help="send this as Referer")
    add("-r", "--range", metavar="RANGE", type=values.byte_range, help="ask for these bytes, such as 0-499")
    add("-b", "--cookie", metavar="DATA|FILE", action="append", help="send 'NAME=VALUE', or what is in FILE")
    add("-c", "--cookie-jar", metavar="FILE", help="keep the cookies in FILE; - prints them")
    add("-j", "--junk-session-cookies", help="with -b FILE: leave out what ended with its session")


def _about_the_way(parser: CurlLike) -> None:
    add = parser.option
    add("--no-redirect", help="print a redirect instead of following it")
    add("--max-redirs", metavar="N", type=values.redirects, default=10, help="follow so many redirects (%(default)s)")
    add("--allow-downgrade", help="follow redirects from https to http")
    add("-k", "--insecure", help="take any certificate: whoever is between can read and change all")
    add("--cacert", metavar="FILE", type=values.trusted, dest="tls", help="trust these certificates, not the system's")
    add("-E", "--cert", metavar="FILE", type=values.existing_file, help="show this certificate to the server")
    add("--key", metavar="FILE", type=values.existing_file, help="the key of --cert, if it is in a file of its own")
    add("--tlsv1.2", dest="tls_1_2", help="at least TLS 1.2")
    add("--tlsv1.3", dest="tls_1_3", help="at least TLS 1.3")
    add("-x", "--proxy", metavar="URL", type=values.proxy, help="go through this proxy; '' goes straight there")
    add("-U", "--proxy-user", metavar="NAME:PASSWORD", help="say this to the proxy")
    add("--proxy-cacert", metavar="FILE", type=values.trusted, help="trust these certificates for the proxy")
    add("--noproxy", metavar="LIST", help="go straight to these; * is all")
    add("-4", "--ipv4", help="connect to IPv4 addresses only")
    add("-6", "--ipv6", help="connect to IPv6 addresses only")


def _about_time(parser: CurlLike) -> None:
    add = parser.option
    add("-m", "--timeout", "--max-time", metavar="S", type=values.seconds,
        help="for each try of a URL, all of it (none; but a minute of silence ends it)")  # fmt: skip
    add("--connect-timeout", metavar="S", type=values.seconds, help="for each connection (30)")
    add("--retry", metavar="N", type=values.number, default=0, help="try N times more after 408, 429, 5xx or a timeout")
    add(
        "--retry-delay", metavar="S", type=values.pause, help="wait so long between tries (1, 2, 4 ... or as asked for)"
    )
    add("--retry-max-time", metavar="S", type=values.seconds, help="no more after this (10 minutes for each wait)")
    add("--retry-connrefused", help="try again where nobody listens, too")
    add("--retry-all-errors", help="try again after any failure")


def check(options: argparse.Namespace) -> None:
    """What only shows when all is known. Raises ValueError, TypeError and BadBody with what is wrong."""
    options.has_dumped = False  # the heads of all URLs go to one file
    if not options.urls:
        raise ValueError("nothing to fetch: give a URL")
    _check_outputs(options)
    options.upload = body.one_upload(options)
    body.settle(options)
    _add_fields(options)
    options.urls = [body.with_query(body.with_name(url, options.upload), options.query) for url in options.urls]
    options.piped = None
    if options.upload is not None:
        options.piped = values.piped(options.upload)
    if options.write_out is not None and (name := unknown(options.write_out)) is not None:
        raise ValueError(f"-w: there is no %{{{name}}}, but {', '.join(sorted(NAMES))}")
    if options.ipv4 and options.ipv6:
        raise ValueError("-4 and -6 together leave nothing to connect to")
    options.tls = _tls(options)
    options.choose_proxy = _proxies(options)
    make_request(options.method, parse_url(options.urls[0]), options.headers, options.data)


def _check_outputs(options: argparse.Namespace) -> None:
    outputs, urls = options.outputs or [], options.urls
    if options.remote_name_all and not outputs:
        outputs = [REMOTE] * len(urls)
    if "" in outputs:
        raise ValueError("-o needs the name of a file")
    if outputs and len(outputs) != len(urls):
        if len(outputs) == 1:
            raise ValueError(f"there are {len(urls)} URLs: give a -o or -O for each, or --remote-name-all")
        raise ValueError(f"there are {len(urls)} URLs, and {len(outputs)} of -o and -O")
    for url, output in zip(urls, outputs, strict=False):
        if output is REMOTE and not options.remote_header_name and name_of_url(url) is None:
            raise ValueError("-O: the URL has no name of a file in it: give -o FILE")
    options.outputs = outputs or [None] * len(urls)
    if options.resume and not all(output not in (None, "-") for output in options.outputs):
        raise ValueError("-C needs a file: -o FILE, or -O")
    if options.remote_header_name and not all(output is REMOTE for output in options.outputs):
        raise ValueError("-J needs -O")
    if options.resume and options.remote_header_name:
        raise ValueError("-C goes on with a file whose name is known, and -J learns it from the answer")
    if options.resume and options.compressed:
        raise ValueError("-C counts bytes as the server has them: not with --compressed")
    if options.range is not None and options.resume:
        raise ValueError("-C asks for the rest, and -r for a range: one of them")


def _add_fields(options: argparse.Namespace) -> None:
    """The options that are header fields. What -H says counts more."""
    fields: list[tuple[str, Any]] = []
    if options.user is not None:
        fields.append(("Authorization", options.user))
    if options.user_agent is not None:
        fields.append(("User-Agent", values.typed(options.user_agent) or None))
    if options.referer is not None:
        fields.append(("Referer", options.referer or None))
    if options.range is not None:
        fields.append(("Range", f"bytes={options.range}"))
        fields.append(("Accept-Encoding", "identity"))  # a part of what is compressed could not be undone
    typed_cookies = [text for text in options.cookie or () if "=" in text]
    if typed_cookies:
        fields.append(("Cookie", values.typed("; ".join(typed_cookies))))
    options.cookie_files = [text for text in options.cookie or () if "=" not in text and text]
    body.add_missing(options.headers, {name.lower() for name, _ in options.headers}, fields)


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    """One context for servers, and for a proxy that has none of its own; None is the system's."""
    context: ssl.SSLContext | None = options.tls
    if not (options.insecure or options.cert or options.key or options.tls_1_2 or options.tls_1_3):
        return context
    context = context or ssl.create_default_context()
    if options.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.tls_1_2 or options.tls_1_3:
        context.minimum_version = ssl.TLSVersion.TLSv1_3 if options.tls_1_3 else ssl.TLSVersion.TLSv1_2
    if options.key and not options.cert:
        raise ValueError("--key needs --cert")
    if options.cert:
        try:
            context.load_cert_chain(options.cert, options.key)
        except ssl.SSLError as error:
            raise ValueError(f"cannot use {options.cert}: {_what_is_wrong(error, options.cert, options.key)}") from None
        except OSError:  # OpenSSL has asked for the pass phrase of the key, and got none that fits
            raise ValueError(f"cannot use {options.cert}: its key does not open") from None
    return context


def _what_is_wrong(error: ssl.SSLError, cert: str, key: str | None) -> str:
    """OpenSSL says only which of its libraries has said no."""
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key or cert} is another certificate's"
    if b"CERTIFICATE-----" not in values.read(cert):
        return "there is no certificate in it (as PEM)"
    if b"PRIVATE KEY-----" not in values.read(key or cert):
        return f"there is no private key in {key} (as PEM)" if key else "there is no private key in it: give --key FILE"
    return error.reason or str(error)


def _proxies(options: argparse.Namespace) -> Choose:
    if options.proxy == "":
        return straight
    if options.proxy is None:
        return proxies_from_environment(options.noproxy)
    proxy = make_proxy(options.proxy, options.proxy_cacert)
    if options.proxy_user:
        name, _, password = options.proxy_user.partition(":")
        basic_auth(name, password)
        userinfo = values.typed(name), values.typed(password)
        proxy = replace(proxy, url=replace(proxy.url, userinfo=userinfo))
    return all_through(proxy, options.noproxy or "")


def _version() -> str:
    return f"{getattr(reactor, '__version__', '')} (Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION})".strip()
