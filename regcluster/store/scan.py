"""Every AOR in the store, in an order of its own, a few thousand at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable

from regcluster.store.index import Indexes
from regcluster.store.keys import Keys, aor_in, bytes_text, text_bytes
from regcluster.store.link import Link
from regcluster.store.scripts import Scripts

READ_AHEAD = 5000
"""AORs that a scan holds; it reads a partition once for so many."""

SCAN_COUNT = 500
"""Members of an index read in one go: a millisecond of the server's time."""


def everybody(aor: str) -> bool:
    """For a scan that leaves nobody out."""
    return True


class Scan:
    """Reads ``indexes``, member by member; ``now`` is the store's time in epoch ms."""

    def __init__(
        self,
        link: Link,
        keys: Keys,
        scripts: Scripts,
        indexes: Indexes,
        now: Callable[[], Awaitable[int]],
    ) -> None:
        self._link = link
        self._keys = keys
        self._scripts = scripts
        self._indexes = indexes
        self._now = now

    async def aors(
        self,
        table: str,
        after: str,
        includes: Callable[[str], bool],
    ) -> AsyncIterator[str]:
        """Every AOR with at least one binding that comes behind ``after``, each once.

        The order is by partition, then by octets, so that any AOR marks a place to go on from. In
        memory are a few thousand AORs, however many there are; where a partition has more, it is
        read again for the next. An AOR whose binding changes its key while its partition is read
        may be missed; any other is found.
        """
        behind = text_bytes(after)
        for index in self._keys.table(table).indexes_from(behind):
            some = await self._next_aors(index, behind, includes)
            while some:
                for aor in some:
                    yield bytes_text(aor)
                is_more = len(some) == READ_AHEAD
                some = await self._next_aors(index, some[-1], includes) if is_more else []
            behind = b""

    async def _next_aors(
        self, index: bytes, behind: bytes, includes: Callable[[str], bool]
    ) -> list[bytes]:
        """The first ``READ_AHEAD`` AORs of one partition, in order, that come after ``behind``."""
        server: bytes = await self._scripts.server(index)
        found = await self._found(index, behind, includes)
        while server != (now := await self._scripts.server(index)):
            # A cursor of ZSCAN says nothing to another server than the one that has given it.
            server, found = now, await self._found(index, behind, includes)
        return sorted(found)[:READ_AHEAD]

    async def _found(
        self, index: bytes, behind: bytes, includes: Callable[[str], bool]
    ) -> set[bytes]:
        """Those AORs, out of order, and maybe some that come next."""
        found: set[bytes] = set()
        async for aor in self._members(index):
            if aor > behind and aor not in found and includes(bytes_text(aor)):
                found.add(aor)
                if len(found) == 2 * READ_AHEAD:
                    found = set(sorted(found)[:READ_AHEAD])
        return found

    async def _members(self, index: bytes) -> AsyncIterator[bytes]:
        """The AOR of each unexpired binding in one partition."""
        cursor = 0
        while True:
            reply = await self._link.call(b"ZSCAN", index, cursor, b"COUNT", SCAN_COUNT)
            cursor, members = int(reply[0]), reply[1]
            now = await self._now()
            due = []
            for at in range(0, len(members), 2):
                if float(members[at + 1]) > now:
                    yield aor_in(members[at])
                else:
                    due.append(members[at])
            for member in await self._indexes.living(index, due):
                yield aor_in(member)
            if not cursor:
                return
