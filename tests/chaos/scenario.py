"""A store, two nodes on it, and a fault while phones register and call."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.faults import FAULTS, Fault
from tests.chaos.stores import OPENERS, Store
from tests.chaos.traffic import PARTITIONS, Traffic
from tests.peer.node import Node
from tests.peer.phone import Phone

NODES = 2

DEADLINE_MS = 500

QUIET_S = 2.0
"""How long traffic goes on after a fault."""


@dataclass(slots=True, frozen=True)
class Scenario:
    """What is done to which store."""

    kind: str
    wait_replicas: int
    fault: Fault

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.kind}, wait_replicas = {self.wait_replicas}: {self.fault.name}"

    @property
    def must_keep(self) -> bool:
        """Whether nothing acknowledged may be lost: whoever is asked in the end has it."""
        if self.kind == "standalone" or self.wait_replicas == REPLICAS[self.kind]:
            return True
        return self.wait_replicas > 0 and not self.fault.may_lose

    @property
    def must_find(self) -> bool:
        """Whether no caller may be told less than was acknowledged, not even for a moment."""
        return self.must_keep and not self.fault.may_lose

    @property
    def must_lose(self) -> bool:
        """Whether something acknowledged has to be lost, or nothing was measured."""
        return self.wait_replicas == 0 and self.fault.must_lose


REPLICAS = {"standalone": 0, "Sentinel": 2, "Cluster": 1}
"""How many a primary has."""

SCENARIOS = [
    Scenario(kind, wait_replicas, fault)
    for kind, wait_replicas in [
        ("standalone", 0),
        ("Sentinel", 0),
        ("Sentinel", 1),
        ("Cluster", 0),
        ("Cluster", 1),
    ]
    for fault in FAULTS
    if kind in fault.kinds
] + [Scenario("Sentinel", 2, fault) for fault in FAULTS if fault.may_lose]


@dataclass(slots=True, frozen=True)
class Outcome:
    """What phones and callers saw of a fault."""

    answers: int
    refused: int
    register_gap_s: float
    """The longest time without a 200, of the partition aimed at or of the others."""
    call_gap_s: float
    """The same of answers to callers."""
    slowest_s: float
    silent: int
    """Requests without an answer."""
    wrong: list[str]
    """Answers that were never true."""
    missed: list[str]
    """Answers to callers that knew less than had been acknowledged."""
    lost: list[str]
    """What was acknowledged, and is not there in the end."""


@contextmanager
def running(scenario: Scenario) -> Iterator[tuple[Store, list[Node]]]:
    """The store and its nodes, started; what the nodes logged is shown at the end."""
    with (
        tempfile.TemporaryDirectory(prefix="rc-") as name,
        OPENERS[scenario.kind](Path(name)) as store,
    ):
        nodes: list[Node] = []
        with ThreadPoolExecutor(NODES) as pool:
            try:
                starts = [
                    pool.submit(_start, Path(name), store.url, scenario) for _ in range(NODES)
                ]
                nodes += [start.result() for start in starts]
                yield store, nodes
            finally:
                for log in pool.map(_stop, nodes):
                    sys.stdout.write(log)


async def play(scenario: Scenario, store: Store, nodes: list[Node]) -> Outcome:
    """Traffic; the fault in its midst; traffic for a while longer; then look what is left."""
    lines = [Phone(node.address) for node in nodes]
    traffic = Traffic(lines)
    async with lines[0], lines[1]:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(traffic.run())
            await traffic.settled()
            struck_at = time.time()
            await asyncio.to_thread(scenario.fault.strike, store)
            await asyncio.sleep(QUIET_S)
            ended_at = time.time()
            traffic.stop()
        await asyncio.to_thread(store.settle)
        lost = await traffic.lost()
    book = traffic.book
    return Outcome(
        answers=book.answers,
        refused=book.refused.total(),
        register_gap_s=book.longest_gap_s("REGISTER", struck_at, ended_at),
        call_gap_s=book.longest_gap_s("INVITE", struck_at, ended_at),
        slowest_s=book.slowest_s,
        silent=book.silent,
        wrong=book.wrong,
        missed=book.missed,
        lost=lost,
    )


def _start(folder: Path, url: str, scenario: Scenario) -> Node:
    sections: dict[str, dict[str, object]] = {
        "store": {
            "deadline_ms": DEADLINE_MS,
            "wait_replicas": scenario.wait_replicas,
            "partitions": PARTITIONS,
        },
        "node": {"workers": 1},
    }
    return Node(folder, url, sections)


def _stop(node: Node) -> str:
    node.stop()
    return f"--- {node.log.name}\n{node.log_tail()}\n"
