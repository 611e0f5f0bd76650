"""The end of a run that hangs: a test that takes too long is shown, with all threads, and ends it.

pytest can do so itself, with a thread that it starts and ends for each test: a thirtieth of the
time of all unit tests. Here one thread serves all tests that begin within some seconds.
"""

import faulthandler
import os
from time import monotonic

import pytest

LIMIT_S = 310.0
"""Longer than any test may take that says so itself (``pytest.mark.timeout``)."""

SERVES_S = 10.0
"""For so long it is good for tests that begin; they may then take so much longer."""


class Alarm:
    """A plugin that writes to the descriptor ``stderr``, which it owns."""

    def __init__(self, stderr: int, limit_s: float = LIMIT_S, serves_s: float = SERVES_S) -> None:
        self._stderr = stderr
        self._limit_s = limit_s
        self._serves_s = serves_s
        self._good_until = 0.0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        """A test begins: let the alarm leave it time enough."""
        now = monotonic()
        if now >= self._good_until:
            self._good_until = now + self._serves_s
            limit_s = self._limit_s + self._serves_s
            faulthandler.dump_traceback_later(limit_s, file=self._stderr, exit=True)

    def pytest_exception_interact(self) -> None:
        """A test has failed, for which pytest has turned every alarm off."""
        self._good_until = 0.0

    def pytest_enter_pdb(self) -> None:
        """Somebody looks into a test, likewise."""
        self._good_until = 0.0

    def pytest_unconfigure(self) -> None:
        """The run is over."""
        faulthandler.cancel_dump_traceback_later()
        os.close(self._stderr)
