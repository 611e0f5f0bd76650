"""What single values do, and which of them do not go together."""

import json
import re
from typing import Any

import pytest
import yaml
from helm_python import HelmRenderError

from tests.helm.chart import (
    NAME,
    ROOT,
    Values,
    container,
    objects_of,
    of_kind,
    one,
    pod,
    render,
    trial,
    workload,
)

REDIS = {"store": {"url": "redis://redis:6379/0"}}


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({}, "give one of store.url"),
        ({**REDIS, "valkey": {"enabled": True}}, "give one of store.url"),
        ({"store": {"url": "redis://:hunter2@redis"}}, "holds a password"),
        ({"store": {"url": "redis://me:hunter2@redis"}}, "holds a password"),
        ({"store": {"url": "redis://:$(STORE_PASSWORD)@redis"}}, "store.credentials"),
        ({"store": {"url": "embedded://"}}, "embedded"),
        (
            {"store": {"url": "redis://redis", "tls": {"existingSecret": "tls"}}},
            "store.tls is for rediss://",
        ),
        (
            {**REDIS, "sip": {"udp": {"enabled": False}, "tcp": {"enabled": False}}},
            "nothing to listen on",
        ),
        ({**REDIS, "sip": {"proxied": {"enabled": True}}}, "sip.proxied.from is empty"),
        ({**REDIS, "sip": {"port": 8080}}, "sip.tcp listens on port 8080"),
        (
            {**REDIS, "sip": {"proxied": {"enabled": True, "port": 5060, "from": ["10.0.0.0/8"]}}},
            "port 5060, which is taken",
        ),
        (
            {**REDIS, "routeScript": {"source": "x", "existingConfigMap": {"name": "x"}}},
            "not both",
        ),
        (
            {**REDIS, "autoscaling": {"enabled": True}, "keda": {"enabled": True}},
            "both scale",
        ),
        ({**REDIS, "kind": "DaemonSet", "autoscaling": {"enabled": True}}, "DaemonSet"),
        ({**REDIS, "keda": {"enabled": True}}, "serverAddress"),
        ({**REDIS, "terminationGracePeriodSeconds": 30}, "more than settings.node.drain_s (30s)"),
    ],
)
def test_values_that_do_not_go_together_are_refused(values: Values, told: str) -> None:
    """The message says which, and why."""
    with pytest.raises(HelmRenderError) as refused:
        render(values)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("node", "grace"), [({}, 35), ({"drain_s": 61.5, "notice_s": 5}, 67), ({"drain_s": None}, 15)]
)
def test_a_pod_has_longer_to_end_than_its_node_takes(node: Values, grace: int) -> None:
    """Nobody is killed while draining; without a word the node takes its own ten seconds."""
    objects = trial(settings={"node": {"notice_s": 2, **node}})

    assert grace == pod(objects)["spec"]["terminationGracePeriodSeconds"]


def test_an_ending_node_counts_as_serving_until_it_has_given_notice() -> None:
    """kube-proxy has somewhere to send what still comes to the last node of a machine."""
    probe = container(trial())["readinessProbe"]
    notice_s = 10

    assert (probe["failureThreshold"] - 1) * probe["periodSeconds"] >= notice_s
    assert "notice_s = 10" in one(trial(), "ConfigMap")["data"]["regcluster.toml"]


def test_a_node_is_live_while_it_is_not_ready() -> None:
    """A store that is away, or a drain, restarts nobody."""
    node = container(trial())
    probes = ("startupProbe", "livenessProbe", "readinessProbe")

    assert ["/health/live", "/health/live", "/health/ready"] == [
        node[probe]["httpGet"]["path"] for probe in probes
    ]


@pytest.mark.parametrize(
    ("kind", "policy"), [("ClusterIP", None), ("NodePort", "Local"), ("LoadBalancer", "Local")]
)
def test_services_to_the_outside_keep_the_address_of_a_phone(kind: str, policy: str | None) -> None:
    """UDP and TCP each have a Service, and each its own kind."""
    objects = trial(sip={"udp": {"service": {"type": kind}}})

    assert policy == one(objects, "Service", f"{NAME}-udp")["spec"].get("externalTrafficPolicy")
    assert "ClusterIP" == one(objects, "Service", f"{NAME}-tcp")["spec"]["type"]


def test_the_headless_service_names_every_way_in() -> None:
    """A SIP proxy finds _sip._udp of it."""
    spec = one(objects_of("balancer"), "Service", f"{NAME}-headless")["spec"]

    assert "None" == spec["clusterIP"]
    assert {
        ("sip", 5060, "UDP", "sip-udp"),
        ("sip-proxied", 5062, "TCP", "sip-proxied"),
        ("http", 8080, "TCP", "http"),
    } == {(p["name"], p["port"], p["protocol"], p["targetPort"]) for p in spec["ports"]}


@pytest.mark.parametrize("name", ["scaled", "keda"])
def test_what_is_scaled_has_no_number_of_its_own(name: str) -> None:
    """An upgrade does not undo what the scaler has found right."""
    assert "replicas" not in workload(objects_of(name))["spec"]


def test_nodes_with_the_machines_network_replace_each_other_in_place() -> None:
    """Their ports cannot be had twice on a machine."""
    strategies = [
        workload(objects_of("edge"))["spec"]["updateStrategy"],
        workload(objects_of("host"))["spec"]["strategy"],
    ]

    assert [{"maxSurge": 0, "maxUnavailable": 1}] * 2 == [s["rollingUpdate"] for s in strategies]


def test_nodes_are_never_fewer_while_they_are_replaced() -> None:
    """Of a Deployment, the next is ready before one ends."""
    strategy = workload(trial())["spec"]["strategy"]

    assert {"maxSurge": 1, "maxUnavailable": 0} == strategy["rollingUpdate"]


