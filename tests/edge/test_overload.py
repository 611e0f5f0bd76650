"""The spread of Retry-After."""

import random
from collections import Counter

import pytest

from regcluster.edge.overload import retry_after


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
