"""Who is who, as it is asked: the best informed is believed, and whoever hangs is passed over."""

import asyncio

import pytest

from regcluster.errors import StoreError, StoreUnavailable
from regcluster.store import discovery
from regcluster.store.discovery import Primary, SlotMap, ask, ask_slots, read_slots
from regcluster.store.endpoint import Endpoint, parse
from tests.peer.processes import free_port
from tests.store.constellation import constellation
from tests.store.puppet import Puppet, saying
from tests.store.wiring import problem

pytestmark = pytest.mark.anyio

INFO = b"cluster_state:ok\r\ncluster_current_epoch:7\r\n"


def at(puppet: Puppet) -> Endpoint:
    return parse(puppet.url)


async def test_a_question_is_asked_over_a_connection_of_its_own() -> None:
    """It introduces itself, asks, and leaves."""
    async with Puppet() as puppet:
        replies = await ask(parse(f"redis://u:p@127.0.0.1:{puppet.port}/2"), (b"X", b"y"))
        await puppet.until(lambda: not puppet.peers)

    assert [b"y"] == replies
    assert [[b"AUTH", b"u", b"p"], [b"SELECT", b"2"], [b"X", b"y"]] == puppet.commands


async def test_a_question_has_its_time() -> None:
    """A stopped process still accepts."""
    async with Puppet(lambda command: None) as puppet:
        begun = asyncio.get_running_loop().time()
        told = await problem(ask(at(puppet), (b"X",)))
        took = asyncio.get_running_loop().time() - begun
        await puppet.until(lambda: not puppet.peers)

    assert "the store did not answer in time" == told
    assert took < discovery.PATIENCE_S + 1.0


async def test_a_refused_question_is_the_servers_own_error() -> None:
    """Nothing is made up."""
    async with Puppet(saying({b"X": b"-NOPERM no\r\n"})) as puppet:
        told = await problem(ask(at(puppet), (b"X",)), StoreError)

    assert "the store answered: NOPERM no" == told


async def test_the_best_informed_server_is_believed() -> None:
    """One that was cut off still tells what it knew then; one that is gone tells nothing."""
    async with constellation() as sky, constellation() as stale:
        sky.epoch = 9
        gone = parse(f"redis://127.0.0.1:{free_port()}")
        places = [gone, at(stale.puppets[0]), at(sky.puppets[1]), at(stale.puppets[1])]
        found = await ask_slots(places)

        ports = {puppet.port for puppet in sky.puppets}
        assert (9, ports) == (found.epoch, {primary.port for primary in found.primaries})


async def test_servers_that_all_fail_are_told_of() -> None:
    """By the first of them."""
    places = [parse(f"redis://127.0.0.1:{free_port()}") for _ in range(2)]

    with pytest.raises(StoreUnavailable, match=rf"^redis://127.0.0.1:{places[0].port}: .*refused"):
        await ask_slots(places)


@pytest.mark.parametrize("name", [None, b"", b"?"])
def test_a_server_that_names_no_host_is_where_it_was_asked(name: bytes | None) -> None:
    """Redis does so when it does not know its own address, or is told not to give it away."""
    found = read_slots("10.0.0.1", INFO, [[0, 16383, [name, 7000, b"id"], [b"r", 1, b"other"]]])

    assert SlotMap(7, ((0, 16383, Primary("10.0.0.1", 7000, b"id")),)) == found


def test_a_slot_map_knows_owners_and_gaps() -> None:
    """First and last slot are in; what is in no range has no owner."""
    one, two = Primary("::1", 1, b"a"), Primary("h", 2, b"b")
    slots = [[0, 9, [b"::1", 1, b"a", []]], [20, 29, [b"h", 2, b"b", []]]]
    found = read_slots("x", INFO, slots)

    assert [one, one, None, two] == [found.owner(slot) for slot in (0, 9, 10, 29)]
    assert {one, two} == found.primaries
