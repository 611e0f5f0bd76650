"""``store.wait_replicas``: a change is told of once replicas have it, or that they do not."""

import asyncio
from collections.abc import Mapping

import pytest

from regcluster.config import StoreSettings
from regcluster.errors import StoreError
from regcluster.store.connection import Call, pack
from regcluster.store.durable import Durability, DurableConnection
from regcluster.store.keys import Keys
from regcluster.store.link import PipelinedLink
from regcluster.store.schema import Schema
from regcluster.store.scripts import DROP, SAVE
from regcluster.store.topology import CHANGES, TwoLanes, open_link
from tests.store.constellation import clustered, constellation
from tests.store.puppet import Command, Puppet, polite, saying
from tests.store.wiring import BRIEF_S, LONG_S, Counted, linked, problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]

TWO = Durability(2, LONG_S / 2, CHANGES)
WAIT = [b"WAIT", b"2", b"2500"]

ENOUGH = {b"WAIT": b":2\r\n"}
TOO_FEW = {b"WAIT": b":1\r\n"}


class Slow:
    """Answers nothing behind a WAIT until told what that has come to, as real servers do."""

    def __init__(self, words: Mapping[bytes, bytes] | None = None) -> None:
        self._answer = saying(words or {})
        self._is_waiting = False
        self._held: list[bytes] = []

    def __call__(self, command: Command) -> bytes | None:
        reply = self._answer(command) or b""
        if command[0] == b"WAIT":
            self._is_waiting = True
        elif not self._is_waiting:
            return reply
        else:
            self._held.append(reply)
        return None

    async def acknowledge(self, puppet: Puppet, replicas: int, wait: int) -> None:
        """Answer the WAIT of that number, and all that came behind it."""
        await puppet.heard(b"WAIT", wait)
        self._is_waiting = False
        puppet.say(b":%d\r\n%b" % (replicas, b"".join(self._held)))
        self._held.clear()


def drop(link: PipelinedLink, name: bytes = b"a") -> asyncio.Future[object]:
    """A change that a puppet answers with ``name``."""
    return link.call(b"EVALSHA", DROP.sha, b"1", b"{1}", name)


def said(puppet: Puppet) -> list[bytes]:
    """The commands after the greeting."""
    return [command[0] for command in puppet.commands if command[0] not in GREETING]


GREETING = {b"HMGET", b"CLIENT", b"SCRIPT", b"CLUSTER", b"PING"}


async def test_a_change_is_told_of_when_enough_replicas_have_it() -> None:
    """The reply is the script's own; what WAIT says decides whether it is told."""
    async with (
        Puppet(saying(ENOUGH)) as puppet,
        linked(puppet.url, durability=TWO) as link,
    ):
        assert b"a" == await drop(link)
        assert [b"EVALSHA", b"WAIT"] == said(puppet)
        assert WAIT == puppet.commands[-1]


async def test_a_change_that_too_few_replicas_have_is_unavailable() -> None:
    """It has been made, but nobody may count on it."""
    counted = Counted()
    async with (
        Puppet(saying(TOO_FEW)) as puppet,
        linked(puppet.url, durability=TWO) as link,
    ):
        told = await problem(drop(link))
        again = await problem(drop(link))

    assert ["1 of 2 replicas have it"] * 2 == [told, again]
    assert {"unreplicated": 2} == counted.changes


async def test_changes_of_one_write_share_a_wait() -> None:
    """However many phones register in one turn of the loop."""
    async with (
        Puppet(saying(ENOUGH)) as puppet,
        linked(puppet.url, durability=TWO) as link,
    ):
        await link.call(b"ECHO", b"up")
        replies = await asyncio.gather(*[drop(link, b"%d" % number) for number in range(20)])

        assert [b"%d" % number for number in range(20)] == replies
        assert [b"ECHO", *[b"EVALSHA"] * 20, b"WAIT"] == said(puppet)


