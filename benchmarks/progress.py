"""How far a long measurement has come, on a terminal's standard error."""

import sys
from dataclasses import dataclass


@dataclass(slots=True)
class Progress:
    """Counts ``total`` steps of ``what``; writes nothing where nobody watches."""

    what: str
    total: int
    done: int = 0

    def step(self) -> None:
        """One more is done."""
        self.done += 1
        if sys.stderr.isatty():
            end = "\n" if self.done == self.total else ""
            sys.stderr.write(f"\r{self.what}: {self.done} of {self.total}{end}")
            sys.stderr.flush()
