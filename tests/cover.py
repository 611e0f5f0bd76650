"""The coverage gate of the pure rooms: each module in full, by its own test module alone.

``regcluster/sip/uri.py`` must have every branch taken by ``tests/sip/test_uri.py``, with no help
from the tests of its neighbours: a line that only a neighbour runs is a line nobody checks. One
pytest a module, as many at once as there are CPUs; run by ``make cover``.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
PURE = ("sip", "registrar", "proxy")


def modules() -> Iterator[Path]:
    """Every module of the pure rooms; an ``__init__`` only re-exports and is left out."""
    for room in PURE:
        for module in sorted((ROOT / "regcluster" / room).rglob("*.py")):
            if module.name != "__init__.py":
                yield module.relative_to(ROOT)


def own_test(module: Path) -> Path:
    """The one test module that answers for ``module``."""
    return Path("tests", *module.parent.parts[1:], f"test_{module.name}")


def measure(module: Path) -> str:
    """Run the module's own tests; empty when they pass and cover it, else what is wrong."""
    test = own_test(module)
    if not (ROOT / test).exists():
        return f"{module}: there is no {test}"
    name = ".".join(module.with_suffix("").parts)
    command = [
        sys.executable,
        "-m",
        "pytest",
        str(test),
        "-q",
        "--no-header",
        "-p",
        "no:cacheprovider",
    ]
    command += [
        f"--cov={name}",
        "--cov-branch",
        "--cov-report=term-missing",
        "--cov-fail-under=100",
    ]
    with tempfile.TemporaryDirectory() as folder:
        # Runs side by side must not write one data file.
        environ = os.environ | {"COVERAGE_FILE": str(Path(folder, "data"))}
        run = subprocess.run(
            command, cwd=ROOT, env=environ, text=True, capture_output=True, check=False
        )
    return "" if run.returncode == 0 else f"{module}:\n{run.stdout}{run.stderr}"


def main() -> int:
    """Measure all, print what falls short; the exit status says whether anything does."""
    targets = list(modules())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = [outcome for outcome in pool.map(measure, targets) if outcome]
    report = failures or [f"{len(targets)} modules, each covered in full by its own tests"]
    sys.stdout.write("\n".join(report) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