async def test_changes_made_while_others_wait_share_the_next_wait() -> None:
    """There is one on its way at a time: a slow replica makes no queue of them."""
    slow = Slow()
    async with Puppet(slow) as puppet, linked(puppet.url, durability=TWO) as link:
        replies = [drop(link, b"0")]
        await puppet.heard(b"WAIT")
        for number in range(1, 4):
            replies.append(drop(link, b"%d" % number))
            await puppet.heard(b"EVALSHA", 1 + number)
        waits = puppet.count(b"WAIT")
        await slow.acknowledge(puppet, 2, 1)
        await slow.acknowledge(puppet, 2, 2)

        assert [b"0", b"1", b"2", b"3"] == await asyncio.gather(*replies)
        assert (1, [b"EVALSHA", b"WAIT", *[b"EVALSHA"] * 3, b"WAIT"]) == (waits, said(puppet))


async def test_a_change_is_not_told_of_by_the_wait_before_it() -> None:
    """That one speaks for what was written before itself."""
    slow = Slow()
    async with Puppet(slow) as puppet, linked(puppet.url, durability=TWO) as link:
        first = drop(link)
        await puppet.heard(b"WAIT")
        second = drop(link, b"b")
        await puppet.heard(b"EVALSHA", 2)
        await slow.acknowledge(puppet, 2, 1)
        await first
        await puppet.heard(b"WAIT", 2)
        early = second.done()
        await slow.acknowledge(puppet, 1, 2)

        assert (False, "1 of 2 replicas have it") == (early, await problem(second))


async def test_a_script_that_was_not_known_waits_behind_its_text() -> None:
    """The WAIT that was meant for it speaks for nothing."""
    waits = iter([b":2\r\n", b":1\r\n"])

    def answer(command: Command) -> bytes | None:
        if command[0] == b"EVALSHA":
            return b"-NOSCRIPT none\r\n"
        return next(waits) if command[0] == b"WAIT" else polite(command)

    async with Puppet(answer) as puppet, linked(puppet.url, durability=TWO) as link:
        told = await problem(drop(link))

        assert "1 of 2 replicas have it" == told
        assert [b"EVALSHA", b"WAIT", b"EVAL", b"WAIT"] == said(puppet)


async def test_the_answer_to_the_text_may_come_with_that_of_the_wait_before_it() -> None:
    """Which speaks for nothing all the same: the text was sent when it was on its way."""
    slow = Slow({b"EVALSHA": b"-NOSCRIPT none\r\n"})
    async with Puppet(slow) as puppet, linked(puppet.url, durability=TWO) as link:
        change = drop(link)
        await puppet.heard(b"EVAL")
        await slow.acknowledge(puppet, 2, 1)
        await slow.acknowledge(puppet, 1, 2)

        assert "1 of 2 replicas have it" == await problem(change)


async def test_a_text_that_is_refused_holds_up_no_later_change() -> None:
    """Its error may come with the answer to a WAIT that was not meant for it."""
    slow = Slow({b"EVALSHA": b"-NOSCRIPT none\r\n", b"EVAL": b"-OOM full\r\n"})
    async with Puppet(slow) as puppet, linked(puppet.url, durability=TWO) as link:
        refused = drop(link)
        await puppet.heard(b"EVAL")
        await slow.acknowledge(puppet, 2, 1)
        told = await problem(refused)
        puppet.answer = saying(ENOUGH)

        assert ("the store answered: OOM full", b"b") == (told, await drop(link, b"b"))


async def test_a_wait_is_not_asked_of_another_connection() -> None:
    """That one has written nothing, so every replica has all of it."""
    waits = iter([b"-LOADING soon\r\n", b":2\r\n"])

    def answer(command: Command) -> bytes | None:
        return next(waits) if command[0] == b"WAIT" else polite(command)

    async with Puppet(answer) as puppet, linked(puppet.url, durability=TWO) as link:
        assert "the store answered: LOADING soon" == await problem(drop(link))


