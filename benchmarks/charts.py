"""Pictures of saved reports, as SVG and PNG: nothing is in them that is not in the JSON.

The same report gives the same bytes, so that a picture in the repository changes with its figures
alone.
"""

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import LogLocator

from benchmarks.report import RESULTS, Cell, Chart, Report, Row, Saved, load

IMAGES = Path(__file__).parents[1] / "docs" / "images"

COLOURS = ("#1f6f8b", "#e07a3f", "#6a994e", "#8a5a9e", "#c1445b", "#55606b", "#d2a517", "#3aa6a0")
WIDTH = 8.0
LINES_HEIGHT = 4.4
BAR_HEIGHT = 0.42
HEAD = 1.6
DPI = 110

_STYLE: Any = {
    "svg.hashsalt": "regcluster",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e3e6e8",
    "legend.frameon": False,
}


def draw_all(reports: Path = RESULTS, images: Path = IMAGES) -> list[Path]:
    """Draw every chart of every report in a folder; the files."""
    images.mkdir(parents=True, exist_ok=True)
    written = []
    for file in sorted(reports.glob("*.json")):
        saved = load(file)
        for chart in saved.report.charts:
            written += _write(draw(saved, chart), images / chart.name)
    return written


def draw(saved: Saved, chart: Chart) -> Figure:
    """One picture."""
    rows = list(picked(saved.report, chart))
    with mpl.rc_context(_STYLE):
        # What stands below the picture says where it is from.
        figure = Figure(layout=ConstrainedLayoutEngine(rect=(0, 0.04, 1, 0.96)))
        axes = figure.add_subplot()
        figure.suptitle(chart.title, x=0.01, ha="left", weight="bold", size=11)
        if chart.kind == "bars":
            _bars(axes, rows, chart)
            names = {row[chart.x] for row in rows}
            figure.set_size_inches(WIDTH, HEAD + BAR_HEIGHT * len(names))
            if chart.by:
                figure.legend(loc="outside lower left", ncols=len(COLOURS))
        else:
            _lines(axes, rows, chart)
            figure.set_size_inches(WIDTH, LINES_HEIGHT)
        figure.text(1, 0, f"{_origin(saved)} ", ha="right", va="bottom", size=7, color="#6b747c")
    return figure


def picked(report: Report, chart: Chart) -> Iterator[Row]:
    """The rows that a chart is about."""
    for row in report.rows:
        meant = all(row.get(name) == value for name, value in chart.where.items())
        spared = any(row.get(name) == value for name, value in chart.without.items())
        if meant and not spared and row.get(chart.x) is not None and row.get(chart.y) is not None:
            yield row


def _bars(axes: Axes, rows: Sequence[Row], chart: Chart) -> None:
    names = list(dict.fromkeys(str(row[chart.x]) for row in rows))
    ends = dict.fromkeys(names, 0.0)
    for colour, (series, some) in zip(cycle(COLOURS), _series(rows, chart), strict=False):
        for row in some:
            name, figure = str(row[chart.x]), _number(row[chart.y])
            label = series if row is some[0] else None
            axes.barh(names.index(name), figure, 0.72, ends[name], color=colour, label=label)
            ends[name] += figure
    for place, name in enumerate(names):
        axes.annotate(
            f"{ends[name]:,.3g}" if ends[name] < 100 else f"{ends[name]:,.0f}",
            (ends[name], place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.12)
    axes.set_xlabel(chart.y_label)
    if chart.log_y:
        axes.set_xscale("log")


def _lines(axes: Axes, rows: Sequence[Row], chart: Chart) -> None:
    for colour, (series, some) in zip(cycle(COLOURS), _series(rows, chart), strict=False):
        points = sorted((_number(row[chart.x]), _number(row[chart.y])) for row in some)
        axes.plot(*zip(*points, strict=True), "o-", color=colour, label=series, markersize=4)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.set_xscale("log" if chart.log_x else "linear")
    axes.set_yscale("log" if chart.log_y else "linear")
    if not chart.log_y:
        axes.set_ylim(bottom=0)
    for axis, is_log in ((axes.xaxis, chart.log_x), (axes.yaxis, chart.log_y)):
        if is_log:
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_minor_formatter("")
        # 10,000, not a power of ten.
        axis.set_major_formatter("{x:,.6g}")
    if chart.by:
        axes.legend()


def _series(rows: Sequence[Row], chart: Chart) -> list[tuple[str, list[Row]]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row.get(chart.by, "")), []).append(row)
    return list(found.items())


def _write(figure: Figure, stem: Path) -> list[Path]:
    files = [stem.with_name(f"{stem.name}.{kind}") for kind in ("svg", "png")]
    with mpl.rc_context(_STYLE):
        figure.savefig(files[0], metadata={"Date": None, "Creator": None})
        figure.savefig(files[1], dpi=DPI, metadata={"Software": None})
    # It ends lines with blanks, which git would complain of for ever.
    lines = files[0].read_text().splitlines()
    files[0].write_text("".join(f"{line.rstrip()}\n" for line in lines))
    return files


def _origin(saved: Saved) -> str:
    machine = saved.machine
    return f"{saved.command} · {machine.processor}, {machine.processors} CPUs · {saved.taken[:10]}"


def _number(cell: Cell) -> float:
    if not isinstance(cell, int | float):
        raise TypeError(f"no number: {cell!r}")
    return float(cell)
