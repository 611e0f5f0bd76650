"""The node's HTTP port: metrics of all workers together, how healthy the node is, and its API.

Runs inside the supervisor's event loop and answers from what the workers report; a stuck worker
cannot stop it.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from regcluster.control import console
from regcluster.control.api.answers import answer_http
from regcluster.control.caller import Caller
from regcluster.control.listeners import bind_alone

BACKLOG = 128


class Health(Protocol):
    """What the supervisor knows."""

    def problems(self) -> list[str]:
        """Why the node should get no traffic; nothing if it should."""


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: SIGTERM has to drain SIP first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def bind(listen: str) -> socket.socket:
    """The listening socket for ``host:port``. Raises ``ConfigError`` if it cannot be had."""
    bound = bind_alone("http.listen", socket.SOCK_STREAM, listen)
    bound.listen(BACKLOG)
    return bound


async def serve(
    bound: socket.socket,
    health: Health,
    registry: Callable[[], CollectorRegistry],
    more: Sequence[BaseRoute] = (),
) -> None:
    """Answer on ``bound`` until cancelled, then close it; ``more`` is there besides."""
    config = uvicorn.Config(
        Undecoded(_app(health, registry, more)),
        log_config=None,
        # Below that it complains of what strangers send.
        log_level="error",
        http=Caller,
        access_log=False,
        server_header=False,
        lifespan="off",
        proxy_headers=False,
        ws="none",
    )
    server = Server(config)
    try:
        await server.serve([bound])
    finally:
        for listener in server.servers:
            listener.close()


class Undecoded:
    """Has ``app`` see paths as they were sent: a name in one may have a slash, a line end, or what
    is no UTF-8."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        sent = {**scope, "path": scope["raw_path"].decode("latin-1")}
        await self._app(sent, receive, send)


def _app(
    health: Health, registry: Callable[[], CollectorRegistry], more: Sequence[BaseRoute]
) -> Starlette:
    def metrics(_: Request) -> Response:
        return Response(generate_latest(registry()), media_type=CONTENT_TYPE_LATEST)

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "live"})

    async def ready(_: Request) -> Response:
        problems = health.problems()
        if problems:
            return JSONResponse({"status": "not ready", "problems": problems}, 503)
        return JSONResponse({"status": "ready"})

    return Starlette(
        routes=[
            Route("/metrics", metrics),
            Route("/health/live", live),
            Route("/health/ready", ready),
            *console.routes(),
            *more,
        ],
        exception_handlers={HTTPException: answer_http},
    )
