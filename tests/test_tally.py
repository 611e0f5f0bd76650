"""Counting in bulk: once a turn, and nothing is lost or counted twice."""

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram

from regcluster.tally import Counts, Durations, Tally, Total

BOUNDS = (0.1, 1.0)


class Turn:
    """A loop that ends its turn when it is told to."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.soon.append(callback)

    def end(self) -> None:
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()


@pytest.fixture
def turn() -> Turn:
    """The turn of the test."""
    return Turn()


@pytest.fixture
def tally(turn: Turn) -> Tally:
    """A tally that is settled when the turn ends."""
    tally = Tally()
    tally.defer = turn.call_soon
    return tally


@pytest.fixture
def registry() -> CollectorRegistry:
    """What was written down, for nobody else to see."""
    return CollectorRegistry()


@pytest.fixture
def counts(tally: Tally, registry: CollectorRegistry) -> Counts:
    """A counter by method."""
    return Counts(Counter("requests", "Words.", ("method",), registry=registry), tally)


@pytest.fixture
def durations(tally: Tally, registry: CollectorRegistry) -> Durations:
    """A histogram of two buckets, and the one without a bound."""
    histogram = Histogram("seconds", "Words.", buckets=BOUNDS, registry=registry)
    return Durations(histogram, tally)


def written(registry: CollectorRegistry) -> dict[str, float]:
    """Every figure, by name and label."""
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_a_turn_is_written_at_its_end(
    counts: Counts, registry: CollectorRegistry, turn: Turn
) -> None:
    """However often it counted; the loop is asked once."""
    for method in ("REGISTER", "INVITE", "REGISTER"):
        counts.of(method).inc()
    before, asked = written(registry), len(turn.soon)
    turn.end()

    assert ({}, 1) == (before, asked)
    assert {"requests_total REGISTER": 2, "requests_total INVITE": 1} == written(registry)


def test_every_turn_begins_anew(counts: Counts, registry: CollectorRegistry, turn: Turn) -> None:
    """What was written is not written again."""
    for _ in range(3):
        counts.of("REGISTER").inc()
        turn.end()

    assert {"requests_total REGISTER": 3} == written(registry)
    assert [] == turn.soon


def test_what_is_counted_while_others_are_written_has_its_own_turn(
    counts: Counts, tally: Tally, registry: CollectorRegistry, turn: Turn
) -> None:
    """Settling takes what is there, and no more."""
    tally.owe(lambda: counts.of("REGISTER").inc())
    turn.end()
    during = written(registry)
    turn.end()

    assert ({}, {"requests_total REGISTER": 1}) == (during, written(registry))


def test_durations_fall_into_buckets_as_one_by_one(
    durations: Durations, registry: CollectorRegistry, tally: Tally
) -> None:
    """A bound belongs to the bucket below it: ``le`` is less or equal."""
    seconds = (0.0, 0.1, 0.11, 1.0, 1.5, 0.05)
    alone = CollectorRegistry()
    one_by_one = Histogram("seconds", "Words.", buckets=BOUNDS, registry=alone)
    for each in seconds:
        durations.observe(each)
        one_by_one.observe(each)
    before = written(registry)["seconds_count"]
    tally.settle()
    durations.observe(2.0)
    one_by_one.observe(2.0)
    tally.settle()

    assert 0 == before
    assert written(alone) == written(registry)


def test_durations_outlast_a_turn(
    durations: Durations, registry: CollectorRegistry, tally: Tally, turn: Turn
) -> None:
    """They are written when it is asked for, each once; no turn pays for them."""
    durations.observe(0.5)
    asked = len(turn.soon)
    tally.settle()
    tally.settle()

    assert (0, 1, 0.5) == (
        asked,
        written(registry)["seconds_count"],
        written(registry)["seconds_sum"],
    )


def test_at_the_end_nothing_is_owed(
    counts: Counts,
    durations: Durations,
    tally: Tally,
    registry: CollectorRegistry,
    turn: Turn,
) -> None:
    """A loop that has ended would never write it down, nor what is counted after it."""
    for _ in range(2):
        counts.of("REGISTER").inc()
        durations.observe(0.5)
        tally.close()
    turn.end()

    there = written(registry)
    assert (2, 2) == (there["requests_total REGISTER"], there["seconds_count"])


def test_without_a_turn_everything_is_written_at_once(registry: CollectorRegistry) -> None:
    """At start, and in a test: there is no end to wait for."""
    counts = Counts(Counter("requests", "Words.", ("method",), registry=registry), Tally())
    counts.of("REGISTER").inc()

    assert {"requests_total REGISTER": 1} == written(registry)


def test_a_known_label_is_there_before_anything_happens(registry: CollectorRegistry) -> None:
    """A series that appears with its first event hides that event from a rate."""
    counter = Counter("requests", "Words.", ("method",), registry=registry)
    counts = Counts(counter, Tally(), ("REGISTER", "INVITE"))
    counts.of("INVITE").inc()

    assert {"requests_total REGISTER": 0, "requests_total INVITE": 1} == written(registry)


def test_a_total_is_written_down_once(registry: CollectorRegistry) -> None:
    """Whenever that is asked for, and no part of it twice."""
    total = Total(Counter("requests", "Words.", registry=registry))
    total.amount += 3
    before = written(registry)
    total.write()
    total.amount += 2
    total.write()
    total.write()

    assert ({"requests_total": 0}, {"requests_total": 5}) == (before, written(registry))
