"""The estimate of Redis's clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regcluster.store.clock import StoreClock

START_MS = 1_700_000_000_000


def clock(*replies: tuple[int, float, float]) -> StoreClock:
    """A clock that has seen these replies: told, asked, answered."""
    clock = StoreClock()
    for told, asked, answered in replies:
        clock.observe(told, asked, answered)
    return clock


def test_before_the_first_reply_it_is_no_time() -> None:
    """Nobody may take 0 for an instant unasked."""
    assert (False, 0) == (clock().is_set, clock().now(5.0))


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([(START_MS, 10.0, 10.0)], START_MS),
        ([(START_MS, 10.0, 10.1)], START_MS - 50),
        ([(START_MS, 10.0, 10.002), (START_MS + 500, 10.1, 10.9)], START_MS - 1),
        ([(START_MS, 10.0, 10.2), (START_MS + 1000, 11.0, 11.001)], START_MS - 1),
        ([(START_MS, 10.0, 10.0), (START_MS - 5000, 11.0, 11.0)], START_MS - 5999),
        ([(START_MS, 10.0, 10.0), (START_MS + 90_000, 11.0, 11.0)], START_MS + 89_000),
    ],
    ids=["at once", "halfway", "a slow reply", "a quick reply", "set back", "set forward"],
)
def test_the_estimate_follows_what_a_reply_proves(
    replies: list[tuple[int, float, float]], expected: int
) -> None:
    """What it is at the monotonic instant 10, to the millisecond that a reply may be off by."""
    seen = clock(*replies)

    assert (True, expected) == (seen.is_set, round(seen.now(10.0)))


def test_between_replies_the_monotonic_clock_goes_on() -> None:
    """A second is a second."""
    seen = clock((START_MS, 10.0, 10.0))

    assert 3600_000 == seen.now(3610.0) - seen.now(10.0)


QUESTIONS = st.lists(
    st.tuples(st.floats(0, 100), st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8
)


@given(offset=st.integers(0, 2 * START_MS), questions=QUESTIONS)
def test_the_estimate_is_never_further_off_than_the_quickest_question_took(
    offset: int, questions: list[tuple[float, float, float]]
) -> None:
    """Whenever within a question the server read its clock; a millisecond more for the digits."""
    seen = StoreClock()
    for asked, took, part in questions:
        told = int(offset + (asked + took * part) * 1000)
        seen.observe(told, asked, asked + took)

    quickest_ms = min(took for _, took, _ in questions) * 1000
    assert quickest_ms + 2 >= abs(seen.now(200.0) - (offset + 200_000))
