"""The link to a Cluster and its signals: each is followed, retried, or told of in time."""

import asyncio

import pytest

from regcluster.errors import StoreError
from regcluster.store.cluster import MAX_HOPS, RETRY_S
from regcluster.store.scripts import DROP
from tests.store.constellation import clustered, constellation
from tests.store.puppet import Command, polite
from tests.store.wiring import BRIEF_S, Counted, problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]


async def test_a_call_goes_to_the_owner_of_its_key() -> None:
    """And to nobody else; the reply is the owner's."""
    async with constellation() as sky, clustered(sky.url) as link:
        replies = [await link.call(b"GET", sky.key(number)) for number in (0, 1)]

        asked = [c for puppet in sky.puppets for c in puppet.commands if c[0] == b"GET"]
        assert [sky.key(number) for number in (0, 1)] == replies
        assert [[b"GET", sky.key(number)] for number in (0, 1)] == asked


async def test_a_script_goes_to_the_owner_of_its_first_key() -> None:
    """A save is one call to one server, here as anywhere."""
    async with constellation() as sky, clustered(sky.url) as link:
        await link.call(b"EVALSHA", DROP.sha, b"3", sky.key(1, b"b"), sky.key(1), sky.key(1, b"e"))

        assert [0, 1] == [puppet.count(b"EVALSHA") for puppet in sky.puppets]


async def test_a_call_without_a_key_goes_to_one_server() -> None:
    """Always the same while it answers, because each has its own clock."""
    async with constellation() as sky, clustered(sky.url) as link:
        await asyncio.gather(*[link.call(b"TIME") for _ in range(4)])
        await link.call(b"ECHO", sky.key(0))
        counts = sorted(puppet.count(b"TIME") for puppet in sky.puppets)

    assert [0, 4] == counts


async def test_the_slot_map_is_asked_for_at_the_start_and_not_for_calls() -> None:
    """Both seeds are asked together, once; the store's own question goes to one of them."""
    async with constellation() as sky, clustered(sky.url) as link:
        await link.call(b"GET", sky.key(0))
        await until(lambda: not link.problem and all(p.count(b"SCRIPT") for p in sky.puppets))
        before = sky.asked()
        for number in range(50):
            await link.call(b"GET", sky.key(number % 2))

        assert before == sky.asked()
        assert 1 == sum(puppet.count(b"HMGET") for puppet in sky.puppets)


async def test_moved_is_followed_and_the_slot_map_asked_for_anew() -> None:
    """The call itself is done at once; the next goes straight to the new owner."""
    counted = Counted()
    async with constellation() as sky, clustered(sky.url) as link:
        key = sky.key(0)
        await asyncio.gather(link.call(b"ECHO", b"a"), link.call(b"GET", sky.key(1)))
        await link.call(b"STRLEN", key)
        await until(lambda: not link.problem)
        before = sky.asked()
        sky.words[0] = {b"GET": sky.redirect(b"MOVED", 1, key)}
        sky.owners = [1, 1]
        sky.epoch = 2

        assert key == await link.call(b"GET", key)
        assert key == await link.call(b"GET", key)
        assert (1, 3) == (sky.puppets[0].count(b"GET"), sky.puppets[1].count(b"GET"))
        await until(lambda: sky.asked() > before)
        await until(lambda: 1 == len(link.nodes()))
        assert 0 == counted.failed


async def test_moved_to_a_server_not_known_yet_is_followed_once_it_is() -> None:
    """Whoever was named is asked for the slot map too: others may not know of it yet."""
    async with constellation(3) as sky:
        sky.owners = [0, 1, 1]
        async with clustered(sky.url.rpartition(",")[0]) as link:
            key = sky.key(0)
            await link.call(b"STRLEN", key)
            await until(lambda: not link.problem)
            sky.words[0] = {b"GET": sky.redirect(b"MOVED", 2, key)}
            sky.behind = dict.fromkeys([0, 1], (sky.owners, 1))
            sky.owners = [2, 1, 1]
            sky.epoch = 2

            assert key == await link.call(b"GET", key)
            assert 1 == sky.puppets[2].count(b"GET")


