"""What a server has to say to all, and who waits until all of it is read back."""

from __future__ import annotations

import json

import pytest

from protocols.chat.cluster.entries import pack, unpack
from protocols.chat.cluster.outbox import Outbox


@pytest.mark.parametrize("text", ["", "hi", 'a "quoted\\" word', "\x00\t\x1f\x7f\u2028", "größer 😀", "]],[["])
def test_what_is_said_is_the_same_json_as_any_other_input(text):
    inputs = [["hear", 12, text], ["typed", text], ["hear", 0, text]]
    (data,) = pack(inputs)
    assert data == json.dumps(inputs, ensure_ascii=False, separators=(",", ":")).encode()
    assert unpack(data) == inputs


def test_who_waits_is_called_when_the_last_entry_of_a_large_batch_is_read_back():
    outbox, called = Outbox(), []
    outbox.push(["hear", 1, "before"])
    outbox.when_read("before")
    outbox.flush(0.0)
    for number in range(3000):
        outbox.push(["hear", number, "a line like any other"])
    outbox.when_read("all")
    sent = outbox.flush(0.0)
    assert len(sent) > 1
    outbox.push(["bye"])
    outbox.when_read("bye")
    outbox.flush(0.0)
    for seq in range(1, outbox.seq + 1):
        outbox.acknowledge(seq)
        called += [(call, seq) for call in outbox.take_done()]
    assert called == [("before", 1), ("all", sent[-1].seq), ("bye", sent[-1].seq + 1)]
