"""What tests of running things share: waiting for a claim, and leaving logs as they were."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio
import structlog

PATIENCE_S = 10.0


class Watch:
    """Called when something has changed; ``until`` waits for a claim to hold."""

    def __init__(self) -> None:
        self._changed = anyio.Event()

    def __call__(self) -> None:
        self._changed.set()

    async def until(self, claim: Callable[[], object]) -> None:
        """Return as soon as ``claim`` holds; it is asked again after each change."""
        with anyio.fail_after(PATIENCE_S):
            while not claim():
                self._changed = anyio.Event()
                await self._changed.wait()


@contextmanager
def own_log() -> Iterator[None]:
    """What configures the log inside leaves no trace of it."""
    ours, level, handlers = structlog.get_config(), logging.root.level, logging.root.handlers[:]
    try:
        yield
    finally:
        structlog.configure(**ours)
        structlog.contextvars.clear_contextvars()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)
