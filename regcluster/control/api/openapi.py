"""The OpenAPI document, made from the table of operations and the shapes."""

from collections.abc import Iterator
from typing import Any

import msgspec

from regcluster import __version__
from regcluster.control.api import shapes
from regcluster.control.api.answers import PROBLEM_TYPE
from regcluster.control.api.desk import PREFIX
from regcluster.control.api.operations import OPERATIONS, EventText, Operation

ANY_TIME = (400, 401, 403, 500)
"""Problems that anything may meet."""

MEANINGS = {
    400: "What was asked for makes no sense.",
    401: "A token is needed.",
    403: "The token does not allow this.",
    404: "There is none.",
    408: "The body did not come.",
    409: "The address-of-record has too many contacts.",
    413: "The body is too long.",
    415: "The body is no JSON.",
    500: "The node failed.",
    503: "The store cannot be used, or the node has too much to do.",
}

_REFERENCE = "#/components/schemas/{name}"

Node = dict[str, Any]


def document() -> Node:
    """The whole of it."""
    kinds = list(dict.fromkeys(_kinds()))
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    by_kind = dict(zip(kinds, schemas, strict=True))
    paths: dict[str, Node] = {}
    for operation in OPERATIONS:
        place = paths.setdefault(operation.path, {})
        place[operation.method.lower()] = _operation(operation, by_kind, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "regcluster",
            "version": __version__,
            "description": "Looks at the bindings of a location service, and changes them.",
        },
        "servers": [{"url": PREFIX}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": _without_queries(components),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _kinds() -> Iterator[Any]:
    yield shapes.Problem
    for operation in OPERATIONS:
        yield operation.query
        if operation.body:
            yield operation.body
        yield from (kind for kind in operation.answers.values() if kind not in (None, EventText))


def _operation(operation: Operation, by_kind: dict[Any, Node], components: Node) -> Node:
    told: Node = {
        "operationId": operation.name,
        "summary": operation.meaning,
        "parameters": [*_path_parameters(operation.path), *_query(operation, components)],
        "responses": _responses(operation, by_kind),
    }
    if operation.path == "/events":
        told["parameters"].append(_LAST_EVENT)
    if operation.body:
        content = {"application/json": {"schema": by_kind[operation.body]}}
        told["requestBody"] = {"required": True, "content": content}
    return told


_LAST_EVENT = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "As since, and before it: what a browser sends that has lost the stream.",
    "schema": {"type": "string"},
}


def _path_parameters(path: str) -> Iterator[Node]:
    if "{aor}" in path:
        yield {
            "name": "aor",
            "in": "path",
            "required": True,
            "description": "alice@example.com or sip:alice@example.com, percent-encoded.",
            "schema": {"type": "string", "minLength": 1},
        }


def _query(operation: Operation, components: Node) -> Iterator[Node]:
    for name, schema in components[operation.query.__name__]["properties"].items():
        told = dict(schema)
        meaning = told.pop("description", "")
        # Nothing is null in a query: what is not there is not given.
        if told.get("default") is None:
            told.pop("default", None)
        if "anyOf" in told:
            told |= next(kind for kind in told.pop("anyOf") if kind["type"] != "null")
        yield {"name": name, "in": "query", "description": meaning, "schema": told}


def _responses(operation: Operation, by_kind: dict[Any, Node]) -> Node:
    told: Node = {}
    for status, kind in operation.answers.items():
        told[str(status)] = {"description": operation.meaning}
        if kind is EventText:
            told[str(status)]["content"] = {"text/event-stream": {"schema": {"type": "string"}}}
        elif kind is not None:
            told[str(status)]["content"] = {"application/json": {"schema": by_kind[kind]}}
    for status in (*ANY_TIME, *operation.problems):
        content = {PROBLEM_TYPE: {"schema": by_kind[shapes.Problem]}}
        told[str(status)] = {"description": MEANINGS[status], "content": content}
    return told


def _without_queries(components: Node) -> Node:
    queries = {operation.query.__name__ for operation in OPERATIONS}
    return {name: schema for name, schema in components.items() if name not in queries}
