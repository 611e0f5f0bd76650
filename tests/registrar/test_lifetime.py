"""Lifetimes: six parameters, one computation (RFC 3261 §10.3 step 7)."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.registrar.lifetime import LONGEST, grant
from regcluster.registrar.plan import Refusal

REFUSE = {"min_expires_mode": 1}


def settings(**changes: int) -> RegistrarSettings:
    return RegistrarSettings(**changes)  # type: ignore[arg-type]


def no_spread() -> float:
    raise AssertionError("no chance is taken when no range is set")


def half() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("asked", "changes", "granted"),
    [
        pytest.param(100, {}, 100, id="as asked"),
        pytest.param(None, {}, 3600, id="default_expires when nothing is asked"),
        pytest.param(None, {"default_expires": 90}, 90, id="default_expires as set"),
        pytest.param(0, {"min_expires": 60}, 0, id="a removal is never raised"),
        pytest.param(0, REFUSE, 0, id="a removal is never too brief"),
        pytest.param(10, {}, 60, id="raised to min_expires"),
        pytest.param(60, REFUSE, 60, id="min_expires itself is not too brief"),
        pytest.param(1, {"min_expires": 0}, 1, id="no floor"),
        pytest.param(1, {"min_expires": 0} | REFUSE, 1, id="no floor, nothing to refuse"),
        pytest.param(9000, {"max_expires": 3600}, 3600, id="cut to max_expires"),
        pytest.param(9000, {"max_expires": 0}, 9000, id="no ceiling"),
        pytest.param(10, {"min_expires": 600, "max_expires": 300}, 300, id="max wins over min"),
        pytest.param(None, {"default_expires": 10}, 60, id="a default below the floor is raised"),
        pytest.param(3600, {"min_expires": 7200} | REFUSE, 3600, id="an hour is never refused"),
        pytest.param(3600, {"min_expires": 7200}, 7200, id="nor spared where the floor raises"),
        pytest.param(LONGEST, {}, LONGEST, id="the longest there is"),
    ],
)
def test_a_lifetime_is_granted_by_the_parameters(
    asked: int | None, changes: dict[str, int], granted: int
) -> None:
    """default, min and max apply in Kamailio's order, and no chance is involved."""
    assert granted == grant(asked, settings(**changes), no_spread)


@pytest.mark.parametrize("asked", [1, 59, None])
def test_brief_lifetimes_are_refused_with_the_limit(asked: int | None) -> None:
    """With min_expires_mode 1 the answer is 423 and tells the least we grant."""
    outcome = grant(asked, settings(min_expires_mode=1, default_expires=59), no_spread)

    assert (
        Refusal(423, "Interval Too Brief", "Interval too brief", [("Min-Expires", "60")]) == outcome
    )


@pytest.mark.parametrize(
    ("asked", "changes", "granted"),
    [
        pytest.param(1000, {"expires_range": 30}, 850, id="half of 30 percent off"),
        pytest.param(None, {"expires_range": 30}, 3600, id="expires_range spares the default"),
        pytest.param(None, {"default_expires_range": 50}, 2700, id="default_expires_range"),
        pytest.param(1000, {"default_expires_range": 50}, 1000, id="which spares what was asked"),
        pytest.param(70, {"expires_range": 100}, 60, id="never below min_expires"),
        pytest.param(70, {"expires_range": 100} | REFUSE, 60, id="raised silently in mode 1 too"),
        pytest.param(100000, {"expires_range": 30, "max_expires": 5000}, 5000, id="max after"),
        pytest.param(7300, {"expires_range": 30, "min_expires": 7200}, 7200, id="floor after"),
    ],
)
def test_ranges_shorten_a_lifetime_by_chance(
    asked: int | None, changes: dict[str, int], granted: int
) -> None:
    """A range takes a share of the lifetime off, before max_expires and never below the floor."""
    assert granted == grant(asked, settings(**changes), half)


def test_the_least_chance_takes_the_whole_range_off() -> None:
    """A draw of 0 grants the shortest lifetime of the range, never less."""
    assert 700 == grant(1000, settings(expires_range=30), lambda: 0.0)


def test_the_greatest_chance_stays_below_what_was_asked() -> None:
    """Kamailio's best draw is 0.99: a spread lifetime is always shorter than the wish."""
    assert 997 == grant(1000, settings(expires_range=30), lambda: 0.99)
