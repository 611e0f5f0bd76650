"""How many nodes and shards the model asks for."""

from dataclasses import replace

import pytest

from benchmarks.report import Row
from benchmarks.scaling_model import (
    BINDING,
    GB,
    REPLICATED,
    THIRD_BUSY,
    UNREPLICATED,
    Assumptions,
    Costs,
    Need,
    costs,
    need,
)

COSTS = Costs(
    register_node=100.0,
    register_store=20.0,
    lookup_node=0.0,
    lookup_store=0.0,
    binding_bytes=500.0,
)

PLAIN = Assumptions(
    refresh_s=1000.0,
    lookups_per_hour=0.0,
    workers=1,
    busy=0.5,
    flat_out=1.0,
    recovery_s=100.0,
    shard_gb=1000.0,
    growth=1.0,
    spare_nodes=0,
)


def asked(users: int, costs: Costs = COSTS, given: Assumptions = PLAIN) -> tuple[int, int]:
    """Nodes and shards on an ordinary day."""
    it = need(users, costs, given)
    return it.nodes, it.shards


@pytest.mark.parametrize(
    ("users", "nodes", "shards"),
    [(1, 1, 1), (5_000_000, 1, 1), (5_000_001, 2, 1), (50_000_001, 11, 3)],
)
def test_nodes_and_shards_grow_with_the_users(users: int, nodes: int, shards: int) -> None:
    """A worker at half of its time does 5,000 a second here, a primary five times as much."""
    assert (nodes, shards) == asked(users)


def test_a_node_has_several_workers_and_one_node_may_be_away() -> None:
    """What workers do together is divided among nodes, and one more is there."""
    assert (2 + 1, 3) == asked(50_000_001, given=replace(PLAIN, workers=8, spare_nodes=1))


def test_lookups_count_too() -> None:
    """One a second for each user, at the price of a REGISTER, is a thousand times as much."""
    costs = replace(COSTS, lookup_node=100.0, lookup_store=20.0)

    assert (21, 5) == asked(100_000, costs, replace(PLAIN, lookups_per_hour=3600.0))


def test_memory_may_ask_for_more_shards_than_the_cpu_does() -> None:
    """A primary holds so much and no more, and the figure says which of the two decided."""
    users = int(2.5 * GB / 500)

    outcome = need(users, COSTS, replace(PLAIN, shard_gb=1.0))

    assert (3, "memory") == (outcome.shards, outcome.shards_for)


def test_after_an_outage_everybody_comes_within_the_time_allowed() -> None:
    """Ten times as often as they refresh here, and everything may be fully busy."""
    outcome: Need = need(50_000_000, COSTS, PLAIN)

    assert (500_000, 50, 10) == (
        outcome.outage_registers_per_s,
        outcome.outage_nodes,
        outcome.outage_shards,
    )


def test_after_an_outage_a_node_may_be_away_and_phones_may_come_more_than_once() -> None:
    """If one says so."""
    outcome = need(50_000_000, COSTS, replace(PLAIN, outage_spare_nodes=1, outage_registers=2.0))

    assert (1_000_000, 101, 20) == (
        outcome.outage_registers_per_s,
        outcome.outage_nodes,
        outcome.outage_shards,
    )


def test_costs_are_those_of_a_worker_that_is_not_flat_out_and_of_a_primary_with_a_replica() -> None:
    """What a replica adds is told by two settings that differ in nothing else."""
    scaling = [
        measured("1 worker, flat out", "node", 50.0),
        measured("1 worker, flat out", "store", 12.0),
        measured(THIRD_BUSY, "node", 60.0),
        measured(THIRD_BUSY, "store", 14.0),
        measured(UNREPLICATED, "store", 20.0),
        measured(REPLICATED, "store", 30.0),
    ]
    lookups = [{**row, "kind": "lookup", "us": 1.0} for row in scaling]
    memory: list[Row] = [
        {"name": "Valkey 9.1", "bytes_each": 600.0},
        {"name": BINDING, "bytes_each": 500.0},
    ]

    assert Costs(60.0, 21.0, 1.0, 1.0, 500.0) == costs([*scaling, *lookups], memory)


def measured(name: str, part: str, us: float) -> Row:
    """What ``scaling`` tells of a REGISTER."""
    return {"name": name, "kind": "REGISTER", "part": part, "us": us}
