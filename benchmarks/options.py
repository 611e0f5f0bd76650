"""How a benchmark is to be run; all of them take the same options."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """What a command line asks of every benchmark."""

    full: bool = False
    """As large as what docs/ shows, in minutes; otherwise in seconds."""
    rounds: int = 5
    """How often everybody's turn comes; what is told is the median."""
    requests: int = 4_000
    """What each is asked in a round; six thousand if it is to be ``full``."""
    beside: Path | None = None
    """Another copy of the package, to be measured as well."""
    bindings: int = 1_000_000
    """How many the largest store holds."""
