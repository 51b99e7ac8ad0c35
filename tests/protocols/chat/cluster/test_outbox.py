"""What a server has to say to all, and who waits until all of it is read back."""

from __future__ import annotations

from protocols.chat.cluster.outbox import Outbox


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
