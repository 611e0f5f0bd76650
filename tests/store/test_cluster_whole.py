"""The link to a Cluster as a whole: whose it is, who belongs to it, when it is well, its end."""

import asyncio

import pytest

from regcluster.errors import StoreMismatch
from regcluster.store.routing import SLOTS, slot_of
from regcluster.store.scripts import SOURCES
from tests.store.constellation import clustered, constellation
from tests.store.puppet import Command, polite
from tests.store.wiring import BRIEF_S, problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]


async def test_every_primary_is_left_the_scripts() -> None:
    """So that the first REGISTER there is as quick as any other."""
    async with constellation() as sky, clustered(sky.url) as link:
        await asyncio.gather(*[link.call(b"GET", sky.key(number)) for number in (0, 1)])

        assert [len(SOURCES)] * 2 == [puppet.count(b"SCRIPT") for puppet in sky.puppets]


async def test_a_silent_primary_without_calls_is_found_out() -> None:
    """Each is looked at once a second, so that no phone has to be the one that finds out."""
    async with constellation() as sky, clustered(sky.url, BRIEF_S, BRIEF_S) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        await until(lambda: all(puppet.count(b"PING") for puppet in sky.puppets))
        before = sky.puppets[0].connections
        sky.puppets[0].answer = lambda command: None
        await until(lambda: sky.puppets[0].connections > before)

        assert sky.key(1) == await link.call(b"GET", sky.key(1))


async def test_the_connection_to_a_server_that_is_no_primary_any_more_is_given_up() -> None:
    """Once what it carries has had its time to end."""
    downs = iter([b"-CLUSTERDOWN no\r\n"])
    async with constellation() as sky, clustered(sky.url, BRIEF_S) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        sky.words[1] = {b"SET": lambda command: next(downs, polite(command))}
        sky.owners = [1, 1]
        await link.call(b"SET", sky.key(1), b"v")
        await until(lambda: 1 == len(link.nodes()))
        await until(lambda: not sky.puppets[0].peers)

        assert 1 == len(link.nodes())


async def test_a_cluster_that_cannot_say_whose_it_is_gets_no_call() -> None:
    """The slot of rc:meta has no owner; others have."""
    async with constellation(8) as sky:
        lost = slot_of(b"rc:meta") // (SLOTS // 8)
        sky.owners = [-1 if number == lost else number for number in range(8)]
        served = next(number for number in range(8) if number != lost)
        async with clustered(sky.url, BRIEF_S) as link:
            told = await problem(link.call(b"GET", sky.key(served)))

        expected = "the Cluster has no owner for the key that tells whose it is"
        assert f"no connection: {expected}" == told
        assert 0 == sky.puppets[served].count(b"GET")


async def test_a_slot_without_an_owner_is_unavailable_in_time() -> None:
    """The others are served; the call may yet be, if an owner turns up before its deadline."""
    async with constellation() as sky:
        sky.owners = [0, -1]
        async with clustered(sky.url, BRIEF_S) as link:
            served = await link.call(b"GET", sky.key(0))
            told = await problem(link.call(b"GET", sky.key(1)))

    assert served == sky.key(0)
    assert told.startswith("no connection: ")


async def test_servers_that_name_no_host_are_found_where_they_were_asked() -> None:
    """As some managed Clusters do."""
    async with constellation() as sky:
        sky.names = None
        async with clustered(sky.url) as link:
            assert sky.key(1) == await link.call(b"GET", sky.key(1))


async def test_no_call_goes_anywhere_in_a_cluster_of_another_kind() -> None:
    """Its owner of rc:meta says so, and everybody's call ends at once."""
    other = b"*3\r\n$1\r\n1\r\n$2\r\n64\r\n$6\r\nsecret\r\n"
    async with constellation() as sky:
        for words in sky.words:
            words[b"HMGET"] = other
        async with clustered(sky.url) as link:
            told = [
                await problem(link.call(b"GET", sky.key(number)), StoreMismatch)
                for number in (0, 1)
            ]
            mismatch = link.problem
            again = await problem(link.call(b"GET", sky.key(0)), StoreMismatch)

        expected = "the store was set up with partitions = 64, this node has partitions = 256"
        assert [expected] * 4 == [*told, mismatch, again]
        assert [0, 0] == [puppet.count(b"GET") for puppet in sky.puppets]


async def test_a_cluster_that_has_become_another_gets_no_more_calls() -> None:
    """It is asked whose it is with every slot map; set right, it is used again."""
    async with constellation() as sky, clustered(sky.url) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        for words in sky.words:
            words[b"HMGET"] = b"*3\r\n$1\r\n1\r\n$2\r\n64\r\n$6\r\nsecret\r\n"
        sky.puppets[0].drop()
        await until(lambda: "partitions" in link.problem)
        await problem(link.call(b"GET", sky.key(1)), StoreMismatch)
        for words in sky.words:
            del words[b"HMGET"]
        await until(lambda: not link.problem)

        assert sky.key(1) == await link.call(b"GET", sky.key(1))
        assert 1 == sky.puppets[1].count(b"GET")


