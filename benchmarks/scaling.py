"""What more nodes and more shards cost and bring: CPU per request, part by part.

A machine of two cores cannot show four nodes being four times as fast as one. What it can show is
that a request costs each part the same however many of them there are, if each is given the same to
do; then what they can do adds up, each on cores of its own. So every process's CPU is accounted
for, in idleness too, and ``scaling_model`` works out how many it takes.

A busy process takes many messages at a time and a request costs it less: one worker is therefore
measured flat out as well, and a third busy, which is what the model goes by.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.contestants import is_native
from benchmarks.options import Options
from benchmarks.processes import cpu_us
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from benchmarks.scaling_model import THIRD_BUSY
from regcluster.load import Load, Tick
from regcluster.load import run as offer
from tests.fleet import cluster
from tests.peer.node import Node
from tests.peer.processes import HOST
from tests.servers import RealServer, redis8

NODES = (1, 2, 3, 4)
SHARDS = (1, 2, 3)

EACH = 1000.0
"""Requests a second for each node, where there are more and more of them."""

EACH_SHARD = 2000.0
"""The same for each shard: what ``REPLICATED`` has to do is what ``UNREPLICATED`` has."""

AMONG = 2
"""Nodes before the shards."""

WINDOW = 64
"""Requests under way where one worker is measured flat out."""

THIRD = 1 / 3
"""Of what a worker can do: more, and the generator would have to compete with it for two cores."""

TOLERATED = 0.01
"""The part of all requests that may have been refused or lost; else something was overloaded."""

PHONES = 2000

IDLE_S = 3.0

Parts = dict[str, float]
"""µs by part: node, store, replicas; all processes of a part together."""


@dataclass(slots=True, frozen=True)
class Running:
    """Nodes and their store."""

    targets: list[str]
    roots: dict[str, list[int]]
    """Processes, by part."""

    def spent(self) -> Parts:
        """CPU so far."""
        return {part: cpu_us(pids) for part, pids in self.roots.items()}


class Meter:
    """CPU between the first moment of a run that counts and the last."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._begin: tuple[Parts, int] = ({}, 0)
        self._end: tuple[Parts, int] = ({}, 0)

    def watch(self, tick: Tick) -> None:
        """Look at the clocks; the generator calls it."""
        if tick.stage == "run":
            self._end = (self._running.spent(), tick.answered)
            self._begin = self._begin if self._begin[0] else self._end

    def each(self) -> Parts:
        """Per request answered."""
        begin, first = self._begin
        end, last = self._end
        if first == last:
            raise RuntimeError("nothing was answered")
        return {part: (end[part] - spent) / (last - first) for part, spent in begin.items()}


@dataclass(slots=True, frozen=True)
class Cost:
    """What was measured of one setting."""

    name: str
    nodes: int
    shards: int
    rate: float
    """Requests a second; of the last kind."""
    register: Parts
    lookup: Parts
    idle: Parts
    """µs a second, with nothing to do; empty where it was not asked for."""


@dataclass(slots=True, frozen=True)
class Effort:
    """How thoroughly to measure."""

    rounds: int
    seconds: float
    idle_s: float = IDLE_S

    def cost(self, running: Running, kind: str, rate: float) -> tuple[Parts, float]:
        """CPU per request of ``kind``, and their rate; ``rate`` 0: flat out. Medians."""
        costs, rates = [], []
        for _ in range(self.rounds):
            meter = Meter(running)
            load = Load(
                targets=running.targets,
                mix={kind: 1},
                users=PHONES,
                rate=rate,
                arrivals="poisson",
                window=WINDOW,
                seconds=self.seconds,
                warmup_s=0.5,
            )
            report = offer(load, meter.watch)
            if report.good < report.sent * (1 - TOLERATED):
                missing = report.sent - report.good
                raise RuntimeError(f"the machine is too busy: {missing} of {report.sent} failed")
            costs.append(meter.each())
            rates.append(report.good_rate)
        return {part: median(cost[part] for cost in costs) for part in costs[0]}, median(rates)


def run(options: Options) -> Report:
    """The figures as a report."""
    effort = Effort(3, 1.5) if options.full else Effort(1, 1.0)
    nodes = NODES if options.full else NODES[:AMONG]
    shards = SHARDS if options.full else SHARDS[:: len(SHARDS) - 1]
    progress = Progress("settings", 2 + len(nodes) + len(shards))
    found: list[Cost] = []
    with one_server(1, options.beside) as running:
        for cost in _one_worker(running, effort):
            found.append(cost)
            progress.step()
    for count in nodes:
        with one_server(count, options.beside) as running:
            name = _several(count, "node") + ", 1 server"
            found.append(measure(running, name, (count, 1), EACH * count, effort))
        progress.step()
    for count in shards:
        with sharded(AMONG, count, options.beside) as running:
            name = f"{AMONG} nodes, {_several(count, 'shard')}, replicated"
            found.append(measure(running, name, (AMONG, count), EACH_SHARD * count, effort))
        progress.step()
    return told(found, "native" if is_native(options.beside or Path()) else "pure")


