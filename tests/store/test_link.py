"""The link and time: every call ends inside its deadline, and the link comes back."""

import asyncio
import gc

import pytest

from regcluster.store.connection import Call
from regcluster.store.keeper import FIRST_PAUSE_S, LONGEST_PAUSE_S, pause
from tests.peer.processes import free_port
from tests.store.puppet import Puppet, saying
from tests.store.wiring import BRIEF_S, Counted, linked, problem, problems, until

pytestmark = [pytest.mark.anyio, pytest.mark.server]


async def test_calls_get_their_own_replies() -> None:
    """Any number in flight, each its own answer."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        replies = await asyncio.gather(*[link.call(b"ECHO", number) for number in range(100)])

    assert [b"%d" % number for number in range(100)] == replies


async def test_a_call_waits_for_the_connection() -> None:
    """Who asks while a worker starts is answered when it is there."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        reply = await link.call(b"ECHO", b"early")

    assert b"early" == reply


async def test_a_command_that_is_none_is_the_callers_mistake() -> None:
    """It is told at once, and harms no other call."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        with pytest.raises(UnicodeEncodeError):
            link.call(b"ECHO", "\udcff")

        assert b"x" == await link.call(b"ECHO", b"x")


async def test_a_server_that_never_answers_is_unavailable_in_time() -> None:
    """It accepted, it greeted, and then it hangs: the call ends with its deadline."""
    counted = Counted()
    async with (
        Puppet(saying({b"GET": None})) as puppet,
        linked(puppet.url, BRIEF_S) as link,
    ):
        await link.call(b"ECHO", b"up")
        begun = asyncio.get_running_loop().time()
        told = await problem(link.call(b"GET", b"a"))
        took = asyncio.get_running_loop().time() - begun
        await until(lambda: "reconnect" in counted.changes)

    assert "the store did not answer in time" == told
    assert took < BRIEF_S + 0.1
    assert {"timeout": 1, "reconnect": 1} == counted.changes


async def test_a_server_that_never_greets_is_unavailable_in_time() -> None:
    """A stopped process still accepts: the kernel does it for it."""
    counted = Counted()
    async with Puppet(lambda command: None) as puppet, linked(puppet.url, BRIEF_S) as link:
        told = await problem(link.call(b"ECHO", b"a"))

    assert "no connection: the store has not answered yet" == told
    assert {"timeout": 1} == counted.changes


async def test_a_server_that_is_not_there_is_unavailable_in_time() -> None:
    """The reason is told."""
    async with linked(f"redis://127.0.0.1:{free_port()}", BRIEF_S) as link:
        told = await problem(link.call(b"ECHO", b"a"))

    assert "no connection: Connection refused" == told


async def test_calls_in_flight_end_at_once_when_the_connection_breaks() -> None:
    """Nobody can say whether they were carried out, and they do not wait for their deadline."""
    counted = Counted()
    async with Puppet(saying({b"GET": None})) as puppet, linked(puppet.url) as link:
        replies = [link.call(b"GET", name) for name in "ab"]
        await puppet.heard(b"GET", 2)
        puppet.drop()
        told = await problems(replies)
        await link.call(b"ECHO", b"up")

    assert 1 == len(told)
    assert told.pop().startswith("the connection broke: ")
    assert {"lost": 2, "reconnect": 1} == counted.changes


async def test_the_link_comes_back_with_its_server() -> None:
    """Without a restart; a call made meanwhile waits and is answered."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        await link.call(b"ECHO", b"up")
        await puppet.stop()
        await until(lambda: link.problem)
        reply = link.call(b"ECHO", b"waited")
        await puppet.start()

        assert b"waited" == await reply


