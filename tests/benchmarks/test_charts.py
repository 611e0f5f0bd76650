"""Charts: which rows are in them, and that figures alone decide how they look."""

from pathlib import Path

import pytest

from benchmarks.charts import draw_all, picked
from benchmarks.report import Chart, Report, Row, save

ROWS: list[Row] = [
    {"contestant": "one", "part": "node", "work": "first", "us": 30.0, "rate": 1000},
    {"contestant": "one", "part": "all", "work": "first", "us": 30.0, "rate": 1000},
    {"contestant": "one", "part": "node", "work": "lookup", "us": 10.0, "rate": 2000},
    {"contestant": "two", "part": "node", "work": "first", "us": 40.0, "rate": 1000},
    {"contestant": "two", "part": "store", "work": "first", "us": 5.0, "rate": 1000},
    {"contestant": "two", "part": "store", "work": "first", "us": None, "rate": 1000},
]
BARS = Chart(
    name="bars",
    title="Bars",
    kind="bars",
    x="contestant",
    y="us",
    by="part",
    where={"work": "first"},
    without={"part": "all"},
)
LINES = Chart(
    name="lines", title="Lines", kind="lines", x="rate", y="us", by="contestant", log_x=True
)


def _report(*charts: Chart) -> Report:
    return Report(
        name="example", title="An example", unit="µs", rows=ROWS, text="", charts=list(charts)
    )


def test_a_chart_is_of_the_rows_it_names() -> None:
    """Those it asks for, but those it leaves out, and but those without a figure."""
    rows = picked(_report(BARS), BARS)

    assert [("one", 30.0), ("two", 40.0), ("two", 5.0)] == [
        (row["contestant"], row["us"]) for row in rows
    ]


@pytest.mark.parametrize("chart", [BARS, LINES], ids=["bars", "lines"])
def test_the_same_report_gives_the_same_pictures(tmp_path: Path, chart: Chart) -> None:
    """Byte by byte, in both forms."""
    save(_report(chart), tmp_path)

    first, second = (
        {file.name: file.read_bytes() for file in draw_all(tmp_path, tmp_path / folder)}
        for folder in ("first", "second")
    )

    assert {f"{chart.name}.svg", f"{chart.name}.png"} == first.keys()
    assert first == second


def test_a_bar_says_how_long_it_is(tmp_path: Path) -> None:
    """The sum of its parts."""
    save(_report(BARS), tmp_path)

    files = draw_all(tmp_path, tmp_path / "images")

    assert ">45<" in files[0].read_text().replace(" ", "")
