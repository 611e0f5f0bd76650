"""What a process asks of the kernel, as the kernel tells it back."""

import platform
import re
import subprocess
import sys

import pytest

from regcluster.load.punctual import SLICE_NS

pytestmark = pytest.mark.server

SCRIPT = """
from pathlib import Path
from regcluster.load.punctual import be_punctual
be_punctual()
print(Path("/proc/self/timerslack_ns").read_text().strip())
print(sched.read_text() if (sched := Path("/proc/self/sched")).exists() else "")
"""

SLICE = re.compile(r"^se\.slice +: +([0-9]+)$", re.MULTILINE)
TAKES_WISHES = tuple(map(int, platform.release().split(".")[:2])) >= (6, 12)


def told() -> str:
    """In a process of its own: the wish holds for as long as it lives."""
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_waits_end_to_the_nanosecond() -> None:
    """Those of timers, and of sockets that may say nothing."""
    assert "1" == told().split("\n")[0]


def test_a_slice_is_as_short_as_there_are() -> None:
    """So it is had sooner. A kernel that takes no such wish, or tells of none, is no worse."""
    found = SLICE.search(told())

    assert found is None or not TAKES_WISHES or SLICE_NS == int(found[1])
