"""Rates, from totals that somebody asks for now and then."""

from collections.abc import Sequence

import pytest
from prometheus_client import CollectorRegistry, Counter

from regcluster.control.api.desk import Meter, read_totals
from regcluster.control.api.shapes import Rates

Sample = tuple[float, float]
"""An instant, and the requests until then."""


def rates_of(samples: Sequence[Sample]) -> Rates | None:
    """What is told at the last instant."""
    meter, told = Meter(), None
    for at, requests in samples:
        told = meter.take(at, totals(requests))
    return told


def totals(requests: float) -> dict[str, float]:
    """A tenth of them is a REGISTER, and half of these come to nothing."""
    tenth = requests / 10
    return {
        "requests": requests,
        "registers": tenth,
        "unavailable": tenth / 2,
        "dropped": 0.0,
    }


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        ([(0.0, 50.0)], None),
        ([(0.0, 50.0), (0.4, 90.0)], None),
        ([(0.0, 0.0), (2.0, 50.0)], (2.0, 25.0)),
        ([(0.0, 0.0), (0.1, 1.0), (2.0, 50.0)], (2.0, 25.0)),
        ([(0.0, 0.0), (5.0, 50.0), (10.0, 200.0)], (10.0, 20.0)),
        ([(0.0, 0.0), (5.0, 50.0), (11.0, 200.0)], (6.0, 25.0)),
        ([(3.8, 0.0), (4.815, 1.015)], (1.015, 1.0)),
        ([(0.0, 0.0), (11.0, 200.0)], None),
        ([(0.0, 100.0), (2.0, 50.0)], (2.0, 0.0)),
    ],
)
def test_rates_look_back_ten_seconds_at_most(
    samples: Sequence[Sample], expected: Sample | None
) -> None:
    """As far as somebody has asked then; without that there is nothing to tell."""
    told = rates_of(samples)

    assert expected == (told and (told.over_s, told.requests))


def test_each_count_has_its_rate() -> None:
    """Of the same seconds."""
    told = rates_of([(0.0, 0.0), (2.0, 40.0)])

    assert Rates(2.0, requests=20.0, registers=2.0, unavailable=1.0, dropped=0.0) == told


def test_totals_are_of_all_methods_transports_and_reasons() -> None:
    """Whatever else was counted."""
    registry = CollectorRegistry()
    requests = Counter("regcluster_sip_requests", "", ("method", "transport"), registry=registry)
    responses = Counter("regcluster_sip_responses", "", ("method", "status"), registry=registry)
    drops = Counter("regcluster_sip_drops", "", ("reason",), registry=registry)
    Counter("sheep", "", registry=registry).inc(1000)
    requests.labels("REGISTER", "udp").inc(3)
    requests.labels("REGISTER", "tcp").inc(4)
    requests.labels("INVITE", "udp").inc(10)
    responses.labels("REGISTER", "503").inc(2)
    responses.labels("REGISTER", "200").inc(100)
    drops.labels("malformed").inc(5)

    expected = {"requests": 17.0, "registers": 7.0, "unavailable": 2.0, "dropped": 5.0}
    assert expected == read_totals(registry)
