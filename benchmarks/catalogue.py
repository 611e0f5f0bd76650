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
    what: str
    quick: bool = True
    """Whether it is one of those that are run when no name is given."""

    def run(self, options: Options) -> Report:
        """Measure; it may take minutes."""
        run: Callable[[Options], Report] = import_module(self.module).run
        return run(options)


BENCHMARKS: dict[str, Benchmark] = {}
"""In the order in which they are run."""
