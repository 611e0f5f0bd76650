"""Kamailio's names over a ``Call``: what a script of its Python KEMI finds as ``KSR``.

A table of names. What each does is in ``ksr``, and behind that in the same registrar that
``async def route(call)`` asks. Results are Kamailio's numbers: above 0 yes, below no. A name that
is not here raises ``ScriptError`` when it is used, and the message says which names are.
"""

from collections.abc import Callable

from regcluster.route.call import Call, Route
from regcluster.route.ksr import core
from regcluster.route.ksr.names import Names
from regcluster.route.sync import run_sync

KSR = Names(
    "KSR",
    core.FUNCTIONS
    | {
        "x": Names("KSR.x", core.ENDINGS),
    },
)
"""What ``import KSR`` gives in Kamailio."""


def run_kemi(function: Callable[[Call], object]) -> Route:
    """The route that ``function``, a ``ksr_request_route``, makes; its ``msg`` is the call.

    It ends by returning, whatever it returns, or by an exit: ``KSR.x`` and Python's own.
    """

    def run(call: Call) -> None:
        try:
            function(call)
        except SystemExit:
            return

    async def serve(call: Call) -> None:
        await run_sync(run, call)

    return serve
