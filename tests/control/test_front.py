"""The API of a node that runs: a real supervisor and a real store, see ``node``."""

import os
import signal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from msgspec.structs import replace

from regcluster.config import HttpSettings, LogSettings, NodeSettings, Settings, StoreSettings
from regcluster.config.fields import FIELDS
from regcluster.config.reader import Loaded
from regcluster.control.errand import Errand
from regcluster.control.front import Front, Storeroom
from regcluster.control.gauges import NodeGauges
from regcluster.control.overlay import Overlay
from regcluster.control.workers import Workers
from regcluster.errors import ConfigError, StoreUnavailable
from tests.control.api.speaker import READ, TOKENS, WRITE, bearing
from tests.control.node import Node, started, tell
from tests.control.watch import PATIENCE_S

pytestmark = [pytest.mark.anyio, pytest.mark.server]

API = "/api/v1"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """A file with a token for each role."""
    file = tmp_path / "tokens"
    file.write_text(TOKENS)
    return file


@pytest.fixture
def settings(server_url: str, tokens: Path) -> Settings:
    """Settings for a node on a real store."""
    return Settings(
        node=NodeSettings(name="edge-1", workers=2, drain_s=5.0),
        store=StoreSettings(url=server_url),
        http=HttpSettings(token_file=str(tokens)),
        log=LogSettings(format="json"),
    )


def write(tokens: Path, text: str) -> None:
    """Have the file say something else."""
    tokens.write_text(text)


async def ask(node: Node, path: str, token: str = READ) -> httpx.Response:
    """What it answers who bears ``token``."""
    return await node.client.get(f"{API}{path}", headers=bearing(token))


async def all_ready(node: Node) -> dict[str, Any]:
    """What it tells of itself once all its workers are ready."""
    with anyio.fail_after(PATIENCE_S):
        while True:
            told: dict[str, Any] = (await ask(node, "/node")).json()
            if [True, True] == [worker["ready"] for worker in told["workers"]] and told["ready"]:
                return told


async def reread(node: Node, settings: Settings) -> None:
    """Have it read ``settings`` on SIGHUP; it has."""
    node.reloads.append(settings)
    tell(signal.SIGHUP)
    with anyio.fail_after(PATIENCE_S):
        while node.reloads:
            await node.problems()


async def test_a_node_tells_of_its_workers(settings: Settings, tmp_path: Path) -> None:
    """Each with its process, which runs."""
    async with started(settings, tmp_path) as node:
        told = await all_ready(node)
        pids = [worker["pid"] for worker in told["workers"]]
        for pid in pids:
            os.kill(pid, 0)

    assert ("edge-1", True, False, []) == tuple(
        told[name] for name in ("name", "ready", "draining", "problems")
    )
    assert [(0, True, 0), (1, True, 0)] == [
        (worker["number"], worker["ready"], worker["restarts"]) for worker in told["workers"]
    ]
    assert len(set(pids)) == 2


async def test_a_worker_that_was_started_again_is_told_of(
    settings: Settings, tmp_path: Path
) -> None:
    """The others have nothing to do with it."""
    async with started(settings, tmp_path) as node:
        first = (await all_ready(node))["workers"]
        os.kill(first[1]["pid"], signal.SIGKILL)
        with anyio.fail_after(PATIENCE_S):
            while (now := (await ask(node, "/node")).json()["workers"])[1]["pid"] in (
                None,
                first[1]["pid"],
            ):
                pass

    assert [0, 1] == [worker["restarts"] for worker in now]


async def test_bindings_are_those_of_the_store(settings: Settings, tmp_path: Path) -> None:
    """Bound and shown by whichever node."""
    async with started(settings, tmp_path) as node:
        bound = await node.client.post(
            f"{API}/aors/alice@example.com/contacts",
            json={"contact": "sip:alice@192.0.2.1"},
            headers=bearing(WRITE),
        )
        shown = await ask(node, "/aors/alice@example.com")

    assert (201, 200) == (bound.status_code, shown.status_code)
    assert bound.json()["contacts"][0]["ruid"] == shown.json()["contacts"][0]["ruid"]


