"""The change feed of a Cluster of which a part is away: the others' events do not wait for it."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from regcluster.store.events import AT_ONCE
from regcluster.store.keys import Keys, text_bytes
from regcluster.store.remote import RedisStore
from tests.servers import RealServer
from tests.store.alice import bind, plan
from tests.store.feed import SETTINGS, listening
from tests.store.upkeep import Torn

pytestmark = [pytest.mark.anyio, pytest.mark.server]

MANY = msgspec.structs.replace(SETTINGS, partitions=4 * AT_ONCE)
KEYS = Keys(MANY)


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
