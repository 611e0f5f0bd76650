"""Two workers, one store, and a network in which nothing is sure."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import pytest
from fakeredis import FakeServer

from regcluster.edge.worker import Worker
from regcluster.sip.headers import STAR, parse_contacts, parse_q
from tests import wire
from tests.edge.air import Air, Phone
from tests.edge.memory import MemoryFlow, running

pytestmark = pytest.mark.anyio

USERS = ("alice", "bob")
PHONES = 6
ROUNDS = 5
SEEDS = range(10)


@pytest.fixture
def server() -> FakeServer:
    """The Redis that both workers share."""
    return FakeServer()


@pytest.fixture
async def pair(tmp_path: Path, server: FakeServer) -> AsyncIterator[Sequence[Worker]]:
    """Two workers of one node or of two: they have nothing in common but the store."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(running(tmp_path, server, index=index))
            for index in range(2)
        ]


def ring_of_phones(air: Air, pair: Sequence[Worker]) -> list[Phone]:
    """Phones of two users."""
    return [
        Phone(air, pair, USERS[number % len(USERS)], 5070 + number, ROUNDS)
        for number in range(PHONES)
    ]


async def found_by(worker: Worker, user: str) -> dict[str, int]:
    """Where a call to ``user`` is redirected: contacts and their q."""
    flow = MemoryFlow()
    worker.receive(wire.invite(f"sip:{user}@example.test"), flow)
    contacts = parse_contacts((await flow.answer()).all("contact"))
    assert contacts != STAR
    return {contact.uri: parse_q(contact.params["q"] or "") for contact in contacts}


def last_granted(phones: Sequence[Phone], user: str) -> dict[str, int]:
    """What the phones of ``user`` believe to be registered."""
    mine = [phone for phone in phones if phone.aor == f"sip:{user}@example.test"]
    return {phone.uri: phone.current.q for phone in mine if phone.current.q}


@pytest.mark.parametrize("seed", SEEDS)
async def test_what_is_acknowledged_is_found(pair: Sequence[Worker], seed: int) -> None:
    """Every phone is found as it was last granted, whichever worker is asked for it.

    Late copies of what it had sent before have changed nothing.
    """
    air = Air(seed)
    phones = ring_of_phones(air, pair)
    await air.run()

    found = [{user: await found_by(worker, user) for user in USERS} for worker in pair]

    granted = {user: last_granted(phones, user) for user in USERS}
    assert [granted, granted] == found


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_copy_gets_the_same_answer(pair: Sequence[Worker], seed: int) -> None:
    """From either worker, as often as it comes: the same status and To tag (RFC 3261 §17.2.2).

    A copy that comes after the phone has gone on may be told that it is late, under the same tag.
    """
    air = Air(seed)
    phones = ring_of_phones(air, pair)
    await air.run()

    transactions = [transaction for phone in phones for transaction in phone.history]
    answered = [t for t in transactions if t.answers]
    assert [(1, {200}, 1)] * len(answered) == [
        (len(set(t.answers)), {status for status, _ in t.answers}, len(t.tags)) for t in answered
    ]


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_store_that_comes_and_goes_breaks_no_promise(
    pair: Sequence[Worker], server: FakeServer, seed: int
) -> None:
    """Requests are refused while it is away; what was granted holds all the same."""
    air = Air(seed)
    phones = ring_of_phones(air, pair)
    for begin in (3.0, 12.0, 20.0):
        air.after(begin, partial(setattr, server, "connected", False))
        air.after(begin + 2.0, partial(setattr, server, "connected", True))
    await air.run()

    found = [{user: await found_by(worker, user) for user in USERS} for worker in pair]

    granted = {user: last_granted(phones, user) for user in USERS}
    assert [granted, granted] == found
