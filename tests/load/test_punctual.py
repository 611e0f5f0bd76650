"""What a process asks of the kernel, as the kernel tells it back."""

import subprocess
import sys

import pytest

SCRIPT = """
from pathlib import Path
from regcluster.load.punctual import be_punctual
be_punctual()
print(Path("/proc/self/timerslack_ns").read_text().strip())
"""


@pytest.mark.server
def test_waits_end_to_the_nanosecond() -> None:
    """In a process of its own: the wish holds for as long as it lives."""
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=True
    )

    assert "1\n" == found.stdout
