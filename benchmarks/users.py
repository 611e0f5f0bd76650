"""CPU per request with a thousand to a million phones registered, all sizes in turns.

Requests are of phones that nobody can foresee, so that the processor's caches help as little as
they do in earnest.
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.contestants import DB_REDIS, Entry, Setup, entries
from benchmarks.options import Options
from benchmarks.report import Chart, Report
from benchmarks.turns import ALL, LOOKUP, REFRESH, play, player, rows, table

QUICK_SIZES = (1_000, 20_000)
SIZES = (1_000, 10_000, 100_000)
MOST_SLOW = 10_000
"""Phones that a contestant is given which takes minutes to register more."""

TITLES = {REFRESH.name: "Refreshing REGISTER", LOOKUP.name: "Call redirected (lookup + 302)"}


def run(options: Options) -> Report:
    """Every size of every contestant runs at the same time."""
    sizes = (*SIZES, options.bindings) if options.full else QUICK_SIZES
    with tempfile.TemporaryDirectory(prefix="rc-bench-") as name, ExitStack() as stack:
        found = [
            stack.enter_context(player(entry, Path(name) / f"{size}-{number}", Setup(), size))
            for number, entry in enumerate(_entries(options))
            for size in sizes
            if entry.slowness == 1 or size <= MOST_SLOW
        ]
        costs = play(found, [REFRESH, LOOKUP], options, "sizes")
    tables = []
    for work, title in TITLES.items():
        some = [cost for cost in costs if cost.work == work]
        names = [f"{cost.contestant}, {cost.phones:,} phones" for cost in some]
        tables.append(table(some, title, names))
    return Report(
        name="users",
        title="CPU of all server processes per request, by the number of registered phones",
        unit="µs",
        rows=rows(costs),
        text="\n\n".join(tables),
        charts=[_chart(work, title) for work, title in TITLES.items()],
    )


def _entries(options: Options) -> list[Entry]:
    # One build of the node is enough here: the compiled one, if there is any.
    ours = [entry for entry in entries(checkout=options.beside) if entry.is_ours]
    theirs = [entry for entry in entries() if not entry.is_ours]
    return theirs + ours[-1:]


def _chart(work: str, title: str) -> Chart:
    return Chart(
        name=f"users-{work}",
        title=f"{title}: CPU by the number of registered phones",
        kind="lines",
        x="phones",
        y="us",
        by="contestant",
        where={"work": work, "part": ALL},
        without={"contestant": DB_REDIS},
        x_label="registered phones",
        y_label="µs of CPU per request",
        log_x=True,
    )
