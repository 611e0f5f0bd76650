"""What every test shares: the event loop, and a switch that makes a skip a failure.

Async tests run on asyncio with uvloop, as the product does. With ``REGCLUSTER_NO_SKIP`` set, a
test that skips itself because a program is missing fails instead: on CI nothing may be missing.
"""

import os
from collections.abc import Generator

import pytest

NO_SKIP = "REGCLUSTER_NO_SKIP"


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The one event loop we ship with; trio would run redis-py's asyncio client on nothing."""
    return ("asyncio", {"use_uvloop": True})


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn the skip of a test into a failure where that is asked for."""
    report = yield
    # An expected failure is reported as a skip too, and stays one.
    if report.skipped and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure where that is asked for."""
    report = yield
    if report.skipped:
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(NO_SKIP):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIP} is set, and this test skipped itself: {reason}"
