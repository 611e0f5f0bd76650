"""What every test shares: the event loop, servers, and a switch that makes a skip a failure.

Async tests run on asyncio with uvloop, as the product does. With ``REGCLUSTER_NO_SKIP`` set, a
test that skips itself because a program is missing fails instead: on CI nothing may be missing.
"""

import gc
import os
import signal
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import pytest

from tests import servers
from tests.alarm import Alarm
from tests.servers import FakeredisServer, RealServer, Server

NO_SKIP = "REGCLUSTER_NO_SKIP"

# The same examples in every run, so that a failure is the change's; "deep" looks for new ones.
hypothesis.settings.register_profile("steady", max_examples=50, derandomize=True, deadline=None)
hypothesis.settings.register_profile("deep", max_examples=5000, deadline=None)
hypothesis.settings.load_profile("steady")


ROOT = Path(__file__).parent
FILES = {
    *("benchmarks", "deploy", "docs", "helm"),
    *("test_native.py", "test_project.py", "test_registrar_page.py"),
}
"""Here are tests of what the project is made of besides the program."""

# Thousands of tests are hundreds of thousands of objects that stay: looked at again and again they
# take a fifth of the time of a run.
gc.disable()
gc.set_threshold(50_000, 50, 100)
SOON = 25_000
"""So many new objects are left to the collector between tests."""


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Mark the tests of files by where they are, so that none can be forgotten."""
    if isinstance(collector, pytest.Module) and not FILES.isdisjoint(
        collector.path.relative_to(ROOT).parts[:1]
    ):
        collector.add_marker(pytest.mark.files)


def pytest_collection_finish() -> None:
    """Leave out of every collection what is there until the end."""
    _freeze()
    gc.enable()


def pytest_runtest_logstart() -> None:
    """Look for garbage between two tests, so soon that no deadline has to wait for it."""
    if gc.get_count()[0] > SOON:
        gc.collect(0)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    """Look for what tests have left behind once; pytest and Python do it four times more."""
    _freeze()


def pytest_configure(config: pytest.Config) -> None:
    """Let a run that is told to end stop its servers first, as an interrupted one does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.pluginmanager.register(Alarm(os.dup(sys.stderr.fileno())), "alarm")


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The one event loop we ship with; trio would run redis-py's asyncio client on nothing."""
    return ("asyncio", {"use_uvloop": True})


@pytest.fixture(scope="session")
def valkey() -> Iterator[RealServer]:
    """Valkey, for the whole session."""
    with _running("valkey", servers.valkey()) as server:
        yield server


@pytest.fixture(scope="session")
def redis8() -> Iterator[RealServer]:
    """Redis 8, for the whole session."""
    with _running("redis8", servers.redis8()) as server:
        yield server


@pytest.fixture(scope="session")
def debian_redis() -> Iterator[RealServer]:
    """Debian's Redis 7.0, for the whole session."""
    binary = servers.debian_redis()
    if binary is None:
        pytest.skip("redis-server is not installed: make peers")
    with _running("debian_redis", binary) as server:
        yield server


@pytest.fixture(scope="session")
def fakeredis() -> FakeredisServer:
    """fakeredis, for the whole session."""
    return FakeredisServer()


@pytest.fixture(
    params=[
        "fakeredis",
        pytest.param("valkey", marks=pytest.mark.server),
        pytest.param("redis8", marks=pytest.mark.server),
        pytest.param("debian_redis", marks=pytest.mark.peer),
    ]
)
def store_server(request: pytest.FixtureRequest) -> Server:
    """Each kind of server in turn, empty."""
    server: Server = request.getfixturevalue(request.param)
    return _emptied(server)


@pytest.fixture(
    params=[
        pytest.param("valkey", marks=pytest.mark.server),
        pytest.param("redis8", marks=pytest.mark.server),
        pytest.param("debian_redis", marks=pytest.mark.peer),
    ]
)
def real_server(request: pytest.FixtureRequest) -> RealServer:
    """Each kind of real server in turn, empty."""
    server: RealServer = request.getfixturevalue(request.param)
    _emptied(server)
    return server


@pytest.fixture
def server_url(valkey: RealServer) -> str:
    """What ``store.url`` has to say to use an empty Valkey."""
    _emptied(valkey)
    return valkey.url


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


@contextmanager
def _running(name: str, binary: str) -> Iterator[RealServer]:
    # Not in pytest's own folder: the path of a unix socket has to be short.
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        server = RealServer(name, binary, Path(folder))
        try:
            yield server
        finally:
            server.stop()


def _freeze() -> None:
    gc.collect()
    gc.freeze()


def _emptied(server: Server) -> Server:
    server.ask(b"FLUSHALL")
    return server


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(NO_SKIP):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{NO_SKIP} is set, and this test skipped itself: {reason}"
