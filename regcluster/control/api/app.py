"""The API put together: operations behind the gate, below ``/api/v1``."""

from collections.abc import Mapping, Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send

from regcluster.config import HttpSettings
from regcluster.config.secrets import secret_free
from regcluster.control.api.answers import JsonResponse, Problem, problem
from regcluster.control.api.desk import DOCUMENT, PREFIX, Desk, Node
from regcluster.control.api.gate import Gate, Gated
from regcluster.control.api.openapi import document
from regcluster.control.api.operations import OPERATIONS, Run
from regcluster.control.api.tokens import Tokens, read_tokens
from regcluster.errors import StoreError
from regcluster.log import get_logger

logger = get_logger(__name__)


class Api:
    """Speaks for ``node``. Raises ``ConfigError`` for a token file that cannot be used."""

    def __init__(self, node: Node, settings: HttpSettings) -> None:
        self._desk = Desk(node)
        self._file = settings.token_file
        self._gate = Gate(settings.listen, self.read_tokens())

    def read_tokens(self) -> Tokens | None:
        """Those in the file, if there is one; raises ``ConfigError``."""
        return read_tokens(self._file) if self._file else None

    def admit(self, tokens: Tokens | None) -> None:
        """Have these count from now on. A stream may have been let in by another, so all end."""
        if tokens != self._gate.tokens:
            self._gate.tokens = tokens
            self.close()

    def routes(self) -> Sequence[BaseRoute]:
        """Where it is to be found."""
        document_route = Route(DOCUMENT, _tell_document)
        paths = dict.fromkeys(operation.path for operation in OPERATIONS)
        router = Router(
            [document_route, *[_route(path, self._desk) for path in paths]],
            redirect_slashes=False,
            default=_tell_nothing,
        )
        # Whoever leaves the last slash out would be sent on otherwise, and read an empty answer.
        root = _route("/", self._desk, PREFIX)
        return [
            Route(PREFIX, Gated(root, self._gate)),
            Mount(PREFIX, Gated(router, self._gate)),
        ]

    def close(self) -> None:
        """End the streams, which would not end by themselves."""
        self._desk.streams.close()


def _route(path: str, desk: Desk, where: str = "") -> Route:
    """All there is at ``path``, so that who comes with another method is told of each.

    It is found at ``where`` instead, if that is given.
    """
    runs = {each.method: each.run for each in OPERATIONS if each.path == path}
    return Route(where or path, partial(_run, runs, desk), methods=list(runs))


async def _run(runs: Mapping[str, Run], desk: Desk, request: Request) -> Response:
    # Who asks for the head alone is answered as the others are; the server leaves the body out.
    return await _answer(runs["GET" if request.method == "HEAD" else request.method], desk, request)


async def _answer(run: Run, desk: Desk, request: Request) -> Response:
    """What ``run`` answers, or the problem that it met."""
    try:
        return await run(desk, request)
    except Problem as no:
        return problem(no.status, no.detail, no.headers)
    except StoreError as why:
        return problem(503, f"the store cannot be used: {secret_free(str(why))}")
    except Exception:
        logger.exception("http request failed", operation=run.__name__)
        return problem(500)


async def _tell_document(_: Request) -> Response:
    return JsonResponse(document())


async def _tell_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    detail = f"there is nothing here; {PREFIX}{DOCUMENT} describes what there is"
    await problem(404, detail)(scope, receive, send)
