"""Bounds on work in flight, and the spread of Retry-After."""

import random
from collections import Counter

import pytest

from regcluster.edge.overload import Admission, retry_after


def test_no_more_than_the_limit_are_let_in() -> None:
    """Past the bound a request is refused."""
    door = Admission(2)

    assert [True, True, False] == [door.try_enter() for _ in range(3)]


def test_one_that_leaves_makes_room() -> None:
    """The bound is on requests at once, not on requests."""
    door = Admission(1)
    door.try_enter()
    door.leave()

    assert (True, 1) == (door.try_enter(), door.in_flight)


def test_those_refused_are_not_in_flight() -> None:
    """A refusal leaves no trace that would shut the door for ever."""
    door = Admission(1)
    for _ in range(5):
        door.try_enter()

    assert 1 == door.in_flight


def test_a_lower_limit_lets_nobody_in_until_enough_have_left() -> None:
    """A limit may be changed while requests are in flight."""
    door = Admission(3)
    for _ in range(3):
        door.try_enter()
    door.limit = 1
    door.leave()
    door.leave()

    assert (False, 1) == (door.try_enter(), door.in_flight)


@pytest.mark.parametrize(
    ("middle", "draw", "seconds"),
    [(10, 0.0, 5), (10, 0.999, 15), (10, 0.5, 10), (5, 0.0, 3), (5, 0.999, 7), (1, 0.0, 1)],
)
def test_retry_after_lies_around_its_middle(middle: int, draw: float, seconds: int) -> None:
    """From half of the middle to one and a half of it, in whole seconds, never 0."""
    assert seconds == retry_after(middle, lambda: draw)


def test_retry_after_spreads_evenly() -> None:
    """Clients refused together do not come back together: no second gets a wave of them."""
    draw = random.Random(1).random
    waves = Counter(retry_after(10, draw) for _ in range(11000))

    assert (set(range(5, 16)), True) == (set(waves), max(waves.values()) < 1200)
