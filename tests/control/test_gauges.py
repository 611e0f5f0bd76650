"""The node's own figures, as Prometheus reads them."""

import os
import resource
import subprocess

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
        "regcluster_draining 0.0",
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
    gauges.is_ready = gauges.is_draining = True
    gauges.workers, gauges.store_restarts = 4, 1
    gauges.restarts["stuck"] += 2

    assert {
        "regcluster_ready 1.0",
        "regcluster_draining 1.0",
        "regcluster_workers 4.0",
        'regcluster_worker_restarts_total{reason="stuck"} 2.0',
        "regcluster_embedded_restarts_total 1.0",
    } == set(written(gauges)) - set(before)


def test_what_each_worker_takes_is_told_by_its_place() -> None:
    """Who has just ended has nothing to tell; a name like that of no program misleads nobody."""
    gone = subprocess.Popen(["true"])
    gone.wait()
    gauges = NodeGauges("1.2.3", 1.7e9)
    gauges.pids = lambda: {0: gone.pid, 1: os.getpid()}
    told = dict(line.rsplit(" ", 1) for line in written(gauges) if "worker=" in line)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = float(told['regcluster_worker_cpu_seconds_total{worker="1"}'])
    occupied = float(told['regcluster_worker_resident_bytes{worker="1"}'])

    assert 2 == len(told)
    assert 0 <= usage.ru_utime + usage.ru_stime - seconds < 1
    assert 0.5 < occupied / (1024 * usage.ru_maxrss) <= 1


def test_what_a_worker_took_still_counts_when_another_has_its_place() -> None:
    """A counter never falls, nor is it gone while the place is empty."""
    places = {1: os.getpid()}
    gauges = NodeGauges("1.2.3", 1.7e9)
    gauges.pids = lambda: places
    told = [seconds_of(gauges, 1)]
    with subprocess.Popen(["sleep", "60"]) as fresh:
        for now in ({}, {1: fresh.pid}, {1: fresh.pid}, {}):
            places = now
            told.append(seconds_of(gauges, 1))
        fresh.kill()

    assert 0 < told[0] == told[1]
    assert told == sorted(told)
    assert told[-1] < told[0] + 1


def seconds_of(gauges: NodeGauges, place: int) -> float:
    """Processor time of the workers in one place."""
    name = f'regcluster_worker_cpu_seconds_total{{worker="{place}"}} '
    return next(float(line.split()[1]) for line in written(gauges) if line.startswith(name))
