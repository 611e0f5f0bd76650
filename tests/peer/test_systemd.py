"""The unit of ``deploy/systemd``, looked at by systemd's own tools, and a node that it manages."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.control.command import run
from tests.control.test_systemd import Ear, listening
from tests.peer.node import Node
from tests.peer.processes import wait_until
from tests.peer.server import StoreServer

pytestmark = pytest.mark.peer

UNIT = Path(__file__).parents[2] / "deploy" / "systemd" / "regcluster.service"

PROGRAM = "/opt/regcluster/bin/regcluster"
"""Where the unit wants it."""

EXPOSURE = 1.5
"""As systemd-analyze measures it: 0 is a service that may do nothing, 10 one that may do all."""


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, of the program that is here."""
    text = UNIT.read_text()
    assert f"ExecStart={PROGRAM} serve\n" in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace(PROGRAM, str(Path(sys.executable).with_name("regcluster"))))
    return copy


@pytest.fixture
def analyze() -> str:
    """systemd-analyze, from Debian's package systemd."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed: make peers")
    return program


def test_systemd_finds_nothing_wrong_with_the_unit(analyze: str, unit: Path) -> None:
    """No word of it is unknown, and what it starts is there."""
    told = subprocess.run(
        [analyze, "--man=no", "verify", unit], capture_output=True, text=True, check=False
    )

    assert (0, "") == (told.returncode, told.stderr)


def test_the_unit_lets_a_node_do_little(analyze: str, unit: Path) -> None:
    """So little that whoever takes it over has won no machine."""
    command = [analyze, "security", "--offline=yes", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    exposure = re.search(r"Overall exposure level .*: ([\d.]+)", told.stdout)

    assert exposure is not None
    assert float(exposure[1]) <= EXPOSURE


def settings_of(unit: Path) -> dict[str, str]:
    """What the unit says, by key; of a key that comes twice the last."""
    lines = unit.read_text().splitlines()
    pairs = [line.partition("=") for line in lines if "=" in line and not line.startswith("#")]
    return {key: value for key, _, value in pairs}


def test_a_drain_has_the_time_it_needs(unit: Path) -> None:
    """Before anything has said how long it takes."""
    assert float(settings_of(unit)["TimeoutStopSec"]) > 10.0


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ear]:
    """A service manager that has made a runtime directory, and only listens."""
    name = f"\0rc-manager-{os.getpid()}"
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("NOTIFY_SOCKET", f"@{name[1:]}")
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder))
    with listening(name) as ear:
        yield ear


def test_a_node_tells_its_manager_of_its_life(
    manager: Ear, store: StoreServer, tmp_path: Path
) -> None:
    """Started, well, watched, found in its runtime directory, and about to end."""
    heard: list[str] = []

    def hears(word: str) -> bool:
        heard.extend(line for told in manager.heard() for line in told.splitlines())
        return word in heard

    node = Node(tmp_path, store.url, {})
    try:
        wait_until(lambda: hears("STATUS=ready"), 5.0, "the manager knows that it is well")
        watched = heard.count("WATCHDOG=1")
        wait_until(lambda: hears("") or heard.count("WATCHDOG=1") > watched, 5.0, "it is watched")
        found = run("set", "--json", "--node", f"node-{node.port}").stdout
        folders = [folder.name for folder in (tmp_path / "run").iterdir()]
        status = node.stop()
    finally:
        node.stop()
    hears("")

    assert "READY=1" in heard
    assert f"node-{node.port}" in found
    assert [True] == [name.startswith("regcluster-") for name in folders]
    assert (0, "STOPPING=1") == (status, next(word for word in heard if "STOPPING" in word))
