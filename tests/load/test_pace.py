"""When requests leave, as tables."""

from itertools import islice
from math import inf

import pytest

from regcluster.load.pace import (
    ClosedPace,
    OpenPace,
    even_times,
    interleave,
    random_times,
    share,
    stride,
)


def test_open_pace_gives_each_instant_once() -> None:
    """As soon as it has come, in order, whatever is under way."""
    pace = OpenPace(iter([1.0, 1.5, 9.0]))

    assert [None, 1.0, 1.5, None] == [pace.due(now, 10**6) for now in (0.5, 2.0, 2.0, 2.0)]


def test_open_pace_waits_for_the_next_instant() -> None:
    """Not at all when it has come; for good when there is none."""
    pace = OpenPace(iter([1.0]))
    waits = [pace.wait(0.25, 0), pace.wait(3.0, 0)]
    pace.due(3.0, 0)

    assert [0.75, 0.0, inf] == [*waits, pace.wait(3.0, 0)]


@pytest.mark.parametrize(
    ("under_way", "due", "wait"), [(0, 5.0, 0.0), (1, 5.0, 0.0), (2, None, inf)]
)
def test_closed_pace_fills_its_window(under_way: int, due: float | None, wait: float) -> None:
    """Now, while there is room; only an answer makes room."""
    pace = ClosedPace(2)

    assert (due, wait) == (pace.due(5.0, under_way), pace.wait(5.0, under_way))


def test_parts_of_a_rate_mesh() -> None:
    """Two processes take turns, and together they are evenly spaced."""
    parts = [list(islice(even_times(10.0, 4.0, part, 2), 3)) for part in (0, 1)]

    assert [[10.0, 10.5, 11.0], [10.25, 10.75, 11.25]] == parts


def test_random_instants_keep_the_rate() -> None:
    """Each step is what chance says, in units of the mean."""
    steps = iter([1.0, 0.5, 2.5])

    assert [10.1, 10.15, 10.4] == pytest.approx(
        list(islice(random_times(10.0, 10.0, lambda: next(steps)), 3))
    )


@pytest.mark.parametrize(("whole", "parts"), [(10, 3), (2, 3), (0, 2), (9, 3)])
def test_shares_add_up(whole: int, parts: int) -> None:
    """And differ by one at most."""
    shares = [share(whole, part, parts) for part in range(parts)]

    assert whole == sum(shares)
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize(
    ("mix", "cycle"),
    [
        ({"refresh": 7}, ("refresh",)),
        ({"refresh": 50, "lookup": 50}, ("refresh", "lookup")),
        ({"a": 3, "b": 1, "c": 0}, ("a", "a", "b", "a")),
    ],
)
def test_a_mix_is_spread_evenly(mix: dict[str, int], cycle: tuple[str, ...]) -> None:
    """In the shortest cycle there is, without what weighs nothing."""
    assert cycle == interleave(mix)


@pytest.mark.parametrize("size", [1, 2, 3, 10, 1000, 99_991])
def test_a_stride_visits_everyone_before_anyone_twice(size: int) -> None:
    """Whatever the number of places."""
    assert size == len({step * stride(size) % size for step in range(size)})
