"""The chart as a test sees it: sets of values, and what Helm's own code makes of them."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "regcluster"
SETS = {
    file.name.removesuffix("-values.yaml"): file
    for file in sorted((CHART / "ci").glob("*-values.yaml"))
}
"""Sets of values that the chart is tried with, by name."""

RELEASE = "demo"
NAMESPACE = "voip"
NAME = f"{RELEASE}-regcluster"
"""What the chart calls its objects, unless it is told otherwise."""

Values = dict[str, Any]
Object = dict[str, Any]


@cache
def chart() -> helm_python.Chart:
    """The chart, loaded once."""
    return helm_python.Chart.load(CHART)


@cache
def values_of(name: str) -> Values:
    """A set of values; not to be changed."""
    values: Values = yaml.safe_load(SETS[name].read_text())
    return values


@cache
def _rendered(name: str) -> list[Object]:
    return render(values_of(name))


def objects_of(name: str) -> list[Object]:
    """The objects a set of values comes to."""
    return copy.deepcopy(_rendered(name))


def render(values: Values) -> list[Object]:
    """The objects that ``values`` come to. Raises ``HelmError``."""
    texts = chart().render(values, name=RELEASE, namespace=NAMESPACE)
    return [
        found
        for file, text in texts.items()
        if file.endswith(".yaml")
        for found in yaml.load_all(text, Loader=yaml.CSafeLoader)
        if found
    ]


def notes_of(name: str) -> str:
    """What Helm says once it has installed a set of values."""
    texts = chart().render(values_of(name), name=RELEASE, namespace=NAMESPACE)
    (notes,) = [text for file, text in texts.items() if file.endswith("NOTES.txt")]
    return notes


def trial(**values: Any) -> list[Object]:
    """The objects of a release that brings its own store, with other ``values``."""
    return render({"valkey": {"enabled": True}} | values)


def one(objects: list[Object], kind: str, name: str = NAME) -> Object:
    """The only object of its kind and name."""
    (found,) = [o for o in objects if o["kind"] == kind and o["metadata"]["name"] == name]
    return found


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """All objects of a kind, by name."""
    return {o["metadata"]["name"]: o for o in objects if o["kind"] == kind}


def workload(objects: list[Object]) -> Object:
    """What runs the nodes."""
    (found,) = [
        o
        for o in objects
        if o["kind"] in ("Deployment", "DaemonSet")
        and o["metadata"]["labels"]["app.kubernetes.io/component"] == "node"
    ]
    return found


def pod(objects: list[Object]) -> Object:
    """The pod of a node, as its workload describes it."""
    found: Object = workload(objects)["spec"]["template"]
    return found


def container(objects: list[Object]) -> Object:
    """The container of a node."""
    found: Object = pod(objects)["spec"]["containers"][0]
    return found
