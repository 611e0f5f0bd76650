"""What a service manager is told: the datagrams of sd_notify(3)."""

import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from regcluster import log
from regcluster.config import LogSettings, NodeSettings, Settings, StoreSettings
from regcluster.control.errand import Errand
from regcluster.control.systemd import ServiceManager
from tests.control.node import started, tell
from tests.control.watch import PATIENCE_S, own_log

NOW_NS = 5_000_000_999


class Ear:
    """A service manager's end: everything it was told, in order."""

    def __init__(self, address: str | bytes) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """All that has come since the last time."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return found


@contextmanager
def listening(address: str | bytes) -> Iterator[Ear]:
    """An ear that is closed afterwards."""
    ear = Ear(address)
    with ear.socket:
        yield ear


@pytest.fixture
def file() -> Iterator[str]:
    """The name of a socket, short enough for one."""
    with tempfile.TemporaryDirectory(prefix="rc-") as folder:
        yield str(Path(folder) / "notify")


def manager(address: str) -> ServiceManager:
    """The one at ``address``, told by a clock that stands still."""
    return ServiceManager(address, monotonic_ns=lambda: NOW_NS)


def test_that_a_node_is_up_is_told_once_and_its_health_whenever_it_changes(file: str) -> None:
    """A node without its store is up: to start it again would not help."""
    with listening(file) as ear:
        told = manager(file)
        told.tell(["no worker is ready"], is_up=False)
        told.tell(["the store cannot be used: lost\nREADY=1"], is_up=True)
        told.tell([], is_up=True)
        told.tell(["no worker is ready"], is_up=False)
        heard = ear.heard()

    assert [
        "STATUS=no worker is ready",
        "STATUS=the store cannot be used: lost\\nREADY=1\nREADY=1",
        "STATUS=ready",
        "STATUS=no worker is ready",
    ] == heard


def reload(told: ServiceManager) -> None:
    """A whole SIGHUP."""
    told.tell_reload()
    told.tell_reloaded()


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (lambda told: None, []),
        (
            lambda told: told.tell([], is_up=True),
            ["RELOADING=1\nMONOTONIC_USEC=5000000", "READY=1"],
        ),
        (lambda told: (told.tell([], is_up=True), told.tell_end(1.0)), []),
    ],
    ids=["starting", "up", "ending"],
)
def test_a_reload_is_told_while_the_node_is_up(
    before: Callable[[ServiceManager], object], expected: list[str], file: str
) -> None:
    """Before and after that it would be taken for a start that is over, or an end called off."""
    with listening(file) as ear:
        told = manager(file)
        before(told)
        ear.heard()
        reload(told)
        heard = ear.heard()

    assert expected == heard


def test_an_end_is_told_with_the_time_it_may_take(file: str) -> None:
    """Whatever TimeoutStopSec says, nobody cuts a drain short."""
    with listening(file) as ear:
        manager(file).tell_end(10.0)
        heard = ear.heard()

    assert ["STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000"] == heard


def test_an_abstract_socket_is_one_too() -> None:
    """As in a container's manager: it begins with an at sign."""
    name = f"rc-notify-{os.getpid()}"
    with listening(f"\0{name}") as ear:
        manager(f"@{name}").tell([], is_up=True)
        heard = ear.heard()

    assert ["STATUS=ready\nREADY=1"] == heard


def test_a_manager_that_is_gone_is_logged(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It may soon take the node for one that hangs, and kill it."""
    with own_log():
        log.configure(LogSettings(format="json"))
        manager(file).tell([], is_up=True)
        written = capsys.readouterr().err

    assert "service manager not told" in written


def test_its_environment_is_not_handed_on(file: str) -> None:
    """A worker that said it is up would be taken for the node, or for an impostor."""
    environ = {"NOTIFY_SOCKET": file, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    with listening(file) as ear:
        ServiceManager.from_environ(environ).tell([], is_up=True)
        heard = ear.heard()

    assert ({"HOME": "/"}, ["STATUS=ready\nREADY=1"]) == (environ, heard)


@pytest.mark.anyio
@pytest.mark.parametrize("pid", [{}, {"WATCHDOG_PID": str(os.getpid())}], ids=["any", "ours"])
async def test_a_watchdog_is_shown_signs_of_life(pid: dict[str, str], file: str) -> None:
    """Twice in each interval."""
    with listening(file) as ear:
        told = ServiceManager.from_environ({"NOTIFY_SOCKET": file, "WATCHDOG_USEC": "20000", **pid})
        heard: list[str] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(told.watch)
            with anyio.fail_after(PATIENCE_S):
                while len(heard) < 3:
                    await anyio.wait_readable(ear.socket)
                    heard += ear.heard()
            tasks.cancel_scope.cancel()

    assert ["WATCHDOG=1"] * 3 == heard[:3]


@pytest.mark.anyio
@pytest.mark.parametrize(
    "environ",
    [{}, {"WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}],
    ids=["none", "another process's", "no number"],
)
async def test_a_watchdog_that_is_not_meant_for_us_is_left_alone(
    environ: dict[str, str], file: str
) -> None:
    """Nor is one that is not there."""
    with listening(file) as ear:
        told = ServiceManager.from_environ({"NOTIFY_SOCKET": file, **environ})
        with anyio.fail_after(PATIENCE_S):
            await told.watch()
        heard = ear.heard()

    assert [] == heard


@pytest.mark.anyio
@pytest.mark.server
async def test_a_whole_node_tells_of_its_start_its_reload_and_its_end(
    file: str, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In an order that systemd can follow; its health may be told in between."""
    monkeypatch.setenv("NOTIFY_SOCKET", file)
    settings = Settings(
        node=NodeSettings(drain_s=1.0),
        store=StoreSettings(url=server_url),
        log=LogSettings(format="json"),
    )
    with listening(file) as ear:
        async with started(settings, tmp_path) as node:
            await node.until()
            node.reloads = [settings]
            tell(signal.SIGHUP)
            await node.run_errand(Errand())
            await node.run_errand(Errand(drains=True))
            await node.ended()
        words = [word for told in ear.heard() for word in told.split("\n")]

    signs = ("READY", "RELOADING", "STOPPING", "EXTEND")
    assert [
        "READY=1",
        "RELOADING=1",
        "READY=1",
        "STOPPING=1",
        "EXTEND_TIMEOUT_USEC=6000000",
    ] == [word for word in words if word.startswith(signs)]
    assert words[-1] == "STATUS=draining"
