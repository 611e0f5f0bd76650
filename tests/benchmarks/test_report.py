"""Reports: what is saved, and what was done to find it."""

from pathlib import Path

import msgspec
import pytest

from benchmarks.report import Chart, Report, load, save

REPORT = Report(
    name="example",
    title="An example",
    unit="µs",
    rows=[{"contestant": "one", "us": 1.5, "rounds": [1.0, 2.0], "phones": 3, "none": None}],
    text="one  1.5",
    charts=[Chart(name="example", title="An example", kind="bars", x="contestant", y="us")],
)


def test_a_report_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    """Figures, text and charts."""
    file = save(REPORT, tmp_path / "new")

    assert (tmp_path / "new" / "example.json", REPORT) == (file, load(file).report)


def test_a_saved_report_says_where_it_is_from(tmp_path: Path) -> None:
    """The machine, the versions, the command and the day."""
    saved = load(save(REPORT, tmp_path))

    assert saved.machine.processors >= 1
    assert {"regcluster", "valkey"} <= saved.versions.keys()
    assert 1 == len({"python", "python, Debian"} & saved.versions.keys())
    assert saved.command.startswith("python -m benchmarks")
    assert saved.taken.endswith("Z")


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    """A chart is never drawn of something else."""
    file = tmp_path / "other.json"
    file.write_text('{"report": []}')

    with pytest.raises(msgspec.ValidationError):
        load(file)
