"""Phones that register again and again, each looked up at once, while a test breaks servers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from regcluster.config import StoreSettings
from regcluster.errors import StoreUnavailable
from regcluster.store.keys import Keys
from regcluster.store.remote import RedisStore, open_store
from tests.store.alice import MOBILE, bind, plan
from tests.store.wiring import until

PHONES = 12
PARTITIONS = 64


def index_of(aor: str) -> bytes:
    """The index that ``aor`` is in."""
    return Keys(StoreSettings(partitions=PARTITIONS)).of(aor.encode())[1]


@asynccontextmanager
async def opened(url: str, replicas: int = 0, deadline_ms: int = 500) -> AsyncIterator[RedisStore]:
    """The store at ``url``, once it answers."""
    settings = StoreSettings(
        url=url, partitions=PARTITIONS, wait_replicas=replicas, deadline_ms=deadline_ms
    )
    store = await open_store(settings)
    try:
        await store.check()
        yield store
    finally:
        await store.close()


class Load:
    """What became of the REGISTERs; anything but a 200 or a 503 ends the test."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self.aors = [f"phone{number}@example.com" for number in range(PHONES)]
        self.saved = dict.fromkeys(self.aors, 0)
        """The highest CSeq of each phone that was answered 200."""
        self.refused: list[str] = []
        """Why the others were answered 503."""
        self.wrong: list[str] = []
        """Phones that a lookup right after the 200 did not find as they are."""
        self.longest_s = 0.0
        """The longest a call has taken."""

    async def run(self, aor: str) -> None:
        """One phone, until cancelled."""
        cseq = 0
        while True:
            cseq += 1
            begun = asyncio.get_running_loop().time()
            try:
                await self._register(aor, cseq)
            except StoreUnavailable as why:
                self.refused.append(str(why))
                await asyncio.sleep(0.01)
            self.longest_s = max(self.longest_s, asyncio.get_running_loop().time() - begun)

    async def all_saved(self) -> None:
        """Return once every phone has been answered 200 once more."""
        before = dict(self.saved)
        await until(lambda: all(self.saved[aor] > before[aor] for aor in self.aors))

    async def lost(self) -> list[str]:
        """Phones whose last 200 the store knows nothing of."""
        return [aor for aor in self.aors if await self._seen(aor) < self.saved[aor]]

    async def _register(self, aor: str, cseq: int) -> None:
        save = replace(plan(bind(MOBILE), call_id=aor, cseq=cseq), aor=aor)
        await self._store.save(save)
        self.saved[aor] = cseq
        if await self._seen(aor) != cseq:
            self.wrong.append(aor)

    async def _seen(self, aor: str) -> int:
        record = await self._store.fetch(aor)
        return max((binding.cseq for binding in record.bindings), default=0)


@asynccontextmanager
async def loaded(store: RedisStore) -> AsyncIterator[Load]:
    """Phones that keep registering in ``store`` while the block runs; all have when it begins."""
    load = Load(store)
    tasks: Sequence[asyncio.Task[None]] = [asyncio.create_task(load.run(a)) for a in load.aors]
    try:
        await load.all_saved()
        yield load
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
