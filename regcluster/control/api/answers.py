"""What the HTTP port answers with: JSON, and problems as RFC 9457 has them.

Phones choose much of what is told, octets that are no UTF-8 included, so all JSON is plain ASCII.
"""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from regcluster.control import output

PROBLEM_TYPE = "application/problem+json"

NO_STORE = {"Cache-Control": "no-store"}
"""Bindings are as of a moment, and nobody's between us and who asked."""


class JsonResponse(Response):
    """``content`` as one JSON document."""

    media_type = "application/json"

    def render(self, content: object) -> bytes:
        """The octets of it."""
        return output.document(content).encode("ascii")


class Problem(Exception):
    """A no: ``detail`` is one sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers


def problem(status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """An error as RFC 9457 has it."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return JsonResponse(body, status, headers, media_type=PROBLEM_TYPE)


async def answer_problem(_: Request, error: Exception) -> Response:
    """The handler of ``Problem``."""
    assert isinstance(error, Problem)
    return problem(error.status, error.detail, error.headers)


async def answer_http(request: Request, error: Exception) -> Response:
    """The handler of what Starlette refuses by itself: no such path, no such method."""
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("Allow", "")
    detail = f"{request.method} is not allowed here, but {allowed}" if allowed else ""
    return problem(error.status_code, detail, error.headers)