class Deaf(asyncio.Transport):
    """Takes what is written; nobody hears it."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Nothing comes of it."""

    def is_closing(self) -> bool:
        return False


async def test_a_wait_that_ends_with_one_deadline_leaves_no_other_change_alone() -> None:
    """A change that has more time left is not told of by anything that comes later."""
    connection = DurableConnection(lambda connection: None, TWO)
    connection.connection_made(Deaf())
    replies = [asyncio.get_running_loop().create_future() for _ in range(2)]
    for reply, deadline in zip(replies, (1.0, 9.0), strict=True):
        args = (b"EVALSHA", DROP.sha, b"1", b"{1}", b"a")
        connection.send(Call(args, pack(args), reply, deadline))
    await asyncio.sleep(0)  # They and a WAIT are written.

    connection.expire(2.0, LONG_S)

    late = "the store did not answer in time"
    assert [late, late] == [await problem(reply) for reply in replies]


async def test_other_commands_wait_for_nobody() -> None:
    """Nor do scripts that nobody is told a 200 for."""
    async with Puppet() as puppet, linked(puppet.url, durability=TWO) as link:
        await link.call(b"HGETALL", b"k")
        await link.call(b"EVALSHA", b"0" * 40, b"1", b"k")
        await link.call(b"TIME")

        assert [b"HGETALL", b"EVALSHA", b"TIME"] == said(puppet)


async def test_a_refused_change_is_refused_without_its_wait() -> None:
    """What the server says of it is told at once."""
    async with (
        Puppet(saying({b"EVALSHA": b"-ERR broken\r\n", b"WAIT": None})) as puppet,
        linked(puppet.url, durability=TWO) as link,
    ):
        assert "the store answered: ERR broken" == await problem(drop(link), StoreError)


async def test_a_server_that_knows_no_wait_makes_every_change_unavailable() -> None:
    """Nobody can say what its replicas have."""
    async with (
        Puppet(saying({b"WAIT": b"-ERR unknown command 'WAIT'\r\n"})) as puppet,
        linked(puppet.url, durability=TWO) as link,
    ):
        assert "the store answered: ERR unknown command 'WAIT'" == await problem(drop(link))


async def test_a_wait_that_is_not_answered_ends_with_the_deadline() -> None:
    """Also the change behind it, whose own WAIT was never sent; then the connection is dropped."""
    brief = Durability(2, BRIEF_S / 2, CHANGES)
    counted = Counted()
    async with (
        Puppet(Slow()) as puppet,
        linked(puppet.url, BRIEF_S, durability=brief) as link,
    ):
        await link.call(b"ECHO", b"up")
        begun = asyncio.get_running_loop().time()
        first = drop(link)
        await puppet.heard(b"WAIT")
        told = [await problem(first), await problem(drop(link))]
        took = asyncio.get_running_loop().time() - begun
        await until(lambda: "reconnect" in counted.changes)

    assert "the store did not answer in time" == told[0]
    assert took < 2 * BRIEF_S + 0.15


async def test_changes_end_when_the_connection_breaks_in_their_wait() -> None:
    """A new connection's WAIT would speak for nothing, and say yes to it."""
    async with Puppet(Slow()) as puppet, linked(puppet.url, durability=TWO) as link:
        replies = [drop(link)]
        await puppet.heard(b"WAIT")
        replies.append(drop(link))
        await puppet.heard(b"EVALSHA", 2)
        puppet.answer = saying(ENOUGH)
        puppet.drop()
        told = [await problem(reply) for reply in replies]
        after = await drop(link, b"after")

    assert [True, True] == [text.startswith("the connection broke: ") for text in told]
    assert b"after" == after


