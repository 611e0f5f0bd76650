"""The store as the rest of the house sees it: bindings in, bindings out.

``Store`` is a real seam: a pipelined Redis behind it in the product, redis-py over fakeredis in the
tests. One call is one round trip and touches one AOR, ``scan`` and ``count`` apart. Every method
raises ``StoreUnavailable`` when no answer came inside ``store.deadline_ms``, and ``StoreMismatch``
while the store is one that was set up otherwise. A table is a key space of its own.
"""

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from regcluster.registrar.binding import Binding
from regcluster.registrar.plan import DEFAULT_TABLE, Record, Restored, SavePlan, Verdict


class Store(Protocol):
    """Where bindings live."""

    async def save(self, plan: SavePlan) -> Verdict:
        """Apply one REGISTER, all or nothing, in one script call."""

    async def fetch(self, aor: str, table: str = DEFAULT_TABLE, *, expired: bool = False) -> Record:
        """The unexpired bindings of ``aor``; with ``expired`` also those the store has still."""

    async def drop(self, aor: str, ruid: str = "", table: str = DEFAULT_TABLE) -> int:
        """Remove one binding by its ruid, or all of ``aor``; how many went."""

    async def restore(
        self, aor: str, binding: Binding, alias: str = "", table: str = DEFAULT_TABLE
    ) -> Restored:
        """Put ``binding`` back as it was, unless what is stored under its key is as new."""

    def scan(
        self, table: str = DEFAULT_TABLE, after: str = "", includes: Callable[[str], bool] = ...
    ) -> AsyncIterator[str]:
        """Every AOR with at least one binding that comes behind ``after``, in an order of the
        store's own, each once; those alone that ``includes`` says yes to."""

    async def now(self) -> int:
        """The store's time, epoch ms."""

    async def count(self, table: str = DEFAULT_TABLE) -> int:
        """Unexpired bindings, all partitions together."""

    async def close(self) -> None:
        """Let go of the connections; calls in flight fail with ``StoreUnavailable``."""
