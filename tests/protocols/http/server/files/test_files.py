"""Files below a directory: what is served, what is never served, and in which form."""

from __future__ import annotations

import gzip
import html
import os
import re
import socket
import time

import pytest

from protocols.http.server import Files
from protocols.http.server.files import listing
from protocols.http.server.files.shelf import SMALL
from tests.protocols.http.server.kit import answers
from tests.protocols.http.server.rows import ask

from .scenes import OLD, F, Site, write

# -- never --------------------------------------------------------------------------------------------------------


@pytest.fixture
def linked(root):
    (root / "out").symlink_to(root.parent / "secret")
    (root / "up").symlink_to("..")
    (root / "in").symlink_to("f.txt")
    (root / "sub" / "back").symlink_to("../f.txt")
    (root / "sub" / "far").symlink_to("../../secret")
    (root / "sub" / "around").symlink_to("../../root/f.txt")
    (root / "absolute").symlink_to(root / "f.txt")
    (root / "circle").symlink_to("circle")
    (root / "ping").symlink_to("pong")
    (root / "pong").symlink_to("ping")
    (root / "dir").symlink_to("sub/deep")
    (root / "slash").symlink_to("/f.txt")
    (root / "dangling").symlink_to("none")
    (root / "through").symlink_to("dir/../index.html")
    return root


INSIDE = {"in": 200, "sub/back": 200, "dir/x.js": 200, "dir": 301, "dir/": 200, "through": 200}
OUTSIDE = [
    "out",
    "up",
    "up/",
    "up/secret",
    "sub/far",
    "sub/around",
    "absolute",
    "circle",
    "slash",
    "ping",
    "dangling",
    "circle/x",
]


@pytest.mark.parametrize("follow", [False, True])
def test_links(linked, follow):
    """Those that stay below the root are followed where that is wanted; no other ever is."""
    site = Site().serve(linked, follow=follow)
    for path, status in INSIDE.items():
        assert site.status(f"/{path}") == (status if follow else 404), path
    for path in OUTSIDE:
        assert site.status(f"/{path}") == 404, path
    listed = re.findall(r'href="\./([^"]*)"', site.get("/").body.decode())
    assert set(listed) == {"sub/", "empty.txt", "f.txt", "large.bin"} | ({"in", "dir/", "through"} if follow else set())
    site.files.close()
    site.close()


def test_a_link_that_takes_the_place_of_a_directory(site, root):
    """What was served before is no leave to go through a link now, nor is what is kept."""
    write(root.parent / "x.js", b"secret")
    assert site.get("/files/sub/deep/x.js").body == b"x"
    (root / "sub" / "deep").rename(root / "sub" / "was")
    (root / "sub" / "deep").symlink_to("../..")
    assert site.status("/files/sub/deep/x.js") == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/files/../secret", 404), ("/files/../../secret", 400), ("/files/%2e%2e/secret", 404),
        ("/files/..%2fsecret", 404),
        ("/files/%2e%2e%2fsecret", 404), ("/files/sub/..%2f..%2fsecret", 404), ("/files/..%5csecret", 404),
        ("/files/..\\secret", 404), ("/files/f.txt%00", 400), ("/files/f.txt%00.html", 400), ("/files//f.txt", 404),
        ("/files//etc/passwd", 404), ("/files/%2fetc%2fpasswd", 404), ("/files/f.txt/", 404), ("/files/f.txt/x", 404),
        ("/files/f.txt/.", 404), ("/files/sub//", 404), ("/files/none", 404), ("/files/none/", 404),
        ("/files/sub/./", 200),
        ("/files/sub/../f.txt", 200), ("/files/" + "a" * 300, 404), ("/files/" + "a/" * 2000, 404),
        ("/files/f.txt::$DATA", 404),
        ("/files/%E2%80%AE", 404), ("/files/%ff", 404), ("/files/C:/x", 404), ("/files/%252e%252e/secret", 404),
        ("/filesf.txt", 404), ("/files/~root", 404), ("/files/.", 200), ("/files/sub/..", 200), ("/files/CON", 404),
    ],
)  # fmt: skip
def test_paths(site, path, status):
    answer = site.get(path)
    assert answer.status == status
    assert b"secret" not in answer.body