async def test_settings_in_force_are_told_with_their_origins(
    settings: Settings, tmp_path: Path
) -> None:
    """What was changed by hand says so, what needs a restart is as it was at the start."""
    async with started(settings, tmp_path) as node:
        await node.until()
        await node.run_errand(Errand({"registrar.min_expires": "7"}))
        await reread(node, replace(settings, node=NodeSettings(name="edge-9", workers=2)))
        await node.run_errand(Errand({"registrar.max_expires": "9"}))
        told = (await ask(node, "/settings")).json()

    assert {"value": 7, "origin": "set by hand"} == told["registrar.min_expires"]
    assert {"value": 9, "origin": "set by hand"} == told["registrar.max_expires"]
    assert {"value": "edge-1", "origin": "here"} == told["node.name"]


async def test_a_node_that_is_told_to_drain_ends(settings: Settings, tmp_path: Path) -> None:
    """As on SIGTERM: it is not ready first; told twice, it does not hurry."""
    async with started(settings, tmp_path, "slow") as node:
        await node.until()
        answers = [await node.client.post(f"{API}/drain", headers=bearing(WRITE)) for _ in range(2)]
        problems = await node.problems()
        await node.ended()

    assert [202, 202] == [answer.status_code for answer in answers]
    assert ["draining"] == problems
    assert node.failure is None


async def test_sighup_reads_the_tokens_again(
    settings: Settings, tmp_path: Path, tokens: Path
) -> None:
    """Those that are gone do not count any more."""
    async with started(settings, tmp_path) as node:
        await node.until()
        write(tokens, "read another-token-of-ours")
        await reread(node, settings)
        answers = [await ask(node, "/node", token) for token in (READ, "another-token-of-ours")]

    assert [401, 200] == [answer.status_code for answer in answers]


async def test_tokens_that_are_wrong_leave_everything_as_it_was(
    settings: Settings, tmp_path: Path, tokens: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The settings too; the log says why."""
    async with started(settings, tmp_path) as node:
        await node.until()
        write(tokens, "nobody")
        await reread(node, replace(settings, log=LogSettings(format="json", level="debug")))
        told = (await ask(node, "/settings")).json()

    assert "info" == told["log.level"]["value"]
    assert f"{tokens}:1: a line is a role, read or write, and a token" in capsys.readouterr().err


async def test_a_node_without_usable_tokens_does_not_start(
    settings: Settings, tmp_path: Path, tokens: Path
) -> None:
    """It would let in nobody, or whoever it should not."""
    write(tokens, "")

    with pytest.raises(ConfigError, match="holds no token"):
        async with started(settings, tmp_path):
            pass


def test_the_origin_of_a_setting_is_that_of_the_value_in_force(
    settings: Settings, tmp_path: Path
) -> None:
    """Of what needs a restart, that of the start."""
    first = Loaded(settings, dict.fromkeys(FIELDS, "first"))
    overlay = Overlay(first)
    gauges = NodeGauges("1.2.3", 0.0)
    workers = Workers([], tmp_path, gauges, lambda _: None)
    front = Front(first, overlay, workers, lambda: settings, lambda: None)
    overlay.take_up(Loaded(settings, dict.fromkeys(FIELDS, "second")))
    origins = front.in_force().origins

    assert ("first", "second") == (origins["node.name"], origins["registrar.min_expires"])


async def test_a_store_that_has_moved_is_opened_anew(server_url: str) -> None:
    """And only then."""
    here, there = StoreSettings(url=server_url), StoreSettings(url=f"{server_url}?db=1")
    storeroom = Storeroom()
    first, same = await storeroom.store(here), await storeroom.store(here)
    other = await storeroom.store(there)
    await other.check()
    await storeroom.close()

    assert first is same
    assert first is not other


async def test_an_embedded_store_is_not_there_before_it_is_started() -> None:
    """Nor is that of another node taken for it."""
    with pytest.raises(StoreUnavailable, match="is being started"):
        await Storeroom().store(StoreSettings(url="embedded://"))
