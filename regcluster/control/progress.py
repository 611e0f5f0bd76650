"""A progress bar on standard error, if that is a terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def shown(label: str, length: int) -> Iterator[Callable[[int], None]]:
    """What to call with how much of ``length`` is done by now."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        # Past the end, where more was done than there was to do, it would draw a new bar.
        yield lambda done: bar.update(min(done, length) - bar.pos)
