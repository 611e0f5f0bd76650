"""How many CPUs this process may use: those it is bound to, and what its control group allows."""

import os
from math import ceil
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
"""Where a container sees its own control group; elsewhere that of the whole machine."""


def usable_cpus(cgroup: Path = CGROUP) -> int:
    """CPUs to run a worker on each, at least one.

    A container's limit says nothing of which CPUs, only how much of their time. More workers than
    that would each be stopped in turn, with requests in hand.
    """
    bound = len(os.sched_getaffinity(0))
    allowed = _quota(cgroup)
    return bound if allowed is None else max(1, min(bound, ceil(allowed)))


def _quota(cgroup: Path) -> float | None:
    """CPUs' worth of time that version 2 or version 1 of control groups grants; None: all."""
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            quota = (cgroup / "cpu/cpu.cfs_quota_us").read_text()
            period = (cgroup / "cpu/cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        share = int(quota) / int(period)
    except (ValueError, ZeroDivisionError):
        return None  # "max"
    return share if share > 0 else None  # -1 in version 1