async def test_moved_without_a_host_means_the_same_host() -> None:
    """A server that does not know its own name says so in this way."""
    async with constellation() as sky, clustered(sky.url) as link:
        key = sky.key(0)
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        sky.words[0] = {b"GET": sky.redirect(b"MOVED", 1, key).replace(b"127.0.0.1", b"")}

        assert key == await link.call(b"GET", key)


async def test_servers_that_disagree_are_not_hammered() -> None:
    """Sent to and fro, a call waits a little each time, and its deadline ends it."""
    async with constellation() as sky, clustered(sky.url, BRIEF_S) as link:
        key = sky.key(0)
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        for number in (0, 1):
            sky.words[number] = {b"GET": sky.redirect(b"MOVED", 1 - number, key)}
        told = await problem(link.call(b"GET", key))
        tries = sum(puppet.count(b"GET") for puppet in sky.puppets)

    assert told.startswith("the store answered: MOVED ")
    assert MAX_HOPS < tries <= (MAX_HOPS + 1) * (1 + BRIEF_S / RETRY_S)


async def test_ask_is_followed_with_asking_and_changes_nothing_else() -> None:
    """One key is on its way; the slot is still where it was."""
    async with constellation() as sky, clustered(sky.url) as link:
        key, other = sky.key(0), sky.key(0, b"other")
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        await until(lambda: not link.problem)
        before = sky.asked()
        asked = sky.redirect(b"ASK", 1, key)
        sky.words[0] = {b"GET": lambda command: asked if command[1] == key else polite(command)}
        replies = await asyncio.gather(*[link.call(b"GET", name) for name in (key, other)])
        last = sky.puppets[1].commands[-2:]

        assert [key, other] == replies
        assert [[b"ASKING"], [b"GET", key]] == last
        assert before == sky.asked()


async def test_a_call_may_be_sent_on_as_often_as_its_time_allows() -> None:
    """A slot on its way sends it to and fro until all keys have arrived; each pause counts anew."""
    refusals = iter([b"-TRYAGAIN no\r\n"] * 2 * MAX_HOPS)
    async with constellation() as sky, clustered(sky.url) as link:
        key = sky.key(0)
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        sky.words[0] = {b"GET": sky.redirect(b"ASK", 1, key)}
        sky.words[1] = {b"GET": lambda command: next(refusals, polite(command))}

        assert key == await link.call(b"GET", key)


async def test_a_server_is_not_blamed_for_the_time_a_call_has_lost_elsewhere() -> None:
    """It was asked a moment ago; a connection that was idle before that is not a dead one."""
    async with constellation() as sky, clustered(sky.url, BRIEF_S) as link:
        key = sky.key(0)
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        await until(lambda: all(puppet.count(b"PING") for puppet in sky.puppets))
        await until(lambda: 1 == len(sky.puppets[1].peers))
        before = set(sky.puppets[1].peers)
        sky.words[0], sky.words[1] = {b"GET": None}, {b"GET": None, b"PING": None}
        reply = link.call(b"GET", key)
        await sky.puppets[0].heard(b"GET")
        await asyncio.sleep(0.8 * BRIEF_S)
        sky.puppets[0].say(sky.redirect(b"MOVED", 1, key))
        await problem(reply)

        assert b"up" == await link.call(b"GETRANGE", key, b"up")
        assert before <= sky.puppets[1].peers


async def test_a_script_unknown_where_ask_leads_still_gets_there() -> None:
    """Its text goes the whole way again: without ASKING the target would send it back."""
    async with constellation() as sky, clustered(sky.url) as link:
        key = sky.key(0)
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        ask, moved = sky.redirect(b"ASK", 1, key), sky.redirect(b"MOVED", 0, key)

        def target(command: Command) -> bytes | None:
            before = sky.puppets[1].commands[-2]
            return polite(command) if before == [b"ASKING"] else moved

        sky.words[0] = {b"EVALSHA": ask, b"EVAL": ask}
        sky.words[1] = {b"EVALSHA": b"-NOSCRIPT none\r\n", b"EVAL": target}

        assert b"end" == await link.call(b"EVALSHA", DROP.sha, b"1", key, b"end")


