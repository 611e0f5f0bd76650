"""Every set of values comes to objects that Kubernetes takes."""

from functools import cache
from typing import Any

import helm_python
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from regcluster import __version__
from tests.helm.chart import CHART, NAMESPACE, SETS, Object, chart, objects_of, values_of
from tests.helm.crds import SPECS
from tests.helm.kubernetes import complaints

KUBERNETES = ("1.27", "1.37")
"""The oldest that the chart takes, and the newest that we have the schemas of."""

WARNING = 2
"""A message of the linter's from which on something should be mended."""

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")


def kind_of(found: Object) -> tuple[str, str]:
    """Version and kind."""
    return found["apiVersion"], found["kind"]


def is_kubernetes_own(found: Object) -> bool:
    """Whether it is no custom resource."""
    return kind_of(found) not in SPECS


@cache
def check_of(kind: tuple[str, str]) -> Any:
    """What validates the spec of a custom resource."""
    return Draft202012Validator(SPECS[kind])


@pytest.mark.parametrize("name", SETS)
def test_the_linter_has_nothing_to_say(name: str) -> None:
    """Not even a warning."""
    report = helm_python.lint(CHART, values_of(name), strict=True, namespace=NAMESPACE)
    told = [message for message in report["messages"] if message["severity"] >= WARNING]

    assert ([], []) == (report["errors"], told)


@pytest.mark.parametrize("version", KUBERNETES)
@pytest.mark.parametrize("name", SETS)
def test_kubernetes_takes_every_object(name: str, version: str) -> None:
    """By its schema of that version, in which no unknown field passes."""
    own = [found for found in objects_of(name) if is_kubernetes_own(found)]

    assert own
    assert [] == [told for found in own for told in complaints(found, version)]


@pytest.mark.parametrize("name", SETS)
def test_operators_take_every_object(name: str) -> None:
    """Custom resources hold only fields that their operators know."""
    foreign = [found for found in objects_of(name) if not is_kubernetes_own(found)]
    wrong = [
        (found["kind"], list(error.absolute_path), error.message)
        for found in foreign
        for error in check_of(kind_of(found)).iter_errors(found["spec"])
    ]

    assert [] == wrong


def test_every_kind_of_object_is_rendered_by_some_set() -> None:
    """No template is left out of all this."""
    kinds = {found["kind"] for name in SETS for found in objects_of(name)}

    assert {
        *("ConfigMap", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "NetworkPolicy"),
        *("Pod", "PodDisruptionBudget", "PodMonitor", "PrometheusRule", "ScaledObject"),
        *("Service", "ServiceAccount", "StatefulSet"),
    } == kinds


@pytest.mark.parametrize("name", SETS)
def test_no_two_objects_are_one(name: str) -> None:
    """Each has a name of its own, in the namespace of the release."""
    names = [
        (found["kind"], found["metadata"]["name"], found["metadata"].get("namespace"))
        for found in objects_of(name)
        if found["metadata"]["name"] not in ("demo-more", "demo-text")
    ]

    assert len(set(names)) == len(names)
    assert {NAMESPACE} == {namespace for _, _, namespace in names}


@pytest.mark.parametrize("name", SETS)
def test_what_selects_pods_selects_those_of_one_workload(name: str) -> None:
    """Services, budgets, monitors and workloads find the pods that they are meant for."""
    objects = objects_of(name)
    pods = [o["spec"]["template"]["metadata"]["labels"] for o in objects if o["kind"] in WORKLOADS]
    pods += [o["metadata"]["labels"] for o in objects if o["kind"] == "Pod"]
    found = {
        (o["kind"], o["metadata"]["name"]): sum(selector.items() <= pod.items() for pod in pods)
        for o in objects
        if (selector := selector_of(o))
    }

    assert dict.fromkeys(found, 1) == found


def selector_of(found: Object) -> dict[str, str]:
    """The labels by which an object finds pods; none if it looks for none."""
    spec = found.get("spec", {})
    selector: dict[str, Any] = spec.get("selector") or spec.get("podSelector") or {}
    labels: dict[str, str] = selector.get("matchLabels", selector)
    return labels


def test_the_chart_is_for_the_version_it_comes_with() -> None:
    """An image without a tag is that of this version."""
    described = yaml.safe_load((CHART / "Chart.yaml").read_text())

    assert __version__ == described["appVersion"] == chart().metadata["appVersion"]


def test_a_package_holds_what_is_needed_and_no_more(tmp_path: Any) -> None:
    """Sets of values for tests stay at home."""
    package = helm_python.Chart.load(helm_python.package(CHART, destination=tmp_path))
    names = {file["name"] for file in package.files}

    assert {template["name"] for template in chart().templates} == {
        template["name"] for template in package.templates
    }
    assert {"files/rules.yaml", "files/dashboard.json"} <= names
    assert [] == [name for name in names if name.startswith("ci/")]
