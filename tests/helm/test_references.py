"""What one object says of another is so: names of ports, of pods, of what is scaled or mounted."""

import re
from typing import Any

import pytest

from tests.helm.chart import NAMESPACE, SETS, Object, notes_of, objects_of

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")


def pods_of(objects: list[Object]) -> list[Object]:
    """All pods, as workloads or by themselves."""
    alone = [found for found in objects if found["kind"] == "Pod"]
    return alone + [o["spec"]["template"] for o in objects if o["kind"] in WORKLOADS]


def selected(objects: list[Object], labels: dict[str, str]) -> list[Object]:
    """The pods with all these labels."""
    return [pod for pod in pods_of(objects) if labels.items() <= pod["metadata"]["labels"].items()]


def ports_of(pods: list[Object]) -> set[tuple[str, str]]:
    """Names and protocols of ports."""
    return {
        (port["name"], port["protocol"])
        for pod in pods
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
    }


def asked_for(found: Object) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """The pods that an object means, and the ports of theirs that it names."""
    spec: dict[str, Any] = found.get("spec", {})
    match found["kind"]:
        case "Service":
            return spec["selector"], {(p["targetPort"], p["protocol"]) for p in spec["ports"]}
        case "NetworkPolicy":
            ports = [port for rule in spec["ingress"] for port in rule["ports"]]
            names = {(port["port"], port["protocol"]) for port in ports}
            return spec["podSelector"]["matchLabels"], names
        case "PodMonitor":
            endpoints = spec["podMetricsEndpoints"]
            return spec["selector"]["matchLabels"], {(e["port"], "TCP") for e in endpoints}
    return {}, set()


@pytest.mark.parametrize("name", SETS)
def test_every_port_that_is_named_is_there(name: str) -> None:
    """In the pods that a Service, a policy or a monitor is about."""
    objects = objects_of(name)
    missing = []
    for found in objects:
        labels, names = asked_for(found)
        missing += [(found["kind"], port) for port in names - ports_of(selected(objects, labels))]

    assert [] == missing


@pytest.mark.parametrize("name", SETS)
def test_every_volume_that_is_mounted_is_there(name: str) -> None:
    """And each that is there is mounted, but for a claim's."""
    for pod in pods_of(objects_of(name)):
        volumes = {volume["name"] for volume in pod["spec"].get("volumes", [])}
        mounts = {
            mount["name"]
            for container in pod["spec"]["containers"]
            for mount in container.get("volumeMounts", [])
        }

        assert mounts - {"data"} == volumes - {"data"}


@pytest.mark.parametrize("name", ["scaled", "keda"])
def test_what_is_scaled_is_there(name: str) -> None:
    """A scaler names the Deployment of the nodes."""
    objects = objects_of(name)
    (scaler,) = [o for o in objects if o["kind"] in ("HorizontalPodAutoscaler", "ScaledObject")]
    target = scaler["spec"]["scaleTargetRef"]
    workloads = {(o["kind"], o["metadata"]["name"]) for o in objects}

    # KEDA means a Deployment where no kind is given.
    assert (target.get("kind", "Deployment"), target["name"]) in workloads


@pytest.mark.parametrize("name", SETS)
def test_whoever_has_installed_it_is_told_addresses_that_are_there(name: str) -> None:
    """Each is a Service of the release, at a port of it."""
    told = re.findall(rf"(\S+)\.{NAMESPACE}:(\d+)", notes_of(name))
    there = {
        (found["metadata"]["name"], str(port["port"]))
        for found in objects_of(name)
        if found["kind"] == "Service"
        for port in found["spec"]["ports"]
    }

    assert any(service.endswith("-headless") for service, _ in told)
    assert [] == [address for address in told if address not in there]


def test_the_bundled_valkey_lets_in_nodes_and_nobody_else() -> None:
    """It asks for no password."""
    objects = objects_of("trial")
    (policy,) = [found for found in objects if found["kind"] == "NetworkPolicy"]
    (rule,) = policy["spec"]["ingress"]
    let_in = [
        pod["metadata"]["labels"]["app.kubernetes.io/component"]
        for peer in rule["from"]
        for pod in selected(objects, peer["podSelector"]["matchLabels"])
    ]

    assert ["node", "test"] == sorted(let_in)
