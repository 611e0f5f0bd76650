"""The node's own figures, as Prometheus reads them."""

from prometheus_client import CollectorRegistry, generate_latest

from regcluster.control.gauges import NodeGauges


def written(gauges: NodeGauges) -> list[str]:
    """The samples, as they are scraped."""
    registry = CollectorRegistry()
    registry.register(gauges)
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_all_figures_are_there_from_the_start() -> None:
    """A counter that appears only with its first event hides that event from a rate."""
    assert [
        "regcluster_ready 0.0",
        "regcluster_workers 0.0",
        'regcluster_worker_restarts_total{reason="died"} 0.0',
        'regcluster_worker_restarts_total{reason="stuck"} 0.0',
        "regcluster_embedded_restarts_total 0.0",
        "regcluster_start_time_seconds 1.7e+09",
        'regcluster_build_info{version="1.2.3"} 1.0',
    ] == written(NodeGauges("1.2.3", 1.7e9))


def test_figures_are_those_of_the_moment() -> None:
    """Each scrape tells anew."""
    gauges = NodeGauges("1.2.3", 1.7e9)
    before = written(gauges)
    gauges.is_ready, gauges.workers, gauges.store_restarts = True, 4, 1
    gauges.restarts["stuck"] += 2

    assert {
        "regcluster_ready 1.0",
        "regcluster_workers 4.0",
        'regcluster_worker_restarts_total{reason="stuck"} 2.0',
        "regcluster_embedded_restarts_total 1.0",
    } == set(written(gauges)) - set(before)
