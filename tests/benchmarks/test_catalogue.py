"""The catalogue: what is run, and in which order."""

from importlib.util import find_spec

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.catalogue import BENCHMARKS, chosen


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_its_module(name: str) -> None:
    """A name that is listed can be run."""
    assert find_spec(BENCHMARKS[name].module)


def test_what_a_benchmark_needs_is_run_before_it() -> None:
    """In the order of the catalogue, whatever order was asked for."""
    names = chosen(("targets", "micro"), full=False)

    assert ["micro", "side-by-side", "users", "latency", "closed", "memory", "targets"] == names


def test_without_a_name_the_quick_ones_are_run() -> None:
    """And with --full all but those that have to be asked for."""
    quick, full = chosen((), full=False), chosen((), full=True)

    assert ("side-by-side" in quick, "rates" in quick) == (True, False)
    assert ("rates" in full, "million" in full) == (True, False)


def test_help_lists_every_benchmark() -> None:
    """With what it measures, and what is drawn of it."""
    shown = CliRunner().invoke(main, ["--help"]).output

    assert [] == [name for name, each in BENCHMARKS.items() if each.what not in shown]
    assert "charts" in shown
