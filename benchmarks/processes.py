"""CPU time of whole process trees, as the kernel's scheduler accounts for it."""

from contextlib import suppress
from pathlib import Path


def cpu_us(roots: list[int]) -> float:
    """Microseconds on a CPU so far, of these processes and all they have started."""
    return sum(_cpu_ns(pid) for root in roots for pid in _tree(root)) / 1000


def _tree(pid: int) -> list[int]:
    found = [pid]
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in file.read_text().split():
            found += _tree(int(child))
    return found


def _cpu_ns(pid: int) -> int:
    total = 0
    for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        # A thread may end while it is looked at.
        with suppress(OSError):
            total += int(file.read_text().split()[0])
    return total
