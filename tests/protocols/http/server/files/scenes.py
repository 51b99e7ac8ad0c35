"""A site whose root is a directory."""

from __future__ import annotations

import os

from protocols.http.server import Files
from tests.protocols.http.server.kit import Stage, answers, has_ended
from tests.protocols.http.server.rows import ask

OLD = 1_700_000_000  # when the files of the tests were changed last


def write(path, data, when=OLD):
    path.write_bytes(data)
    os.utime(path, (when, when))


class Site(Stage):
    """A stage whose root is a directory."""

    def serve(self, root, at="/", **options):
        self.files = Files(root, **options)
        self.site.mount(at, self.files)
        return self

    def get(self, path, *fields, method="GET"):
        client = self.says(ask(f"{method} {path} HTTP/1.1", *fields))
        (answer,) = answers(client.data, method, ended=has_ended(client))
        assert answer.complete
        client.transport.abort()
        return answer

    def status(self, path, *fields, method="GET"):
        return self.get(path, *fields, method=method).status


F = "/files/f.txt"
