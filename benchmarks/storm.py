"""Everybody registers again at once, as after an outage, at a node that can do a tenth in a second.

One worker and its store share one core, the phones have the other, and so what the node can do is
its own real rate. A phone that hears nothing sends again by the timers of RFC 3261, and one that is
answered 503 comes back when its Retry-After says. What is told is the goodput over time, and when
99 of 100 phones were registered.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from benchmarks.contestants import is_native
from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from regcluster import load
from regcluster.load import Load
from regcluster.load.plan import TIMER_F_S
from tests.peer.node import Node, Section
from tests.peer.processes import HOST
from tests.servers import RealServer, redis8

MOST_USERS = 100_000

SLICE_S = 0.5

GIVE_UP_S = 60.0
"""How long a phone tries; who is not registered by then has failed."""


@dataclass(slots=True, frozen=True)
class Weather:
    """How phones come, and what the node is set to."""

    transport: str
    """tcp: all through a few connections, as those of a balancer."""
    name: str
    limits: Section
    """Settings of that name."""


NO_SHEDDING = 1_000_000
EARLY = 200

WEATHERS = (
    Weather("udp", "as it comes", {}),
    Weather("udp", "no shedding", {"in_flight": NO_SHEDDING}),
    Weather("udp", "shedding early", {"in_flight": EARLY}),
    Weather("udp", "early, no spread", {"in_flight": EARLY, "retry_after_s": 1}),
    Weather("tcp", "as it comes", {}),
    Weather("tcp", "no shedding", {"in_flight": NO_SHEDDING}),
    Weather("tcp", "no spread", {"retry_after_s": 1}),
)
"""Whoever is refused comes back after 3 to 7 seconds as it comes, and after exactly one where there
is no spread."""


@dataclass(slots=True, frozen=True)
class Storm:
    """What became of it, under one setting."""

    transport: str
    name: str
    users: int
    capacity: float
    """REGISTERs a second that the node did when it was asked no more than it could do."""
    goodput: list[int]
    """Phones registered in each slice."""
    sent: list[int]
    """Requests in each slice, repeated ones included."""
    refused: int
    """Answers of 503."""
    repeated: int
    """Retransmissions."""
    overflow: int
    """Datagrams that found no room in the node's socket."""
    failed: int
    """Phones that were not registered when the time was up."""

    @property
    def within_s(self) -> dict[int, float | None]:
        """Seconds until so many of a hundred phones were registered."""
        sums = list(accumulate(self.goodput))
        found: dict[int, float | None] = {}
        for percent in (50, 90, 99):
            slices = [i for i, good in enumerate(sums, 1) if good * 100 >= self.users * percent]
            found[percent] = slices[0] * SLICE_S if slices else None
        return found


def run(options: Options) -> Report:
    """The figures as a report."""
    users = MOST_USERS if options.full else MOST_USERS // 5
    progress = Progress("storms", len(WEATHERS))
    found = []
    for weather in WEATHERS:
        found.append(storm(weather, users, options.beside))
        progress.step()
    return told(found, "native" if is_native(options.beside or Path()) else "pure")


def storm(weather: Weather, users: int, checkout: Path | None = None) -> Storm:
    """One storm of so many users, at a node of the code in ``checkout``, if given."""
    with _node(weather.limits, checkout) as node:
        capacity = _capacity(node, weather.transport)
        report = load.run(
            Load(
                targets=[f"{HOST}:{node.port}"],
                transport=weather.transport,
                mix={"register": 1},
                first=MOST_USERS,
                window=users,
                count=users,
                warmup_s=0.0,
                retransmit=True,
                timeout_s=TIMER_F_S,
                persist_s=GIVE_UP_S,
                sockets=8,
                slice_s=SLICE_S,
            )
        )
        overflow = sum(
            value
            for (name, labels), value in node.counters().items()
            if name == "regcluster_sip_drops_total" and ("reason", "overflow") in labels
        )
    steps = report.timeline
    return Storm(
        transport=weather.transport,
        name=weather.name,
        users=users,
        capacity=capacity,
        goodput=[step.good for step in steps],
        sent=[step.sent + step.repeated for step in steps],
        refused=report.refused,
        repeated=report.ledger.repeated,
        overflow=round(overflow),
        failed=users - report.good,
    )


def _capacity(node: Node, transport: str) -> float:
    """What it does when so much is under way as a balancer would have, and no more."""
    target = f"{HOST}:{node.port}"
    calm = Load(targets=[target], transport=transport, mix={"refresh": 1}, users=2000, seconds=2.0)
    return load.run(calm).good_rate


@contextmanager
def _node(limits: Section, checkout: Path | None) -> Iterator[Node]:
    """A node of one worker, which shares one core with its store; this process has the others."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise RuntimeError("a storm needs two cores, one for the phones")
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as folder, ExitStack() as stack:
        stack.callback(os.sched_setaffinity, 0, cores)
        # What is started inherits the core.
        os.sched_setaffinity(0, cores[-1:])
        store = RealServer("redis8", redis8(), Path(folder))
        stack.callback(store.stop)
        sections: dict[str, Section] = {"node": {"workers": 1}, "limits": limits}
        node = Node(Path(folder), store.url, sections, checkout)
        stack.callback(node.stop)
        os.sched_setaffinity(0, cores[:-1])
        yield node


def told(found: Sequence[Storm], kind: str) -> Report:
    """What was measured, as a report; ``kind`` of build."""
    phones = f"A storm of {found[0].users:,} phones"
    lines = [
        f"{phones:28}{'capacity':>10}{'50 %':>8}{'90 %':>8}{'99 %, s':>9}"
        f"{'503':>9}{'repeated':>10}{'dropped':>10}{'failed':>8}"
    ]
    for it in found:
        name = f"{it.transport.upper()}, {it.name}"
        times = "".join(f"{'never' if s is None else s:>8}" for s in it.within_s.values())
        lines.append(
            f"{name:28}{it.capacity:10,.0f}{times} {it.refused:9,}{it.repeated:10,}"
            f"{it.overflow:10,}{it.failed:8,}"
        )
    return Report(
        name="storm",
        title=f"Everybody registers again at once, at one {kind} worker",
        unit="a second",
        rows=[*map(_summary, found), *_courses(found)],
        text="\n".join(lines),
        charts=_CHARTS,
    )


def _summary(it: Storm) -> Row:
    within = {f"within_s_{percent}": seconds for percent, seconds in it.within_s.items()}
    return {
        "transport": it.transport,
        "name": it.name,
        "users": it.users,
        "capacity": round(it.capacity),
        **within,
        "refused": it.refused,
        "repeated": it.repeated,
        "overflow": it.overflow,
        "failed": it.failed,
    }


def _courses(found: Sequence[Storm]) -> Iterator[Row]:
    """A row for each slice of each."""
    for it in found:
        for number, good in enumerate(it.goodput):
            yield {
                "transport": it.transport,
                "series": it.name,
                "second": (number + 1) * SLICE_S,
                "goodput": good / SLICE_S,
                "offered": it.sent[number] / SLICE_S,
            }


_CHARTS = [
    Chart(
        name=f"storm-{column}-{transport}",
        title=f"{title} over {transport.upper()}",
        kind="lines",
        x="second",
        y=column,
        by="series",
        where={"transport": transport},
        x_label="seconds",
        y_label="a second",
    )
    for transport in ("udp", "tcp")
    for column, title in (("goodput", "Phones registered"), ("offered", "REGISTERs sent"))
]
