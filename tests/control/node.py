"""A node for tests: a real supervisor, and workers that play a part, see ``stage``.

It runs in the process of the test, so a signal to the supervisor is one to the test.
"""

import json
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from anyio import to_thread

from regcluster.config import Settings
from regcluster.config.fields import FIELDS
from regcluster.config.reader import Loaded
from regcluster.control import errand, http
from regcluster.control.errand import Answer, Errand
from regcluster.control.supervisor import Supervisor
from regcluster.errors import ConfigError, RegclusterError
from tests.control import stage
from tests.control.watch import PATIENCE_S, own_log
from tests.peer.processes import HOST, free_port

ORIGINS = dict.fromkeys(FIELDS, "here")


class Node:
    """A supervisor with two workers that play a part, and what its operator can do with it."""

    def __init__(self, settings: Settings, folder: Path, part: str) -> None:
        self.reloads: list[Settings | ConfigError] = []
        """What SIGHUP will find, one after the other."""
        self.failure: RegclusterError | None = None
        self._folder = folder
        loaded = Loaded(settings, ORIGINS)
        self._supervisor = Supervisor(loaded, self._reload, folder, stage.command(part))
        self._bound = http.bind(f"{HOST}:{free_port()}")
        base = f"http://{HOST}:{self._bound.getsockname()[1]}"
        self.client = httpx.AsyncClient(base_url=base)
        self._ended = anyio.Event()

    async def run(self) -> None:
        """Run until it has ended."""
        try:
            await self._supervisor.run(self._bound)
        except RegclusterError as why:
            self.failure = why
        self._ended.set()

    async def problems(self) -> list[str]:
        """What it tells a balancer."""
        answer: dict[str, list[str]] = (await self.client.get("/health/ready")).json()
        return answer.get("problems", [])

    async def until(self, *problems: str) -> None:
        """Return once these are its problems; none: it is ready."""
        with anyio.fail_after(PATIENCE_S):
            while list(problems) != await self.problems():
                pass

    async def run_errand(self, what: Errand) -> Answer:
        """What ``regcluster set`` asks of it, and is told."""
        return await to_thread.run_sync(errand.ask, self._folder, what, PATIENCE_S)

    async def ended(self) -> float:
        """Return once it has ended; the seconds that took."""
        begun = time.monotonic()
        with anyio.fail_after(PATIENCE_S):
            await self._ended.wait()
        return time.monotonic() - begun

    def _reload(self) -> Loaded:
        found = self.reloads.pop(0)
        if isinstance(found, ConfigError):
            raise found
        return Loaded(found, ORIGINS)


@asynccontextmanager
async def started(settings: Settings, folder: Path, part: str = "good") -> AsyncIterator[Node]:
    """A node that has just been started; the test leaves nothing of it."""
    with own_log():
        node = Node(settings, folder, part)
        async with node.client, anyio.create_task_group() as tasks:
            tasks.start_soon(node.run)
            yield node
            tasks.cancel_scope.cancel()


def tell(number: signal.Signals) -> None:
    """Send a signal to the supervisor, which is this process; ours to send once it is ready."""
    os.kill(os.getpid(), number)


def logged(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    """What was logged, by event."""
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    return {line["event"]: line for line in lines}


async def logged_until(
    node: Node, capsys: pytest.CaptureFixture[str], event: str
) -> dict[str, dict[str, object]]:
    """What is logged from now on until ``event`` is, by event."""
    lines = logged(capsys)
    with anyio.fail_after(PATIENCE_S):
        while event not in lines:
            await node.problems()
            lines |= logged(capsys)
    return lines