async def test_a_store_nobody_has_used_is_set_up_at_its_owner() -> None:
    """As on one server: what is missing is left there, then asked for again."""
    answers = [b"*3\r\n$-1\r\n$-1\r\n$-1\r\n", polite([b"HMGET"])]
    async with constellation() as sky:
        for words in sky.words:
            words[b"HMGET"] = lambda command: answers.pop(0) if len(answers) > 1 else answers[0]
            words[b"HSETNX"] = b":1\r\n"
        async with clustered(sky.url) as link:
            await link.call(b"GET", sky.key(0))

        assert [0, 3] == sorted(puppet.count(b"HSETNX") for puppet in sky.puppets)


async def test_the_owner_of_the_question_may_be_down_once_it_has_answered() -> None:
    """Two thirds of the phones are not to wait for a failover that is not theirs."""
    async with constellation(3) as sky, clustered(sky.url, BRIEF_S) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in range(3)])
        owner = next(n for n, puppet in enumerate(sky.puppets) if puppet.count(b"HMGET"))
        before = sky.asked()
        await sky.puppets[owner].stop()
        await until(lambda: sky.asked() > before + 4)
        others = [number for number in range(3) if number != owner]

        assert "" == link.problem
        for number in others:
            assert sky.key(number) == await link.call(b"GET", sky.key(number))


async def test_a_failover_is_followed_while_the_owner_of_the_question_is_down() -> None:
    """Servers that were our store's are still, though nobody can be asked just now."""
    async with constellation(3) as sky, clustered(sky.url) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in range(3)])
        owner = next(n for n, puppet in enumerate(sky.puppets) if puppet.count(b"HMGET"))
        old, new = [number for number in range(3) if number != owner]
        await sky.puppets[owner].stop()
        sky.words[old] = {b"GET": b"-CLUSTERDOWN no\r\n"}
        sky.owners[old] = new

        assert sky.key(old) == await link.call(b"GET", sky.key(old))
        assert 1 == sky.puppets[new].count(b"GET")


async def test_a_node_is_unwell_when_most_primaries_are() -> None:
    """One of three is nothing that another node would be better at."""
    async with constellation(3) as sky, clustered(sky.url, BRIEF_S) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in range(3)])
        await sky.puppets[0].stop()
        await problem(link.call(b"GET", sky.key(0)))
        one = link.problem
        await sky.puppets[1].stop()
        await until(lambda: link.problem)

    assert "" == one


async def test_another_server_at_the_address_of_a_primary_gets_no_call() -> None:
    """Addresses are given away again; the id in the slot map tells."""
    async with constellation() as sky, clustered(sky.url, BRIEF_S) as link:
        await asyncio.gather(*[link.call(b"STRLEN", sky.key(number)) for number in (0, 1)])
        told_id = b"%040d 127.0.0.1:1@2 myself,master - 0 0 1\n" % 7
        slots = sky.puppets[0].answer

        def answer(command: Command) -> bytes | None:
            if command[:2] == [b"CLUSTER", b"NODES"]:
                return b"$%d\r\n%b\r\n" % (len(told_id), told_id)
            return slots(command)

        sky.puppets[0].answer = answer
        before = sky.puppets[0].connections
        sky.puppets[0].drop()
        await until(lambda: sky.puppets[0].connections > before)
        told = await problem(link.call(b"GET", sky.key(0)))

        assert "no connection: another server has its address now" == told
        assert 0 == sky.puppets[0].count(b"GET")


async def test_a_cluster_that_is_not_there_is_unavailable_in_time() -> None:
    """The reason is told, with the server it was told by."""
    async with constellation() as sky:
        url = sky.url
    async with clustered(url, BRIEF_S) as link:
        told = await problem(link.call(b"GET", b"{1}"))

    assert told.startswith("no connection: 127.0.0.1:")


async def test_a_server_alone_is_no_cluster() -> None:
    """It says so itself, which is the best of all reasons."""
    async with constellation() as sky:
        for words in sky.words:
            words[b"CLUSTER"] = b"-ERR This instance has cluster support disabled\r\n"
        async with clustered(sky.url, BRIEF_S) as link:
            await until(lambda: link.problem.endswith("disabled"))
            told = await problem(link.call(b"GET", b"{1}"))

    assert told.endswith("ERR This instance has cluster support disabled")


async def test_closing_ends_every_call() -> None:
    """In flight, waiting, and later ones; no connection stays behind."""
    async with constellation() as sky:
        async with clustered(sky.url) as link:
            await link.call(b"STRLEN", sky.key(0))
            sky.words[0] = {b"GET": None}
            sky.words[1] = {b"GET": b"-TRYAGAIN no\r\n"}
            replies = [link.call(b"GET", sky.key(number)) for number in (0, 1)]
            await sky.puppets[0].heard(b"GET")
            await sky.puppets[1].heard(b"GET")
            await link.close()
            told = [await problem(reply) for reply in replies]
            later = await problem(link.call(b"GET", sky.key(0)))
        await until(lambda: not any(puppet.peers for puppet in sky.puppets))

    assert "the connection broke: the store was closed" == told[0]
    assert ["the store was closed"] * 2 == [told[1], later]


async def test_a_link_that_finds_nothing_can_be_closed() -> None:
    """While it asks, too."""
    async with constellation() as sky:
        for puppet in sky.puppets:
            puppet.answer = lambda command: None
        async with clustered(sky.url) as link:
            reply = link.call(b"GET", b"{1}")
            await sky.puppets[0].until(lambda: sky.puppets[0].connections > 0)
            await link.close()

            assert "the store was closed" == await problem(reply)
