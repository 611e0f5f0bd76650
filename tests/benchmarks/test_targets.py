"""Targets: ratios of what other benchmarks have found, and what became of them."""

import pytest

from benchmarks.report import Report, Row
from benchmarks.targets import Target, ratio, tell

LATENCY = "p99 of a refresh at 70 % of capacity ÷ the store's"
MEMORY, REDIS, NODE = "Kamailio, memory", "Kamailio, db_redis", "regcluster, Redis 7.0"


def _cost(contestant: str, work: str, phones: int, *rounds: float) -> Row:
    return {
        "contestant": contestant,
        "work": work,
        "part": "all",
        "phones": phones,
        "rounds": list(rounds),
    }


def _report(name: str, rows: list[Row]) -> Report:
    return Report(name=name, title="", unit="", rows=rows, text="")


FOUND = {
    "side-by-side": _report(
        "side-by-side",
        [
            _cost(MEMORY, "refresh", 10_000, 20.0, 30.0, 20.0),
            _cost(REDIS, "refresh", 10_000, 500.0, 600.0, 500.0),
            _cost(NODE, "refresh", 10_000, 24.0, 60.0, 22.0),
            _cost(MEMORY, "lookup", 10_000, 20.0, 20.0, 20.0),
            _cost(NODE, "lookup", 10_000, 38.0, 38.0, 40.0),
            {**_cost(NODE, "lookup", 10_000, 1.0, 1.0, 1.0), "part": "store"},
        ],
    ),
    "users": _report(
        "users",
        [
            _cost(NODE, "refresh", 1_000, 40.0, 40.0, 40.0),
            _cost(NODE, "refresh", 10_000, 50.0, 50.0, 50.0),
            _cost(NODE, "refresh", 1_000_000, 55.0, 55.0, 90.0),
            _cost(MEMORY, "refresh", 10_000, 20.0, 20.0, 20.0),
            _cost(MEMORY, "refresh", 1_000_000, 20.0, 20.0, 20.0),
        ],
    ),
    "memory": _report(
        "memory",
        [
            {"name": "Redis 7.0, default", "feed_bytes": 9, "ratio": 0.5},
            {"name": "Kamailio", "feed_bytes": None, "ratio": 1.0},
        ],
    ),
    "latency": _report(
        "latency",
        [
            {"series": NODE, "percentile": 50, "times_the_store": 9.0},
            {"series": NODE, "percentile": 99, "times_the_store": 1.9},
            {"series": f"{NODE}: the store alone", "percentile": 99, "times_the_store": 1.9},
            {"series": MEMORY, "percentile": 99, "times_the_store": None},
        ],
    ),
    "closed": _report(
        "closed",
        [
            {"contestant": NODE, "under_way": 1, "rate": 69, "times_the_store": 1.5},
            {"contestant": NODE, "under_way": 8, "rate": 70, "times_the_store": 2.5},
            {"contestant": NODE, "under_way": 64, "rate": 100, "times_the_store": 9.0},
            {"contestant": MEMORY, "under_way": 1, "rate": 100, "times_the_store": None},
        ],
    ),
}


def test_every_target_has_its_ratio_and_its_verdict() -> None:
    """Of all six, in their order, the last in two ways; what is no node of ours has none."""
    rows = tell(FOUND).rows

    assert [
        ("REGISTER refresh ÷ Kamailio in memory", 1.2, "reached"),
        ("REGISTER refresh ÷ Kamailio with db_redis", 0.048, "stretch reached"),
        ("lookup + 302 ÷ Kamailio in memory", 1.9, "missed"),
        ("CPU per REGISTER at 1,000,000 users ÷ at 10,000", 1.1, "reached"),
        ("bytes per binding ÷ Kamailio's", 0.5, "reached"),
        (f"{LATENCY}, at a fixed rate", 1.9, "stretch reached"),
        (f"{LATENCY}, in a closed loop", 2.5, "reached"),
    ] == [(row["what"], row["ratio"], row["verdict"]) for row in rows]


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    """What one bad round says counts for nothing."""
    assert ratio([2.0, 900.0, 3.0], [1.0, 1.0, 2.0]) == 2.0


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [(0.9, "stretch reached"), (0.91, "reached"), (1.3, "reached"), (1.31, "missed")],
)
def test_a_limit_that_is_just_kept_is_kept(measured: float, verdict: str) -> None:
    """Both limits are inclusive."""
    assert verdict == Target("", "", measured, 1.3, 0.9).verdict


def test_without_kamailio_there_is_nothing_to_divide_by() -> None:
    """Its targets are left out, the others stay."""
    alone = _report(
        "side-by-side", [row for row in FOUND["side-by-side"].rows if row["contestant"] == NODE]
    )

    rows = tell({**FOUND, "side-by-side": alone}).rows

    assert ["CPU", "bytes", "p99", "p99"] == [str(row["what"]).split()[0] for row in rows]
