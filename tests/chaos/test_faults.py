"""Each fault, on each kind of store, under a steady load through two nodes."""

import pytest

from tests.chaos.scenario import DEADLINE_MS, SCENARIOS, Scenario, play, running

pytestmark = [pytest.mark.chaos, pytest.mark.anyio, pytest.mark.timeout(120)]

LATEST_S = DEADLINE_MS / 1000 + 0.25
"""The deadline, and what a machine with two cores may need for six servers, two nodes and us."""

LONGEST_GAP_S = 8.0
"""Far more than it takes to notice that a primary is gone and to choose another."""


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in SCENARIOS])
async def test_no_answer_is_wrong_and_none_comes_late(scenario: Scenario) -> None:
    """Each request gets one answer in time, true or a 5xx, and what must be kept is kept."""
    with running(scenario) as (store, nodes):
        outcome = await play(scenario, store, nodes)

    assert ([], 0) == (outcome.wrong, outcome.silent)
    assert outcome.slowest_s < LATEST_S
    assert max(outcome.register_gap_s, outcome.call_gap_s) < LONGEST_GAP_S
    if scenario.must_find:
        assert [] == outcome.missed
    if scenario.must_keep:
        assert [] == outcome.lost
    assert bool(outcome.lost) or not scenario.must_lose
