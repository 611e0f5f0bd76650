"""CPU per refresh, and how long it takes, at fixed rates: what being idle in between costs.

Who has nothing to do sleeps, and is woken by the next request: that costs CPU which nobody pays who
is busy. So a registrar is dearer the less it is asked, and comparisons hold at equal rates only.
"""

import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.client import Datagrams
from benchmarks.contestants import Setup, entries
from benchmarks.options import Options
from benchmarks.pace import Paced, SipLine, pace, warning
from benchmarks.processes import cpu_us
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from benchmarks.turns import REFRESH, Player, player
from benchmarks.users import MOST_SLOW

PHONES = 100_000
PHONES_QUICK = 10_000
RATES = (500, 1_000, 2_000, 4_000, 8_000)
RATES_QUICK = (500, 2_000)
TURN_S = 2.0

SHARE = 0.75
"""Of what a contestant can do: no higher rates are asked of it."""

SAMPLE = 3_000
"""Requests by which that is found out."""


@dataclass(slots=True)
class Point:
    """One contestant at one rate, by round."""

    contestant: str
    rate: int
    us: list[float] = field(default_factory=list)
    paced: list[Paced] = field(default_factory=list)

    def row(self) -> Row:
        """A row of the report."""
        requests = sum(each.requests for each in self.paced)
        return {
            "contestant": self.contestant,
            "rate": self.rate,
            "us": round(median(self.us), 2),
            "least": round(min(self.us), 2),
            "most": round(max(self.us), 2),
            "rounds": [round(us, 2) for us in self.us],
            **{f"p{share}_us": self.percentile(share) for share in (50, 90, 99)},
            "unanswered": sum(each.unanswered for each in self.paced),
            "late": round(sum(each.late for each in self.paced) / requests, 5),
            "sender_share": round(median(each.own_share for each in self.paced), 3),
        }

    def percentile(self, share: float) -> float:
        """The median of the rounds."""
        return round(median(each.percentile(share) for each in self.paced), 1)


def run(options: Options) -> Report:
    """Play all rates in turns, each contestant's as far as it can follow."""
    phones = PHONES if options.full else PHONES_QUICK
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder, ExitStack() as stack:
        found = [
            stack.enter_context(
                player(
                    entry,
                    Path(folder) / str(number),
                    Setup(),
                    phones if entry.slowness == 1 else min(phones, MOST_SLOW),
                )
            )
            for number, entry in enumerate(entries(checkout=options.beside))
        ]
        points = _play(found, RATES if options.full else RATES_QUICK, options.rounds)
    return Report(
        name="rates",
        title="CPU of all server processes per refresh, and its latency, at fixed rates (UDP)",
        unit="µs",
        rows=[point.row() for point in points],
        text=_table(points) + warning(turn for point in points for turn in point.paced),
        charts=[_chart("us", "CPU", "µs of CPU per refresh"), _chart("p99_us", "p99", "µs")],
    )


def _play(players: Sequence[Player], rates: Sequence[int], rounds: int) -> list[Point]:
    points = [
        (each, Point(each.contestant.name, rate))
        for each in players
        for limit in (SHARE * capacity(each),)
        for rate in rates
        if rate <= limit
    ]
    progress = Progress("rates", rounds * len(points))
    for _ in range(rounds):
        for each, point in points:
            us, paced = refreshes(each, point.rate)
            point.us.append(us)
            point.paced.append(paced)
            progress.step()
    return [point for _, point in points]


def capacity(player: Player, requests: int = SAMPLE) -> float:
    """Refreshes a second that a contestant answers when it is never idle."""
    messages = player.messages(REFRESH, max(1, requests // player.slowness))
    begun = time.perf_counter()
    player.client.ask(messages, REFRESH.status)
    return len(messages) / (time.perf_counter() - begun)


def refreshes(player: Player, rate: float, seconds: float = TURN_S) -> tuple[float, Paced]:
    """Ask for refreshes at a rate; µs of CPU for each, and how long they took."""
    contestant = player.contestant
    messages = player.messages(REFRESH, int(rate * seconds))
    roots = list(contestant.roots.values())
    with closing(Datagrams(contestant.port)) as line:
        before = cpu_us(roots)
        paced = pace(SipLine(line.socket, messages, REFRESH.status), messages, rate)
        return (cpu_us(roots) - before) / len(messages), paced


def _table(points: Sequence[Point]) -> str:
    lines = [
        f"{'Refreshing REGISTER':34}{'rate/s':>8}{'CPU, µs':>9}{'least':>8}{'most':>8}"
        f"{'p50':>8}{'p90':>8}{'p99, µs':>9}{'late':>8}"
    ]
    for point in points:
        row = point.row()
        cells = f"{row['rate']:8}{row['us']:9.1f}{row['least']:8.1f}{row['most']:8.1f}"
        cells += f"{row['p50_us']:8.0f}{row['p90_us']:8.0f}{row['p99_us']:9.0f}{row['late']:8.2%}"
        lines.append(f"  {point.contestant:32}{cells}")
    return "\n".join(lines)


def _chart(column: str, what: str, label: str) -> Chart:
    return Chart(
        name=f"rates-{column.removesuffix('_us')}",
        title=f"Refreshing REGISTER at fixed rates: {what}",
        kind="lines",
        x="rate",
        y=column,
        by="contestant",
        x_label="REGISTERs a second",
        y_label=label,
        log_x=True,
        log_y=True,
    )
