"""How long a refresh takes by how many are under way, beside the store's own time for as many.

A pause of the machine, or of whoever asks, delays those that are under way and no others, where at
a fixed rate it delays all that should have left meanwhile. So ``benchmarks.latency`` tells what a
caller may see, and this what of it is the node's own. The store is asked past the node, in turns.
"""

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.client import Datagrams
from benchmarks.contestants import Setup, entries
from benchmarks.latency import straight
from benchmarks.options import Options
from benchmarks.pace import Looped, SipLine, loop, multiple
from benchmarks.progress import Progress
from benchmarks.report import Chart, Report, Row
from benchmarks.turns import REFRESH, Player, player

PHONES = 10_000
WINDOWS = (1, 2, 4, 8, 16, 24, 32, 64)
"""Requests under way; with about 24 a compiled node comes to 70 % of what it can do."""
REQUESTS = 10_000
FEW = 3_000
"""Requests where only one is under way at a time."""
PERCENTILES = (50, 90, 99)


@dataclass(slots=True)
class Point:
    """A contestant with so many requests under way, by round."""

    player: Player
    window: int
    whole: list[Looped] = field(default_factory=list)
    store: list[Looped] = field(default_factory=list)
    """Empty where it keeps its bindings itself."""

    def play(self) -> None:
        """One round."""
        requests = FEW if self.window == 1 else REQUESTS
        contestant = self.player.contestant
        messages = self.player.messages(REFRESH, requests)
        with closing(Datagrams(contestant.port)) as line:
            asked = SipLine(line.socket, messages, REFRESH.status)
            self.whole.append(loop(asked, messages, self.window))
        if contestant.is_ours and contestant.store:
            with straight(contestant.store, self.player, requests) as (past, calls):
                self.store.append(loop(past, calls, self.window))


def run(options: Options) -> Report:
    """Play the rounds, all numbers of requests in each."""
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder, ExitStack() as stack:
        found = [
            stack.enter_context(player(entry, Path(folder) / str(number), Setup(), PHONES))
            for number, entry in enumerate(entries(checkout=options.beside))
            if entry.slowness == 1
        ]
        points = [Point(each, window) for each in found for window in WINDOWS]
        progress = Progress("closed loops", options.rounds * len(points))
        for _ in range(options.rounds):
            for point in points:
                point.play()
                progress.step()
    rows = [_row(point) for point in points]
    return Report(
        name="closed",
        title="How long a refresh takes by how many are under way (UDP, one worker)",
        unit="µs",
        rows=rows,
        text=_table(rows),
        charts=[
            Chart(
                name="closed",
                title="Refreshes a second, and how long 99 % of them take at most",
                kind="lines",
                x="rate",
                y="p99_us",
                by="contestant",
                x_label="refreshes a second, with 1 to 64 under way",
                y_label="p99, µs",
            )
        ],
    )


def _row(point: Point) -> Row:
    return {
        "contestant": point.player.contestant.name,
        "under_way": point.window,
        "rate": round(median(each.rate for each in point.whole)),
        **{
            f"p{share}_us": round(median(each.percentile(share) for each in point.whole), 1)
            for share in PERCENTILES
        },
        "rounds": [round(each.percentile(99), 1) for each in point.whole],
        "store_p99_us": (
            round(median(each.percentile(99) for each in point.store), 1) if point.store else None
        ),
        "times_the_store": round(multiple(point.whole, point.store, 99), 2)
        if point.store
        else None,
    }


def _table(rows: Sequence[Row]) -> str:
    heads = "".join(f"{f'p{share}':>8}" for share in PERCENTILES)
    lines = [
        f"{'Refreshing REGISTER, µs':34}{'under way':>10}{'rate/s':>9}{heads}{'store, p99':>13}"
    ]
    for row in rows:
        waits = "".join(f"{row[f'p{share}_us']:8.0f}" for share in PERCENTILES)
        line = f"  {row['contestant']:32}{row['under_way']:10}{row['rate']:9}{waits}"
        if row["times_the_store"] is not None:
            line += f"{row['store_p99_us']:13.0f}{row['times_the_store']:7.2f} x"
        lines.append(line)
    return "\n".join(lines)
