"""Counting to a thousandth, and adding up."""

import pytest

from regcluster.load.ledger import Counts, Ledger, Step, added, note


@pytest.mark.parametrize("value", [0, 1, 2047, 2048, 12_345, 999_999, 3_600_000_000])
def test_a_value_is_kept_to_a_thousandth(value: int) -> None:
    """Small ones exactly."""
    counts: Counts = {}
    note(counts, value)
    (kept,) = counts

    assert value - value // 1000 <= kept <= value
    assert kept == value or value >= 2048


def test_what_is_kept_is_bounded() -> None:
    """However many different values there are."""
    counts: Counts = {}
    for value in range(0, 40_000_000, 997):
        note(counts, value)

    assert len(counts) < 18_000
    assert len(range(0, 40_000_000, 997)) == sum(counts.values())


def test_counts_add_up() -> None:
    """Value by value."""
    assert {1: 3, 2: 5, 3: 1} == added([{1: 1, 2: 5}, {1: 2, 3: 1}])


def test_ledgers_add_up() -> None:
    """Everything that two processes have counted."""
    one, other = Ledger(), Ledger()
    for ledger, kind in ((one, "refresh"), (other, "lookup"), (other, "refresh")):
        ledger.sent[kind] += 1
        ledger.statuses[kind, 200] += 1
        ledger.lost[kind] += 1
        note(ledger.latency[kind], 5)
        note(ledger.lateness, 1)
        ledger.retried += 1
    one.add(other)

    assert {"refresh": 2, "lookup": 1} == dict(one.sent) == dict(one.lost)
    assert {("refresh", 200): 2, ("lookup", 200): 1} == dict(one.statuses)
    assert {"refresh": {5: 2}, "lookup": {5: 1}} == dict(one.latency)
    assert ({1: 3}, 3) == (one.lateness, one.retried)


def test_steps_add_up() -> None:
    """Field by field."""
    step = Step(sent=1, good=2, refused=3)
    step.add(Step(sent=10, lost=5))

    assert Step(sent=11, good=2, refused=3, lost=5) == step
