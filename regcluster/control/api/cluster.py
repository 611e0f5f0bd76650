"""Operations on nodes: who is at work, how this node is, what it goes by, and its end.

And what the API itself is.
"""

import anyio
import msgspec
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from regcluster import __version__
from regcluster.control import output
from regcluster.control.api.answers import NO_STORE, JsonResponse
from regcluster.control.api.desk import DOCUMENT, PREFIX, Desk, read_totals
from regcluster.control.api.reading import read_query
from regcluster.control.api.shapes import NoQuery
from regcluster.control.nodes import document
from regcluster.log import get_logger
from regcluster.store.roster import read_nodes

logger = get_logger(__name__)


async def show_api(desk: Desk, request: Request) -> Response:
    """Which version this is, and where the API is described."""
    read_query(request, NoQuery)
    return JsonResponse({"version": __version__, "openapi": PREFIX + DOCUMENT})


async def list_nodes(desk: Desk, request: Request) -> Response:
    """Every node that has left a trace in the store."""
    read_query(request, NoQuery)
    nodes = await read_nodes(await desk.node.store())
    return JsonResponse({"nodes": [document(node) for node in nodes]}, headers=NO_STORE)


async def show_node(desk: Desk, request: Request) -> Response:
    """This node, as it sees itself."""
    read_query(request, NoQuery)
    totals = await to_thread.run_sync(lambda: read_totals(desk.node.registry()))
    rates = desk.meter.take(anyio.current_time(), totals)
    state = msgspec.to_builtins(desk.node.state())
    return JsonResponse({**state, "rates": msgspec.to_builtins(rates)}, headers=NO_STORE)


async def show_settings(desk: Desk, request: Request) -> Response:
    """The settings in force, each with its origin; passwords are hidden."""
    read_query(request, NoQuery)
    return JsonResponse(output.settings_document(desk.node.in_force()), headers=NO_STORE)


async def drain(desk: Desk, request: Request) -> Response:
    """End this node in order, as on SIGTERM: it is not ready from now on."""
    read_query(request, NoQuery)
    logger.info("told to drain by an operator")
    desk.node.drain()
    within_s = desk.node.in_force().settings.node.drain_s
    return JsonResponse({"within_s": within_s}, 202, NO_STORE)
