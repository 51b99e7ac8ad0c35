"""A directory, and the site that serves it."""

from __future__ import annotations

import os

import pytest

from protocols.http.server.files.shelf import SMALL

from .scenes import Site, write


@pytest.fixture
def root(tmp_path):
    """A directory with a file of each size, and a secret beside it."""
    (tmp_path / "secret").write_bytes(b"secret")
    root = tmp_path / "root"
    (root / "sub" / "deep").mkdir(parents=True)
    write(root / "f.txt", b"0123456789")
    write(root / "empty.txt", b"")
    write(root / "large.bin", os.urandom(SMALL * 3))
    write(root / "sub" / "index.html", b"<p>index")
    write(root / "sub" / "deep" / "x.js", b"x")
    return root


@pytest.fixture
def site(root):
    site = Site().serve(root, "/files")
    yield site
    site.files.close()
    site.close()
