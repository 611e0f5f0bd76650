"""The figures in docs/ are those of the saved reports."""

import re
from pathlib import Path

import pytest

from benchmarks.charts import IMAGES
from benchmarks.pages import DOCS, filled, write_all
from benchmarks.report import RESULTS, Chart, Report, load, save

PAGE = "Before.\n\n<!-- report: example -->\nold\n<!-- end -->\n\nAfter.\n"
CHART = Chart(name="one-chart", title="One chart", kind="bars", x="a", y="b")
REPORT = Report(name="example", title="", unit="", rows=[], text="fresh figures", charts=[CHART])


def test_a_report_stands_where_its_page_holds_its_place(tmp_path: Path) -> None:
    """With what was typed to get it; the rest of the page stays."""
    save(REPORT, tmp_path)

    page = filled(PAGE, tmp_path)

    before, _, rest = page.partition("<!-- report: example -->\n")
    section, _, after = rest.partition("<!-- end -->")
    assert ("Before.\n\n", "\n\nAfter.\n") == (before, after)
    assert section.startswith("```text\nfresh figures\n```\n\n`python -m benchmarks")
    assert section.endswith("\n![One chart](images/one-chart.svg)\n")
    assert "old" not in section


def test_the_surroundings_stand_where_a_page_holds_their_place(tmp_path: Path) -> None:
    """The machine, and the number of each version."""
    save(REPORT, tmp_path)

    page = filled("<!-- surroundings: example -->\n<!-- end -->\n", tmp_path)

    assert re.search(r"processors, .* GB, Linux .*; python 3\.\d+.*, valkey \d+\.\d+", page)


def test_a_report_that_was_never_saved_leaves_the_page_alone(tmp_path: Path) -> None:
    """No figures are better than wrong ones."""
    assert filled(PAGE, tmp_path) == PAGE


def test_a_page_is_written_once(tmp_path: Path) -> None:
    """What is up to date is not touched again."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    save(REPORT, tmp_path)

    assert ([page], []) == (write_all(tmp_path, tmp_path), write_all(tmp_path, tmp_path))


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_the_pages_in_docs_are_up_to_date(page: Path) -> None:
    """``python -m benchmarks charts`` would change nothing."""
    text = page.read_text()

    assert filled(text) == text


def test_every_saved_report_has_its_pictures() -> None:
    """One of each form for each of its charts."""
    charts = [chart for file in RESULTS.glob("*.json") for chart in load(file).report.charts]

    assert [] == [
        f"{chart.name}.{kind}"
        for chart in charts
        for kind in ("svg", "png")
        if not (IMAGES / f"{chart.name}.{kind}").exists()
    ]
