"""Every AOR in the store, in an order of its own, a few thousand at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable

from regcluster.store.index import Indexes
from regcluster.store.keys import Keys, aor_in, bytes_text, field_of, text_bytes
from regcluster.store.link import Link
from regcluster.store.scripts import Scripts

READ_AHEAD = 5000
"""AORs that a scan holds; it reads a partition once for so many."""

SCAN_COUNT = 500
"""Members of an index read in one go: a millisecond of the server's time."""


Found = dict[bytes, list[bytes]]
"""AORs, each with its members that are due; with none if it has one that is not, and is bound."""


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
            is_more = True
            while is_more:
                some = await self._next_aors(index, behind, includes)
                for aor in await self._alive(index, some):
                    yield bytes_text(aor)
                is_more = len(some) == READ_AHEAD
                behind = max(some, default=b"")
            behind = b""

    async def _next_aors(
        self, index: bytes, behind: bytes, includes: Callable[[str], bool]
    ) -> Found:
        """The first ``READ_AHEAD`` AORs of one partition, in order, that come after ``behind``."""
        server: bytes = await self._scripts.server(index)
        found = await self._found(index, behind, includes)
        while server != (now := await self._scripts.server(index)):
            # A cursor of ZSCAN says nothing to another server than the one that has given it.
            server, found = now, await self._found(index, behind, includes)
        return _first(found)

    async def _found(self, index: bytes, behind: bytes, includes: Callable[[str], bool]) -> Found:
        """Those AORs, out of order, and maybe some that come next."""
        found: Found = {}
        async for member, is_due in self._members(index):
            aor = aor_in(member)
            if aor <= behind or not (aor in found or includes(bytes_text(aor))):
                continue
            if not is_due:
                found[aor] = []
            elif aor not in found or found[aor]:
                found.setdefault(aor, []).append(member)
            if len(found) == 2 * READ_AHEAD:
                found = _first(found)
        return found

    async def _members(self, index: bytes) -> AsyncIterator[tuple[bytes, bool]]:
        """Each member of an index, and whether it is due."""
        cursor = 0
        while True:
            reply = await self._link.call(b"ZSCAN", index, cursor, b"COUNT", SCAN_COUNT)
            cursor, members = int(reply[0]), reply[1]
            now = await self._now()
            for at in range(0, len(members), 2):
                yield members[at], float(members[at + 1]) <= now
            if not cursor:
                return

    async def _alive(self, index: bytes, aors: Found) -> list[bytes]:
        """Those of ``aors``, in order, that have a binding which is unexpired."""
        asked = [member for due in aors.values() for member in due]
        answers = await self._indexes.alive([field_of(index, member) for member in asked])
        alive = {aor_in(member) for member, lives in zip(asked, answers, strict=True) if lives}
        return [aor for aor, due in aors.items() if not due or aor in alive]


def _first(found: Found) -> Found:
    """The first ``READ_AHEAD`` AORs, in order."""
    return dict(sorted(found.items())[:READ_AHEAD])
