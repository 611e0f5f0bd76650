"""The OpenAPI document: whole, true to the operations, and in the docs."""

import json
from pathlib import Path

import pytest

from regcluster.control import output, watch
from regcluster.control.api.openapi import document
from regcluster.control.api.operations import OPERATIONS, Operation
from regcluster.registrar.plan import Record
from regcluster.store.event import Event
from tests.control.api.speaker import Speaker, api_of, asking
from tests.control.command import ALICE, binding

PAGE = Path(__file__).parents[3] / "docs" / "api.md"


def names(operation: Operation) -> str:
    """What a test is called after."""
    return operation.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=names)
def test_each_operation_is_told_of(operation: Operation) -> None:
    """With what it does, what it answers, and what it may refuse."""
    told = document()["paths"][operation.path][operation.method.lower()]

    assert operation.meaning == told["summary"]
    assert operation.meaning.endswith(".")
    expected = {*operation.answers, *operation.problems, 400, 401, 403, 500}
    assert {str(status) for status in expected} == set(told["responses"])


@pytest.mark.parametrize("operation", OPERATIONS, ids=names)
def test_each_operation_is_in_the_docs(operation: Operation) -> None:
    """By its method and path."""
    assert f"`{operation.method} {operation.path}" in PAGE.read_text()


@pytest.mark.parametrize("operation", OPERATIONS, ids=names)
def test_each_parameter_is_told_of_with_its_meaning(operation: Operation) -> None:
    """In the query and in the path."""
    told = document()["paths"][operation.path][operation.method.lower()]["parameters"]
    named = {parameter["name"] for parameter in told if parameter["in"] == "query"}

    assert set(operation.query.__struct_fields__) == named
    assert [] == [parameter["name"] for parameter in told if not parameter["description"]]


def test_names_are_unlike() -> None:
    """Programs are generated after them."""
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.anyio
async def test_the_document_is_served(tmp_path: Path) -> None:
    """To whoever may read, whatever is the matter with the store."""
    async with asking(api_of(Speaker(None), tmp_path)) as client:
        answer = await client.get("/openapi.json")

    assert document() == answer.json()


def test_a_contact_has_the_shape_that_is_told() -> None:
    """Which is written down apart from what writes it."""
    shape = document()["components"]["schemas"]["Contact"]["properties"]
    aor = output.record_document(ALICE, Record(0, [binding(0)]))
    contact = json.loads(json.dumps(aor["contacts"]))[0]

    assert list(shape) == list(contact)


def test_an_event_has_the_shape_that_is_told() -> None:
    """In the docs, for no OpenAPI tells what a stream is made of."""
    event = Event("12:1700000001500-0", "added", ALICE, binding(0), "location")

    keys = ", ".join(f"`{key}`" for key in watch.document(event))
    assert keys in PAGE.read_text().replace("\n", " ")
