"""What each part of a request costs, as a multiple of the yardstick's turn.

The pure steps, the round trip to the store, and whole requests take turns with the yardstick,
round by round, and of each the best round counts: what was slower than that was somebody else's
doing. Caches are warm here as they never are in a node, so the figures are lower than there; their
proportions hold, and so do the ratios from one machine to the next.
"""

import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import calibration, inside, stages
from benchmarks.crowd import server
from benchmarks.inside import Inside
from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from benchmarks.stages import Stage
from benchmarks.surroundings import is_debian
from regcluster.sip import parser

ROUNDS = 100
QUICK_ROUNDS = 30

PHONES = 500
"""Whole requests in a round: few enough that some rounds are nobody's but ours."""

MESSAGES = 200
"""Inputs of a pure step in a round: made before it, they stay in those of the processor's caches
that it shares with nobody."""

YARDSTICK = "yardstick"


@dataclass(slots=True)
class Micro:
    """The best of all rounds so far, µs of CPU, by the name of the part."""

    best: dict[str, float] = field(default_factory=dict)

    def note(self, name: str, cost_us: float) -> None:
        """One more round of a part."""
        self.best[name] = min(self.best.get(name, cost_us), cost_us)

    @property
    def yardstick_us(self) -> float:
        """What a turn of the yardstick takes."""
        return self.best[YARDSTICK]

    @property
    def ratios(self) -> dict[str, float]:
        """Every part as a multiple of the yardstick's turn."""
        return {
            name: cost / self.yardstick_us for name, cost in self.best.items() if name != YARDSTICK
        }


def build() -> str:
    """What the figures are of: ratios of another Python, or of compiled code, are others."""
    version = ".".join(platform.python_version_tuple()[:2])
    version += "-debian" if is_debian() else ""
    kind = "native" if str(parser.__file__).endswith(".so") else "pure"
    return f"{sys.implementation.name}-{version}-{kind}"


def measure(rounds: int = ROUNDS, on_round: Callable[[], None] = lambda: None) -> Micro:
    """Play ``rounds`` of everything; ``on_round`` is told of each."""
    return inside.run(_measure(rounds, on_round))


def run(options: Options) -> Report:
    """The figures as a report."""
    rounds = ROUNDS if options.full else QUICK_ROUNDS
    progress = Progress("rounds of every part of a request", rounds)
    return told(measure(rounds, progress.step))


def told(micro: Micro) -> Report:
    """What was measured, as a report."""
    ratios = micro.ratios
    rows: list[Row] = [
        {"part": name, "us": round(micro.best[name], 2), "ratio": round(ratio, 3)}
        for name, ratio in ratios.items()
    ]
    lines = [f"{'CPU, ' + build():44}{'µs':>9}{'ratio':>9}"]
    lines += [f"{name:44}{micro.best[name]:9.2f}{ratio:9.2f}" for name, ratio in ratios.items()]
    lines.append(f"{'a turn of the yardstick':44}{micro.yardstick_us:9.2f}{1:9.2f}")
    chart = Chart(
        name="micro",
        title=f"Parts of a request beside a turn of the yardstick ({build()})",
        kind="bars",
        x="part",
        y="ratio",
        y_label="turns of the yardstick",
    )
    return Report(
        name="micro",
        title="Parts of a request, alone",
        unit="turns of the yardstick",
        rows=rows,
        text="\n".join(lines),
        charts=[chart],
    )


async def _measure(rounds: int, on_round: Callable[[], None]) -> Micro:
    micro = Micro()
    pure = list(_pure())
    with tempfile.TemporaryDirectory(prefix="regcluster-bench-") as name:
        folder = Path(name)
        with server(folder) as store:
            async with inside.opened(folder, store, PHONES) as whole:
                await whole.register()
                for _ in range(rounds):
                    for stage in pure:
                        micro.note(stage.name, stage.play())
                    await _play(whole, micro)
                    on_round()
    return micro


def _pure() -> Iterator[Stage]:
    yield Stage(YARDSTICK, calibration.texts, calibration.turn)
    yield from stages.stages(MESSAGES)


async def _play(whole: Inside, micro: Micro) -> None:
    """One round of what needs a store."""
    save = await whole.save()
    micro.note("round trip to the store", save.here)
    micro.note("the store's own work for a save", save.store)
    micro.note("whole REGISTER, the store's work apart", (await whole.register()).here)
    micro.note("whole lookup and 302, the store's apart", (await whole.call()).here)
