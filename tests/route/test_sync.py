"""Synchronous functions that wait for coroutines, many at once, in one event loop."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar

import pytest

from regcluster.errors import ScriptError
from regcluster.route.call import Call
from regcluster.route.sync import current_call, run_sync, wait_for
from tests.route.stage import idle_call

pytestmark = pytest.mark.anyio

NAME: ContextVar[str] = ContextVar("NAME")


class Never(Awaitable[None]):
    """Is waited for and never done."""

    def __await__(self) -> Generator[None, None, None]:
        yield


NEVER = Never()


async def later(value: str) -> str:
    await asyncio.sleep(0)
    return value


async def fail() -> str:
    await asyncio.sleep(0)
    raise LookupError("no such thing")


async def outcome(function: Callable[[Call], object]) -> object:
    return await run_sync(function, idle_call())


async def test_a_function_that_never_waits_just_runs() -> None:
    """Its result is the coroutine's."""
    assert "done" == await outcome(lambda _: "done")


async def test_a_function_gets_what_it_waits_for() -> None:
    """As often as it likes, from coroutines that take turns of the loop."""
    result = await outcome(lambda _: [wait_for(later("one")), wait_for(later("two"))])

    assert ["one", "two"] == result


async def test_what_an_awaited_coroutine_raises_reaches_the_function() -> None:
    """It can catch it and go on."""

    def script(_: Call) -> str:
        try:
            return wait_for(fail())
        except LookupError as raised:
            return f"caught {raised}, {wait_for(later('went on'))}"

    assert "caught no such thing, went on" == await outcome(script)


async def test_what_a_function_raises_reaches_the_caller() -> None:
    """After it has waited, too."""

    def script(_: Call) -> None:
        wait_for(later(""))
        raise KeyError("mine")

    with pytest.raises(KeyError) as raised:
        await outcome(script)

    assert ("mine",) == raised.value.args


async def test_cancellation_runs_through_the_function() -> None:
    """Its clean-up is done, and the task ends as cancelled."""
    cleaned: list[str] = []
    waiting = asyncio.Event()

    async def forever() -> None:
        waiting.set()
        await asyncio.Event().wait()

    def script(_: Call) -> None:
        try:
            wait_for(forever())
        finally:
            cleaned.append("yes")

    task = asyncio.ensure_future(outcome(script))
    await waiting.wait()
    task.cancel()
    await asyncio.wait([task])

    assert (["yes"], True) == (cleaned, task.cancelled())


async def test_each_of_many_runs_keeps_its_own_call() -> None:
    """Interleaved in one loop, they never mix."""

    def script(call: Call) -> bool:
        kept = [current_call() is call]
        for _ in range(3):
            wait_for(later(""))
            kept.append(current_call() is call)
        return all(kept)

    assert [True] * 20 == await asyncio.gather(*[run_sync(script, idle_call()) for _ in range(20)])


async def test_runs_wait_beside_each_other() -> None:
    """One that waits holds nobody up: two wait for one another."""
    turns: dict[str, asyncio.Event] = {"a": asyncio.Event(), "b": asyncio.Event()}

    def meet(mine: str, other: str) -> Callable[[Call], str]:
        def script(_: Call) -> str:
            turns[mine].set()
            wait_for(turns[other].wait())
            return mine

        return script

    both = asyncio.gather(outcome(meet("a", "b")), outcome(meet("b", "a")))

    assert ["a", "b"] == list(await asyncio.wait_for(both, 5))


async def test_a_function_sees_the_context_of_its_task() -> None:
    """So its log lines bear the name of the worker."""
    NAME.set("worker-1")

    def script(_: Call) -> list[str]:
        before = NAME.get()
        wait_for(later(""))
        return [before, NAME.get()]

    assert ["worker-1", "worker-1"] == await outcome(script)


@pytest.mark.parametrize("ask", [current_call, lambda: wait_for(NEVER)])
async def test_there_is_no_call_outside_of_a_run(ask: Callable[[], object]) -> None:
    """Neither in a coroutine of the loop nor before there is any request."""
    with pytest.raises(ScriptError, match="KSR knows no request here"):
        ask()


async def test_a_run_that_is_given_up_ends() -> None:
    """Closing the coroutine unwinds the function that waits inside."""
    cleaned: list[str] = []

    def script(_: Call) -> None:
        try:
            wait_for(NEVER)
        finally:
            cleaned.append("yes")

    coroutine = run_sync(script, idle_call())
    coroutine.send(None)
    coroutine.close()

    assert ["yes"] == cleaned
