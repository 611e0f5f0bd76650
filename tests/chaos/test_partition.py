"""A node that cannot reach the store any more, though nothing tells it so, beside one that can."""

import asyncio
import itertools
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests import wire
from tests.chaos import stores
from tests.chaos.proxy import Proxy
from tests.peer.node import Node
from tests.peer.phone import Answer, Phone
from tests.peer.processes import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.anyio, pytest.mark.timeout(60)]

RATE = 200
CUT_S = 4.0
AFTER_S = 3.0

DEADLINE_MS = 500
ALLOWED_S = (DEADLINE_MS + 100) / 1000
RECOVERY_S = 2.0
"""In which a node heals, and in which its readiness follows what has happened."""


@dataclass(slots=True)
class Line:
    """REGISTERs and calls for one user over one node, in turns, whatever becomes of them."""

    phone: Phone
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    """By method."""
    silent: int = 0
    is_stopped: bool = False

    async def run(self) -> None:
        """Send until told to stop; then wait for what is under way."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as tasks:
            for number in itertools.count():
                await asyncio.sleep(start + number / RATE - loop.time())
                if self.is_stopped:
                    return
                tasks.create_task(self._one("INVITE" if number % 2 else "REGISTER"))

    def told(self, method: str, first: float, last: float) -> set[int]:
        """What requests were answered that were sent between two instants."""
        return {
            answer.status
            for asked, answer in self.answers
            if asked == method and first < answer.sent_at < last
        }

    async def _one(self, method: str) -> None:
        if method == "REGISTER":
            data, branch = self.phone.registration("bob", f"sip:bob@127.0.0.1:{self.phone.port}")
        else:
            via, branch = self.phone.via()
            data = wire.invite("sip:alice@example.test", via=via, call_id=branch.decode())
        try:
            answer = await self.phone.ask(data, branch, repeat=False, give_up_s=5.0)
        except TimeoutError:
            self.silent += 1
        else:
            self.answers.append((method, answer))


@dataclass(slots=True)
class Pair:
    """Two nodes on one store; the way of the first one leads through ``proxy``."""

    proxy: Proxy
    cut: Node
    other: Node


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Both nodes, ready."""
    nodes: list[Node] = []
    with tempfile.TemporaryDirectory(prefix="rc-") as name, stores.single(Path(name)) as store:
        proxy = Proxy(store.primary().port)
        async with proxy.listening():
            sections = {"store": {"deadline_ms": DEADLINE_MS}, "node": {"workers": 1}}
            try:
                for port in (proxy.port, store.primary().port):
                    url = f"redis://127.0.0.1:{port}/0"
                    nodes.append(await asyncio.to_thread(Node, Path(name), url, sections))
                yield Pair(proxy, *nodes)
            finally:
                for node in nodes:
                    await asyncio.to_thread(node.stop)


async def test_a_node_that_is_cut_off_says_so_in_time_and_heals_by_itself() -> None:
    """Every request is answered 503 within the deadline, then as before; at the other node nobody
    notices."""
    async with pair() as nodes, Phone(nodes.cut.address) as one, Phone(nodes.other.address) as two:
        await one.register("alice", "sip:alice@127.0.0.1:5070")
        cut, other = Line(one), Line(two)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(cut.run())
            tasks.create_task(other.run())
            await asyncio.sleep(1.0)
            nodes.proxy.freeze()
            cut_at = time.time()
            await asyncio.sleep(CUT_S)
            is_ready = [await asyncio.to_thread(node.is_ready) for node in (nodes.cut, nodes.other)]
            healed_at = time.time()
            nodes.proxy.thaw()
            await asyncio.to_thread(wait_until, nodes.cut.is_ready, RECOVERY_S, "it is ready again")
            await asyncio.sleep(AFTER_S)
            cut.is_stopped = other.is_stopped = True

    assert [False, True] == is_ready
    assert (0, 0) == (cut.silent, other.silent)
    assert [] == [answer.took_s for _, answer in cut.answers if answer.took_s > ALLOWED_S]
    for method, good in (("REGISTER", 200), ("INVITE", 302)):
        assert {good} == other.told(method, 0.0, healed_at + AFTER_S)
        assert {good} == cut.told(method, 0.0, cut_at - ALLOWED_S)
        # What piles up in the proxy is answered when it goes on, which may be in time.
        assert {503} == cut.told(method, cut_at, healed_at - ALLOWED_S)
        assert {good} == cut.told(method, healed_at + RECOVERY_S, healed_at + AFTER_S)
