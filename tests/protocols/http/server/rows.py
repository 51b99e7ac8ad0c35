"""Raw requests: what is sent, the statuses that it gets, and whether the connection lives on. Each with its reason.

`good` are answered by their handlers and keep the connection unless said; `bad` get one last answer and the end.
"""

from __future__ import annotations

from dataclasses import dataclass

HOST = "Host: a"
LAST = "0\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"


@dataclass(frozen=True)
class Row:
    name: str
    raw: bytes
    statuses: tuple[int, ...]
    closes: bool
    body: bytes | None = None  # of the first answer
    methods: tuple[str, ...] = ("GET",)


ROWS: list[Row] = []


def ask(line: str, *fields: str, body: str | bytes = "", host: str | None = HOST) -> bytes:
    """A request: its line, Host unless it is None, the fields, the body as it stands."""
    lines = [line, *([] if host is None else [host]), *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + (body.encode("latin-1") if isinstance(body, str) else body)


def good(name, raw, *statuses, closes=False, body=None, methods=("GET",)):
    ROWS.append(Row(name, raw, statuses or (200,), closes, body, methods))


def bad(name, raw, *statuses):
    ROWS.append(Row(name, raw, statuses or (400,), True))


GET = "GET /hello HTTP/1.1"
POST = "POST /echo HTTP/1.1"
PLAIN = ask(GET)

# -- the request line (RFC 9112, 3) -------------------------------------------------------------------------------

good("a plain GET", PLAIN, body=b"hello you")
good("a query", ask("GET /hello?name=ada HTTP/1.1"), body=b"hello ada")
good("a query with an encoded name", ask("GET /hello?n%61me=%C3%BC HTTP/1.1"), body="hello ü".encode())
good("an empty query", ask("GET /hello? HTTP/1.1"))
good("a query with question marks", ask("GET /hello?a=?? HTTP/1.1"))
good("a query with what needs no path", ask("GET /hello?a=/../%zz HTTP/1.1"))
good("an encoded path", ask("GET /%68ello HTTP/1.1"))
good("dot segments (3986 5.2.4)", ask("GET /x/./../hello HTTP/1.1"))
good("encoded dot segments", ask("GET /x/%2e%2E/hello HTTP/1.1"))
good("the absolute form (3.2.2)", ask("GET http://a/hello HTTP/1.1"))
good("the absolute form, of another host", ask("GET http://elsewhere:81/hello HTTP/1.1"))
good("the absolute form in capitals", ask("GET HTTP://A/hello HTTP/1.1"))
good("the absolute form without a path", ask("GET http://a HTTP/1.1"), 404)
good("OPTIONS *", ask("OPTIONS * HTTP/1.1"), 204)
good("OPTIONS of a path", ask("OPTIONS /hello HTTP/1.1"), 204)
good("HEAD", ask("HEAD /hello HTTP/1.1"), methods=("HEAD",), body=b"")
good("HEAD of a stream", ask("HEAD /stream HTTP/1.1"), methods=("HEAD",), body=b"")
good("HEAD of nothing", ask("HEAD /none HTTP/1.1"), 404, methods=("HEAD",), body=b"")
good("no such path", ask("GET /none HTTP/1.1"), 404)
good("a slash too many", ask("GET //hello HTTP/1.1"), 404)
good("a slash behind", ask("GET /hello/ HTTP/1.1"), 404)
good("an encoded slash is no slash", ask("GET /user%2Fada HTTP/1.1"), 404)
good("a parameter", ask("GET /user/ada HTTP/1.1"), body=b"ada")
good("a parameter with a slash in it", ask("GET /user/a%2Fb HTTP/1.1"), body=b"a/b")
good("an empty parameter", ask("GET /user/ HTTP/1.1"), 404)
good("below a rest", ask("GET /deep/a/b HTTP/1.1"), body=b"a b")
good("a method that the path lacks", ask("DELETE /hello HTTP/1.1"), 405)
good("PUT", ask("PUT /hello HTTP/1.1", "Content-Length: 0"), 405)
good("POST where only GET is", ask("POST /hello HTTP/1.1", "Content-Length: 2", body="hi"), 405)
good("PATCH of nothing", ask("PATCH /none HTTP/1.1", "Content-Length: 0"), 404)
good("an unknown method (9110 9.1)", ask("BREW /hello HTTP/1.1"), 501)
good("an unknown method of nothing", ask("BREW /none HTTP/1.1"), 501)
good("a method in lower case is another", ask("get /hello HTTP/1.1"), 501)
good("TRACE", ask("TRACE /hello HTTP/1.1"), 501)
bad("CONNECT", ask("CONNECT a:443 HTTP/1.1"))
bad("CONNECT and a tunnel's bytes", ask("CONNECT a:443 HTTP/1.1") + PLAIN)
bad("GET *", ask("GET * HTTP/1.1"))
bad("GET of an authority", ask("GET a:80 HTTP/1.1"))
bad("GET without a slash", ask("GET hello HTTP/1.1"))
bad("another scheme", ask("GET ftp://a/hello HTTP/1.1"))
bad("a scheme that is code", ask("GET javascript:alert(1) HTTP/1.1"))
bad("the absolute form without a host", ask("GET http:///hello HTTP/1.1"))
bad("the absolute form with userinfo (9110 4.2.4)", ask("GET http://u@a/hello HTTP/1.1"))
bad("a fragment", ask("GET /hello#x HTTP/1.1"))
bad("a percent sign that encodes nothing", ask("GET /%zz HTTP/1.1"))
bad("half a percent code", ask("GET /hello%2 HTTP/1.1"))
bad("an encoded NUL", ask("GET /hello%00 HTTP/1.1"))
bad("above the root", ask("GET /../hello HTTP/1.1"))
bad("above the root, encoded", ask("GET /%2e%2e/hello HTTP/1.1"))
bad("above the root by one", ask("GET /x/../../hello HTTP/1.1"))
bad("HTTP/0.9", b"GET /hello\r\n\r\n")
bad("HTTP/0.9 with a field", ask("GET /hello"))
bad("HTTP/2.0", ask("GET /hello HTTP/2.0"), 505)
bad("HTTP/3.0", ask("GET /hello HTTP/3.0"), 505)
bad("HTTP/0.9 by name", ask("GET /hello HTTP/0.9"), 505)
bad("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
bad("HTTP/11", ask("GET /hello HTTP/11"))
bad("HTTP/1", ask("GET /hello HTTP/1"))
bad("HTTP/1.10", ask("GET /hello HTTP/1.10"))
bad("http/1.1", ask("GET /hello http/1.1"))
bad("HTTPS/1.1", ask("GET /hello HTTPS/1.1"))
good("HTTP/1.2 is HTTP/1.1 (9110 2.5)", ask("GET /hello HTTP/1.2"))
bad("no version", ask("GET /hello "))
bad("two spaces", ask("GET  /hello HTTP/1.1"))
bad("two spaces before the version", ask("GET /hello  HTTP/1.1"))
bad("a tab", ask("GET\t/hello HTTP/1.1"))
bad("a space behind", ask("GET /hello HTTP/1.1 "))
bad("a space before", b" " + PLAIN)
bad("a space in the target", ask("GET /hel lo HTTP/1.1"))
bad("a control character in the target", ask("GET /hel\x01lo HTTP/1.1"))
bad("DEL in the target", ask("GET /hel\x7flo HTTP/1.1"))
bad("a byte above ASCII in the target", ask("GET /h\xe9llo HTTP/1.1"))
bad("a CR in the target", ask("GET /hel\rlo HTTP/1.1"))
bad("no method", ask(" /hello HTTP/1.1"))
bad("a method with a colon", ask("GE:T /hello HTTP/1.1"))
bad("a method without end", b"G" * 40)
bad("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
bad("SSH", b"SSH-2.0-OpenSSH_9\r\n")
bad("a Redis command", b"*1\r\n$4\r\nPING\r\n")
bad("PROXY of HAProxy", b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n" + PLAIN)
bad("a NUL", b"\0" + PLAIN)
bad("a target of 70 KB", ask("GET /" + "a" * 70_000 + " HTTP/1.1"), 414)
good("a target of 8,000 (9112 3: at least)", ask("GET /" + "a" * 8000 + " HTTP/1.1"), 404)
good("a query of 8,000", ask("GET /hello?" + "a" * 8000 + " HTTP/1.1"))
good("one empty line before (2.2)", b"\r\n" + PLAIN)
bad("two empty lines before", b"\r\n\r\n" + PLAIN)
bad("a bare LF before", b"\n" + PLAIN)
bad("a bare CR before", b"\r" + PLAIN)

# -- fields (RFC 9112, 5; RFC 9110, 5) ----------------------------------------------------------------------------

good("a field without blanks", ask(GET, "X:y"))
good("a field with blanks around", ask(GET, "X: \t y \t"))
good("an empty field", ask(GET, "X:"))
good("a field name of every sign", ask(GET, "!#$%&'*+-.^_`|~09azAZ: y"))
good("a value above ASCII", ask(GET, "X: \xfc"))
good("a value with a tab in it", ask(GET, "X: a\tb"))
good("a field in capitals", ask(GET.replace("GET", "GET"), host="HOST: a"))
good("a hundred fields", ask(GET, *[f"X-{n}: {n}" for n in range(100)]))
good("250 fields", ask(GET, *[f"X-{n}: {n}" for n in range(250)]))
bad("300 fields", ask(GET, *[f"X-{n}: {n}" for n in range(300)]), 431)
bad("a field of 70 KB", ask(GET, "X: " + "y" * 70_000), 431)
bad("many fields of 70 KB", ask(GET, *["X: " + "y" * 999] * 70), 431)
bad("a space before the colon", ask(GET, "X : y"))
bad("a tab before the colon", ask(GET, "X\t: y"))
bad("a field without a colon", ask(GET, "X"))
bad("a field without a name", ask(GET, ": y"))
bad("a name with a space", ask(GET, "X Y: z"))
bad("a name above ASCII", ask(GET, "\xfc: y"))
bad("a name with a slash", ask(GET, "a/b: y"))
bad("a name in quotes", ask(GET, '"x": y'))
bad("obs-fold (5.2)", ask(GET, "X: y", " z"))
bad("obs-fold with a tab", ask(GET, "X: y", "\tz"))
bad("a blank before the first field (2.2)", ask(GET, host=" Host: a"))
bad("a NUL in a value", ask(GET, "X: a\0b"))
bad("a bare CR in a value", ask(GET, "X: a\rb"))
bad("a bare LF in a value", ask(GET, "X: a\nY: b"))
bad("CR CR LF", ask(GET, "X: a\r"))
bad("bare LF everywhere", PLAIN.replace(b"\r\n", b"\n"))
bad("bare LF behind the request line", PLAIN.replace(b"HTTP/1.1\r\n", b"HTTP/1.1\n"))
bad("a bare LF as the empty line", PLAIN[:-2] + b"\n")
bad("LF CR as line end", PLAIN.replace(b"\r\n", b"\n\r") + b"\n\n")

# -- Host (RFC 9112, 3.2; RFC 9110, 7.2) --------------------------------------------------------------------------

for host in (
    "a", "a.b", "A.B", "a:80", "a:", "127.0.0.1", "127.0.0.1:8000", "[::1]", "[::1]:80", "[fe80::1]", "a_b", "a-b",
    "xn--bcher-kva.example", "", "a%41", "localhost.",
    "[v1.x]", "a!$&'()*+;=b",
):  # fmt: skip
    good(f"Host {host!r}", ask(GET, host=f"Host: {host}"))
for host in (
    "u@h", "u:p@h", "h/path", "/", "h, g", "h g", "<h>", "h:a", "h:80:80", "h:123456", "http://h", "[::1", "::1",
    "[::1]a", "[]", "[g::1]", "h?x", "h#x", "h\\g", "h\xfc", "h%", "h%4", "h%zz", '"h"', "h^g", "{h}",
    "h|g", "`h`", "h:-1", "h: 80",
):  # fmt: skip
    bad(f"Host {host!r}", ask(GET, host=f"Host: {host}"))
bad("no Host in HTTP/1.1", ask(GET, host=None))
bad("two Hosts", ask(GET, HOST))
bad("two Hosts that differ", ask(GET, "Host: b"))
bad("Host twice, by case", ask(GET, "hOST: a"))
good("no Host in HTTP/1.0", ask("GET /hello HTTP/1.0", host=None), closes=True)
bad("two Hosts in HTTP/1.0", ask("GET /hello HTTP/1.0", HOST))
bad("a Host that is none in HTTP/1.0", ask("GET /hello HTTP/1.0", host="Host: u@h"))
bad("the absolute form does not replace Host", ask("GET http://a/hello HTTP/1.1", host=None))

# -- Content-Length (RFC 9112, 6.2 and 6.3) -----------------------------------------------------------------------

good("a body", ask(POST, "Content-Length: 5", body="hello"), body=b"hello")
good("an empty body", ask(POST, "Content-Length: 0"), body=b"")
good("no body", ask(POST), body=b"")
good("a body of a GET", ask(GET, "Content-Length: 3", body="abc"))
good("leading zeros", ask(POST, "Content-Length: 005", body="hello"), body=b"hello")
good("the same length twice (6.3)", ask(POST, "Content-Length: 5", "Content-Length: 5", body="hello"), body=b"hello")
good("the same length in a list", ask(POST, "Content-Length: 5, 5", body="hello"), body=b"hello")
good("a body that looks like a request", ask(POST, f"Content-Length: {len(PLAIN)}", body=PLAIN), body=PLAIN)
good("bytes of every value", ask(POST, "Content-Length: 256", body=bytes(range(256))), body=bytes(range(256)))
bad("two lengths", ask(POST, "Content-Length: 5", "Content-Length: 6", body="hello!"))
bad("two lengths in a list", ask(POST, "Content-Length: 5, 6", body="hello!"))
for length in (
    "+5",
    "-5",
    "5.0",
    "0x5",
    "5 5",
    "5;",
    "five",
    "5_0",
    "",
    "٥".encode().decode("latin-1"),
    "5,",
    ",5",
    "5\0",
    "1e1",
    "'5'",
):
    bad(f"Content-Length {length!r}", ask(POST, f"Content-Length: {length}", body="hello"))
bad("a length beyond the bound of the route", ask(POST, "Content-Length: 1048577"), 413)
bad("a length of 9 TB", ask(POST, "Content-Length: 9000000000000"), 413)
bad("a length of 19 digits", ask(POST, "Content-Length: 9999999999999999999"), 413)
bad("a length of 25 digits", ask(POST, "Content-Length: " + "9" * 25), 413)
bad("a length of 5,000 digits", ask(POST, "Content-Length: " + "9" * 5000), 413)
bad("a large body of nobody's", ask("POST /none HTTP/1.1", "Content-Length: 9000000000"), 404)
good("a small body of nobody's", ask("POST /none HTTP/1.1", "Content-Length: 5", body="hello"), 404)
bad("9 GB where only GET is", ask("POST /hello HTTP/1.1", "Content-Length: 9000000000"), 405)

# -- Transfer-Encoding and chunks (RFC 9112, 6.1 and 7.1) ---------------------------------------------------------

good("chunks", ask(POST, CHUNKED, body="2\r\nhe\r\n3\r\nllo\r\n" + LAST), body=b"hello")
good("no chunk but the last", ask(POST, CHUNKED, body=LAST), body=b"")
good("hexadecimal in both cases", ask(POST, CHUNKED, body="a\r\n0123456789\r\nB\r\n0123456789a\r\n" + LAST))
good("leading zeros of a size", ask(POST, CHUNKED, body="0005\r\nhello\r\n000\r\n\r\n"), body=b"hello")
good("an extension", ask(POST, CHUNKED, body='5;a=b;c="d"\r\nhello\r\n' + LAST), body=b"hello")
good("trailers", ask(POST, CHUNKED, body="5\r\nhello\r\n0\r\nX: y\r\n\r\n"), body=b"hello")
good("Chunked in capitals", ask(POST, "Transfer-Encoding: CHUNKED", body="5\r\nhello\r\n" + LAST), body=b"hello")
good("chunks for an upload", ask("POST /count HTTP/1.1", CHUNKED, body="5\r\nhello\r\n" + LAST), body=b"5 bytes")
good("a body for an upload", ask("POST /count HTTP/1.1", "Content-Length: 5", body="hello"), body=b"5 bytes")
good("no body for an upload", ask("POST /count HTTP/1.1"), body=b"0 bytes")
bad("chunks of nobody's", ask("POST /none HTTP/1.1", CHUNKED, body="5\r\nhello\r\n" + LAST), 404)
bad("CL and TE", ask(POST, "Content-Length: 5", CHUNKED, body=LAST))
bad("TE and CL", ask(POST, CHUNKED, "Content-Length: 5", body=LAST))
bad("CL and TE, and a request behind", ask(POST, "Content-Length: 6", CHUNKED, body=LAST) + PLAIN)
bad("TE of HTTP/1.0", ask("POST /echo HTTP/1.0", CHUNKED, body=LAST))
bad("a coding that nobody knows (6.1)", ask(POST, "Transfer-Encoding: zzz, chunked", body=LAST), 501)
bad("gzip, chunked", ask(POST, "Transfer-Encoding: gzip, chunked", body=LAST), 501)
for coding in (
    "gzip", "identity", "chunked, identity", "chunked, gzip", "chunked, chunked", "chunked;q=1", "xchunked",
    "chunkedx", '"chunked"', ",chunked,", "", "chunked\x0b", "chun ked", "identity, chunked, identity",
):  # fmt: skip
    bad(f"Transfer-Encoding {coding!r}", ask(POST, f"Transfer-Encoding: {coding}", body=LAST))
bad("TE twice", ask(POST, CHUNKED, CHUNKED, body=LAST))
bad("TE twice, the second none", ask(POST, CHUNKED, "Transfer-Encoding: identity", body=LAST))
for size in ("0x5", "+5", "-5", "0_5", " 5", "5h", "", "g", ";x", "5\t;x\n", "5\0", "5.", "\xb2", "11111111111111111"):
    bad(f"a chunk size {size!r}", ask(POST, CHUNKED, body=f"{size}\r\nhello\r\n{LAST}"))
bad("a bare LF behind a size", ask(POST, CHUNKED, body="5\nhello\r\n" + LAST))
bad("a bare LF behind a chunk", ask(POST, CHUNKED, body="5\r\nhello\n" + LAST))
bad("a chunk that is longer than it says", ask(POST, CHUNKED, body="4\r\nhello\r\n" + LAST))
bad("a bare CR behind a size", ask(POST, CHUNKED, body="5\rhello\r\n" + LAST))
bad("a bare LF behind the last chunk", ask(POST, CHUNKED, body="0\n\n"))
bad("a trailer that is none", ask(POST, CHUNKED, body="0\r\nX : y\r\n\r\n"))
bad("a trailer with a bare LF", ask(POST, CHUNKED, body="0\r\nX: y\n\r\n"))
bad("an extension of 5 KB", ask(POST, CHUNKED, body="5;" + "x" * 5000 + "\r\nhello\r\n" + LAST), 431)
bad("trailers of 70 KB", ask(POST, CHUNKED, body="0\r\nX: " + "y" * 70_000 + "\r\n\r\n"), 431)
bad("a chunked body beyond the bound", ask(POST, CHUNKED, body="100001\r\n" + "x" * 0x100001 + "\r\n" + LAST), 413)

# -- Expect (RFC 9110, 10.1.1) ------------------------------------------------------------------------------------

good("Expect, and the body at once", ask(POST, "Expect: 100-continue", "Content-Length: 2", body="hi"), body=b"hi")
good("Expect in capitals", ask(POST, "Expect: 100-CONTINUE", "Content-Length: 2", body="hi"), body=b"hi")
good("Expect without a body", ask(GET, "Expect: 100-continue"))
good(
    "Expect of HTTP/1.0",
    ask("POST /echo HTTP/1.0", "Expect: 100-continue", "Content-Length: 2", body="hi"),
    closes=True,
)
bad("Expect of what nobody does", ask(POST, "Expect: tea", "Content-Length: 2", body="hi"), 417)
bad("Expect, and too much", ask(POST, "Expect: 100-continue", "Content-Length: 9000000000"), 413)
bad("Expect, and nobody there", ask("POST /none HTTP/1.1", "Expect: 100-continue", "Content-Length: 2", body="hi"), 404)

# -- connections (RFC 9112, 9) ------------------------------------------------------------------------------------

good("two in a row", PLAIN + PLAIN, 200, 200, methods=("GET",) * 2)
good("fifty in a row", PLAIN * 50, *[200] * 50, methods=("GET",) * 50)
good("a body, and one behind", ask(POST, "Content-Length: 2", body="hi") + PLAIN, 200, 200, methods=("POST", "GET"))
good("chunks, and one behind", ask(POST, CHUNKED, body="2\r\nhi\r\n" + LAST) + PLAIN, 200, 200, methods=("POST", "GET"))
good(
    "an empty line in between", ask(POST, "Content-Length: 2", body="hi\r\n") + PLAIN, 200, 200, methods=("POST", "GET")
)
good("a stream, and one behind", ask("GET /stream HTTP/1.1") + PLAIN, 200, 200, methods=("GET",) * 2)
good("a HEAD, and one behind", ask("HEAD /stream HTTP/1.1") + PLAIN, 200, 200, methods=("HEAD", "GET"))
good("a 404, and one behind", ask("GET /none HTTP/1.1") + PLAIN, 404, 200, methods=("GET",) * 2)
good("a refused body, and one behind", ask("POST /none HTTP/1.1", "Content-Length: 2", body="hi") + PLAIN, 404, 200,
     methods=("POST", "GET"))  # fmt: skip
good("close", ask(GET, "Connection: close"), closes=True)
good("close in a list", ask(GET, "Connection: x, Close"), closes=True)
good("close in a second field", ask(GET, "Connection: x", "Connection: close"), closes=True)
good("closer is not close", ask(GET, "Connection: closer"))
good("close, and one behind that nobody reads", ask(GET, "Connection: close") + PLAIN, 200, closes=True)
good("HTTP/1.0", ask("GET /hello HTTP/1.0"), closes=True)
good("HTTP/1.0, keep-alive", ask("GET /hello HTTP/1.0", "Connection: keep-alive"))
good(
    "HTTP/1.0, keep-alive, twice",
    ask("GET /hello HTTP/1.0", "Connection: keep-alive") * 2,
    200,
    200,
    methods=("GET",) * 2,
)
good("HTTP/1.0, keep-alive, a stream", ask("GET /stream HTTP/1.0", "Connection: keep-alive"), closes=True)
good("HTTP/1.0, close and keep-alive", ask("GET /hello HTTP/1.0", "Connection: keep-alive, close"), closes=True)
good("an upgrade that nobody knows (9110 7.8)", ask(GET, "Connection: upgrade", "Upgrade: h2c"))
bad("good, then bad", PLAIN + b"x y\r\n\r\n" + PLAIN, 200, 400)
bad("good, then smuggled", PLAIN + ask(POST, "Content-Length: 5", CHUNKED, body=LAST) + PLAIN, 200, 400)
