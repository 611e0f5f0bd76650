"""Which benchmarks there are: the name of each, and the module that measures it.

A module is imported when its benchmark is run, so that one of them never waits for another.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal

from benchmarks.options import Options
from benchmarks.report import Report


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One that can be asked for."""

    module: str
    """Its ``run`` takes ``Options`` and returns a ``Report``."""
    what: str
    """For the list of them."""
    when: Literal["always", "full", "asked"] = "always"
    """Whether it is run when no name is given: always, with --full, or never."""
    needs: tuple[str, ...] = ()
    """Benchmarks from whose reports its module makes another one, with ``tell``."""

    def run(self, options: Options, found: Mapping[str, Report]) -> Report:
        """Measure, which may take minutes, or tell what was ``found``."""
        module = import_module(self.module)
        report: Report = module.tell(found) if self.needs else module.run(options)
        return report


def chosen(names: tuple[str, ...], *, full: bool) -> list[str]:
    """Those to be run when ``names`` are asked for, with all that they need."""
    wanted = set(names)
    if not names:
        moments = {"always", "full"} if full else {"always"}
        wanted = {name for name, each in BENCHMARKS.items() if each.when in moments}
    for name in list(wanted):
        wanted.update(BENCHMARKS[name].needs)
    return [name for name in BENCHMARKS if name in wanted]


# In the order in which they are run.
BENCHMARKS: dict[str, Benchmark] = {
    "micro": Benchmark("benchmarks.micro", "each part of one request, beside a yardstick"),
    "side-by-side": Benchmark(
        "benchmarks.side_by_side", "CPU per request of nodes and of Kamailio, in turns"
    ),
    "workers": Benchmark(
        "benchmarks.workers", "the same by transport and number of workers", when="full"
    ),
    "users": Benchmark(
        "benchmarks.users", "the same by the number of registered phones", when="full"
    ),
    "rates": Benchmark(
        "benchmarks.rates", "CPU and latency of a refresh at fixed rates", when="full"
    ),
    "kamailio": Benchmark(
        "benchmarks.peer", "what a REGISTER costs Kamailio, and when", when="full"
    ),
    "latency": Benchmark(
        "benchmarks.latency", "a refresh at 70 % of capacity, beside the store", when="full"
    ),
    "closed": Benchmark(
        "benchmarks.closed", "a refresh by how many are under way, beside the store", when="full"
    ),
    "memory": Benchmark("benchmarks.memory", "bytes per binding, by server and setting"),
    "scaling": Benchmark(
        "benchmarks.scaling", "CPU of one to four nodes and one to three shards", when="full"
    ),
    "storm": Benchmark(
        "benchmarks.storm", "everybody registers again at once, after an outage", when="full"
    ),
    "capacity": Benchmark(
        "benchmarks.scaling_model",
        "nodes and shards that many users need",
        when="full",
        needs=("memory", "scaling"),
    ),
    "million": Benchmark(
        "benchmarks.million", "large stores: memory, cost, lists, and expiry", when="asked"
    ),
    "targets": Benchmark(
        "benchmarks.targets",
        "what was aimed at, beside what the others found",
        when="full",
        needs=("side-by-side", "users", "latency", "closed", "memory"),
    ),
}
