"""The node as its HTTP API sees it: settings in force, state, counts, and a store of its own."""

import time
from collections.abc import Callable

import anyio
from prometheus_client import CollectorRegistry

from regcluster import __version__
from regcluster.config import Settings, StoreSettings
from regcluster.config.fields import FIELDS
from regcluster.config.reader import Loaded
from regcluster.config.reload import is_changeable, merged
from regcluster.control.api.shapes import NodeState
from regcluster.control.overlay import Overlay
from regcluster.control.workers import Workers
from regcluster.errors import StoreUnavailable
from regcluster.store import RedisStore, open_store
from regcluster.store.embedded import SCHEME


class Storeroom:
    """The store, opened when somebody first asks for it, and anew when it has moved."""

    def __init__(self) -> None:
        self._lock = anyio.Lock()
        self._settings: StoreSettings | None = None
        self._store: RedisStore | None = None

    async def store(self, settings: StoreSettings) -> RedisStore:
        """The store there. Raises ``StoreUnavailable`` while its server is still to be started."""
        if settings.url.startswith(SCHEME):
            raise StoreUnavailable("the embedded server is being started")
        async with self._lock:
            if self._store is None or settings != self._settings:
                await self.close()
                self._store, self._settings = await open_store(settings), settings
            return self._store

    async def close(self) -> None:
        """Let go of it."""
        store, self._store = self._store, None
        if store:
            await store.close()


class Front:
    """What the API asks of this node (``desk.Node``).

    ``outfit`` gives the settings as workers get them, ``drain`` has the node begin to end.
    """

    def __init__(
        self,
        started: Loaded,
        overlay: Overlay,
        workers: Workers,
        outfit: Callable[[], Settings],
        drain: Callable[[], None],
    ) -> None:
        self._started = started
        self._started_at = time.time()
        self._overlay = overlay
        self._workers = workers
        self._outfit = outfit
        self._storeroom = Storeroom()
        self.drain = drain
        """Ends the node in order, as on SIGTERM; nothing happens if it does already."""

    def in_force(self) -> Loaded:
        """The settings it goes by: as read last, but for what needs a restart."""
        started, last = self._started, self._overlay.loaded
        origins = {
            key: (last if is_changeable(field) else started).origins[key]
            for key, field in FIELDS.items()
        }
        return Loaded(merged(started.settings, last.settings), origins, started.file)

    async def store(self) -> RedisStore:
        """Its store, which stays the node's. Raises ``StoreError``: there is none yet."""
        return await self._storeroom.store(self._outfit().store)

    def state(self) -> NodeState:
        """How it is."""
        problems = self._workers.problems()
        return NodeState(
            name=self._outfit().node.name,
            version=__version__,
            started_at=int(self._started_at * 1000),
            uptime_s=round(max(time.time() - self._started_at, 0.0), 3),
            ready=not problems,
            draining=self._workers.is_draining,
            problems=problems,
            workers=self._workers.states(),
        )

    def registry(self) -> CollectorRegistry:
        """What all workers have counted."""
        return self._workers.registry()

    async def close(self) -> None:
        """Let go of the store."""
        await self._storeroom.close()
