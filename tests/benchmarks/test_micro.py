"""What the parts of a request cost, of one build and of two."""

from pathlib import Path

import pytest

from benchmarks.charts import picked
from benchmarks.micro import CHECKOUT, YARDSTICK, Micro, beside, measure, told

PURE = Micro({YARDSTICK: 4.0, "parse": 5.0, "plan": 8.0}, "cpython-3.11-pure")
NATIVE = Micro({YARDSTICK: 4.0, "parse": 2.0}, "cpython-3.11-native")


def test_every_build_has_a_column() -> None:
    """With µs and ratios; a part that one of them does not know is left out there."""
    assert [
        ["CPU", "cpython-3.11-pure", "cpython-3.11-native"],
        ["µs", "ratio", "µs", "ratio"],
        ["parse", "5.00", "1.25", "2.00", "0.50"],
        ["plan", "8.00", "2.00", "-", "-"],
        ["a", "turn", "of", "the", "yardstick", "4.00", "1.00", "4.00", "1.00"],
    ] == [line.split() for line in told([PURE, NATIVE]).text.splitlines()]


@pytest.mark.parametrize(
    ("found", "bars"),
    [
        ([PURE], [("parse", 1.25), ("plan", 2.0)]),
        (
            [PURE, NATIVE],
            [("parse, pure", 1.25), ("parse, native", 0.5), ("plan, pure", 2.0)],
        ),
    ],
    ids=["one", "two"],
)
def test_every_part_has_a_bar_for_each_build(
    found: list[Micro], bars: list[tuple[str, float]]
) -> None:
    """Those of one part beside each other."""
    report = told(found)

    assert bars == [(row["bar"], row["ratio"]) for row in picked(report, report.charts[0])]


@pytest.mark.server
def test_another_copy_is_measured_in_a_process_of_its_own() -> None:
    """The same parts, and another name, be it of the same build or not."""
    ours, theirs = measure(rounds=1), beside(CHECKOUT, rounds=1)

    assert ours.best.keys() == theirs.best.keys()
    assert theirs.build.startswith(ours.build.replace("native", "pure"))
    assert ours.build != theirs.build


@pytest.mark.server
def test_a_copy_that_cannot_be_measured_is_an_error(tmp_path: Path) -> None:
    """In a sentence that names it."""
    broken = tmp_path / "regcluster"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise SystemExit(3)")

    with pytest.raises(RuntimeError, match=f"{tmp_path} told no figures, exit code 3"):
        beside(tmp_path, rounds=1)
