"""Settings changed in a running node: every worker goes by them, and until when."""

import json
import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from regcluster.config import LogSettings, NodeSettings, RegistrarSettings, Settings, StoreSettings
from regcluster.control.errand import Errand
from regcluster.control.overlay import Overridden
from tests.control import stage
from tests.control.node import logged, started, tell

pytestmark = [pytest.mark.anyio, pytest.mark.server]

DEBUG = Errand({"log.level": "debug"})


@pytest.fixture
def settings(server_url: str) -> Settings:
    """Settings for a node on a real store."""
    return Settings(
        node=NodeSettings(workers=2, name="edge-1"),
        store=StoreSettings(url=server_url),
        log=LogSettings(format="json"),
    )


async def test_every_worker_goes_by_it_when_the_answer_comes(
    settings: Settings, tmp_path: Path
) -> None:
    """Nobody has to wait and see."""
    async with started(settings, tmp_path) as node:
        await node.until()
        answer = await node.run_errand(DEBUG)
        problems = await node.problems()

    assert ["the store cannot be used: debug"] == problems
    assert ("edge-1", os.getpid(), []) == (answer.node, answer.pid, answer.problems)
    assert {"log.level": Overridden("debug", "info", "here")} == answer.overridden


async def test_it_is_logged(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody else may wonder why the node does not do what its file says."""
    async with started(settings, tmp_path) as node:
        await node.until()
        await node.run_errand(DEBUG)
        line = logged(capsys)["settings overridden"]

    assert ["log.level"] == line["changed"]


async def test_a_refusal_changes_nothing(settings: Settings, tmp_path: Path) -> None:
    """Not even what could have been changed."""
    async with started(settings, tmp_path) as node:
        await node.until()
        answer = await node.run_errand(Errand({"log.level": "debug", "node.workers": "1"}))
        problems = await node.problems()

    assert (1, {}) == (len(answer.problems), answer.overridden)
    assert [] == problems


async def test_what_workers_cannot_take_up_is_taken_back(
    settings: Settings, tmp_path: Path
) -> None:
    """Whether a script can be loaded is seen only there; what was set before stays."""
    async with started(settings, tmp_path) as node:
        await node.until()
        await node.run_errand(DEBUG)
        answer = await node.run_errand(Errand({"log.level": "error"}))
        problems = await node.problems()

    assert [stage.REFUSAL] == answer.problems
    assert {"log.level": Overridden("debug", "info", "here")} == answer.overridden
    assert ["the store cannot be used: debug"] == problems


async def test_what_a_sighup_left_undone_is_no_fault_of_an_errand(
    settings: Settings, tmp_path: Path
) -> None:
    """A script that was broken by then still is, and contacts can be limited all the same."""
    async with started(settings, tmp_path) as node:
        await node.until()
        node.reloads = [replace(settings, log=LogSettings(format="json", level="error"))]
        tell(signal.SIGHUP)
        await node.until("the store cannot be used: error")
        answers = [
            await node.run_errand(Errand({"log.level": "error"})),
            await node.run_errand(Errand({"log.level": "debug"})),
        ]

    assert [[], []] == [answer.problems for answer in answers]


async def test_it_outlasts_a_sighup_and_can_be_taken_back(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate that is rotated must not undo what somebody did in need."""
    async with started(settings, tmp_path) as node:
        await node.until()
        await node.run_errand(DEBUG)
        capsys.readouterr()
        node.reloads = [replace(settings, registrar=RegistrarSettings(max_contacts=3))]
        tell(signal.SIGHUP)
        while "settings changed" not in (written := capsys.readouterr().err):
            await node.problems()
        kept = await node.problems()
        answer = await node.run_errand(Errand(resets_all=True))
        after = await node.problems()

    (line,) = [json.loads(one) for one in written.splitlines()]
    assert ["registrar.max_contacts"] == line["changed"]
    assert (["the store cannot be used: debug"], []) == (kept, after)
    assert {} == answer.overridden


async def test_workers_yet_to_come_go_by_it(settings: Settings, tmp_path: Path) -> None:
    """Those of a node that is still starting are not waited for."""
    async with started(settings, tmp_path, "brief") as node:
        await node.problems()
        await node.run_errand(DEBUG)
        await node.until("the store cannot be used: debug")


async def test_a_node_that_drains_answers(settings: Settings, tmp_path: Path) -> None:
    """It ends soon enough, and with it what was changed."""
    slow = replace(settings, node=replace(settings.node, notice_s=5.0))
    async with started(slow, tmp_path) as node:
        await node.until()
        tell(signal.SIGTERM)
        await node.until("draining")
        answer = await node.run_errand(DEBUG)

    assert [] == answer.problems
