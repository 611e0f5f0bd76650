"""Synchronous script functions in an event loop, without threads.

A KEMI script calls ``KSR.registrar.save`` and goes on with its result, but the store is asked by a
coroutine. So the script runs in a greenlet of its own: where it has to wait, ``wait_for`` switches
back to the event loop, which awaits on its behalf and switches to it again with the result. Many
such runs interleave, each with the call it is for.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from greenlet import getcurrent, greenlet

from regcluster.errors import ScriptError, StoreUnavailable
from regcluster.route.call import Call

T = TypeVar("T")


class Run(greenlet):
    """One run of a script's function."""

    __slots__ = ("call", "failure", "is_failed")

    def __init__(self, function: Callable[[Call], object], call: Call) -> None:
        super().__init__(function)
        self.call = call
        self.failure: StoreUnavailable | None = None
        """Why the store did not take the last save, if it did not."""
        self.is_failed = False
        """Whether that is the answer to the request, whatever the script does next."""
        # The variables of the task's context (the worker's name on log lines) are the script's too.
        self.gr_context = getcurrent().gr_context


async def run_sync(function: Callable[[Call], T], call: Call) -> T:
    """What ``function`` makes of ``call``; it may ``wait_for`` coroutines meanwhile.

    What these raise is raised in the function, cancellation too, and what the function raises is
    raised here.
    """
    run = Run(function, call)
    outcome = run.switch(call)
    while not run.dead:
        try:
            answer = await outcome
        except BaseException as raised:
            outcome = run.throw(raised)
        else:
            outcome = run.switch(answer)
    result: T = outcome
    return result


def wait_for(awaitable: Awaitable[T]) -> T:
    """The result of ``awaitable``, for a function that ``run_sync`` runs."""
    loop = current_run().parent
    assert loop is not None, "whoever runs a script is its greenlet's parent"
    result: T = loop.switch(awaitable)
    return result


def current_call() -> Call:
    """The call that the running script is for. Raises ``ScriptError`` outside of a script."""
    return current_run().call


def current_run() -> Run:
    """The running script. Raises ``ScriptError`` outside of one."""
    run = getcurrent()
    if not isinstance(run, Run):
        raise ScriptError(
            "KSR knows no request here: it can be asked only while ksr_request_route runs"
        )
    return run