def test_what_is_no_file(site, root):
    """A pipe is not waited for, whoever is at its other end."""
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        here = os.getcwd()
        os.chdir(root)
        sock.bind("socket")
        os.chdir(here)
        assert site.status("/files/socket") == 404
    assert site.status("/files/pipe") == 404
    writer = os.open(root / "pipe", os.O_RDWR)
    assert site.status("/files/pipe") == 404
    os.close(writer)
    listed = site.get("/files/").body
    assert b"pipe" not in listed
    assert b"socket" not in listed


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read(site, root):
    (root / "f.txt").chmod(0)
    assert site.status(F) == 403


def test_no_descriptors(site, monkeypatch):
    def fail(names):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(site.files._tree, "open", fail)
    answer = site.get(F)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.loud
def test_a_disk_that_fails(site, monkeypatch, caplog):
    def fail(names):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(site.files._tree, "open", fail)
    assert site.status(F) == 500
    assert [record.exc_info[0] for record in caplog.records if record.levelno >= 40] == [OSError]


def test_a_root_that_is_none(root):
    for path in (root / "none", root / "f.txt"):
        with pytest.raises(OSError, match=path.name):
            Files(path)


def test_descriptors_are_given_back(site, root):
    before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else None
    for path in ("f.txt", "large.bin", "sub", "sub/", "", "none", "sub/deep/x.js", "f.txt/x"):
        for fields in (
            (),
            ("Range: bytes=0-1",),
            ("Range: bytes=999999999-",),
            ("If-None-Match: *",),
            ("If-Match: x",),
        ):
            for method in ("GET", "HEAD"):
                site.status(f"/files/{path}", *fields, method=method)
    if before is not None:
        assert len(os.listdir("/proc/self/fd")) == before


# -- what is served -----------------------------------------------------------------------------------------------


def test_a_file(site, root):
    for _ in range(2):  # read, and kept
        answer = site.get(F)
        assert (answer.status, answer.body) == (200, b"0123456789")
        headers = answer.headers
        assert headers["content-type"] == "text/plain; charset=utf-8"
        assert headers["content-length"] == "10"
        assert headers["last-modified"] == "Tue, 14 Nov 2023 22:13:20 GMT"
        assert headers["etag"] == f'"{OLD * 10**9:x}-a"'
        assert headers["accept-ranges"] == "bytes"
        assert headers["x-content-type-options"] == "nosniff"
        assert "vary" not in headers


def test_files_of_every_size(site, root):
    for size in (0, 1, SMALL - 1, SMALL, SMALL + 1, 1 << 20):
        write(root / "s", data := os.urandom(size), OLD + size)
        for _ in range(2):
            assert site.get("/files/s").body == data
        head = site.get("/files/s", method="HEAD")
        assert (head.body, head.headers["content-length"]) == (b"", str(size))


