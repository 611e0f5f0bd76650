"""A hundred thousand REGISTERs that collide: some serial order explains all that came of them.

The order is the one in which the server says it ran the calls. The model runs them again in that
order, and what it says of each call has to be what the phone was answered; what it holds in the end
has to be what the store holds.
"""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from regcluster.config import StoreSettings
from regcluster.registrar.binding import Binding
from regcluster.store.codec import decode
from regcluster.store.keys import Keys, text_bytes
from tests.peer.conftest import StartNode
from tests.peer.history import Event, Wish, Wishes
from tests.peer.phone import Phone
from tests.peer.replay import Replay, essentials, outcomes
from tests.peer.server import StoreServer
from tests.peer.witness import Witness

pytestmark = [pytest.mark.peer, pytest.mark.anyio, pytest.mark.timeout(300)]

REQUESTS = 100_000
USERS = 50
PHONES, AT_ONCE = 4, 25
"""Sockets that send, and the requests each has under way at a time."""
SEED = 20

CSEQ_DELAY_S = 3600
"""No request here is so late that an equal CSeq is no retransmission any more."""

KEYS = Keys(StoreSettings())


async def test_some_serial_order_explains_every_answer_and_the_end(
    start_node: StartNode, store: StoreServer, tmp_path: Path
) -> None:
    """Four workers, fifty users: nothing is lost, doubled, or other than its phone was told."""
    node = start_node(node={"workers": 4}, location={"cseq_delay": CSEQ_DELAY_S})
    with Witness(store, tmp_path) as witness:
        events = await exchange(node.address, iter(Wishes(Random(SEED), USERS)))

    replay = Replay([event.wish for event in events], CSEQ_DELAY_S)
    replay.run(witness.steps())
    answered = outcomes((replay.plan(event.wish), event.answer) for event in events)
    expected = {aor: essentials(found.values()) for aor, found in replay.model.bindings.items()}
    statuses = {event.answer.status for event in events}

    assert REQUESTS == len(events)
    assert replay.outcomes == answered
    # Refusals too, or these histories were too tame to show anything.
    assert {200, 400} == statuses
    assert expected == {aor: essentials(found) for aor, found in stored(store) if found}
    assert sorted(members(replay)) == sorted(index(store))


async def exchange(address: tuple[str, int], wishes: Iterator[Wish]) -> list[Event]:
    """Send the wishes, a hundred at a time, each a single time."""
    source = itertools.islice(wishes, REQUESTS)
    events: list[Event] = []

    async def play(phone: Phone) -> None:
        for wish in source:
            via, branch = phone.via()
            data = wish.request(via)
            events.append(Event(wish, data, await phone.ask(data, branch, repeat=False)))

    async def carry() -> None:
        async with Phone(address) as phone, asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(play(phone))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(PHONES):
            tasks.create_task(carry())
    return events


def stored(store: StoreServer) -> Iterator[tuple[str, list[Binding]]]:
    """Each user's bindings, read past the node."""
    with store.client() as client:
        for number in range(USERS):
            aor = f"user{number}@example.test"
            found = client.hgetall(KEYS.bindings(text_bytes(aor)))
            yield aor, [decode(key, value) for key, value in found.items()]


def index(store: StoreServer) -> list[bytes]:
    """The members of all indexes: as many as there are bindings."""
    with store.client() as client:
        return [member for key in KEYS.indexes for member in client.zrange(key, 0, -1)]


def members(replay: Replay) -> list[bytes]:
    """What the indexes have to hold."""
    return [
        text_bytes(f"{aor}\n{key}") for aor, found in replay.model.bindings.items() for key in found
    ]
