"""The table in the documentation: of the scenarios there are, and without a broken promise."""

from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.scenario import SCENARIOS, Outcome, Scenario

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

ROWS = dict(zip([each.name for each in SCENARIOS], report.read(PAGE), strict=True))


def outcome() -> Outcome:
    """Nothing out of the ordinary."""
    return Outcome(
        answers=200,
        refused=50,
        register_gap_s=1.25,
        call_gap_s=0.04,
        slowest_s=0.5,
        silent=1,
        wrong=["one"],
        missed=["one", "two"],
        lost=[],
    )


def test_the_page_tells_of_every_scenario() -> None:
    """In the order in which they are played."""
    told = [row[:3] for row in report.read(PAGE)]

    assert [(each.kind, each.fault.name, str(each.wait_replicas)) for each in SCENARIOS] == told


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in SCENARIOS])
def test_the_page_admits_no_broken_promise(scenario: Scenario) -> None:
    """Nobody writes down a run that the tests would not let pass."""
    *_, wrong, missed, lost = ROWS[scenario.name]

    assert "0" == wrong
    assert "0" == missed or not scenario.must_find
    assert "0" == lost or not scenario.must_keep


def test_a_table_takes_the_place_of_the_last_one(tmp_path: Path) -> None:
    """What stands around it stays, and what was written can be read."""
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}old\n{report.END}after\n")
    row = report.row(SCENARIOS[0], outcome())

    report.replace(page, report.render([row]))

    text = page.read_text()
    assert [row] == report.read(page)
    assert (True, True, False) == (
        text.startswith("before\n"),
        text.endswith("after\n"),
        "old" in text,
    )
    assert ("1.2", "0.0", "25 %", "2", "2", "0") == row[3:]