async def test_a_change_refused_by_a_demoted_primary_is_made_at_the_next() -> None:
    """And waits for the replicas there."""

    def answer(command: Command) -> bytes | None:
        if command[0] == b"WAIT":
            return b":2\r\n"
        if command[0] == b"EVALSHA" and puppet.connections == 1:
            return b"-READONLY no\r\n"
        return polite(command)

    async with Puppet(answer) as puppet, linked(puppet.url, durability=TWO) as link:
        assert b"a" == await drop(link)
        assert [b"EVALSHA", b"WAIT"] == said(puppet)[-2:]


async def test_a_caller_who_leaves_takes_nobody_along() -> None:
    """Neither before its change has left nor while it waits for replicas."""
    slow = Slow()
    async with Puppet(slow) as puppet, linked(puppet.url, durability=TWO) as link:
        replies = [drop(link, name) for name in (b"a", b"b", b"c")]
        replies[0].cancel()
        await puppet.heard(b"WAIT")
        replies[1].cancel()
        await slow.acknowledge(puppet, 2, 1)

        assert b"c" == await replies[2]


async def test_a_wait_answered_with_no_number_vouches_for_nothing() -> None:
    """And nobody is left without an answer."""
    async with (
        Puppet(saying({b"WAIT": b"$4\r\nmany\r\n"})) as puppet,
        linked(puppet.url, durability=TWO) as link,
    ):
        assert "b'many' of 2 replicas have it" == await problem(drop(link))


async def test_a_change_that_was_moved_waits_where_it_was_made() -> None:
    """The WAIT of the server that sent it on speaks for nothing."""
    async with (
        constellation() as sky,
        clustered(sky.url, durability=TWO) as link,
    ):
        key = sky.key(0)
        await asyncio.gather(link.call(b"STRLEN", key), link.call(b"STRLEN", sky.key(1)))
        sky.words[0] = {b"EVALSHA": sky.redirect(b"MOVED", 1, key), b"WAIT": b":2\r\n"}
        sky.words[1] = {b"WAIT": b":1\r\n"}
        told = await problem(link.call(b"EVALSHA", SAVE.sha, b"1", key, b"a"))

        assert "1 of 2 replicas have it" == told
        assert [b"EVALSHA", b"WAIT"] == said(sky.puppets[1])[-2:]


async def test_lookups_do_not_stand_behind_a_wait() -> None:
    """They have a link of their own, so a replica that is down slows no call down."""
    settings = StoreSettings(wait_replicas=2, deadline_ms=5000)
    async with Puppet(saying({b"WAIT": None})) as puppet:
        schema = Schema(Keys(settings), settings)
        link = open_link(puppet.url, settings, schema)
        assert isinstance(link, TwoLanes)
        change = link.call(b"EVALSHA", SAVE.sha, b"1", b"k", b"a")
        await puppet.heard(b"WAIT")
        # A real server would answer nothing behind the WAIT; each of the two has a connection.
        reply = await link.call(b"HGETALL", b"k")
        connections = puppet.connections
        await link.close()

        assert (b"k", 2, WAIT) == (reply, connections, puppet.commands[-2])
        assert (await problem(change)).startswith("the connection broke: ")


async def test_two_lanes_have_the_problems_of_both() -> None:
    """A node that cannot save is as unwell as one that cannot look up."""
    settings = StoreSettings(wait_replicas=1)
    async with Puppet() as puppet:
        link = open_link(puppet.url, settings, Schema(Keys(settings), settings))
        early = link.problem
        await link.call(b"ECHO", b"up")
        await link.call(b"EVALSHA", b"0", b"0")
        await until(lambda: not link.problem)
        nodes = [node.port for node in link.nodes()]
        await puppet.stop()
        await until(lambda: link.problem)
        await link.close()

        assert ("the store has not answered yet", [puppet.port]) == (early, nodes)


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1"])
async def test_without_the_setting_there_is_one_link(url: str) -> None:
    """It costs nothing where it is not asked for."""
    settings = StoreSettings()
    link = open_link(url, settings, Schema(Keys(settings), settings))
    await link.close()

    assert not isinstance(link, TwoLanes)
