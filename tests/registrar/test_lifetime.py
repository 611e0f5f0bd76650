"""Lifetimes: six parameters, one computation (RFC 3261 §10.3 step 7)."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.registrar.lifetime import grant
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
        pytest.param(4294967295, {}, 4294967295, id="the longest there is"),
        pytest.param(2**40, {}, 4294967295, id="never longer than that"),
        pytest.param(None, {"default_expires": 0}, 0, id="a default of 0 removes, as in Kamailio"),
        pytest.param(400, {"min_expires": 600, "max_expires": 300}, 300, id="raised, then cut"),
        pytest.param(7199, {"min_expires": 7200} | REFUSE, 7199, id="nor lengthened in mode 1"),
    ],
)
def test_a_lifetime_is_granted_by_the_parameters(
    asked: int | None, changes: dict[str, int], granted: int
) -> None:
    """default, min and max apply in Kamailio's order, and no chance is involved."""
    assert granted == grant(asked, settings(**changes), no_spread)


@pytest.mark.parametrize(
    ("asked", "changes", "least"),
    [
        pytest.param(1, {}, "60", id="one second"),
        pytest.param(59, {}, "60", id="a second too few"),
        pytest.param(None, {"default_expires": 59}, "60", id="our own default"),
        pytest.param(3599, {"min_expires": 7200}, "7200", id="below an hour under a high floor"),
        pytest.param(400, {"min_expires": 600, "max_expires": 300}, "600", id="above the ceiling"),
    ],
)
def test_brief_lifetimes_are_refused_with_the_limit(
    asked: int | None, changes: dict[str, int], least: str
) -> None:
    """With min_expires_mode 1 the answer is 423 and tells the least we grant."""
    outcome = grant(asked, settings(**(REFUSE | changes)), no_spread)

    assert (
        Refusal(423, "Interval Too Brief", "Interval too brief", [("Min-Expires", least)])
        == outcome
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


@pytest.mark.parametrize(
    ("asked", "changes", "least", "most"),
    [
        pytest.param(1000, {"expires_range": 30}, 700, 997, id="vector 22"),
        pytest.param(None, {"default_expires_range": 50}, 1800, 3582, id="vector 23"),
        pytest.param(5500, {"expires_range": 30, "max_expires": 5000}, 3850, 5000, id="vector 24"),
    ],
)
def test_a_spread_lifetime_has_the_bounds_of_kamailios(
    asked: int | None, changes: dict[str, int], least: int, most: int
) -> None:
    """The range whole at a draw of 0; at 0.99, Kamailio's best, still short of the wish."""
    given = settings(**changes)

    assert (least, most) == (grant(asked, given, lambda: 0.0), grant(asked, given, lambda: 0.99))


@pytest.mark.parametrize("asked", [1, 1000, None])
def test_no_chance_makes_a_removal_of_a_wish_to_be_bound(asked: int | None) -> None:
    """Where there is no floor, the range may take all of a lifetime but its last second."""
    whole = settings(min_expires=0, expires_range=100, default_expires_range=100)

    assert 1 == grant(asked, whole, lambda: 0.0)


@pytest.mark.parametrize(
    ("asked", "granted"), [(1000, 1000), (None, 3600), (10, 60), (9000, 7200), (0, 0)]
)
def test_nothing_is_taken_off_without_spread(asked: int | None, granted: int) -> None:
    """A script may ask for that; floor and ceiling stay."""
    ranges = settings(expires_range=50, default_expires_range=50, max_expires=7200)

    assert granted == grant(asked, ranges, None)
