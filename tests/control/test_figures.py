"""Figures from metrics: two texts in, rates and durations out."""

from collections.abc import Sequence

import msgspec
import pytest
from prometheus_client import REGISTRY

from regcluster.control.figures import (
    NAMES,
    Figures,
    compare,
    quantile_ms,
    read_metrics,
)
from regcluster.control.gauges import NodeGauges

BEFORE = """\
# TYPE regcluster_ready gauge
regcluster_ready 1.0
# TYPE regcluster_start_time_seconds gauge
regcluster_start_time_seconds 1000.0
# TYPE regcluster_worker_restarts counter
regcluster_worker_restarts_total{reason="died"} 1.0
regcluster_worker_restarts_total{reason="stuck"} 2.0
# TYPE regcluster_sip_requests counter
regcluster_sip_requests_total{method="REGISTER",transport="udp"} 100.0
regcluster_sip_requests_total{method="INVITE",transport="udp"} 50.0
# TYPE regcluster_sip_responses counter
regcluster_sip_responses_total{method="REGISTER",status="200",transport="udp"} 90.0
regcluster_sip_responses_total{method="REGISTER",status="503",transport="udp"} 10.0
# TYPE regcluster_sip_drops counter
regcluster_sip_drops_total{reason="ack"} 10.0
# TYPE regcluster_sip_request_duration_seconds histogram
regcluster_sip_request_duration_seconds_bucket{method="REGISTER",le="0.001"} 50.0
regcluster_sip_request_duration_seconds_bucket{method="REGISTER",le="0.01"} 100.0
regcluster_sip_request_duration_seconds_bucket{method="REGISTER",le="+Inf"} 100.0
regcluster_sip_request_duration_seconds_count{method="REGISTER"} 100.0
regcluster_sip_request_duration_seconds_sum{method="REGISTER"} 1.0
"""

LATER = """\
# TYPE regcluster_ready gauge
regcluster_ready 0.0
# TYPE regcluster_draining gauge
regcluster_draining 1.0
# TYPE regcluster_start_time_seconds gauge
regcluster_start_time_seconds 1000.0
# TYPE regcluster_worker_restarts counter
regcluster_worker_restarts_total{reason="died"} 1.0
regcluster_worker_restarts_total{reason="stuck"} 3.0
# TYPE regcluster_sip_requests counter
regcluster_sip_requests_total{method="REGISTER",transport="udp"} 120.0
regcluster_sip_requests_total{method="REGISTER",transport="tcp"} 10.0
regcluster_sip_requests_total{method="INVITE",transport="udp"} 60.0
# TYPE regcluster_sip_responses counter
regcluster_sip_responses_total{method="REGISTER",status="200",transport="udp"} 110.0
regcluster_sip_responses_total{method="REGISTER",status="503",transport="udp"} 12.0
regcluster_sip_responses_total{method="INVITE",status="500",transport="udp"} 2.0
# TYPE regcluster_sip_drops counter
regcluster_sip_drops_total{reason="ack"} 4.0
# TYPE regcluster_sip_request_duration_seconds histogram
regcluster_sip_request_duration_seconds_bucket{method="REGISTER",le="0.001"} 60.0
regcluster_sip_request_duration_seconds_bucket{method="REGISTER",le="0.01"} 120.0
regcluster_sip_request_duration_seconds_bucket{method="REGISTER",le="+Inf"} 120.0
regcluster_sip_request_duration_seconds_count{method="REGISTER"} 120.0
regcluster_sip_request_duration_seconds_sum{method="REGISTER"} 1.2
regcluster_sip_request_duration_seconds_bucket{method="INVITE",le="0.001"} 0.0
regcluster_sip_request_duration_seconds_bucket{method="INVITE",le="+Inf"} 10.0
# TYPE regcluster_store_call_duration_seconds histogram
regcluster_store_call_duration_seconds_bucket{le="0.001",operation="save"} 0.0
regcluster_store_call_duration_seconds_bucket{le="+Inf",operation="save"} 10.0
regcluster_store_call_duration_seconds_bucket{le="0.001",operation="fetch"} 10.0
regcluster_store_call_duration_seconds_bucket{le="+Inf",operation="fetch"} 10.0
"""

EXPECTED = Figures(
    is_ready=False,
    is_draining=True,
    up_s=100.0,
    workers=None,
    restarts=4,
    cpu_cores=0.0,
    requests_per_s=4.0,
    registers_per_s=3.0,
    lookups_per_s=0.0,
    refused_per_s=0.4,
    shed_per_s=0.0,
    drops_per_s=0.4,
    store_errors_per_s=0.0,
    in_flight=None,
    connections=None,
    bindings=None,
    register_p50_ms=1.0,
    register_p99_ms=9.82,
    store_p99_ms=1.0,
)
"""Of ten seconds, in which the count of drops has begun anew."""


def test_two_looks_make_figures() -> None:
    """Series are added up; what a node does not tell is None, or has not happened."""
    figures = compare(read_metrics(BEFORE, 1090.0), read_metrics(LATER, 1100.0))

    assert EXPECTED == figures


def test_what_can_be_counted_is_a_whole_number() -> None:
    """Also as it is written for machines."""
    figures = compare(read_metrics(BEFORE, 1090.0), read_metrics(LATER, 1100.0))

    assert b'"restarts":4,' in msgspec.json.encode(figures)


def test_a_look_at_something_else_finds_nothing() -> None:
    """Another program's metrics are none of ours."""
    look = read_metrics("# TYPE up gauge\nup 1.0\n", 1.0)

    assert {} == look.samples


def test_what_is_no_metrics_is_refused() -> None:
    """Instead of being shown as a node that does nothing."""
    with pytest.raises(ValueError, match="html"):
        read_metrics("<html>not found</html>", 1.0)


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([], 0.5, None),
        ([(0.1, 0.0), (float("inf"), 0.0)], 0.5, None),
        ([(0.1, 10.0), (float("inf"), 10.0)], 0.5, 50.0),
        ([(0.1, 10.0), (0.2, 20.0), (float("inf"), 20.0)], 0.75, 150.0),
        ([(0.1, 10.0), (0.2, 10.0), (float("inf"), 20.0)], 0.99, 200.0),
    ],
)
def test_a_quantile_is_where_prometheus_would_see_it(
    counts: Sequence[tuple[float, float]], share: float, expected: float | None
) -> None:
    """Along a straight line inside its bucket."""
    assert expected == quantile_ms(counts, share)


def test_all_names_are_those_of_metrics_there_are() -> None:
    """One that is renamed must not turn into a figure that stays 0."""
    gauges = [(family.name, family.type) for family in NodeGauges("1", 0.0).collect()]
    families = [(family.name, family.type) for family in REGISTRY.collect()]
    suffixes = {"counter": "_total", "histogram": "_bucket"}
    names = {name + suffixes.get(kind, "") for name, kind in [*gauges, *families]}

    assert frozenset() == NAMES - names
