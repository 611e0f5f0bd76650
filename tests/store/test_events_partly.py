"""The change feed of a Cluster of which a part is away: the others' events do not wait for it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from regcluster.errors import StoreUnavailable
from regcluster.store.connection import Arg
from regcluster.store.endpoint import Endpoint
from regcluster.store.events import AT_ONCE
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.link import Link
from regcluster.store.remote import RedisStore
from tests.servers import RealServer
from tests.store.alice import bind, plan
from tests.store.feed import SETTINGS, listening

pytestmark = [pytest.mark.anyio, pytest.mark.server]

MANY = msgspec.structs.replace(SETTINGS, partitions=4 * AT_ONCE)
KEYS = Keys(MANY)


class Torn:
    """A link to a store of which the servers of some keys are ``away``."""

    problem = ""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.away: Sequence[bytes] = ()

    def nodes(self) -> Sequence[Endpoint]:
        """None to subscribe at: what is told is read by the timer."""
        return ()

    async def call(self, *args: Arg) -> Any:
        """Send a command, if whoever is asked is there."""
        if args[1:] and args[1] in self.away:
            raise StoreUnavailable("its server is away")
        return await self._link.call(*args)

    async def close(self) -> None:
        """Let go of the link."""
        await self._link.close()


def feed_of(aor: str) -> int:
    """The number of the feed that tells of ``aor``."""
    return KEYS.feeds.index(KEYS.of(text_bytes(aor))[2])


AORS = sorted([f"u{number}@example.com" for number in range(100)], key=feed_of)
FIRST, LAST = AORS[0], AORS[-1]


@pytest.mark.parametrize(
    "away", [[feed_of(FIRST)], range(AT_ONCE + 1), range(0, 4 * AT_ONCE - 1, 3)]
)
async def test_what_is_there_is_told_while_a_part_is_away(
    real_server: RealServer, away: Sequence[int]
) -> None:
    """And why nothing comes of the rest is told once; what happened there, when it is back."""
    torn = Torn(real_server.link(MANY))
    store = RedisStore(torn, MANY)
    async with listening(store, look_s=0.05, settings=MANY) as listener:
        torn.away = [KEYS.feeds[number] for number in {*away, feed_of(FIRST)} - {feed_of(LAST)}]
        await listener.until(lambda: listener.problems)
        for number, aor in enumerate([FIRST, LAST, LAST]):
            uri = f"sip:u@192.0.2.{number}"
            await store.save(replace(plan(bind(uri)), aor=aor))
            await listener.count(number)
        told, torn.away = listener.told, ()
        await listener.count(3)
    await store.close()

    first, *others = [("added", f"sip:u@192.0.2.{number}") for number in range(3)]
    assert (others, [*others, first]) == (told, listener.told)
    assert ["its server is away", ""] == listener.problems
