"""What the guard against slowness calls a loss, and what it remembers."""

from pathlib import Path

import pytest

from benchmarks import micro
from benchmarks.guard import Loss, Ratios, best, compare, losses, middle, remember, remembered


@pytest.mark.parametrize(
    ("before", "now", "lost"),
    [
        ({"parse": 1.0}, {"parse": 1.0}, []),
        ({"parse": 1.0}, {"parse": 1.2}, []),
        ({"parse": 1.0}, {"parse": 1.21}, [Loss("parse", 1.0, 1.21)]),
        ({"parse": 1.0, "plan": 1.0}, {"parse": 1.5, "plan": 0.5}, [Loss("parse", 1.0, 1.5)]),
        ({"parse": 1.0}, {"plan": 9.0}, []),
        ({"parse": 1.0}, {}, []),
    ],
    ids=["equal", "a fifth", "more", "one of two", "a new part", "a part that is no more"],
)
def test_a_loss_is_more_than_a_fifth(before: Ratios, now: Ratios, lost: list[Loss]) -> None:
    """What has become cheaper, or was never measured before, is none."""
    assert lost == losses(before, now)


def test_the_better_of_two_tries_counts() -> None:
    """A part that one good try has shown to be cheap is cheap."""
    assert {"parse": 1.0, "plan": 2.0} == best({"parse": 1.5, "plan": 2.0}, {"parse": 1.0})


def test_what_is_remembered_is_the_middle_of_several_tries() -> None:
    """One that was lucky would make every later one a loss."""
    tries = [{"parse": 1.0, "plan": 3.0}, {"parse": 9.0, "plan": 2.0}, {"parse": 2.0, "plan": 1.0}]

    assert {"parse": 2.0, "plan": 2.0} == middle(tries)


def test_what_is_remembered_of_one_build_stays_when_another_is_recorded(tmp_path: Path) -> None:
    """Compiled code and each Python have ratios of their own."""
    file = tmp_path / "guard.json"

    remember("cpython-3.11-pure", {"parse": 1.23456}, file)
    remember("cpython-3.11-native", {"parse": 0.5}, file)
    remember("cpython-3.11-pure", {"parse": 1.1}, file)

    assert {"cpython-3.11-native": {"parse": 0.5}, "cpython-3.11-pure": {"parse": 1.1}} == (
        remembered(file)
    )


def test_every_build_remembered_knows_the_same_parts() -> None:
    """A part that was renamed is recorded anew everywhere, or it is guarded by nobody."""
    parts = {frozenset(ratios) for ratios in remembered().values()}

    assert 1 == len(parts)


@pytest.mark.parametrize(
    ("costs", "lost"),
    [
        ([2.0, 2.5, 3.0], [Loss("parse", 1.0, 2.0)]),
        ([2.0, 1.0], []),
        ([1.0], []),
    ],
    ids=["in every try", "not in the second", "in none"],
)
def test_what_is_lost_is_lost_in_every_try(costs: list[float], lost: list[Loss]) -> None:
    """Three tries are made at most, and no more than it takes."""
    tries = iter(costs)

    found = compare({"parse": 1.0}, lambda number: {"parse": next(tries)})

    assert (lost, None) == (found, next(tries, None))


@pytest.mark.server
def test_every_part_of_a_request_has_a_cost() -> None:
    """The parts are those that are remembered, and none is free."""
    measured = micro.measure(rounds=2)

    assert [] == [part for part, ratio in measured.ratios.items() if ratio <= 0]
    assert set(measured.ratios) == {part for parts in remembered().values() for part in parts}
