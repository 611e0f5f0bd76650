"""What is asked for, read: query, body, and the address-of-record in the path.

All is bounded and held to its shape; what is wrong is one sentence in a ``Problem``.
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl, unquote_to_bytes

import anyio
import msgspec
from starlette.requests import ClientDisconnect, Request

from regcluster.config import Settings
from regcluster.control.admin import read_aor, read_table
from regcluster.control.api.answers import Problem

MAX_BODY = 64 * 1024
BODY_S = 10.0
"""From the first octet of a body to the last."""

MAX_PARAMETERS = 16

T = TypeVar("T")


def allowed(read: Callable[[], T]) -> T:
    """What ``read`` makes of something that was sent; its ``ValueError`` is a 400."""
    try:
        return read()
    except ValueError as wrong:
        raise Problem(400, str(wrong)) from None


def read_query(request: Request, shape: type[T]) -> T:
    """The parameters of the query as ``shape`` has them."""
    text = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        raise Problem(400, f"the query has more than {MAX_PARAMETERS} parameters") from None
    values = dict(pairs)
    if len(values) < len(pairs):
        raise Problem(400, "a parameter of the query is there twice")
    return _converted("query", lambda: msgspec.convert(values, shape, strict=False))


async def read_body(request: Request, shape: type[T], within_s: float = BODY_S) -> T:
    """The JSON document that is sent within that time, as ``shape`` has it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "the body has to be application/json")
    octets = await _octets(request, within_s)
    return _converted("body", lambda: msgspec.json.decode(octets, type=shape))


def asked_aor(request: Request, settings: Settings) -> str:
    """The canonical AOR that the path names."""
    octets = unquote_to_bytes(request.path_params["aor"])
    text = octets.decode("utf-8", "surrogateescape")
    return allowed(lambda: read_aor(text, settings.registrar, settings.location))


def asked_table(name: str | None, settings: Settings) -> str:
    """The table of that name, or the first there is."""
    return allowed(lambda: read_table(name, settings.location))


async def _octets(request: Request, within_s: float) -> bytes:
    octets = bytearray()
    try:
        with anyio.fail_after(within_s):
            async for chunk in request.stream():
                octets += chunk
                if len(octets) > MAX_BODY:
                    raise Problem(413, f"the body is longer than {MAX_BODY} octets")
    except TimeoutError:
        raise Problem(408, f"the body took longer than {within_s:g} s") from None
    except ClientDisconnect:
        raise Problem(400, "the body is incomplete") from None
    return bytes(octets)


def _converted(what: str, convert: Callable[[], T]) -> T:
    try:
        return convert()
    except (msgspec.MsgspecError, UnicodeDecodeError) as wrong:
        reason = str(wrong).replace(" - at `$.", " - at `")
        raise Problem(400, f"the {what} is not as it has to be: {reason}") from None
