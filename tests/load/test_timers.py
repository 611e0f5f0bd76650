"""When a request is sent again, and when it is given up."""

import pytest

from regcluster.load.timers import Ladder, offsets


@pytest.mark.parametrize(
    ("is_invite", "patience", "expected"),
    [
        (False, 32.0, [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]),
        (True, 32.0, [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]),
        (False, 2.0, [0.5, 1.5]),
        (False, 0.5, []),
    ],
)
def test_offsets_are_those_of_the_rfc(
    is_invite: bool, patience: float, expected: list[float]
) -> None:
    """Timers E and A of RFC 3261 §17.1, cut off where patience ends."""
    assert expected == offsets(is_invite=is_invite, patience_s=patience)


def test_a_request_climbs_step_by_step() -> None:
    """Sent again at each, given up at the last; in time for each even where looks are seldom."""
    ladder = Ladder([0.5, 1.5], 3.0)
    seen: list[tuple[str, int]] = []
    ladder.add(7, 10.0)
    for now in (10.4, 10.6, 11.4, 11.6, 12.9, 13.1, 99.0):
        ladder.climb(
            now,
            {7},
            lambda index: seen.append(("again", index)),
            lambda index: seen.append(("up", index)),
        )

    assert [("again", 7), ("again", 7), ("up", 7)] == seen


def test_what_has_its_answer_is_left_alone() -> None:
    """And falls off the ladder."""
    ladder = Ladder([0.5], 1.0)
    ladder.add(1, 0.0)
    ladder.add(2, 0.0)
    seen: list[int] = []
    ladder.climb(5.0, {2}, seen.append, seen.append)

    assert [2, 2] == seen
