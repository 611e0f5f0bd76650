"""Why one Kamailio's REGISTER costs twice another's: processes, phones, and how busy it is.

A process that waits has to be woken for each request, and finds the processor's caches full of
what others did meanwhile; the more phones there are, the more of their bindings it fetches from
memory. So there is no one figure to compare with, and none that holds for another rate.
"""

import tempfile
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from statistics import median

from benchmarks.contestants import MEMORY, Entry, Setup, has_kamailio, kamailio
from benchmarks.options import Options
from benchmarks.progress import Progress
from benchmarks.rates import refreshes
from benchmarks.report import Cell, Chart, Report, Row
from benchmarks.turns import FIRST, REFRESH, Player, player

CHILDREN = (1, 8)
"""Processes for UDP: as few as can be, and what Kamailio starts if nobody says otherwise."""

PHONES = (10_000, 200_000)
PHONES_QUICK = (2_000, 10_000)
RATES = (500, 2_000, 8_000)
TURN_S = 1.5

BUSY = "busy"
"""In place of a rate: the next request leaves when an answer has come."""


def run(options: Options) -> Report:
    """All of them run at the same time, and take turns."""
    if not has_kamailio():
        raise RuntimeError("Kamailio is not installed (make peers)")
    phones = PHONES if options.full else PHONES_QUICK
    costs: dict[tuple[int, int, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as folder, ExitStack() as stack:
        found = {
            (children, size): stack.enter_context(
                player(
                    Entry(MEMORY, kamailio),
                    Path(folder) / f"{children}-{size}",
                    Setup(children),
                    size,
                )
            )
            for children, size in product(CHILDREN, phones)
        }
        progress = Progress("rounds of Kamailios", options.rounds * len(found))
        for _ in range(options.rounds):
            for (children, size), each in found.items():
                for load, work, cost in _costs(each, options):
                    costs.setdefault((children, size, load, work), []).append(cost)
                progress.step()
    rows: list[Row] = [
        {
            "case": f"{_name(children, size)}, {load}",
            "children": children,
            "phones": size,
            "load": load,
            "work": work,
            "us": round(median(rounds), 2),
            "least": round(min(rounds), 2),
            "most": round(max(rounds), 2),
            "rounds": [round(us, 2) for us in rounds],
        }
        for (children, size, load, work), rounds in costs.items()
    ]
    return Report(
        name="kamailio",
        title="CPU of a REGISTER in Kamailio's memory mode: processes, phones and rate",
        unit="µs",
        rows=rows,
        text=_table(rows),
        charts=[
            Chart(
                name="kamailio",
                title="Kamailio in memory: CPU of a refresh, by how busy it is",
                kind="bars",
                x="case",
                y="us",
                where={"work": REFRESH.name},
                y_label="µs of CPU per request",
            )
        ],
    )


def _costs(player: Player, options: Options) -> list[tuple[str, str, float]]:
    """Load, work, and µs of CPU, of one turn."""
    found = [
        (BUSY, work.name, sum(player.play(work, options.requests).values()))
        for work in (FIRST, REFRESH)
    ]
    for rate in RATES:
        cost, _ = refreshes(player, rate, TURN_S)
        found.append((f"{rate:,}/s", REFRESH.name, cost))
    return found


def _table(rows: list[Row]) -> str:
    loads = list(dict.fromkeys((row["work"], row["load"]) for row in rows))
    head = "".join(f"{f'{work}, {load}':>18}" for work, load in loads)
    lines = [f"{'CPU, µs':34}{head}"]
    for children, size in dict.fromkeys((row["children"], row["phones"]) for row in rows):
        some = [row for row in rows if (row["children"], row["phones"]) == (children, size)]
        lines.append(
            f"  {_name(children, size):32}" + "".join(f"{row['us']:18.1f}" for row in some)
        )
    return "\n".join(lines)


def _name(children: Cell, phones: Cell) -> str:
    return f"{children} {'process' if children == 1 else 'processes'}, {phones:,} phones"