def environment(objects: list[Any]) -> dict[str, Any]:
    """The environment of a node, by name."""
    return {entry["name"]: entry for entry in container(objects)["env"]}


def test_a_node_with_the_machines_network_names_the_machine() -> None:
    """What leaves it names an address that reaches it, unless the settings name one."""
    field = environment(objects_of("edge"))["REGCLUSTER_NODE__ADVERTISE"]["valueFrom"]["fieldRef"]

    assert "status.hostIP" == field["fieldPath"]
    assert "REGCLUSTER_NODE__ADVERTISE" not in environment(objects_of("host"))
    assert "REGCLUSTER_NODE__ADVERTISE" not in environment(trial())


def test_nothing_secret_is_written_into_an_object() -> None:
    """A password is a reference to a secret, and comes before what it is put into."""
    variables = container(objects_of("redis"))["env"]
    names = [entry["name"] for entry in variables]

    assert ["STORE_USERNAME", "STORE_PASSWORD", "REGCLUSTER_STORE__URL"] == names[-3:]
    assert [True, True] == ["secretKeyRef" in v["valueFrom"] for v in variables[-3:-1]]


def test_certificates_for_the_store_are_named_in_its_url() -> None:
    """They are where the secret is mounted."""
    objects = objects_of("cluster-tls")
    _, _, arguments = environment(objects)["REGCLUSTER_STORE__URL"]["value"].partition("?")
    mounts = {m["name"]: m["mountPath"] for m in container(objects)["volumeMounts"]}
    folder = mounts["store-tls"]

    assert {
        f"ssl_ca_certs={folder}/ca.crt",
        f"ssl_certfile={folder}/tls.crt",
        f"ssl_keyfile={folder}/tls.key",
    } == set(arguments.split("&"))


def test_new_settings_make_new_pods() -> None:
    """A node with the settings of before is replaced, one at a time."""
    sums = [
        pod(trial(settings={"registrar": {"max_contacts": count}}))["metadata"]["annotations"]
        for count in (1, 1, 2)
    ]

    assert sums[0] == sums[1] != sums[2]


def test_a_changed_script_makes_new_pods() -> None:
    """As new settings do."""
    sums = [
        pod(trial(routeScript={"source": source}))["metadata"]["annotations"]
        for source in ("pass", "pass", "...")
    ]

    assert sums[0] == sums[1] != sums[2]


@pytest.mark.parametrize("name", ["trial", "edge", "all"])
def test_containers_can_do_nothing_but_their_work(name: str) -> None:
    """No root, no capability, no place to write to but what is mounted."""
    objects = objects_of(name)
    pods = [
        o["spec"].get("template", o)["spec"] for o in objects if "template" in o.get("spec", {})
    ]
    own = [c for p in pods for c in p["containers"] if c["name"] in ("node", "valkey")]

    assert [True] * len(pods) == [p["securityContext"]["runAsNonRoot"] for p in pods]
    assert [False] * len(pods) == [p["automountServiceAccountToken"] for p in pods]
    assert [
        {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
    ] * len(own) == [c["securityContext"] for c in own]


def test_a_daemon_set_has_no_budget() -> None:
    """Kubernetes could not keep one: what empties a machine passes over such pods."""
    assert {} == of_kind(objects_of("edge"), "PodDisruptionBudget")


@pytest.mark.parametrize(
    ("image", "place"),
    [
        ({}, "regcluster:0.1.0"),
        ({"registry": "r.example.com", "tag": "dev"}, "r.example.com/regcluster:dev"),
        ({"tag": "dev", "digest": f"sha256:{'0' * 64}"}, f"regcluster@sha256:{'0' * 64}"),
    ],
)
def test_an_image_is_named_by_tag_or_digest(image: Values, place: str) -> None:
    """The digest beats the tag."""
    assert place == container(trial(image=image))["image"]


def test_names_can_be_chosen() -> None:
    """All objects of the chart go by them."""
    objects = objects_of("all")
    own = {o["metadata"]["name"] for o in objects if not o["metadata"]["name"].startswith("demo-")}

    assert {"voice"} == {name for name in own if not name.startswith("registrar")}
    assert {"voice"} == {
        o["metadata"]["labels"]["team"] for o in objects if o["metadata"]["name"] in own
    }


def test_alerts_and_dashboard_are_those_of_deploy() -> None:
    """Word for word, with the placeholders that are Prometheus's and Grafana's to fill in."""
    objects = objects_of("scaled")
    rules = yaml.safe_load((ROOT / "deploy/prometheus/rules.yaml").read_text())
    groups = one(objects, "PrometheusRule")["spec"]["groups"]
    text = one(objects, "ConfigMap", f"{NAME}-dashboard")["data"]["regcluster.json"]

    assert rules["groups"] == groups[:-1]
    assert "regcluster-own" == groups[-1]["name"]
    assert json.loads((ROOT / "deploy/grafana/dashboards/regcluster.json").read_text()) == (
        json.loads(text)
    )


def test_the_job_is_called_as_the_alerts_have_it() -> None:
    """Prometheus takes its name from a label of the pods, whatever the chart is called."""
    rules = (ROOT / "deploy/prometheus/rules.yaml").read_text()
    jobs = re.findall(r'\bjob=~?"(.*?)"', rules)
    label = one(objects_of("scaled"), "PodMonitor")["spec"]["jobLabel"]
    pods = [pod(objects_of(name))["metadata"]["labels"] for name in ("scaled", "all")]

    assert ["regcluster"] * 2 == [labels[label] for labels in pods]
    assert [True] == [bool(re.fullmatch(job, "regcluster")) for job in jobs]