def _one_worker(running: Running, effort: Effort) -> Iterator[Cost]:
    """Flat out, and a third busy."""
    flat_out = measure(running, "1 worker, flat out", (1, 1), 0.0, effort)
    yield flat_out
    rate = THIRD * 1e6 / flat_out.register["node"]
    yield measure(running, THIRD_BUSY, (1, 1), rate, effort)


def measure(
    running: Running, name: str, size: tuple[int, int], rate: float, effort: Effort
) -> Cost:
    """What requests cost, and doing nothing."""
    before = running.spent()
    time.sleep(effort.idle_s)
    spent = running.spent()
    idle = {part: (spent[part] - before[part]) / effort.idle_s for part in before}
    lookup, _ = effort.cost(running, "lookup", rate)
    register, reached = effort.cost(running, "refresh", rate)
    return Cost(name, *size, reached, register, lookup, idle)


def told(found: Sequence[Cost], kind: str) -> Report:
    """What was measured, as a report; ``kind`` of build."""
    return Report(
        name="scaling",
        title=f"CPU per request of one to four {kind} nodes and one to three shards",
        unit="µs",
        rows=list(_figures(found)),
        text=_table(found),
        charts=_CHARTS,
    )


def _figures(found: Sequence[Cost]) -> Iterator[Row]:
    """A row for each part of each setting and kind of request; in idleness µs a second."""
    for cost in found:
        kinds = {"REGISTER": cost.register, "lookup": cost.lookup, "idle": cost.idle}
        for kind, parts in kinds.items():
            for part, spent in parts.items():
                yield {
                    "name": cost.name,
                    "nodes": cost.nodes,
                    "shards": cost.shards,
                    "rate": round(cost.rate),
                    "kind": kind,
                    "part": part,
                    "us": round(spent, 2),
                }


def _several(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _table(found: Sequence[Cost]) -> str:
    lines = [
        f"{'CPU per request, µs':44}{'a second':>9}{'REGISTER':>21}{'lookup':>21}{'idle, ms/s':>18}"
    ]
    lines.append(f"{'':53}{'node store repl.':>21}{'node store repl.':>21}{'node store':>18}")
    for cost in found:
        line = f"{cost.name:44}{cost.rate:9.0f}"
        for parts in (cost.register, cost.lookup):
            line += f"{parts['node']:9.1f}{parts['store']:6.1f}{parts.get('replicas', 0.0):6.1f}"
        lines.append(f"{line}{cost.idle['node'] / 1000:12.1f}{cost.idle['store'] / 1000:6.1f}")
    return "\n".join(lines)


@contextmanager
def one_server(nodes: int, checkout: Path | None = None) -> Iterator[Running]:
    """So many nodes on one Redis without a replica."""
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name, ExitStack() as stack:
        store = RealServer("redis8", redis8(), Path(name))
        stack.callback(store.stop)
        running = _nodes(nodes, Path(name), store.url, checkout, stack)
        yield _running(running, {"store": [store.process.pid]})


@contextmanager
def sharded(nodes: int, shards: int, checkout: Path | None = None) -> Iterator[Running]:
    """So many nodes on a Redis Cluster, each of whose primaries has a replica."""
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name, ExitStack() as stack:
        fleet = stack.enter_context(cluster(redis8(), primaries=shards))
        pids = [member.process.pid for member in fleet.members]
        # Those that were made primaries come first.
        stores = {"store": pids[:shards], "replicas": pids[shards:]}
        yield _running(_nodes(nodes, Path(name), fleet.url, checkout, stack), stores)


def _nodes(
    count: int, folder: Path, url: str, checkout: Path | None, stack: ExitStack
) -> list[Node]:
    nodes: list[Node] = []
    for _ in range(count):
        nodes.append(Node(folder, url, {"node": {"workers": 1}}, checkout))
        stack.callback(nodes[-1].stop)
    return nodes


def _running(nodes: Sequence[Node], stores: dict[str, list[int]]) -> Running:
    roots = {"node": [node.process.pid for node in nodes], **stores}
    return Running([f"{HOST}:{node.port}" for node in nodes], roots)


_CHARTS = [
    Chart(
        name=f"scaling-{kind.lower()}",
        title=f"CPU per {kind}",
        kind="bars",
        x="name",
        y="us",
        by="part",
        where={"kind": kind},
        y_label="µs",
    )
    for kind in ("REGISTER", "lookup")
]
