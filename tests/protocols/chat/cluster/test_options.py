"""The command line of a server that is one of several, and what a server that is alone need not load."""

from __future__ import annotations

import subprocess
import sys

import pytest

from protocols.chat.command import parser


def test_a_chat_without_a_cluster_loads_neither_it_nor_redis():
    look = (
        "import sys, protocols.chat.command; print([name for name in sys.modules if 'redis' in name or 'join' in name])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_workers_are_refused_with_what_to_do_instead(capsys):
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--workers", "3"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "--workers" in told
    assert "a --port of its own and the same --cluster redis://HOST" in told


@pytest.mark.parametrize("given", ["http://x", "redis://:secret@host:none", "redis://h/-1"])
def test_a_url_that_is_none_shows_no_password(capsys, given):
    with pytest.raises(SystemExit):
        parser().parse_args(["--cluster", given])
    assert "secret" not in capsys.readouterr().err


def test_the_lease_is_ten_seconds_unless_it_is_said(capsys):
    assert parser().parse_args([]).cluster_ttl == 10.0
    assert parser().parse_args(["--cluster-ttl", "2.5"]).cluster_ttl == 2.5
    for bad in ("0.5", "601", "nan", "soon"):
        with pytest.raises(SystemExit) as ended:
            parser().parse_args(["--cluster-ttl", bad])
        assert ended.value.code == 2
    assert "--cluster-ttl" in capsys.readouterr().err
