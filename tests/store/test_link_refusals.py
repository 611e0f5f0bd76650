"""The link and refusals: what is asked again, what is told at once, what ends a connection."""

import asyncio

import pytest

from regcluster.errors import StoreError, StoreMismatch
from regcluster.store.scripts import DROP, SOURCES
from tests.store.puppet import OK, Command, Puppet, polite, saying
from tests.store.wiring import BRIEF_S, Counted, linked, problem, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]

READONLY = b"-READONLY You can't write against a read only replica.\r\n"


@pytest.mark.parametrize("code", [b"READONLY", b"LOADING", b"MASTERDOWN"])
async def test_a_server_that_is_not_ready_is_greeted_until_it_is(code: bytes) -> None:
    """Right after a restart it reads its file: a phone that waited gets its 200."""
    refusals = iter([b"-%b not now\r\n" % code] * 2)

    def answer(command: Command) -> bytes | None:
        if command[0] == b"HMGET":
            return next(refusals, polite(command))
        return polite(command)

    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        assert b"a" == await link.call(b"ECHO", b"a")


@pytest.mark.parametrize("code", [b"READONLY", b"LOADING", b"MASTERDOWN", b"CLUSTERDOWN"])
async def test_what_a_server_was_not_ready_for_is_done_once_it_is(code: bytes) -> None:
    """It did nothing, so asking again is safe: here, or wherever the name leads by then."""
    counted = Counted()
    async with Puppet(saying({b"GET": b"-%b no\r\n" % code})) as puppet, linked(puppet.url) as link:
        replies = [link.call(b"GET", name) for name in "abc"]
        await puppet.heard(b"GET", 3)
        puppet.answer = polite

        assert [b"a", b"b", b"c"] == await asyncio.gather(*replies)
        assert (2, {"reconnect": 1}) == (puppet.connections, counted.changes)


async def test_a_replica_is_unavailable_at_the_deadline() -> None:
    """Asking again ends there too, and the answer to blame is told."""
    async with (
        Puppet(saying({b"GET": READONLY, b"HMGET": READONLY})) as puppet,
        linked(puppet.url, BRIEF_S) as link,
    ):
        told = await problem(link.call(b"GET", b"a"))

    assert told.startswith("no connection: the store answered: READONLY ")


@pytest.mark.parametrize("code", ["OOM", "BUSY", "MISCONF", "NOREPLICAS"])
async def test_what_a_server_cannot_do_for_long_is_unavailable_at_once(code: str) -> None:
    """Asking again would not help; the connection is as good as before."""
    counted = Counted()
    answer = saying({b"SET": f"-{code} sorry\r\n".encode()})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        told = await problem(link.call(b"SET", b"a", b"b"))
        after = await link.call(b"ECHO", b"up")

    assert (f"the store answered: {code} sorry", b"up") == (told, after)
    assert (1, {"refused": 1}) == (puppet.connections, counted.changes)


async def test_a_wrong_command_is_an_error_of_ours() -> None:
    """It is not the store's fault, and waiting would not mend it."""
    async with Puppet(saying({b"GET": b"-WRONGTYPE no\r\n"})) as puppet, linked(puppet.url) as link:
        told = await problem(link.call(b"GET", b"a"), StoreError)

    assert "the store answered: WRONGTYPE no" == told


async def test_an_unknown_script_is_sent_with_its_text_once() -> None:
    """If the server does not know it even then, that is an error and no loop."""
    noscript = b"-NOSCRIPT none\r\n"
    answer = saying({b"EVALSHA": noscript, b"EVAL": noscript})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        await problem(link.call(b"EVALSHA", DROP.sha, b"0"), StoreError)

    assert [b"EVAL", DROP.text, b"0"] == puppet.commands[-1]
    assert 1 == puppet.count(b"EVAL")


async def test_a_script_that_is_not_ours_is_not_known() -> None:
    """There is no text to send."""
    answer = saying({b"EVALSHA": b"-NOSCRIPT none\r\n"})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        told = await problem(link.call(b"EVALSHA", b"0" * 40, b"0"), StoreError)

    assert "the store answered: NOSCRIPT none" == told


async def test_a_script_refused_while_the_connection_ends_is_sent_on_the_next() -> None:
    """Both refusals came in one breath; neither call was carried out."""

    def answer(command: Command) -> bytes | None:
        if puppet.connections > 1:
            return polite(command)
        return {b"GET": READONLY, b"EVALSHA": b"-NOSCRIPT none\r\n"}.get(
            command[0], polite(command)
        )

    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        replies = [link.call(b"GET", b"a"), link.call(b"EVALSHA", DROP.sha, b"0")]

        assert [b"a", b"0"] == await asyncio.gather(*replies)


