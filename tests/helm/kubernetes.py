"""What Kubernetes says of an object, by the schemas of its versions that a package brings.

That package reads a megabyte and a half anew for each object; here it is read once a version.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

from tests.helm.chart import Object


def complaints(found: Object, version: str) -> list[str]:
    """What is wrong with an object; a field that Kubernetes does not know, too."""
    check = _validator(version, found["apiVersion"], found["kind"])
    name = f"{found['kind']} {found['metadata']['name']}"
    return [
        f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in check.iter_errors(found)
    ]


@cache
def _validator(version: str, api_version: str, kind: str) -> Any:
    # apps/v1 is in deployment-apps-v1.json, networking.k8s.io/v1 in ...-networking-v1.json.
    group, slash, number = api_version.rpartition("/")
    schema = _read(version, f"{kind.lower()}-{group.partition('.')[0]}{slash and '-'}{number}.json")
    return Draft202012Validator(schema, registry=_definitions(version))


@cache
def _definitions(version: str) -> "Registry[Any]":
    """What all schemas of a version refer to."""
    empty: Registry[Any] = Registry()
    return Resource.from_contents(_read(version, "_definitions.json")) @ empty


def _read(version: str, name: str) -> Any:
    folder = files("kubernetes_validate") / "kubernetes-json-schema" / f"v{version}.0-local-strict"
    return json.loads((folder / name).read_text())