def test_other_methods(site):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = site.get(F, "Content-Length: 0", method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_what_is_kept_is_never_old(site, root):
    """Another size, another time, another file under the same name, with the same time as well."""
    assert site.get(F).body == b"0123456789"
    assert site.get(F).body == b"0123456789"
    write(root / "f.txt", b"01234")
    assert site.get(F).body == b"01234"
    write(root / "f.txt", b"abcde", OLD + 1)
    assert site.get(F).body == b"abcde"
    write(root / "new", b"ABCDE", OLD + 1)
    (root / "new").rename(root / "f.txt")
    assert site.get(F).body == b"ABCDE"
    (root / "f.txt").unlink()
    assert site.status(F) == 404
    write(root / "f.txt", b"again")
    assert site.get(F).body == b"again"


def test_a_file_that_changes_all_the_time(site, root):
    """Within a tick of the kernel's clock two changes have one time: what is so fresh is not kept."""
    tags = set()
    for number in range(200):
        (root / "f.txt").write_bytes(b"%010d" % number)
        answer = site.get(F)
        assert answer.body == b"%010d" % number
        tags.add(answer.headers["etag"])
    assert site.files._shelf.kept.get((("f.txt",), False)) is None
    assert len(tags) > 1


def test_a_change_within_the_second_is_another_tag(site, root):
    os.utime(root / "f.txt", ns=(OLD * 10**9, OLD * 10**9 + 1))
    first = site.get(F)
    os.utime(root / "f.txt", ns=(OLD * 10**9, OLD * 10**9 + 2))
    second = site.get(F)
    assert first.headers["last-modified"] == second.headers["last-modified"]
    assert first.headers["etag"] != second.headers["etag"]
    assert site.status(F, f"If-None-Match: {first.headers['etag']}") == 200


def test_times_that_are_none(site, root):
    for when in (-5, time.time() + 1_000_000):
        os.utime(root / "f.txt", (when, when))
        answer = site.get(F)
        assert (answer.status, "last-modified" in answer.headers) == (200, False)
        assert site.status(F, "If-Modified-Since: Tue, 14 Nov 2023 22:13:20 GMT") in (200, 304)


def test_the_shelf_is_bounded(site, root):
    site.files._shelf._room = 200_000
    for number in range(20):
        write(root / f"{number}", bytes(50_000))
        assert len(site.get(f"/files/{number}").body) == 50_000
    assert site.files._shelf._size <= 200_000
    assert len(site.files._shelf.kept) == 3


def test_types(site, root):
    for name, kind in {
        "a.html": "text/html; charset=utf-8", "a.mjs": "text/javascript; charset=utf-8", "a.tar.gz": "application/gzip",
        "A.PNG": "image/png", "a": "application/octet-stream", ".html": "application/octet-stream",
        "a.unknown": "application/octet-stream", "a.svg": "image/svg+xml; charset=utf-8", "a.wasm": "application/wasm",
    }.items():  # fmt: skip
        write(root / name, b"x")
        answer = site.get(f"/files/{name}")
        assert (answer.headers["content-type"], "content-encoding" in answer.headers) == (kind, False)


def test_options(root):
    site = Site().serve(root, types={"txt": "text/x"}, cache_control="max-age=60", listing=False, index=("f.txt",))
    answer = site.get("/")
    assert (answer.body, answer.headers["content-type"], answer.headers["cache-control"]) == (
        b"0123456789", "text/x", "max-age=60",
    )  # fmt: skip
    assert site.status("/sub/") == 404
    same = site.get("/", f"If-None-Match: {answer.headers['etag']}")
    assert (same.status, same.headers["cache-control"], "content-type" in same.headers) == (304, "max-age=60", False)
    site.files.close()
    site.close()


# -- directories --------------------------------------------------------------------------------------------------


def test_a_directory_has_a_slash(site):
    for path, location in {
        "/files": "/files/", "/files/sub": "/files/sub/", "/files/sub?a=b&c": "/files/sub/?a=b&c",
        "http://evil.example/files/sub": "/files/sub/", "/files/./sub": "/files/sub/", "/x/../files/sub": "/files/sub/",
    }.items():  # fmt: skip
        answer = site.get(path)
        assert (answer.status, answer.headers["location"]) == (301, location)


def test_a_redirect_never_leads_to_another_host(root):
    (root / "evil.example").mkdir()
    site = Site().serve(root)
    for path in ("//evil.example", "/%2fevil.example", "/\\evil.example", "/.//evil.example", "/x/..//evil.example"):
        answer = site.get(path)
        assert answer.status in (301, 404)
        assert re.match(r"/(?![/\\])", answer.headers.get("location", "/x"))
    site.files.close()
    site.close()


def test_an_index_and_a_listing(site):
    assert site.get("/files/sub/").body == b"<p>index"
    answer = site.get("/files/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    names = re.findall(r'href="([^"]*)"', answer.body.decode())
    assert names == ["./sub/", "./empty.txt", "./f.txt", "./large.bin"]
    assert re.findall(r'href="([^"]*)"', site.get("/files/sub/deep/").body.decode()) == ["../", "./x.js"]
    head = site.get("/files/", method="HEAD")
    assert (head.body, head.headers["content-length"]) == (b"", answer.headers["content-length"])


ODD = [
    "a b", "a#b?c=d", "a%25b", "100%", "<script>alert(1)<script>", 'q"u\'o&t;e', "javascript:alert(1)", "new\nline",
    "back\\slash",
    "你好", "e\u0301", "\u202egpj", " ", ".hidden", "..dots", "a;b=c", "+", "~", "C:", "tab\t", "\x7f", "-rf", "*",
    "a" * 255,
]  # fmt: skip


def test_odd_names(site, root):
    """Every link of a listing leads back to its name, and no name is more than text."""
    names = [os.fsencode(name) for name in ODD] + [b"\xff\xfe", b"caf\xe9"]
    (root / "odd").mkdir()
    for name in names:
        write(root / "odd" / os.fsdecode(name), b"<" + name + b">")
    page = site.get("/files/odd/").body.decode()
    links = re.findall(r'<a href="\./([^"]*)">(.*?)</a>', page, re.DOTALL)
    assert len(links) == len(names)
    found = {site.get(f"/files/odd/{link}").body[1:-1] for link, _ in links}
    assert found == set(names)
    assert {html.unescape(text) for _, text in links} >= set(ODD)
    assert "<script" not in page


def test_a_directory_of_very_many(site, root, monkeypatch):
    monkeypatch.setattr("protocols.http.server.files.listing.MOST", 3)
    page = site.get("/files/").body.decode()
    assert page.count("<tr>") == 3
    assert "more than these 3" in page


def test_a_large_directory_is_read_once_a_second(site, root, monkeypatch):
    monkeypatch.setattr("protocols.http.server.files.listing.LARGE", 3)
    monkeypatch.setattr("protocols.http.server.files.listing.PAGES", 1)
    read = []
    entries = listing.entries
    monkeypatch.setattr("protocols.http.server.files.listing.entries", lambda *args: read.append(1) or entries(*args))
    pages = {site.get("/files/").body for _ in range(20)}
    assert (len(read), len(pages)) == (1, 1)
    write(root / "new.txt", b"")
    site.reactor.advance(1.0)
    assert b"new.txt" in site.get("/files/").body
    assert len(read) == 2
    (root / "other").mkdir()
    for name in "abcd":
        write(root / "other" / name, b"")
    assert b"./d" in site.get("/files/other/").body
    assert b"other" in site.get("/files/").body  # only one is kept
    assert len(read) == 4


# -- compressed forms ---------------------------------------------------------------------------------------------


@pytest.fixture
def compressed(root):
    write(root / "f.txt.gz", gzip.compress(b"0123456789"))
    return root


@pytest.mark.parametrize(
    ("accepted", "coded"),
    [
        ("gzip", True), ("deflate, gzip;q=0.5", True), ("GZIP", True), ("br, x-gzip", True), ("gzip;q=1.000", True),
        ("gzip;q=0", False), ("gzip;q=0.000", False), ("gzip; q=0", False), ("*", False), ("identity", False),
        ("br", False),
        ("", False), ("gzipped", False), ("notgzip", False),
    ],
)  # fmt: skip
def test_a_compressed_form(site, compressed, accepted, coded):
    answer = site.get(F, f"Accept-Encoding: {accepted}")
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert ("content-encoding" in answer.headers) == coded
    assert (gzip.decompress(answer.body) if coded else answer.body) == b"0123456789"


def test_a_compressed_form_is_another_representation(site, compressed):
    plain, coded = site.get(F), site.get(F, "Accept-Encoding: gzip")
    assert plain.headers["etag"] != coded.headers["etag"]
    same = site.get(F, "Accept-Encoding: gzip", f"If-None-Match: {coded.headers['etag']}")
    assert (same.status, same.headers["vary"]) == (304, "Accept-Encoding")
    part = site.get(F, "Accept-Encoding: gzip", "Range: bytes=0-3")
    assert (part.status, part.body) == (206, coded.body[:4])


def test_a_compressed_form_that_is_none(site, root):
    write(root / "f.txt.gz", b"old", OLD - 1)
    assert "content-encoding" not in site.get(F, "Accept-Encoding: gzip").headers
    (root / "f.txt.gz").unlink()
    (root / "f.txt.gz").symlink_to("large.bin")
    assert "content-encoding" not in site.get(F, "Accept-Encoding: gzip").headers
    (root / "f.txt.gz").unlink()
    (root / "f.txt.gz").mkdir()
    assert "content-encoding" not in site.get(F, "Accept-Encoding: gzip").headers
    write(root / "only.gz", b"x")
    assert site.status("/files/only", "Accept-Encoding: gzip") == 404


def test_a_compressed_form_that_comes_and_goes(site, root):
    assert "content-encoding" not in site.get(F, "Accept-Encoding: gzip").headers
    write(root / "f.txt.gz", gzip.compress(b"0123456789"))
    assert "content-encoding" in site.get(F, "Accept-Encoding: gzip").headers
    (root / "f.txt.gz").unlink()
    assert site.get(F, "Accept-Encoding: gzip").body == b"0123456789"


# -- in bulk ------------------------------------------------------------------------------------------------------


def test_a_file_of_ten_gigabytes(site, root):
    """Sparse: its length is right, a part from its end comes, and nothing of it is in memory."""
    with (root / "huge").open("wb") as file:
        file.truncate(10 << 30)
    assert site.get("/files/huge", method="HEAD").headers["content-length"] == str(10 << 30)
    part = site.get("/files/huge", f"Range: bytes={(10 << 30) - 3}-")
    assert (part.status, part.body) == (206, b"\0\0\0")
    client = site.dial()
    client.transport.pause_reading()
    client.write(ask("GET /files/huge HTTP/1.1"))
    site.reactor.settle()
    assert sum(transport.get_write_buffer_size() for transport in site.listener.connections) < 1000
    client.transport.abort()


def test_many_slow_readers_hold_no_memory(site, root):
    clients = [site.dial() for _ in range(200)]
    for client in clients:
        client.transport.pause_reading()
        client.write(ask("GET /files/large.bin HTTP/1.1"))
    site.reactor.settle()
    assert sum(transport.get_write_buffer_size() for transport in site.listener.connections) < 100 * len(clients)
    for client in clients:
        client.transport.abort()
    site.reactor.settle()


@pytest.mark.loud
def test_a_file_that_shrinks_while_it_is_sent(site, root):
    client = site.dial()
    client.transport.pause_reading()
    client.write(ask("GET /files/large.bin HTTP/1.1"))
    site.reactor.settle()
    write(root / "large.bin", b"short")
    client.transport.resume_reading()
    site.reactor.settle()
    assert not answers(client.data, ended=False)[0].complete
    assert not site.listener.connections


def test_a_file_that_grows_while_it_is_sent(site, root):
    client = site.dial()
    client.transport.pause_reading()
    client.write(ask("GET /files/large.bin HTTP/1.1") + ask("GET /files/f.txt HTTP/1.1"))
    site.reactor.settle()
    with (root / "large.bin").open("ab") as file:
        file.write(b"more" * 100_000)
    client.transport.resume_reading()
    site.reactor.settle()
    assert [len(answer.body) for answer in answers(client.data)] == [SMALL * 3, 10]
