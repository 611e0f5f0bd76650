"""Kamailio's names over a ``Call``: what a script of its Python KEMI finds as ``KSR``.

A table of names. What each does is in ``ksr``, and behind that in the same registrar that
``async def route(call)`` asks. Results are Kamailio's numbers: above 0 yes, below no. A name that
is not here raises ``ScriptError`` when it is used, and the message says which names are.
"""

from collections.abc import Callable
from contextlib import suppress

from regcluster.route.call import Call, Route
from regcluster.route.ksr import core, headers, nat, registrar, replies, variables, xavps
from regcluster.route.ksr.names import Names
from regcluster.route.sync import current_run, run_sync

_MODULES = {
    "corex": headers.COREX,
    "hdr": headers.HDR,
    "maxfwd": headers.MAXFWD,
    "nathelper": nat.FUNCTIONS,
    "pv": variables.FUNCTIONS,
    "pvx": xavps.FUNCTIONS,
    "registrar": registrar.FUNCTIONS,
    "sanity": headers.SANITY,
    "siputils": headers.SIPUTILS,
    "sl": replies.SL,
    "tm": replies.TM,
    "tmx": replies.TMX,
    "x": core.ENDINGS,
}

KSR = Names(
    "KSR",
    core.FUNCTIONS
    | {module: Names(f"KSR.{module}", functions) for module, functions in _MODULES.items()},
)
"""What ``import KSR`` gives in Kamailio."""


def run_kemi(function: Callable[[Call], object]) -> Route:
    """The route that ``function``, a ``ksr_request_route``, makes; its ``msg`` is the call.

    It ends by returning, whatever it returns, or by an exit: ``KSR.x`` and Python's own. Raises
    ``StoreUnavailable`` if that is what became of the save that was to answer the request.
    """

    def run(call: Call) -> None:
        with suppress(SystemExit):
            function(call)
        ended = current_run()
        if ended.is_failed and ended.failure:
            raise ended.failure

    async def serve(call: Call) -> None:
        await run_sync(run, call)

    return serve
