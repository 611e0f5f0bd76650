"""What a benchmark has found: rows of figures, the text that is printed, and charts to be drawn.

Every benchmark returns one ``Report``, whatever it measures. ``save`` writes it as JSON together
with the machine, the versions and the command it comes from; ``benchmarks.charts`` draws its charts
from nothing but that file, so a chart cannot say what the figures do not.
"""

import time
from pathlib import Path
from typing import Literal

import msgspec

from benchmarks.surroundings import Machine, command, machine, versions

RESULTS = Path(__file__).parent / "results"
"""Where the reports are kept that docs/ speaks of."""

Cell = str | float | int | bool | list[float] | None
Row = dict[str, Cell]
"""Figures and names by column; one column may hold the figures of each round, as a list."""


class Chart(msgspec.Struct, kw_only=True, frozen=True):
    """One picture of some rows, told by the names of columns."""

    name: str
    """Of its files, without an ending."""
    title: str
    kind: Literal["bars", "lines"]
    """bars: one bar a value of ``x``, lying down, stacked by ``by``. lines: one line a value of
    ``by``."""
    x: str
    """The column along the axis: names for bars, numbers for lines."""
    y: str
    """The column of the figures."""
    by: str = ""
    """The column that tells series apart; empty: there is only one."""
    where: dict[str, str | int | bool] = {}
    """Only rows whose columns have these values."""
    without: dict[str, str | int | bool] = {}
    """Except rows whose columns have these."""
    x_label: str = ""
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False


class Report(msgspec.Struct, kw_only=True, frozen=True):
    """What one benchmark has found."""

    name: str
    """Of the benchmark, and of its file."""
    title: str
    """What is measured, in a few words."""
    unit: str
    """Of the figures in ``rows``, unless a column's name says another."""
    rows: list[Row]
    text: str
    """The same as a table for readers."""
    charts: list[Chart] = []


class Saved(msgspec.Struct, kw_only=True, frozen=True):
    """A report, and where it comes from."""

    report: Report
    command: str
    """What was typed."""
    taken: str
    """When, in UTC."""
    machine: Machine
    versions: dict[str, str]


def save(report: Report, folder: Path = RESULTS) -> Path:
    """Write ``report`` into ``folder``; the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{report.name}.json"
    taken = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    saved = Saved(
        report=report, command=command(), taken=taken, machine=machine(), versions=versions()
    )
    file.write_bytes(msgspec.json.format(msgspec.json.encode(saved), indent=1) + b"\n")
    return file


def load(file: Path) -> Saved:
    """What ``save`` wrote; ``msgspec.ValidationError`` where it is something else."""
    return msgspec.json.decode(file.read_bytes(), type=Saved)
