"""Queries and bodies: what is taken, and what is refused before anything is done."""

import json
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive

from regcluster.control.api.answers import JsonResponse, Problem, answer_problem
from regcluster.control.api.reading import MAX_BODY, read_body, read_query
from regcluster.control.api.shapes import ListQuery, NewContact

pytestmark = pytest.mark.anyio

JSON = {"Content-Type": "application/json"}


async def _query(request: Request) -> Response:
    query = read_query(request, ListQuery)
    return JsonResponse([query.prefix, query.table, query.limit])


async def _body(request: Request) -> Response:
    wanted = await read_body(request, NewContact)
    return JsonResponse([wanted.contact, wanted.expires, wanted.q])


def asking() -> httpx.AsyncClient:
    """Someone who asks, and is told what was understood."""
    app = Starlette(
        routes=[Route("/query", _query), Route("/body", _body, methods=["POST"])],
        exception_handlers={Problem: answer_problem},
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["", None, 100]),
        ("prefix=al&table=desk&limit=7", ["al", "desk", 7]),
        ("prefix=%FFa+b", ["\udcffa b", None, 100]),
        ("prefix=&limit=1000", ["", None, 1000]),
        ("table=null", ["", "null", 100]),
    ],
)
async def test_a_query_is_read_by_its_shape(query: str, expected: list[object]) -> None:
    """Any octets may stand in a text, and what is not given is as the shape says."""
    async with asking() as client:
        answer = await client.get(f"/query?{query}")

    assert expected == json.loads(answer.text)


@pytest.mark.parametrize(
    ("query", "detail"),
    [
        ("limit=0", "the query is not as it has to be: Expected `int` >= 1 - at `limit`"),
        ("limit=1001", "the query is not as it has to be: Expected `int` <= 1000 - at `limit`"),
        ("limit=many", "the query is not as it has to be: Expected `int`, got `str` - at `limit`"),
        ("limit=", "the query is not as it has to be: Expected `int`, got `str` - at `limit`"),
        ("lmit=1", "the query is not as it has to be: Object contains unknown field `lmit`"),
        ("limit=1&limit=2", "a parameter of the query is there twice"),
        ("&".join(f"a{n}=" for n in range(17)), "the query has more than 16 parameters"),
    ],
)
async def test_a_query_that_is_wrong_is_refused(query: str, detail: str) -> None:
    """400, and in which way."""
    async with asking() as client:
        answer = await client.get(f"/query?{query}")

    assert (400, detail) == (answer.status_code, answer.json()["detail"])


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8"])
async def test_a_body_is_read_by_its_shape(kind: str) -> None:
    """What is not given is None."""
    async with asking() as client:
        answer = await client.post(
            "/body", content='{"contact": "sip:a", "q": 1}', headers={"Content-Type": kind}
        )

    assert ["sip:a", None, 1.0] == answer.json()


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Input data was truncated"),
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "Object missing required field `contact`"),
        (b'{"contact": ""}', "Expected `str` of length >= 1 - at `contact`"),
        (b'{"contact": 1}', "Expected `str`, got `int` - at `contact`"),
        (b'{"contact": "a", "q": 2}', "Expected `float` <= 1.0 - at `q`"),
        (b'{"contact": "a", "q": NaN}', "JSON is malformed: invalid character (byte 22)"),
        (b'{"contact": "a", "expires": 0}', "Expected `int` >= 1 - at `expires`"),
        (b'{"contact": "a", "other": 1}', "Object contains unknown field `other`"),
        (b'{"contact": "\xff"}', "'utf-8' codec can't decode byte 0xff in position 0"),
        (b'{"contact": "\\ud800"}', "Input data was truncated"),
        (b'{"contact": ' + b"[" * 30_000, "Expected `str`, got `array` - at `contact`"),
    ],
)
async def test_a_body_that_is_wrong_is_refused(body: bytes, detail: str) -> None:
    """400, and in which way."""
    async with asking() as client:
        answer = await client.post("/body", content=body, headers=JSON)

    assert 400 == answer.status_code
    assert f"the body is not as it has to be: {detail}" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
async def test_a_body_that_is_no_json_is_not_read(kind: str) -> None:
    """415: a form of a stranger's page cannot say that it is JSON."""
    async with asking() as client:
        answer = await client.post(
            "/body", content=b'{"contact": "sip:a"}', headers={"Content-Type": kind}
        )

    assert 415 == answer.status_code


async def _silence() -> Message:
    await anyio.sleep_forever()
    return {}


async def _departure() -> Message:
    return {"type": "http.disconnect"}


@pytest.mark.parametrize(
    ("receive", "status", "detail"),
    [
        (_silence, 408, "the body took longer than 0.01 s"),
        (_departure, 400, "the body is incomplete"),
    ],
)
async def test_a_body_that_does_not_come_is_not_waited_for(
    receive: Receive, status: int, detail: str
) -> None:
    """For longer than it may take, or than somebody is there to send it."""
    headers = [(b"content-type", b"application/json")]
    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    with pytest.raises(Problem) as refused:
        await read_body(request, NewContact, within_s=0.01)

    assert (status, detail) == (refused.value.status, refused.value.detail)


async def test_a_body_that_is_too_long_is_not_read_to_its_end() -> None:
    """413, however long the rest would be."""
    read: list[int] = []

    async def octets() -> AsyncIterator[bytes]:
        while True:
            read.append(1024)
            yield b"x" * 1024

    async with asking() as client:
        answer = await client.post("/body", content=octets(), headers=JSON)

    assert 413 == answer.status_code
    assert sum(read) <= MAX_BODY + 2048
