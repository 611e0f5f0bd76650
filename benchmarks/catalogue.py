"""Which benchmarks there are: the name of each, and the module whose ``run`` measures it.

A module is imported when its benchmark is run, so that one of them never waits for another.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from benchmarks.options import Options
from benchmarks.report import Report


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One that can be asked for."""

    module: str
    """Its ``run`` takes ``Options`` and returns a ``Report``."""
    what: str
    """For the list of them."""
    quick: bool = True
    """Whether it is run when no name is given, without --full too."""

    def run(self, options: Options) -> Report:
        """Measure; it may take minutes."""
        run: Callable[[Options], Report] = import_module(self.module).run
        return run(options)


# In the order in which they are run.
BENCHMARKS: dict[str, Benchmark] = {
    "micro": Benchmark("benchmarks.micro", "each part of one request, beside a yardstick"),
    "side-by-side": Benchmark(
        "benchmarks.side_by_side", "CPU per request of nodes and of Kamailio, in turns"
    ),
    "million": Benchmark(
        "benchmarks.million", "large stores: memory, cost, lists, and expiry", quick=False
    ),
}
