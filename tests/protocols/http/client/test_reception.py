"""One answer on its way in, without a network: what is to be done after each step."""

from __future__ import annotations

import gzip
from concurrent.futures import Future

import pytest

from protocols.http import BodyTooLarge, Headers, parse_url
from protocols.http.client.options import make_options
from protocols.http.client.reception import WORK_AT_ONCE, Outcome, Reception
from protocols.http.client.request import make_request
from protocols.http.errors import Truncated
from protocols.http.events import Data, End, Failed, Head

OK = Head("1.1", 200, "OK", Headers())
PACKED = Head("1.1", 200, "OK", Headers({"Content-Encoding": "gzip"}))
END = End(Headers())


class Asker:
    """Wants everything, until it is told otherwise."""

    def __init__(self):
        self.heads = []
        self.over = False

    def on_head(self, response, *, decoded):
        self.heads.append((response.status, decoded))

    def is_over(self):
        return self.over


def reception(asker=None, headers=None, **options):
    request = make_request("GET", parse_url("http://a/"), headers)
    return Reception(asker or Asker(), request, make_options(options), [])


def test_an_answer_in_pieces():
    asker = Asker()
    one = reception(asker)
    one.add([OK])
    assert (one.go_on(), asker.heads) == (Outcome.MORE, [(200, False)])
    one.add([Data(b"ab")])
    assert (one.go_on(), one.partial) == (Outcome.MORE, b"ab")
    one.add([Data(b"c"), END])
    assert one.will_end()
    assert (one.go_on(), one.response.body, one.received) == (Outcome.COMPLETE, b"abc", 3)


def test_a_redirect_has_no_content_and_is_no_head():
    asker = Asker()
    one = reception(asker, on_data=lambda data: pytest.fail("content of a redirect"))
    one.add([Head("1.1", 302, "Found", Headers({"Location": "/x"})), Data(b"moved"), END])
    assert (one.go_on(), one.redirect.status, one.ended, asker.heads) == (Outcome.REDIRECT, 302, True, [])


def test_the_redirect_itself_for_who_wants_none_followed():
    one = reception(max_redirects=0)
    one.add([Head("1.1", 302, "Found", Headers({"Location": "/x"})), Data(b"moved"), END])
    assert (one.go_on(), one.response.body) == (Outcome.COMPLETE, b"moved")


def test_who_asks_for_time_is_waited_for_in_the_middle_of_everything():
    waits = [Future(), Future()]
    given = []

    def on_data(data):
        given.append(data)
        return waits[len(given) - 1]

    one = reception(on_data=on_data)
    one.add([OK, Data(b"a"), Data(b"b"), END])
    assert (one.go_on(), given, one.waiting) == (Outcome.WAITING, [b"a"], waits[0])
    one.add([])
    waits[0].set_result(None)
    assert (one.go_on(), given, one.waiting) == (Outcome.WAITING, [b"a", b"b"], waits[1])
    assert one.go_on() is Outcome.COMPLETE


def test_who_does_not_want_it_any_more_gets_nothing():
    asker = Asker()
    asker.over = True
    one = reception(asker)
    one.add([OK, Data(b"a"), END])
    assert (one.go_on(), one.received) == (Outcome.STOPPED, 0)


def test_what_was_good_before_a_fault_counts():
    one = reception()
    error = Truncated("cut")
    one.add([OK, Data(b"a"), Failed(error)])
    assert (one.go_on(), one.error, one.partial) == (Outcome.FAILED, error, b"a")


def test_too_much_is_an_error_and_the_limit_is_inclusive():
    for size, outcome in ((3, Outcome.COMPLETE), (4, Outcome.FAILED)):
        one = reception(max_body=3)
        one.add([OK, Data(b"x" * size), END])
        assert one.go_on() is outcome
        assert isinstance(one.error, BodyTooLarge) == (size > 3)


@pytest.mark.parametrize("content", [bytes(64 << 20), b"x" * 10_000], ids=["a bomb", "10,000 members of one byte"])
def test_no_call_makes_more_content_than_its_share(content):
    packed = gzip.compress(content) if len(content) > 1 << 20 else gzip.compress(b"x") * len(content)
    sizes, pieces = [0], [0]

    def on_data(data):
        sizes[-1] += len(data)
        pieces[-1] += 1

    one = reception(on_data=on_data)
    one.add([PACKED, Data(packed), END])
    while (outcome := one.go_on()) is Outcome.BUSY:
        sizes.append(0)
        pieces.append(0)
    assert outcome is Outcome.COMPLETE
    assert sum(sizes) == len(content)
    assert max(sizes) <= WORK_AT_ONCE + 64 * 1024
    assert max(pieces) <= WORK_AT_ONCE / 1024


def test_streams_that_give_next_to_nothing_cost_what_they_take():
    """Each outer member is a byte of the inner stream: nothing comes out for long, and the loop has its turns."""
    inner = gzip.compress(b"x" * 100_000, 0)[:20_000]
    packed = b"".join(gzip.compress(inner[at : at + 1]) for at in range(len(inner)))
    one = reception(on_data=lambda data: None)
    one.add([Head("1.1", 200, "OK", Headers({"Content-Encoding": "gzip, gzip"})), Data(packed)])
    turns = 1
    while one.go_on() is Outcome.BUSY:
        turns += 1
    assert turns >= len(inner) * 1024 // WORK_AT_ONCE


@pytest.mark.parametrize("given", ["identity", "gzip", "br", None])
def test_only_a_coding_that_we_have_asked_for_is_undone(given):
    for name, packed in (("gzip", gzip.compress(b"x")), ("aws-chunked", b"x"), ("none", b"x")):
        one = reception(headers={"Accept-Encoding": given})
        one.add([Head("1.1", 200, "OK", Headers({"Content-Encoding": name})), Data(packed), END])
        assert (one.go_on(), one.response.body) == (Outcome.COMPLETE, packed)
