"""CPU per request: nodes and their stores beside Kamailio, on the same messages, in turns.

A phone's first REGISTER, its refresh, a call that is redirected, and a text that is forwarded
statelessly together with its answer. One process of each takes the SIP.
"""

import tempfile
from pathlib import Path

from benchmarks.contestants import STORES, Setup, durable, entries
from benchmarks.options import Options
from benchmarks.report import Chart, Report
from benchmarks.turns import (
    ALL,
    FIRST,
    FORWARD,
    LOOKUP,
    REFRESH,
    Cost,
    Work,
    play,
    players,
    rows,
    table,
)

PHONES = 10_000
PHONES_QUICK = 2_000

TITLES = {
    FIRST.name: "First REGISTER",
    REFRESH.name: "Refreshing REGISTER",
    LOOKUP.name: "Call redirected (lookup + 302)",
    FORWARD.name: "Text forwarded, with its answer",
}


def run(options: Options) -> Report:
    """Play all works, in two groups: a node redirects or forwards."""
    costs = [
        # New phones come last: after them more would be registered than it says.
        *_group(options, Setup(), [REFRESH, LOOKUP], [FIRST]),
        *_group(options, Setup(forwards=True), [FORWARD]),
    ]
    tables = [
        table([cost for cost in costs if cost.work == work], title)
        for work, title in TITLES.items()
    ]
    return Report(
        name="side-by-side",
        title="CPU of all server processes per request, one worker, UDP",
        unit="µs",
        rows=rows(costs),
        text="\n\n".join(tables),
        charts=[_chart(work, title) for work, title in TITLES.items()],
    )


def _group(options: Options, setup: Setup, *parts: list[Work]) -> list[Cost]:
    """The costs of all works; those of one part take turns, and the parts follow each other."""
    stores = tuple(STORES) if options.full else ()
    phones = PHONES if options.full else PHONES_QUICK
    everybody = [*entries(stores, options.beside), durable(options.beside)]
    with (
        tempfile.TemporaryDirectory(prefix="rc-bench-") as folder,
        players(everybody, Path(folder), setup, phones) as found,
    ):
        return [
            cost
            for works in parts
            for cost in play(found, works, options, ", ".join(work.name for work in works))
        ]


def _chart(work: str, title: str) -> Chart:
    return Chart(
        name=f"cpu-{work}",
        title=f"{title}: CPU by process",
        kind="bars",
        x="contestant",
        y="us",
        by="part",
        where={"work": work},
        without={"part": ALL},
        y_label="µs of CPU per request",
    )
