"""A node runs as many workers as it may use CPUs."""

import os
from pathlib import Path

import pytest

from regcluster.control.cpus import usable_cpus

BOUND = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("max 100000\n", BOUND),
        ("100000 100000\n", 1),
        ("20000 100000\n", 1),
        ("150000 100000\n", min(2, BOUND)),
        ("100000000 100000\n", BOUND),
        ("-1 100000\n", BOUND),
        ("100000 0\n", BOUND),
        ("what this is nobody knows\n", BOUND),
    ],
)
def test_a_limit_of_the_control_group_holds(tmp_path: Path, limit: str, expected: int) -> None:
    """Of a started CPU a whole worker makes use; no limit leaves what the process is bound to."""
    (tmp_path / "cpu.max").write_text(limit)

    assert expected == usable_cpus(tmp_path)


@pytest.mark.parametrize(("quota", "expected"), [("50000", 1), ("-1", BOUND)])
def test_so_does_one_of_the_first_version(tmp_path: Path, quota: str, expected: int) -> None:
    """Where there is no ``cpu.max``, two files say it."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu/cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu/cpu.cfs_period_us").write_text("100000\n")

    assert expected == usable_cpus(tmp_path)


def test_without_control_groups_all_count(tmp_path: Path) -> None:
    """As on a plain machine, or where they are hidden."""
    assert usable_cpus(tmp_path) == BOUND
