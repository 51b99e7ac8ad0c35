"""Responses and what the RFCs make of them: the section of RFC 9112 (or 9110, where said), the bytes, the outcome."""

from __future__ import annotations

from dataclasses import dataclass, field

from protocols.http.errors import HeadTooLarge, HTTPError, NoResponse, ProtocolError, Truncated


@dataclass
class Row:
    """One response, and all that a reader should find out about it."""

    section: str
    name: str
    raw: bytes
    status: int | None = None  # of the final head; None: there is none
    body: bytes = b""
    error: type[HTTPError] | None = None
    reuse: bool = False
    leftover: bytes = b""
    interims: list[int] = field(default_factory=list)
    trailers: list[tuple[str, str]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    method: str = "GET"
    at_eof: bool = False  # the outcome is known only once the connection ends


ROWS: list[Row] = []


def good(section: str, name: str, raw: str, body: str = "", status: int = 200, reuse: bool = True, **more) -> None:
    ROWS.append(Row(section, name, raw.encode("latin-1"), status, body.encode("latin-1"), reuse=reuse, **more))


def bad(section: str, name: str, raw: str, body: str = "", status: int | None = None, error=ProtocolError, **more):
    at_eof = issubclass(error, Truncated)
    row = Row(section, name, raw.encode("latin-1"), status, body.encode("latin-1"), error, at_eof=at_eof, **more)
    ROWS.append(row)


OK = "HTTP/1.1 200 OK\r\n"
EMPTY = OK + "Content-Length: 0\r\n"
FIVE = OK + "Content-Length: 5\r\n\r\n"
CHUNKED = OK + "Transfer-Encoding: chunked\r\n\r\n"
LAST = "0\r\n\r\n"

# -- status line (RFC 9112, 4; versions: 2.3) --------------------------------------------------------------------

good("4", "plain", FIVE + "hello", "hello", reason="OK")
good("4", "no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", reason="")
good("4", "no reason and no space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", reason="")
good("4", "a long reason", "HTTP/1.1 404 Not here,\tnot there\r\nContent-Length: 0\r\n\r\n", status=404)
good("4", "a reason in latin-1", "HTTP/1.1 200 Tr\xe8s bien\r\nContent-Length: 0\r\n\r\n", reason="Tr\xe8s bien")
good("4", "a reason that is spaces", "HTTP/1.1 200    \r\nContent-Length: 0\r\n\r\n", reason="   ")
good("4", "a reason with a colon", "HTTP/1.1 200 a: b\r\nContent-Length: 0\r\n\r\n", reason="a: b")
good("9110 15", "status 599", "HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n", status=599)
good("9110 15", "status 999, as one site says", "HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n", status=999)
good("9110 15", "an unknown 2xx", "HTTP/1.1 299 x\r\nContent-Length: 1\r\n\r\nx", "x", status=299)
good("2.3", "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", reuse=False)
good("2.3", "a later HTTP/1", "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi")
good("2.3", "the last HTTP/1", "HTTP/1.9 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi")
bad("2.3", "HTTP/2", "HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "HTTP/0.9 as a version", "HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "HTTP/0.9: content alone", "<html>hello</html>")
bad("2.3", "HTTP/0.9: content that looks like a head", "<p>\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "a version of two digits", "HTTP/1.10 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "a version with a zero before", "HTTP/01.1 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "no minor version", "HTTP/1 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "a version without digits", "HTTP/1.x 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "a digit that is not ASCII", "HTTP/1.\xb9 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "http in lower case", "http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("2.3", "another protocol", "SSH-2.0-OpenSSH_9.6\r\n")
bad("2.3", "a TLS alert", "\x15\x03\x01\x00\x02\x02\x46")
bad("2.3", "ICY", "ICY 200 OK\r\n\r\n")
bad("2.3", "RTSP", "RTSP/1.0 200 OK\r\n\r\n")
bad("4", "a status of two digits", "HTTP/1.1 20 OK\r\n\r\n")
bad("4", "a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n")
bad("4", "a status below 100", "HTTP/1.1 099 OK\r\n\r\n")
bad("4", "status 000", "HTTP/1.1 000 OK\r\n\r\n")
bad("4", "a status with a sign", "HTTP/1.1 +20 OK\r\n\r\n")
bad("4", "a status with a fraction", "HTTP/1.1 200.1 OK\r\n\r\n")
bad("4", "a status in hex", "HTTP/1.1 0xC8 OK\r\n\r\n")
bad("4", "no status", "HTTP/1.1 OK\r\n\r\n")
bad("4", "no status, a space", "HTTP/1.1 \r\n\r\n")
bad("4", "the version alone", "HTTP/1.1\r\n\r\n")
bad("4", "no space before the reason", "HTTP/1.1 200OK\r\n\r\n")
bad("4", "two spaces before the status", "HTTP/1.1  200 OK\r\n\r\n")
bad("4", "a tab before the status", "HTTP/1.1\t200 OK\r\n\r\n")
bad("4", "a tab behind the status", "HTTP/1.1 200\tOK\r\n\r\n")
bad("4", "NUL in the reason", "HTTP/1.1 200 O\0K\r\n\r\n")
bad("4", "CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n")
bad("4", "ESC in the reason", "HTTP/1.1 200 \x1b[2J\r\n\r\n")
bad("2.2", "an empty line before the status line", "\r\n" + FIVE + "hello")
bad("2.2", "a bare LF before the status line", "\n" + FIVE + "hello")
bad("2.2", "a space before the status line", " " + FIVE + "hello")
bad("2.2", "a byte order mark", "\xef\xbb\xbf" + FIVE + "hello")

# -- fields (RFC 9112, 5; RFC 9110, 5) ---------------------------------------------------------------------------

good("5", "no space behind the colon", OK + "Content-Length:5\r\n\r\nhello", "hello")
good("5", "blanks around the value", EMPTY + "X: \t a b \t \r\n\r\n", fields={"x": "a b"})
good("5", "an empty value", EMPTY + "X:\r\n\r\n", fields={"x": ""})
good("5", "a value of blanks", EMPTY + "X:   \t\r\n\r\n", fields={"x": ""})
good("5", "colons in the value", EMPTY + "X:a:b: c\r\n\r\n", fields={"x": "a:b: c"})
good("9110 5.1", "names have no case", OK + "cOnTeNt-LeNgTh: 5\r\n\r\nhello", "hello")
good("9110 5.1", "every character of a token", EMPTY + "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n")
good("9110 5.2", "a field in two lines", EMPTY + "X: a\r\nY: -\r\nx: b\r\n\r\n", fields={"x": "a, b"})
good("9110 5.5", "latin-1 in a value", EMPTY + "X: caf\xe9\r\n\r\n", fields={"X": "caf\xe9"})
good("9110 5.5", "UTF-8 in a value stays bytes", EMPTY + "X: \xc3\xa9\r\n\r\n", fields={"X": "\xc3\xa9"})
good("9110 5.5", "no-break space is no blank", EMPTY + "X: \xa0a\x85\r\n\r\n", fields={"X": "\xa0a\x85"})
good("9110 5.5", "other controls are kept", EMPTY + "X: a\x01\x0b\x0c\x1cb\r\n\r\n", fields={"X": "a\x01\x0b\x0c\x1cb"})
good("5.2", "obs-fold", EMPTY + "X: a\r\n b\r\n\tc\r\nY: d\r\n\r\n", fields={"x": "a b c", "y": "d"})
good("5.2", "obs-fold with many blanks", EMPTY + "X: a  \r\n \t  b\r\n\r\n", fields={"x": "a b"})
good("5.2", "obs-fold of an empty value", EMPTY + "X:\r\n a\r\n\r\n", fields={"x": "a"})
good("5.2", "obs-fold with an empty line", EMPTY + "X: a\r\n \r\n\r\n", fields={"x": "a"})
good("5.2", "obs-fold that looks like a field", EMPTY + "X: a\r\n Content-Length: 9\r\n\r\n")
good("5.2", "Content-Length folded", OK + "Content-Length:\r\n 5\r\n\r\nhello", "hello")
good("5.2", "chunked folded", OK + "Transfer-Encoding:\r\n chunked\r\n\r\n" + LAST)
good("2.2", "bare LF ends the lines", FIVE.replace("\r", "") + "hello", "hello")
good("2.2", "bare LF ends one line", "HTTP/1.1 200 OK\nContent-Length: 5\r\nX: a\r\n\r\nhello", "hello")
good("2.2", "bare LF ends the head", OK + "Content-Length: 5\r\n\nhello", "hello")
good("2.2", "bare LF, then CRLF ends the head", "HTTP/1.1 200 OK\nContent-Length: 5\n\r\nhello", "hello")
good("2.2", "bare LF ends the head, CRLF CRLF follows", "HTTP/1.1 200 OK\nContent-Length: 5\n\na\r\n\r\n", "a\r\n\r\n")
good("2.2", "bare LF and obs-fold", "HTTP/1.1 200 OK\nX: a\n b\nContent-Length: 0\n\n", fields={"x": "a b"})
bad("2.2", "a folded first line", OK + " X: a\r\n\r\n")
bad("2.2", "a tab before the first field", OK + "\tContent-Length: 5\r\n\r\nhello")
bad("2.2", "bare CR ends a line", "HTTP/1.1 200 OK\rContent-Length: 5\r\n\r\nhello")
bad("2.2", "bare CR in a value", OK + "X: a\rContent-Length: 5\r\n\r\nhello")
bad("2.2", "bare CR before CRLF", OK + "Content-Length: 5\r\r\n\r\nhello")
bad("2.2", "bare CR in a blank line", OK + "Content-Length: 5\r\n\r\r\nhello\r\n\r\n")
bad("2.2", "bare CR before bare LF", OK + "Content-Length: 5\r\n\r\r\n\nhello")
bad("9110 5.5", "NUL in a value", OK + "X: a\0b\r\n\r\n")
bad("9110 5.5", "NUL in a folded value", OK + "X: a\r\n b\0\r\n\r\n")
bad("9110 5.1", "NUL in a name", OK + "X\0: a\r\n\r\n")
bad("5.1", "a space before the colon", OK + "Content-Length : 5\r\n\r\nhello")
bad("5.1", "a tab before the colon", OK + "Content-Length\t: 5\r\n\r\nhello")
bad("5.1", "no name", OK + ": x\r\n\r\n")
bad("5.1", "no colon", OK + "Content-Length 5\r\n\r\nhello")
bad("5.1", "a line of garbage", OK + "garbage\r\n\r\n")
bad("5.1", "a space in a name", OK + "Content Length: 5\r\n\r\nhello")
bad("5.1", "a second status line", OK + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
bad("9110 5.6.2", "a name in latin-1", OK + "X\xe9: a\r\n\r\n")
bad("9110 5.6.2", "a delimiter in a name", OK + "X(y): a\r\n\r\n")
bad("9110 5.6.2", "a quote in a name", OK + 'X"y: a\r\n\r\n')
bad("9110 5.6.2", "DEL in a name", OK + "X\x7f: a\r\n\r\n")
bad("9110 5.6.2", "vertical tab before the colon", OK + "Content-Length\x0b: 5\r\n\r\nhello")

# -- Content-Length (RFC 9110, 8.6; RFC 9112, 6.2, 6.3) ----------------------------------------------------------

good("6.2", "no content", EMPTY + "\r\n")
good("6.2", "zeros before", OK + "Content-Length: 0005\r\n\r\nhello", "hello")
good("6.2", "blanks around", OK + "Content-Length: \t5 \r\n\r\nhello", "hello")
good("6.3 5", "a list of the same", OK + "Content-Length: 5, 5\r\n\r\nhello", "hello")
good("6.3 5", "a list without blanks", OK + "Content-Length: 5,5,5\r\n\r\nhello", "hello")
good("6.3 5", "two fields of the same", OK + "Content-Length: 5\r\ncontent-length: 5\r\n\r\nhello", "hello")
good("6.3 6", "more than was announced", FIVE + "helloHTTP/1.1", "hello", reuse=False, leftover=b"HTTP/1.1")
good("6.3 6", "an empty line more", FIVE + "hello\r\n", "hello", reuse=False, leftover=b"\r\n")
good("6.3 6", "content that looks like a head", OK + "Content-Length: 38\r\n\r\n" + EMPTY + "\r\n", EMPTY + "\r\n")
bad("6.3 5", "a list that differs", OK + "Content-Length: 5, 6\r\n\r\nhello")
bad("6.3 5", "two fields that differ", OK + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!")
bad("6.3 5", "the same number in other digits", OK + "Content-Length: 5, 05\r\n\r\nhello")
bad("6.3 5", "a list with a hole", OK + "Content-Length: 5,,5\r\n\r\nhello")
bad("6.3 5", "a list that ends with a comma", OK + "Content-Length: 5,\r\n\r\nhello")
bad("6.3 5", "a comma alone", OK + "Content-Length: ,\r\n\r\nhello")
bad("6.3 5", "a list with a word", OK + "Content-Length: 5, x\r\n\r\nhello")
bad("6.3 5", "a list of the same words", OK + "Content-Length: x, x\r\n\r\nhello")
bad("6.3 5", "folded digits", OK + "Content-Length: 5\r\n 5\r\n\r\nhello")
bad("9110 8.6", "empty", OK + "Content-Length:\r\n\r\nhello")
bad("9110 8.6", "plus", OK + "Content-Length: +5\r\n\r\nhello")
bad("9110 8.6", "minus", OK + "Content-Length: -5\r\n\r\nhello")
bad("9110 8.6", "minus zero", OK + "Content-Length: -0\r\n\r\n")
bad("9110 8.6", "an underscore", OK + "Content-Length: 5_0\r\n\r\nhello")
bad("9110 8.6", "hex", OK + "Content-Length: 0x5\r\n\r\nhello")
bad("9110 8.6", "a fraction", OK + "Content-Length: 5.0\r\n\r\nhello")
bad("9110 8.6", "an exponent", OK + "Content-Length: 1e1\r\n\r\nhello")
bad("9110 8.6", "two numbers", OK + "Content-Length: 5 5\r\n\r\nhello")
bad("9110 8.6", "a unit", OK + "Content-Length: 5 bytes\r\n\r\nhello")
bad("9110 8.6", "quotes", OK + 'Content-Length: "5"\r\n\r\nhello')
bad("9110 8.6", "a semicolon", OK + "Content-Length: 5;\r\n\r\nhello")
bad("9110 8.6", "full-width digits, in UTF-8", OK + "Content-Length: \xef\xbc\x95\r\n\r\nhello")
bad("9110 8.6", "a superscript digit, in latin-1", OK + "Content-Length: \xb2\r\n\r\nhi")
bad("9110 8.6", "vertical tab is no blank", OK + "Content-Length: \x0b5\r\n\r\nhello")
bad("9110 8.6", "no-break space is no blank", OK + "Content-Length: \xa05\r\n\r\nhello")
bad("9110 8.6", "next line is no blank", OK + "Content-Length: 5\x85\r\n\r\nhello")
bad("9110 8.6", "twenty digits", OK + "Content-Length: 18446744073709551616\r\n\r\nhello")
bad("9110 8.6", "five thousand digits", OK + "Content-Length: " + "9" * 5000 + "\r\n\r\nhello")
bad("8", "cut in the content", FIVE + "hell", "hell", 200, Truncated)
bad("8", "cut before the content", FIVE, "", 200, Truncated)
bad("8", "nineteen digits, and cut", OK + "Content-Length: 9223372036854775807\r\n\r\nhi", "hi", 200, Truncated)

# -- Transfer-Encoding (RFC 9112, 6.1, 6.3, 7.1) -----------------------------------------------------------------

good("7.1", "one chunk", CHUNKED + "5\r\nhello\r\n" + LAST, "hello")
good("7.1", "several", CHUNKED + "1\r\nh\r\n4\r\nello\r\n" + LAST, "hello")
good("7.1", "none", CHUNKED + LAST)
good("7.1", "hex in both cases", CHUNKED + "a\r\n0123456789\r\nB\r\n0123456789a\r\n" + LAST, "01234567890123456789a")
good("7.1", "zeros before", CHUNKED + "0005\r\nhello\r\n0000\r\n\r\n", "hello")
good("7.1", "sixteen digits", CHUNKED + "0000000000000005\r\nhello\r\n" + LAST, "hello")
good("7.1", "blanks behind the size, as Apache 1.3", CHUNKED + "5  \r\nhello\r\n0 \t\r\n\r\n", "hello")
good("7.1", "CRLF as content", CHUNKED + "2\r\n\r\n\r\n" + LAST, "\r\n")
good("7.1", "content that looks like the end", CHUNKED + "5\r\n0\r\n\r\n\r\n" + LAST, "0\r\n\r\n")
good("7.1.1", "an extension", CHUNKED + "5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello")
good("7.1.1", "extensions", CHUNKED + '5 ; a = b;c="d;e" \r\nhello\r\n' + LAST, "hello")
good("7.1.1", "an empty extension", CHUNKED + "5;\r\nhello\r\n" + LAST, "hello")
good("7.1.1", "an extension in latin-1", CHUNKED + "5;\xe9\r\nhello\r\n" + LAST, "hello")
good("7.1.2", "a trailer", CHUNKED + "1\r\na\r\n0\r\nX: y\r\n\r\n", "a", trailers=[("X", "y")])
good("7.1.2", "trailers", CHUNKED + "0\r\nX: y\r\nx:z \r\n\r\n", trailers=[("X", "y"), ("x", "z")])
good("7.1.2", "a folded trailer", CHUNKED + "0\r\nX: y\r\n z\r\n\r\n", trailers=[("X", "y z")])
good("9110 6.5.1", "a trailer changes nothing", CHUNKED + "0\r\nContent-Length: 9\r\nConnection: close\r\n\r\n",
     trailers=[("Content-Length", "9"), ("Connection", "close")])  # fmt: skip
good("7", "chunked has no case", OK + "Transfer-Encoding: CHUNKED\r\n\r\n" + LAST)
good("6.3 4", "bytes behind the last chunk", CHUNKED + LAST + "x", reuse=False, leftover=b"x")
good("6.3 3", "Content-Length as well: chunked wins", OK + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5\r\nhello\r\n" + LAST, "hello", reuse=False)  # fmt: skip
good("6.3 3", "the same, in the other order", OK + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"
     "5\r\nhello\r\n" + LAST, "hello", reuse=False)  # fmt: skip
bad("6.3 3", "a wrong Content-Length as well", OK + "Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST)
bad("6.1", "chunked in HTTP/1.0", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST)
bad("6.1", "gzip, chunked", OK + "Transfer-Encoding: gzip, chunked\r\n\r\n" + LAST)
bad(
    "6.1", "gzip and chunked in two fields", OK + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST
)
bad("6.3 4", "chunked is not the last", OK + "Transfer-Encoding: chunked, gzip\r\n\r\n" + LAST)
bad("6.3 4", "chunked, then identity", OK + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + LAST)
bad("6.1", "chunked twice", OK + "Transfer-Encoding: chunked, chunked\r\n\r\n" + LAST)
bad("6.1", "chunked in two fields", OK + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST)
bad("6.1", "identity, which is no coding any more", OK + "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n")
bad("6.1", "a coding that is not known", OK + "Transfer-Encoding: xchunked\r\n\r\n" + LAST)
bad("6.1", "empty", OK + "Transfer-Encoding:\r\nContent-Length: 0\r\n\r\n")
bad("6.1", "a comma before", OK + "Transfer-Encoding: ,chunked\r\n\r\n" + LAST)
bad("6.1", "a comma behind", OK + "Transfer-Encoding: chunked,\r\n\r\n" + LAST)
bad("6.1", "a parameter", OK + "Transfer-Encoding: chunked;q=1\r\n\r\n" + LAST)
bad("6.1", "quotes", OK + 'Transfer-Encoding: "chunked"\r\n\r\n' + LAST)
bad("6.1", "vertical tab is no blank", OK + "Transfer-Encoding: \x0bchunked\r\n\r\n" + LAST)
bad("6.1", "no-break space is no blank", OK + "Transfer-Encoding: chunked\xa0\r\n\r\n" + LAST)
for what, size in {
    "no size": "", "a sign": "+5", "minus": "-5", "0x": "0x5", "an underscore": "0_5", "a space before": " 5",
    "a tab before": "\t5", "a space inside": "0 5", "a word": "five", "a superscript": "\xb2", "quotes": '"5"',
    "seventeen digits": "0" * 16 + "5", "h": "5h", "a comma": "5,", "an extension without a size": ";a", "NUL": "5\0",
    "NUL in an extension": "5;\0", "CR in an extension": "5;\rb", "two CR": "5\r", "vertical tab": "5\x0b",
}.items():  # fmt: skip
    bad("7.1", f"a chunk size with: {what}", CHUNKED + size + "\r\nhello\r\n" + LAST, "", 200)
bad("7.1", "the size of a later chunk", CHUNKED + "5\r\nhello\r\nx\r\n" + LAST, "hello", 200)
bad("7.1", "bare LF behind the size", CHUNKED + "5\nhello\r\n" + LAST, "", 200)
bad("7.1", "bare LF behind an extension", CHUNKED + "5;a\nhello\r\n" + LAST, "", 200)
bad("7.1", "bare LF behind the content", CHUNKED + "5\r\nhello\n" + LAST, "hello", 200)
bad("7.1", "bare CR behind the content", CHUNKED + "5\r\nhello\r" + LAST, "hello", 200)
bad("7.1", "nothing behind the content", CHUNKED + "5\r\nhello" + LAST, "hello", 200)
bad("7.1", "content longer than its size", CHUNKED + "4\r\nhello\r\n" + LAST, "hell", 200)
bad("7.1", "content shorter than its size", CHUNKED + "6\r\nhello\r\n" + LAST, "hello\r", 200)
bad("7.1", "an empty line before the size", CHUNKED + "\r\n5\r\nhello\r\n" + LAST, "", 200)
bad("7.1", "bare LF behind the last size", CHUNKED + "0\n\r\n", "", 200)
bad("7.1", "bare LF as the blank line", CHUNKED + "0\r\n\n", "", 200)
bad("7.1.2", "bare LF behind a trailer", CHUNKED + "0\r\nX: y\n\r\n", "", 200)
bad("7.1.2", "bare LF behind the trailers", CHUNKED + "0\r\nX: y\r\n\n", "", 200)
bad("7.1.2", "a trailer without a colon", CHUNKED + "0\r\nX\r\n\r\n", "", 200)
bad("7.1.2", "a space before a trailer's colon", CHUNKED + "0\r\nX : y\r\n\r\n", "", 200)
bad("7.1.2", "a folded first trailer", CHUNKED + "0\r\n X: y\r\n\r\n", "", 200)
bad("7.1.2", "NUL in a trailer", CHUNKED + "0\r\nX: \0\r\n\r\n", "", 200)
bad("7.1.2", "another response as a trailer", CHUNKED + "0\r\n" + EMPTY + "\r\n", "", 200)
bad("8", "cut in a chunk", CHUNKED + "5\r\nhel", "hel", 200, Truncated)
bad("8", "cut behind a chunk", CHUNKED + "5\r\nhello", "hello", 200, Truncated)
bad("8", "cut in the CRLF of a chunk", CHUNKED + "5\r\nhello\r", "hello", 200, Truncated)
bad("8", "cut between chunks", CHUNKED + "5\r\nhello\r\n", "hello", 200, Truncated)
bad("8", "cut in a size", CHUNKED + "5", "", 200, Truncated)
bad("8", "cut in a size of more digits than may be", CHUNKED + "5" * 17, "", 200, Truncated)
bad("8", "cut before the last CRLF", CHUNKED + "5\r\nhello\r\n0\r\n", "hello", 200, Truncated)
bad("8", "cut in the last CRLF", CHUNKED + "5\r\nhello\r\n0\r\n\r", "hello", 200, Truncated)
bad("8", "cut in the trailers", CHUNKED + "5\r\nhello\r\n0\r\nX: y\r\n", "hello", 200, Truncated)
bad("8", "a chunk of 64 bits, and cut", CHUNKED + "f" * 16 + "\r\nhi", "hi", 200, Truncated)

# -- content until the end, and none (RFC 9112, 6.3) -------------------------------------------------------------

good("6.3 8", "until the end", OK + "\r\nhello", "hello", reuse=False, at_eof=True)
good("6.3 8", "nothing until the end", OK + "\r\n", reuse=False, at_eof=True)
good(
    "6.3 8", "keep-alive does not change that", OK + "Connection: keep-alive\r\n\r\nhi", "hi", reuse=False, at_eof=True
)
good("6.3 8", "HTTP/1.0 until the end", "HTTP/1.0 200 OK\r\n\r\n" + LAST, LAST, reuse=False, at_eof=True)
good("6.3 8", "bare LF, until the end", "HTTP/1.0 200 OK\n\nhello\r\n\r\n", "hello\r\n\r\n", reuse=False, at_eof=True)
good("6.3 8", "205 has no rule of its own", "HTTP/1.1 205 x\r\nContent-Length: 0\r\n\r\n", status=205)
good("6.3 1", "204", "HTTP/1.1 204 No Content\r\n\r\n", status=204)
good("6.3 1", "204 with Content-Length: 0", "HTTP/1.1 204 x\r\nContent-Length: 0\r\n\r\n", status=204)
good("6.3 1", "204 that announces content", "HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n", status=204, reuse=False)
good("6.3 1", "204 with chunked", "HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, status=204,
     reuse=False, leftover=LAST.encode())  # fmt: skip
good("6.3 1", "304 with a length", "HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n", status=304)
good("6.3 1", "304 with chunked", "HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n", status=304)
good("6.3 1", "HEAD", OK + "Content-Length: 5\r\n\r\n", method="HEAD")
good("6.3 1", "HEAD, chunked", CHUNKED, method="HEAD")
good("6.3 1", "HEAD, both", OK + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", method="HEAD", reuse=False)
good("6.3 1", "HEAD, no length", OK + "\r\n", method="HEAD")
good("6.3 1", "HEAD, and content all the same", FIVE + "hello", method="HEAD", reuse=False, leftover=b"hello")
good("6.3 1", "HEAD, 404", "HTTP/1.1 404 x\r\nContent-Length: 5\r\n\r\n", status=404, method="HEAD")
bad("6.3 5", "HEAD, lengths that differ", OK + "Content-Length: 5, 6\r\n\r\n", method="HEAD")
bad("6.3 5", "304, a length that is none", "HTTP/1.1 304 x\r\nContent-Length: -1\r\n\r\n")
good("6.3 2", "CONNECT", OK + "\r\n", method="CONNECT", reuse=False)
good("6.3 2", "CONNECT, the tunnel speaks", OK + "\r\n\x16\x03", method="CONNECT", reuse=False, leftover=b"\x16\x03")
good("6.3 2", "CONNECT ignores lengths", OK + "Content-Length: 5, x\r\nTransfer-Encoding: x\r\n\r\nhello",
     method="CONNECT", reuse=False, leftover=b"hello")  # fmt: skip
good("6.3 2", "CONNECT refused", "HTTP/1.1 407 x\r\nContent-Length: 2\r\n\r\nno", "no", status=407, method="CONNECT")
good("6.3 6", "POST", FIVE + "hello", "hello", method="POST")

# -- interim responses (RFC 9110, 15.2) --------------------------------------------------------------------------

CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"
good("9110 15.2", "100 before 200", CONTINUE + FIVE + "hello", "hello", interims=[100])
good("9110 15.2", "several", CONTINUE + "HTTP/1.1 102\r\n\r\n" + CONTINUE + FIVE + "hello", "hello",
     interims=[100, 102, 100])  # fmt: skip
good("9110 15.2", "103 with fields", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + EMPTY + "\r\n", interims=[103])
good("9110 15.2", "an unknown 1xx", "HTTP/1.1 199 x\r\n\r\n" + EMPTY + "\r\n", interims=[199])
good("9110 15.2", "100 with a length has no content", "HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n" + EMPTY + "\r\n",
     interims=[100])  # fmt: skip
good("9110 15.2", "100 with chunked has no content", "HTTP/1.1 100 x\r\nTransfer-Encoding: chunked\r\n\r\n" + EMPTY
     + "\r\n", interims=[100])  # fmt: skip
good("9110 15.2", "100 that says close is not the last", "HTTP/1.1 100 x\r\nConnection: close\r\n\r\n" + EMPTY + "\r\n",
     interims=[100])  # fmt: skip
good("9110 15.2", "100 in HTTP/1.0", "HTTP/1.0 100 x\r\n\r\n" + EMPTY + "\r\n", interims=[100])
good("9110 15.2", "100 to HEAD", CONTINUE + FIVE, method="HEAD", interims=[100])
good("9110 15.2", "100 to CONNECT", CONTINUE + OK + "\r\n", method="CONNECT", reuse=False, interims=[100])
good("9110 15.2", "as many as may be", CONTINUE * 100 + EMPTY + "\r\n", interims=[100] * 100)
bad("9110 15.2", "one more", CONTINUE * 101 + EMPTY + "\r\n", interims=[100] * 100, error=HeadTooLarge)
bad("9110 15.2", "100 is never final", CONTINUE, interims=[100], error=Truncated)
bad("9110 15.2", "100, and cut", CONTINUE + "HTTP/1.1 2", interims=[100], error=Truncated)
bad("9110 15.2", "100, and content", CONTINUE + "hello", interims=[100])
bad("9110 15.2.2", "101 that nobody asked for", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n")
bad("9110 15.2.2", "101 after 100", CONTINUE + "HTTP/1.1 101 x\r\n\r\n", interims=[100])

# -- reuse (RFC 9112, 9.3) ---------------------------------------------------------------------------------------

good("9.3", "close", EMPTY + "Connection: close\r\n\r\n", reuse=False)
good("9.3", "close has no case", EMPTY + "connection: CLOSE\r\n\r\n", reuse=False)
good("9.3", "close in a list", EMPTY + "Connection: x ,close, y\r\n\r\n", reuse=False)
good("9.3", "close in the second field", EMPTY + "Connection: keep-alive\r\nConnection: close\r\n\r\n", reuse=False)
good("9.3", "close wins", EMPTY + "Connection: close, keep-alive\r\n\r\n", reuse=False)
good("9.3", "no close", EMPTY + "Connection: closed\r\n\r\n")
good("9.3", "keep-alive", EMPTY + "Connection: keep-alive\r\n\r\n")
good("9.3", "keep-alive in HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n")
good("9.3", "close in HTTP/1.0", "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", reuse=False)
good("9.3", "Keep-Alive, the field, says nothing", "HTTP/1.0 200 OK\r\nKeep-Alive: 5\r\nContent-Length: 0\r\n\r\n",
     reuse=False)  # fmt: skip
good("9.3", "close with chunked", OK + "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + LAST, reuse=False)

# -- bounds and early ends (RFC 9110, 2.3, 5.4; RFC 9112, 8) -----------------------------------------------------

good("9110 5.4", "256 lines", EMPTY + "A: b\r\n" * 254 + "\r\n")
bad("9110 5.4", "257 lines", EMPTY + "A: b\r\n" * 255 + "\r\n", error=HeadTooLarge)
bad("9110 5.4", "257 lines, one of them wrong", OK + "garbage\r\n" + "A: b\r\n" * 255 + "\r\n", error=HeadTooLarge)
bad("9110 5.4", "lines without end", OK + "A: b\r\n" * 1000, error=HeadTooLarge)
bad("9110 5.4", "folded lines count", EMPTY + "A: b\r\n" + " c\r\n" * 254 + "\r\n", error=HeadTooLarge)
bad("9110 5.4", "bare LF lines count", (EMPTY + "A: b\r\n" * 255 + "\r\n").replace("\r", ""), error=HeadTooLarge)
bad("9110 5.4", "257 lines in an interim head", "HTTP/1.1 103 x\r\n" + "A: b\r\n" * 256 + "\r\n", error=HeadTooLarge)
good("7.1.2", "256 lines of trailers", CHUNKED + "0\r\n" + "A: b\r\n" * 256 + "\r\n", trailers=[("A", "b")] * 256)
bad("7.1.2", "257 lines of trailers", CHUNKED + "0\r\n" + "A: b\r\n" * 257 + "\r\n", "", 200, HeadTooLarge)
good("7.1.1", "a long extension", CHUNKED + "5;" + "a" * 4092 + "\r\nhello\r\n" + LAST, "hello")
bad("7.1.1", "a longer one", CHUNKED + "5;" + "a" * 4093 + "\r\nhello\r\n" + LAST, "", 200, HeadTooLarge)
bad("7.1.1", "one without end", CHUNKED + "5;" + "a" * 5000, "", 200, HeadTooLarge)
bad("7.1", "a size without end", CHUNKED + "0" * 5000, "", 200, HeadTooLarge)
bad("8", "nothing at all", "", error=NoResponse)
bad("8", "one byte", "H", error=Truncated)
bad("8", "cut in the status line", "HTTP/1.1 20", error=Truncated)
bad("8", "cut behind the status line", OK, error=Truncated)
bad("8", "cut in a field", OK + "Content-Le", error=Truncated)
bad("8", "cut before the blank line", EMPTY, error=Truncated)
bad("8", "cut in the blank line", EMPTY + "\r", error=Truncated)
bad("8", "a wrong status line, and cut", "HTTP/1.1 2x0 OK\r\n", error=Truncated)
