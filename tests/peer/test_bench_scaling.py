"""Nodes, shards and storms can be measured: what comes of it is another matter, and no test's."""

import os
from pathlib import Path

import pytest

from benchmarks.scaling import Effort, Running, measure, one_server, sharded
from benchmarks.storm import SPIN, Weather, storm
from tests.peer.processes import children

pytestmark = pytest.mark.peer

BRIEF = Effort(rounds=1, seconds=0.3, idle_s=0.2)


def parts(running: Running, size: tuple[int, int]) -> dict[str, set[str]]:
    """Whose CPU was accounted for, by kind of request."""
    cost = measure(running, "brief", size, 100.0, BRIEF)
    kinds = {"REGISTER": cost.register, "lookup": cost.lookup, "idle": cost.idle}
    return {kind: {part for part, us in found.items() if us > 0} for kind, found in kinds.items()}


def test_every_process_of_nodes_and_store_has_a_cost() -> None:
    """With a request, and with none."""
    with one_server(2) as running:
        found = parts(running, (2, 1))

    both = {"node", "store"}
    assert {"REGISTER": both, "lookup": both, "idle": both} == found


def test_replicas_of_shards_have_a_cost_of_their_own() -> None:
    """It is no part of the primaries'."""
    with sharded(1, 2) as running:
        found = parts(running, (1, 2))

    assert {"node", "store", "replicas"} == found["REGISTER"]


@pytest.mark.parametrize(
    "weather",
    [
        Weather("udp", "a breeze"),
        Weather("tcp", "a breeze"),
        Weather("tcp", "by script", seconds=(5,)),
    ],
    ids=lambda weather: f"{weather.transport}, {weather.name}",
)
def test_a_storm_ends_with_everybody_registered(weather: Weather) -> None:
    """Each phone counts once, in the slice in which it heard of it."""
    found = storm(weather, 300)

    assert (300, 0) == (sum(found.goodput), found.failed)
    assert found.within_s[99] is not None


def test_a_node_can_be_held_to_less_than_it_does() -> None:
    """By others on its core, all of which end with the storm."""
    found = storm(Weather("udp", "held"), 300, most=2000.0)

    commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in children(os.getpid())]
    assert 0 < found.capacity <= 2000
    assert found.beside > 0
    assert [] == [command for command in commands if SPIN in command]
