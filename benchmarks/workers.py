"""CPU per request with one and two processes that take SIP, over UDP and over TCP.

Nothing is won by a second process on a machine whose processors the sender and the store need too;
what is shown is what it costs.
"""

import tempfile
from pathlib import Path

from benchmarks.contestants import Setup, entries
from benchmarks.options import Options
from benchmarks.report import Chart, Report, Row
from benchmarks.turns import ALL, LOOKUP, REFRESH, Cost, play, players, rows, table

PHONES = 10_000
WORKERS = (1, 2)
TRANSPORTS = ("UDP", "TCP")
WORKS = {REFRESH: "Refreshing REGISTER", LOOKUP: "Call redirected (lookup + 302)"}


def run(options: Options) -> Report:
    """Play a whole set of rounds for each number of workers and each transport."""
    found: list[Row] = []
    tables = []
    for transport in TRANSPORTS:
        for workers in WORKERS:
            costs = _costs(options, workers, transport)
            found += rows(costs, workers=workers, transport=transport)
            for work, title in WORKS.items():
                title = f"{title}, {transport}, {_count(workers)}"
                tables.append(table([cost for cost in costs if cost.work == work.name], title))
    for row in found:
        row["setup"] = f"{row['contestant']}, {row['transport']}, {row['workers']}"
    return Report(
        name="workers",
        title="CPU of all server processes per request, by transport and number of workers",
        unit="µs",
        rows=found,
        text="\n\n".join(tables),
        charts=[
            Chart(
                name=f"workers-{work.name}",
                title=f"{title}: CPU by transport and workers",
                kind="bars",
                x="setup",
                y="us",
                by="part",
                where={"work": work.name},
                without={"part": ALL, "contestant": "Kamailio, db_redis"},
                y_label="µs of CPU per request",
            )
            for work, title in WORKS.items()
        ],
    )


def _costs(options: Options, workers: int, transport: str) -> list[Cost]:
    with (
        tempfile.TemporaryDirectory(prefix="rc-bench-") as folder,
        players(
            entries(checkout=options.beside), Path(folder), Setup(workers), PHONES, transport
        ) as found,
    ):
        return play(found, list(WORKS), options, f"{transport}, {_count(workers)}")


def _count(workers: int) -> str:
    return "one worker" if workers == 1 else f"{workers} workers"