@pytest.mark.parametrize(
    "code", [b"TRYAGAIN", b"CLUSTERDOWN", b"READONLY", b"LOADING", b"MASTERDOWN"]
)
async def test_what_a_server_was_not_ready_for_is_done_once_it_is(code: bytes) -> None:
    """It did nothing, so asking again is safe; the connection stays, and so do its other calls."""
    counted = Counted()
    refusals = iter([b"-%b not now\r\n" % code] * 3)
    async with constellation() as sky, clustered(sky.url) as link:
        await link.call(b"STRLEN", sky.key(0))
        sky.words[0] = {b"GET": lambda command: next(refusals, polite(command))}

        assert sky.key(0) == await link.call(b"GET", sky.key(0))
        assert (4, {}) == (sky.puppets[0].count(b"GET"), counted.changes)


@pytest.mark.parametrize(
    "code", [b"TRYAGAIN", b"CLUSTERDOWN", b"READONLY", b"LOADING", b"MASTERDOWN"]
)
async def test_what_a_server_is_not_ready_for_in_time_is_unavailable(code: bytes) -> None:
    """The answer to blame is told."""
    counted = Counted()
    async with constellation() as sky, clustered(sky.url, BRIEF_S) as link:
        await link.call(b"STRLEN", sky.key(0))
        sky.words[0] = {b"GET": b"-%b not now\r\n" % code}
        told = await problem(link.call(b"GET", sky.key(0)))

    assert f"the store answered: {code.decode()} not now" == told
    assert {"timeout": 1} == counted.changes


@pytest.mark.parametrize("code", [b"CLUSTERDOWN", b"LOADING"])
async def test_a_server_that_is_not_ready_makes_the_slot_map_suspect(code: bytes) -> None:
    """Another may have taken over."""
    async with constellation() as sky, clustered(sky.url) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        sky.words[0] = {b"GET": b"-%b not now\r\n" % code}
        sky.owners = [1, 1]

        assert sky.key(0) == await link.call(b"GET", sky.key(0))
        assert 1 == sky.puppets[1].count(b"GET")


async def test_a_wrong_command_is_an_error_of_ours() -> None:
    """Waiting would not mend it."""
    async with constellation() as sky, clustered(sky.url) as link:
        sky.words[0] = {b"GET": b"-WRONGTYPE no\r\n"}
        told = await problem(link.call(b"GET", sky.key(0)), StoreError)

    assert "the store answered: WRONGTYPE no" == told


async def test_calls_that_wait_for_a_lost_primary_go_to_its_successor() -> None:
    """They had not left; those in flight are told of at once."""
    async with constellation() as sky, clustered(sky.url) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        sky.words[0] = {b"GET": None}
        flying = link.call(b"GET", sky.key(0))
        await sky.puppets[0].heard(b"GET")
        await sky.puppets[0].stop()
        told = await problem(flying)
        waiting = link.call(b"GET", sky.key(0))
        sky.owners = [1, 1]

        assert told.startswith("the connection broke: ")
        assert sky.key(0) == await waiting


async def test_a_silent_primary_is_left_and_its_successor_found() -> None:
    """No answer and no reset, as behind a firewall that forgot the connection."""
    async with constellation() as sky, clustered(sky.url, BRIEF_S, BRIEF_S) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        sky.puppets[0].answer = lambda command: None
        told = await problem(link.call(b"GET", sky.key(0)))
        sky.owners = [1, 1]
        await until(lambda: 1 == len(link.nodes()))

        assert "the store did not answer in time" == told
        assert sky.key(0) == await link.call(b"GET", sky.key(0))


async def test_a_caller_who_leaves_while_its_call_waits_is_not_called_for() -> None:
    """The call is not tried again."""
    async with constellation() as sky, clustered(sky.url) as link:
        await link.call(b"STRLEN", sky.key(0))
        sky.words[0] = {b"GET": b"-TRYAGAIN no\r\n"}
        leaving, staying = link.call(b"GET", sky.key(0)), link.call(b"GET", sky.key(0, b"other"))
        await sky.puppets[0].heard(b"GET", 2)
        leaving.cancel()
        sky.words[0] = {}

        assert sky.key(0, b"other") == await staying
        assert 3 == sky.puppets[0].count(b"GET")
