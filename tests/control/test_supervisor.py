"""A node as its operator drives it: signals, settings, health over HTTP, and its end.

The supervisor is real and runs here; its workers are players, see ``node``.
"""

import os
import signal
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from regcluster.config import (
    HttpSettings,
    ListenSettings,
    LogSettings,
    NodeSettings,
    RoutingSettings,
    Settings,
    StoreSettings,
)
from regcluster.config.reader import Loaded
from regcluster.control import supervisor
from regcluster.edge.sockets import bind_udp
from regcluster.errors import ConfigError, StoreMismatch
from regcluster.store import open_store
from regcluster.store.keeper import NOT_YET
from tests.control import stage
from tests.control.node import logged, logged_until, started, tell
from tests.peer.processes import HOST, free_port

pytestmark = [pytest.mark.anyio, pytest.mark.server]

DEBUG = LogSettings(format="json", level="debug")
ERROR = LogSettings(format="json", level="error")
"""What its workers do not quite take up, see ``stage``."""


@pytest.fixture
def settings(server_url: str) -> Settings:
    """Settings for a node on a real store."""
    return Settings(
        node=NodeSettings(workers=2, drain_s=5.0),
        store=StoreSettings(url=server_url),
        log=LogSettings(format="json"),
    )


async def test_ctrl_c_ends_it_when_its_workers_have_ended(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No sooner, and not when all the time they might have taken is over; so does SIGTERM."""
    async with started(settings, tmp_path, "slow") as node:
        await node.until()
        tell(signal.SIGINT)
        took_s = await node.ended()

    assert node.failure is None
    assert ["draining", "node ended"] == list(logged(capsys))[-2:]
    assert stage.SLOWNESS_S <= took_s < settings.node.drain_s / 2


async def test_while_it_drains_it_is_alive_but_not_ready(
    settings: Settings, tmp_path: Path
) -> None:
    """The balancer has to hear of it while there is somebody to say it."""
    async with started(settings, tmp_path, "slow") as node:
        await node.until()
        tell(signal.SIGTERM)
        await node.until("draining")
        live = await node.client.get("/health/live")

    assert 200 == live.status_code


async def test_a_second_signal_ends_it_at_once(settings: Settings, tmp_path: Path) -> None:
    """An operator in a hurry is not made to wait."""
    node_settings = replace(settings.node, drain_s=60.0)
    async with started(replace(settings, node=node_settings), tmp_path, "mute") as node:
        await node.until(f"the store cannot be used: {NOT_YET}")
        tell(signal.SIGTERM)
        await node.until("draining")
        tell(signal.SIGTERM)
        took_s = await node.ended()

    assert took_s < 1.0


async def test_a_signal_ends_it_while_its_store_is_still_starting(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading a long file takes minutes; until then it is alive, and not ready."""
    server = tmp_path / "redis-server"
    server.write_text("#!/bin/sh\nexec sleep 60\n")
    server.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    store = StoreSettings(url=f"embedded://{tmp_path}/data")
    async with started(replace(settings, store=store), tmp_path) as node:
        await node.until("not all workers have started")
        live = await node.client.get("/health/live")
        tell(signal.SIGTERM)
        took_s = await node.ended()

    assert 200 == live.status_code
    assert took_s < 1.0
    assert node.failure is None


async def test_workers_go_on_until_balancers_have_had_notice(
    settings: Settings, tmp_path: Path
) -> None:
    """The node is not ready any more at once; its workers are told to end notice_s later."""
    node_settings = replace(settings.node, notice_s=0.4)
    async with started(replace(settings, node=node_settings), tmp_path) as node:
        await node.until()
        begun = time.monotonic()
        tell(signal.SIGTERM)
        await node.until("draining")
        noticed_s = time.monotonic() - begun
        await node.ended()
        took_s = time.monotonic() - begun

    assert noticed_s < 0.4 <= took_s < settings.node.drain_s
    assert node.failure is None


async def test_drain_s_bounds_it_whatever_workers_do(settings: Settings, tmp_path: Path) -> None:
    """Who has not ended by then is killed."""
    node_settings = replace(settings.node, drain_s=0.2)
    async with started(replace(settings, node=node_settings), tmp_path, "mute") as node:
        await node.until(f"the store cannot be used: {NOT_YET}")
        tell(signal.SIGTERM)
        took_s = await node.ended()

    assert took_s < 0.6
    assert node.failure is None


async def test_workers_that_cannot_start_end_it_with_their_reason(
    settings: Settings, tmp_path: Path
) -> None:
    """One reason, however many have it."""
    async with started(settings, tmp_path, "fatal") as node:
        await node.ended()

    assert isinstance(node.failure, ConfigError)
    assert (stage.FATAL,) == node.failure.problems


async def test_a_store_of_others_is_refused(settings: Settings, tmp_path: Path) -> None:
    """Its bindings would not be found with another number of partitions."""
    first = await open_store(settings.store)
    await first.check()
    await first.close()
    other = replace(settings.store, partitions=settings.store.partitions * 2)
    async with started(replace(settings, store=other), tmp_path) as node:
        await node.ended()

    assert isinstance(node.failure, StoreMismatch)


async def test_a_store_that_is_away_is_waited_for(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a cluster that is started as a whole, somebody has to come first."""
    away = StoreSettings(url="redis://u:hunter2@127.0.0.1:1", deadline_ms=40)
    async with started(replace(settings, store=away), tmp_path) as node:
        await node.until()
        written = capsys.readouterr().err

    assert node.failure is None
    assert '"event": "store does not answer"' in written
    assert "hunter2" not in written


async def test_sighup_gives_workers_what_may_change(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And names what has changed, and what would need a restart: nothing that we filled in."""
    changed = replace(settings, log=DEBUG, http=HttpSettings(listen=""))
    async with started(settings, tmp_path) as node:
        await node.until()
        node.reloads = [changed]
        tell(signal.SIGHUP)
        await node.until("the store cannot be used: debug")
        line = logged(capsys)["settings changed"]

    assert (["log.level"], ["http.listen"]) == (line["changed"], line["need_a_restart"])


async def test_sighup_with_a_mistake_changes_nothing(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mistake is told, the node goes on, and the next attempt counts again."""
    async with started(settings, tmp_path) as node:
        await node.until()
        node.reloads = [ConfigError(["log.levek is not a setting"]), replace(settings, log=DEBUG)]
        tell(signal.SIGHUP)
        tell(signal.SIGHUP)
        await node.until("the store cannot be used: debug")
        line = logged(capsys)["settings not changed"]

    assert ["log.levek is not a setting"] == line["problems"]


async def test_sighup_that_changes_nothing_says_so(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody who waits for a change to come has looked at the wrong file."""
    async with started(settings, tmp_path) as node:
        await node.until()
        node.reloads = [settings]
        tell(signal.SIGHUP)
        lines = await logged_until(node, capsys, "settings read again")

    assert "settings changed" not in lines


@pytest.mark.parametrize(
    ("log", "event", "more"),
    [
        (DEBUG, "route script read again", {"script": "route.py"}),
        (ERROR, "route script not changed", {"problems": [stage.REFUSAL]}),
    ],
)
async def test_sighup_tells_what_workers_made_of_the_script(
    settings: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    log: LogSettings,
    event: str,
    more: dict[str, object],
) -> None:
    """When all have answered: whoever waits for a script to count need not ask each of them."""
    settings = replace(settings, routing=RoutingSettings(script="route.py"))
    async with started(settings, tmp_path) as node:
        await node.until()
        node.reloads = [replace(settings, log=log)]
        tell(signal.SIGHUP)
        lines = await logged_until(node, capsys, event)

    assert more.items() <= lines[event].items()
    assert 1 == sum(name.startswith("route script") for name in lines)


async def test_its_ups_and_downs_are_logged(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under the name of the host where it has none of its own."""
    async with started(settings, tmp_path) as node:
        await node.until()
        node.reloads = [replace(settings, log=DEBUG)]
        tell(signal.SIGHUP)
        await node.until("the store cannot be used: debug")
        lines = logged(capsys)

    assert lines["node ready"].keys() >= {"timestamp", "level", "node"}
    assert ["the store cannot be used: debug"] == lines["node not ready"]["problems"]
    assert {os.uname().nodename} == {line["node"] for line in lines.values()}


async def test_another_reason_is_logged_too(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who mends the first one, and sees no other, would look in the wrong place."""
    async with started(settings, tmp_path) as node:
        await node.until()
        for level in ("debug", "warning"):
            node.reloads = [replace(settings, log=replace(DEBUG, level=level))]
            tell(signal.SIGHUP)
            await node.until(f"the store cannot be used: {level}")
        lines = logged(capsys)

    assert ["the store cannot be used: warning"] == lines["node not ready"]["problems"]


async def test_one_worker_that_reaches_the_store_is_enough(
    settings: Settings, tmp_path: Path
) -> None:
    """What the other loses for a moment is no reason to move every phone elsewhere."""
    async with started(settings, tmp_path, "torn") as node:
        await node.until()
        workers = (await node.client.get("/api/v1/node")).json()["workers"]

    assert ["torn", None] == [worker["store_problem"] for worker in workers]


async def test_a_node_is_ready_once_all_its_workers_have_started(
    settings: Settings, tmp_path: Path
) -> None:
    """The first of eight would be given what is meant for all."""
    async with started(settings, tmp_path, "torn") as node:
        await node.until("not all workers have started")
        await node.until()

    assert node.failure is None


async def test_metrics_tell_of_the_node(settings: Settings, tmp_path: Path) -> None:
    """Of its workers' counters, which players do not have, see ``tests/test_metrics.py``."""
    async with started(settings, tmp_path) as node:
        await node.until()
        text = (await node.client.get("/metrics")).text

    assert "\nregcluster_workers 2.0\n" in text
    assert "\nregcluster_ready 1.0\n" in text


def test_a_taken_port_is_told_before_anything_is_started() -> None:
    """By its setting, in a sentence."""
    with bind_udp(HOST, free_port(), 2) as taken:
        address = f"{HOST}:{taken.getsockname()[1]}"
        loaded = Loaded(Settings(listen=ListenSettings(udp=[address], tcp=[])), {})
        with pytest.raises(ConfigError) as refused:
            supervisor.run(loaded, lambda: loaded)

    problem = f"listen.udp: cannot listen on {address}: Address already in use; "
    assert str(refused.value).startswith(problem)
