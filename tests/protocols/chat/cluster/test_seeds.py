"""Seeded lives of a cluster; `--seeds 800` for many of them, `--seed N` for one. Planted bugs are noticed."""

from __future__ import annotations

import pytest

from protocols.chat.cluster import cluster, nodes, outbox, people, stay
from tests.protocols.chat.cluster.model import Model

SHORT = ("flap", "short_cut", "short_stop", "refuse", "refuse_some")
ALL = (*SHORT, "long_cut", "long_stop", "kill", "drain", "all_cut")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        one, many = metafunc.config.getoption("seed"), metafunc.config.getoption("seeds")
        metafunc.parametrize("seed", [one] if one is not None else range(max(1, many // 4)))


def run(seed, faults, **options):
    model = Model(seed, faults, **options)
    try:
        return model.run()
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}\n" + "\n".join(model.log)) from error


def test_short_faults_are_not_noticed(seed):
    run(seed, SHORT).undisturbed()


def test_all_faults_heal(seed):
    run(seed, ALL)


def test_an_emptied_log_loses_nothing(seed):
    run(seed, ("empty", "flap", "short_cut")).undisturbed()


def found(faults, seeds=12):
    """Whether some seed notices what is wrong."""
    for seed in range(seeds):
        try:
            life = run(seed, faults)
            if faults is SHORT:
                life.undisturbed()
        except AssertionError as error:
            print(seed, str(error).partition("\n")[0])
            return True
    return False


def test_planted_nothing_is_written_again(monkeypatch):
    monkeypatch.setattr(stay.Stay, "resend", lambda self: None)
    assert found(SHORT)


@pytest.mark.parametrize("ignored", [nodes.Verdict.AGAIN, nodes.Verdict.GAP])
def test_planted_what_was_written_again_or_comes_behind_a_gap_counts(monkeypatch, ignored):
    look = nodes.Nodes._look

    def counts(self, entry, *, joins):
        verdict = look(self, entry, joins=joins)
        return nodes.Verdict.COUNTS if verdict is ignored else verdict

    monkeypatch.setattr(nodes.Nodes, "_look", counts)
    assert found(SHORT)


def test_planted_nobody_is_ever_dead(monkeypatch):
    judge = nodes.Nodes.judge
    monkeypatch.setattr(nodes.Nodes, "judge", lambda self, *args, **options: (judge(self, *args, **options)[0], []))
    assert found(("kill",))


def test_planted_people_are_not_told(monkeypatch):
    for where, name in ((cluster, "LOST"), (cluster, "FOUND"), (people, "FOUND")):
        monkeypatch.setattr(where, name, "nothing in particular")
    assert found(("long_cut", "all_cut"))


def test_planted_the_sender_is_heard_at_once_where_it_is(monkeypatch):
    def hear(self, member, text):
        if self.mode is cluster.Mode.IN and member.room is not None and text.isdigit():
            member.room.post(f"{member.name}: {text}\n".encode(), member)
        original(self, member, text)

    original = cluster.Cluster.hear
    monkeypatch.setattr(cluster.Cluster, "hear", hear)
    assert found(SHORT)


def test_planted_numbers_are_used_twice(monkeypatch):
    flush = outbox.Outbox.flush

    def forgetful(self, now, *, heartbeat=False):
        sent = flush(self, now, heartbeat=heartbeat)
        if self.seq % 17 == 0:
            self.seq -= 1
        return sent

    monkeypatch.setattr(outbox.Outbox, "flush", forgetful)
    assert found(SHORT)