async def test_a_link_tells_what_is_wrong_with_it() -> None:
    """Not connected yet, up, broken, up again: readiness goes by it."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        seen = [link.problem]
        await link.call(b"ECHO", b"up")
        seen.append(link.problem)
        await puppet.stop()
        await until(lambda: link.problem)
        seen.append(link.problem)
        await puppet.start()
        await link.call(b"ECHO", b"up")
        seen.append(link.problem)

    assert ["the store has not answered yet", "", "closed by the store", ""] == seen


async def test_a_link_that_missed_a_deadline_has_a_problem_until_it_hears_again() -> None:
    """Connected and talking is not yet answering in time."""
    async with (
        Puppet(saying({b"GET": None})) as puppet,
        linked(puppet.url, BRIEF_S) as link,
    ):
        await link.call(b"ECHO", b"up")
        late = link.call(b"GET", b"a")
        await asyncio.sleep(BRIEF_S / 2)
        # Heard of since then, so the connection is kept.
        puppet.say(b"$4\r\n")
        await problem(late)
        seen = link.problem
        puppet.say(b"late\r\n")
        answered = await link.call(b"ECHO", b"up")

        assert ("the store did not answer in time", b"up", "") == (seen, answered, link.problem)
        assert 1 == puppet.connections


async def test_closing_ends_the_calls_in_flight() -> None:
    """Nobody waits for a reply that will not be read."""
    async with Puppet(saying({b"GET": None})) as puppet, linked(puppet.url) as link:
        reply = link.call(b"GET", b"a")
        await puppet.heard(b"GET")
        await link.close()

        assert reply.done()
        assert "the connection broke: the store was closed" == await problem(reply)


async def test_closing_ends_the_calls_that_wait_for_a_connection() -> None:
    """They have not left, and they will not."""
    async with Puppet(lambda command: None) as puppet, linked(puppet.url) as link:
        reply = link.call(b"ECHO", b"a")
        await puppet.until(lambda: puppet.connections > 0)
        await link.close()
        await puppet.until(lambda: not puppet.peers)

        assert "the store was closed" == await problem(reply)


async def test_a_call_on_a_closed_link_fails_at_once() -> None:
    """Closing is for good; a second time it does nothing."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        await link.call(b"ECHO", b"up")
        await link.close()
        await link.close()

        assert "the store was closed" == await problem(link.call(b"ECHO", b"a"))
        assert "the store was closed" == link.problem


async def test_a_closed_link_has_left_its_server() -> None:
    """In the midst of a greeting too: no connection stays behind."""
    async with Puppet(lambda command: None) as puppet:
        async with linked(puppet.url):
            await puppet.heard(b"HMGET")
        await puppet.until(lambda: not puppet.peers)

        assert 1 == puppet.connections


async def test_a_caller_who_leaves_takes_nobody_along() -> None:
    """Neither while it waits for a connection nor in flight does its place go to another."""
    async with Puppet() as puppet, linked(puppet.url) as link:
        waiting = [link.call(b"ECHO", name) for name in "abc"]
        waiting[1].cancel()
        first = [await waiting[0], await waiting[2]]
        flying = [link.call(b"ECHO", name) for name in "def"]
        flying[1].cancel()

        assert [b"a", b"c"] == first
        assert [b"d", b"f"] == [await flying[0], await flying[2]]
        assert [b"ECHO", b"b"] not in puppet.commands


async def test_a_dead_store_holds_on_to_nothing() -> None:
    """Two thousand requests in flight, again and again: each ends, and nothing of it stays."""
    counted = Counted()
    async with (
        Puppet(saying({b"GET": None})) as puppet,
        linked(puppet.url, BRIEF_S) as link,
    ):
        for _ in range(2):
            await problems([link.call(b"GET", b"a") for _ in range(2000)])
        await puppet.stop()
        await problems([link.call(b"GET", b"a") for _ in range(2000)])
        await until(lambda: counted.failed == 6000)
        gc.collect()

        # Other tests' greetings may still be remembered by the tasks they were cancelled with.
        calls = [kept for kept in gc.get_objects() if isinstance(kept, Call)]
        assert [] == [call for call in calls if call.args[0] == b"GET"]


async def test_a_server_that_hangs_up_is_not_hammered() -> None:
    """The fourth attempt comes no sooner than three pauses, each twice the one before."""
    async with Puppet(lambda command: None) as puppet, linked(puppet.url):
        begun = asyncio.get_running_loop().time()
        for attempt in range(1, 5):
            await puppet.heard(b"HMGET", attempt)
            puppet.drop()

        assert asyncio.get_running_loop().time() - begun > (2 + 4 + 8) * FIRST_PAUSE_S / 2


@pytest.mark.parametrize("scheme", ["redis", "rediss"])
async def test_an_attempt_to_connect_has_its_time(scheme: str) -> None:
    """What hangs, in TLS or in the greeting, may be the old server; the next may be the new one."""
    async with Puppet(lambda command: None) as puppet:
        url = f"{scheme}://127.0.0.1:{puppet.port}"
        async with linked(url, try_s=BRIEF_S):
            await puppet.until(lambda: puppet.connections == 2)
            first = len(puppet.peers)

    assert 1 == first


@pytest.mark.parametrize(("failures", "longest"), [(0, FIRST_PAUSE_S), (2, 4 * FIRST_PAUSE_S)])
def test_pauses_between_attempts_grow(failures: int, longest: float) -> None:
    """Each failure doubles the pause, of which chance takes up to a half."""
    pauses = [pause(failures) for _ in range(100)]

    assert longest / 2 <= min(pauses) < max(pauses) <= longest


@pytest.mark.parametrize("failures", [5, 50, 5000])
def test_pauses_between_attempts_end_growing(failures: int) -> None:
    """A store that is back is found within a second, however long it was away."""
    pauses = [pause(failures) for _ in range(100)]

    assert LONGEST_PAUSE_S / 2 <= min(pauses) < max(pauses) <= LONGEST_PAUSE_S
