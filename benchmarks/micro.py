"""What each part of a request costs, as a multiple of the yardstick's turn.

The pure steps, the round trip to the store, and whole requests take turns with the yardstick,
round by round, and of each the best round counts: what was slower than that was somebody else's
doing. Caches are warm here as they never are in a node, so the figures are lower than there; their
proportions hold, and so do the ratios from one machine to the next.

A process measures the package that it has imported. Another copy is measured by another process,
which runs this module as a program.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks import calibration, inside, stages
from benchmarks.crowd import server
from benchmarks.inside import Inside
from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from benchmarks.stages import Stage
from benchmarks.surroundings import is_debian
from regcluster.control.edition import edition

ROUNDS = 100
QUICK_ROUNDS = 30

PHONES = 500
"""Whole requests in a round: few enough that some rounds are nobody's but ours."""

MESSAGES = 200
"""Inputs of a pure step in a round: made before it, they stay in those of the processor's caches
that it shares with nobody."""

IN_A_ROW = 3
"""Times that a pure step is played in a round: the first brings what it needs back into caches."""

YARDSTICK = "yardstick"

CHECKOUT = Path(__file__).parents[1]


@dataclass(slots=True)
class Micro:
    """The best of all rounds so far, µs of CPU, by the name of the part."""

    best: dict[str, float] = field(default_factory=dict)
    build: str = field(default_factory=lambda: build())
    """What they are of: ratios of another Python, or of compiled code, are others."""

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
    """The Python of this process, and the kind of package it has imported."""
    version = ".".join(platform.python_version_tuple()[:2])
    version += "-debian" if is_debian() else ""
    kind = "native" if edition() == "compiled" else "pure"
    return f"{sys.implementation.name}-{version}-{kind}"


def measure(rounds: int = ROUNDS, on_round: Callable[[], None] = lambda: None) -> Micro:
    """Play ``rounds`` of everything; ``on_round`` is told of each."""
    return inside.run(_measure(rounds, on_round))


def run(options: Options) -> Report:
    """The figures as a report: of this process's package, and of one beside it."""
    rounds = ROUNDS if options.full else QUICK_ROUNDS
    progress = Progress("rounds of every part of a request", rounds)
    found = [measure(rounds, progress.step)]
    if options.beside:
        found.append(beside(options.beside, rounds))
    return told(found)


def beside(checkout: Path, rounds: int) -> Micro:
    """What the package in ``checkout`` takes; raises ``RuntimeError`` where it cannot be measured.

    Its process has it first on the path.
    """
    path = os.pathsep.join(map(str, (checkout, CHECKOUT)))
    found = apart(rounds, str(checkout), PYTHONPATH=path, PYTHONSAFEPATH="1")
    if found.build == build():
        found.build += f" in {checkout.name}"
    return found


def apart(rounds: int, what: str, **environ: str) -> Micro:
    """What a new process takes; its progress and its failure are told as those of ``what``.

    Its environment is ours but for ``environ``. Raises ``RuntimeError`` where it tells nothing.
    """
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.micro", str(rounds), what],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        check=False,
    )
    try:
        return msgspec.json.decode(run.stdout, type=Micro)
    except msgspec.DecodeError as error:
        raise RuntimeError(f"{what} told no figures, exit code {run.returncode}") from error


def told(found: Sequence[Micro]) -> Report:
    """What was measured, as a report; a column for each build."""
    parts = list(found[0].ratios)
    rows: list[Row] = [
        {
            "part": part,
            "build": micro.build,
            "bar": part if len(found) == 1 else f"{part}, {micro.build.rpartition('-')[2]}",
            "us": round(micro.best[part], 2),
            "ratio": round(micro.ratios[part], 3),
        }
        for part in parts
        for micro in found
        if part in micro.best
    ]
    chart = Chart(
        name="micro",
        title="Parts of a request beside a turn of the yardstick",
        kind="bars",
        x="bar",
        y="ratio",
        by="build",
        y_label="turns of the yardstick",
    )
    return Report(
        name="micro",
        title="Parts of a request, alone",
        unit="turns of the yardstick",
        rows=rows,
        text="\n".join(_table(found, parts)),
        charts=[chart],
    )


def _table(found: Sequence[Micro], parts: Sequence[str]) -> Iterator[str]:
    yield f"{'CPU':42}" + "".join(f"{micro.build:>28}" for micro in found)
    yield " " * 42 + f"{'µs':>18}{'ratio':>10}" * len(found)
    for part in parts:
        yield f"{part:42}" + "".join(_figures(micro, part) for micro in found)
    turns = "".join(f"{micro.yardstick_us:18.2f}{1:10.2f}" for micro in found)
    yield f"{'a turn of the yardstick':42}{turns}"


def _figures(micro: Micro, part: str) -> str:
    """Of a part, which an older copy may not know."""
    if part not in micro.best:
        return f"{'-':>18}{'-':>10}"
    return f"{micro.best[part]:18.2f}{micro.ratios[part]:10.2f}"


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
                        for _ in range(IN_A_ROW):
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


if __name__ == "__main__":
    asked = int(sys.argv[1])
    measured = measure(asked, Progress(f"{sys.argv[2]}, rounds", asked).step)
    sys.stdout.buffer.write(msgspec.json.encode(measured))