async def test_bytes_that_are_not_redis_end_the_connection_and_not_the_link() -> None:
    """The next connection serves the next call."""
    async with (
        Puppet(saying({b"GET": b"HTTP/1.1 400\r\n\r\n"})) as puppet,
        linked(puppet.url) as link,
    ):
        told = await problem(link.call(b"GET", b"a"))
        after = await link.call(b"ECHO", b"up")

    assert "the connection broke: the store sent what no call had asked for" == told
    assert (b"up", 2) == (after, puppet.connections)


async def test_a_server_that_hangs_up_after_the_greeting_is_tried_again() -> None:
    """The connection broke before anyone could use it, and nobody may think it is up."""
    last = [b"SCRIPT", b"LOAD", [*SOURCES.values()][-1]]

    def answer(command: Command) -> bytes | None:
        if puppet.connections == 1 and command == last:
            for peer in puppet.peers:
                asyncio.get_running_loop().call_soon(peer.transport.close)
        return polite(command)

    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        await puppet.until(lambda: puppet.connections > 0 and not puppet.peers)
        seen = link.problem

        assert b"a" == await link.call(b"ECHO", b"a")
        assert "" != seen


async def test_a_server_with_too_many_clients_is_quoted() -> None:
    """It says so and hangs up before it reads anything."""
    welcome = b"-ERR max number of clients reached\r\n"
    async with (
        Puppet(lambda command: None, welcome) as puppet,
        linked(puppet.url, BRIEF_S) as link,
    ):
        told = await problem(link.call(b"ECHO", b"a"))

    assert "ERR max number of clients reached" in told


async def test_a_port_without_tls_is_told_from_one_with_it() -> None:
    """``rediss://`` at a plain port ends in a reason, not in silence."""
    async with (
        Puppet(welcome=b"-ERR plain\r\n") as puppet,
        linked(f"rediss://localhost:{puppet.port}", BRIEF_S) as link,
    ):
        told = await problem(link.call(b"ECHO", b"a"))

    assert "SSL" in told


async def test_a_store_that_nobody_has_used_is_set_up() -> None:
    """What it lacks is left there, and it is asked again: another node may have been quicker."""
    answers = iter([b"*3\r\n$1\r\n1\r\n$-1\r\n$-1\r\n"])

    def answer(command: Command) -> bytes | None:
        if command[0] == b"HMGET":
            return next(answers, polite(command))
        return b":1\r\n" if command[0] == b"HSETNX" else polite(command)

    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        await link.call(b"ECHO", b"a")
        claimed = [command[2] for command in puppet.commands if command[0] == b"HSETNX"]

        assert ([b"partitions", b"secret"], 2) == (claimed, puppet.count(b"HMGET"))


async def test_a_server_that_greets_with_nonsense_is_tried_again() -> None:
    """A proxy whose backend was away: the link does not give up for ever."""
    async with Puppet(saying({b"HMGET": OK})) as puppet, linked(puppet.url) as link:
        await puppet.until(lambda: puppet.connections > 1)
        puppet.answer = polite

        assert b"a" == await link.call(b"ECHO", b"a")


async def test_an_account_that_may_load_no_scripts_will_do() -> None:
    """Scripts come along with the call then, and a name is only for show."""
    noperm = b"-NOPERM no permissions\r\n"
    answer = saying({b"CLIENT": noperm, b"SCRIPT": noperm})
    async with Puppet(answer) as puppet, linked(puppet.url) as link:
        assert b"a" == await link.call(b"ECHO", b"a")


async def test_a_store_set_up_otherwise_refuses_every_call_at_once() -> None:
    """Two numbers of partitions in one store would hide bindings from each other."""
    counted = Counted()
    theirs = saying({b"HMGET": b"*3\r\n$1\r\n1\r\n$2\r\n16\r\n$-1\r\n"})
    async with Puppet(theirs) as puppet, linked(puppet.url) as link:
        told = [await problem(link.call(b"ECHO", b"a"), StoreMismatch) for _ in range(3)]

    expected = "the store was set up with partitions = 16, this node has partitions = 256"
    assert ([expected] * 3, 0) == (told, puppet.count(b"ECHO"))
    assert {"refused": 3} == counted.changes


async def test_a_store_that_was_set_up_anew_is_used() -> None:
    """The operator mended it; the node needs no restart."""
    theirs = saying({b"HMGET": b"*3\r\n$1\r\n9\r\n$3\r\n256\r\n$-1\r\n"})
    async with Puppet(theirs) as puppet, linked(puppet.url) as link:
        await problem(link.call(b"ECHO", b"a"), StoreMismatch)
        puppet.answer = polite
        await until(lambda: not link.problem)
        await puppet.stop()
        await until(lambda: link.problem)
        waiting = link.call(b"ECHO", b"a")
        await puppet.start()

        assert b"a" == await waiting
