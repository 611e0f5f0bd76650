"""``regcluster top``: what nodes do at this moment, from their metrics, looked at again and again.

Rates and latencies are those of the time between two looks; ``figures`` makes them.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, NoReturn

import click
import msgspec

from regcluster.control import output
from regcluster.control.exits import NEGATIVE
from regcluster.control.options import Source, json_option, settings_options
from regcluster.control.reach import typed
from regcluster.control.web import Page, read_page
from regcluster.errors import told

if TYPE_CHECKING:
    from rich.table import Table

    from regcluster.control.figures import Figures, Look

COLUMNS = (
    *("NODE", "STATE", "UP", "CPU", "REQ/S", "REG/S", "LOOKUP/S", "5XX/S", "SHED/S", "DROP/S"),
    *("IN FLIGHT", "CONN", "REG P50", "REG P99", "STORE P99", "RESTARTS"),
)

LEFT = ("NODE", "STATE")
"""Columns of words; the others are of numbers."""

SPARED = (
    *("RESTARTS", "CONN", "UP", "SHED/S", "REG P50", "LOOKUP/S", "IN FLIGHT", "DROP/S"),
    *("STORE P99", "CPU", "REQ/S"),
)
"""What a narrow terminal goes without, the first of them first."""

GAP = 2
"""Between two columns."""


class Row(msgspec.Struct, frozen=True):
    """One node at one moment: its figures, or why there are none."""

    node: str
    problem: str = ""
    figures: "Figures | None" = None


@click.command()
@settings_options
@json_option
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="From one look to the next.",
)
@click.option("--once", is_flag=True, help="Look for one interval, and end.")
@click.argument("addresses", metavar="[URL]...", nargs=-1)
def top(
    source: Source, as_json: bool, interval: float, once: bool, addresses: tuple[str, ...]
) -> None:
    """Show what nodes do, until it is stopped.

    URL is where a node has its metrics, host:port of its http.listen; without one it is that of the
    settings. With --json each look is a line. Latencies are of REGISTERs, and of calls to the
    store. With --once the exit code is 1 if a node could not be looked at.
    """
    pages = [typed(partial(read_page, text)) for text in addresses or [_ours(source)]]
    ticks = watch(pages, interval)
    # It has no other end.
    with suppress(KeyboardInterrupt):
        if as_json:
            for rows in ticks:
                click.echo(output.document(document(rows)))
                if once:
                    _judge(rows)
        elif once:
            rows = next(ticks)
            _print(rows)
            _judge(rows)
        else:
            _show(ticks)


def _judge(rows: Sequence[Row]) -> NoReturn:
    """End, as it went."""
    raise click.exceptions.Exit(NEGATIVE if any(row.figures is None for row in rows) else 0)


def watch(pages: Sequence[Page], interval: float) -> Iterator[list[Row]]:
    """A row for each node, after each interval."""
    with ThreadPoolExecutor(len(pages)) as threads:
        before = list(threads.map(_look, pages))
        while True:
            time.sleep(interval)
            now = list(threads.map(_look, pages))
            yield [
                _row(page, earlier, later)
                for page, earlier, later in zip(pages, before, now, strict=True)
            ]
            before = now


def document(rows: Sequence[Row]) -> dict[str, object]:
    """One look for machines."""
    return {"at": int(time.time() * 1000), "nodes": [msgspec.to_builtins(row) for row in rows]}


def _ours(source: Source) -> str:
    """Where the settings have a node of this machine answer."""
    listen = source.load().settings.http.listen
    if not listen:
        raise click.UsageError("http.listen is empty, so say URL")
    host, _, port = listen.rpartition(":")
    everywhere = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}
    return f"{everywhere.get(host, host)}:{port}"


def _look(page: Page) -> "Look | str":
    """The metrics of a node, or why there are none."""
    # Only here: no other verb should load what reads them.
    from regcluster.control.figures import read_metrics

    try:
        status, text = page.ask("GET", "/metrics")
        if status != 200:
            return f"answered {status}"
        return read_metrics(text, time.time())
    except OSError as why:
        return told(why)
    except ValueError as why:
        return f"these are no metrics: {why}"


def _row(page: Page, before: "Look | str", now: "Look | str") -> Row:
    from regcluster.control.figures import compare

    if isinstance(now, str):
        return Row(page.title, problem=now)
    if isinstance(before, str):
        return Row(page.title, problem="has only just come")
    return Row(page.title, figures=compare(before, now))


def cells(row: Row) -> tuple[str, ...]:
    """One node as it is shown."""
    figures = row.figures
    if figures is None:
        return (row.node, row.problem, *[""] * (len(COLUMNS) - 2))
    return (
        row.node,
        state(figures),
        _duration(figures.up_s),
        f"{100 * figures.cpu_cores:.0f} %",
        *map(
            _rate,
            (
                figures.requests_per_s,
                figures.registers_per_s,
                figures.lookups_per_s,
                figures.refused_per_s,
                figures.shed_per_s,
                figures.drops_per_s,
            ),
        ),
        _count(figures.in_flight),
        _count(figures.connections),
        *map(_ms, (figures.register_p50_ms, figures.register_p99_ms, figures.store_p99_ms)),
        _count(figures.restarts),
    )


def state(figures: "Figures") -> str:
    """In a word or two."""
    if figures.is_draining:
        return "draining"
    return "ready" if figures.is_ready else "not ready"


def sums(rows: Sequence[Row]) -> tuple[str, ...]:
    """All nodes together, where figures can be added up."""
    known = [row.figures for row in rows if row.figures]

    def total(name: str) -> float:
        return sum(getattr(figures, name) or 0 for figures in known)

    rates = ("requests", "registers", "lookups", "refused", "shed", "drops")
    return (
        f"{len(rows)} nodes",
        f"{sum(state(figures) == 'ready' for figures in known)} ready",
        "",
        f"{100 * total('cpu_cores'):.0f} %",
        *[_rate(total(f"{name}_per_s")) for name in rates],
        _count(total("in_flight")),
        _count(total("connections")),
        *["", "", ""],
        _count(total("restarts")),
    )


def fitting(lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """Those of ``COLUMNS`` by number that have room in ``width``, with these ``lines`` in them."""
    widths = [GAP + max(map(len, column)) for column in zip(COLUMNS, *lines, strict=True)]
    kept = set(range(len(COLUMNS)))
    for name in SPARED:
        if sum(widths[number] for number in kept) - GAP <= width:
            break
        kept.remove(COLUMNS.index(name))
    return sorted(kept)


def _table(rows: Sequence[Row], width: int) -> "Table":
    from rich.table import Table
    from rich.text import Text

    lines = _lines(rows)
    columns = fitting(lines, width)
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for number in columns:
        name = COLUMNS[number]
        table.add_column(name, justify="left" if name in LEFT else "right", no_wrap=True)
    styles = ["" if row.figures and state(row.figures) == "ready" else "red" for row in rows]
    for line, style in zip_longest(lines, styles, fillvalue="bold"):
        table.add_row(*[Text(line[number]) for number in columns], style=style)
    return table


def _lines(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """All there is to show, a sum below several nodes."""
    more = [sums(rows)] if len(rows) > 1 else []
    return [tuple(map(output.printable, line)) for line in [*map(cells, rows), *more]]


def _print(rows: Sequence[Row]) -> None:
    """As a table that no terminal is needed for."""
    click.echo(output.table(COLUMNS, _lines(rows)))


def _show(ticks: Iterator[Sequence[Row]]) -> None:
    """Draw each look in the place of the one before, or below it where that cannot be done."""
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not console.is_terminal:
        for rows in ticks:
            _print(rows)
        return
    with Live(console=console, screen=True, auto_refresh=False) as live:
        live.update("Looking ...", refresh=True)
        for rows in ticks:
            live.update(_table(rows, console.width), refresh=True)


def _rate(value: float) -> str:
    return f"{value:.1f}" if 0 < value < 100 else f"{value:.0f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _duration(seconds: float | None) -> str:
    """In its two greatest units."""
    if seconds is None:
        return "-"
    left = int(seconds)
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    index = next((i for i, (_, size) in enumerate(units) if left >= size), len(units) - 1)
    parts = []
    for name, size in units[index : index + 2]:
        parts.append(f"{left // size} {name}")
        left %= size
    return " ".join(parts)
