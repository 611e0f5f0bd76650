"""Every set of values comes to settings that a node takes."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trustme
from click.testing import CliRunner

from regcluster.config.fields import FIELDS
from regcluster.control.cli import main
from tests.control.watch import own_log
from tests.helm.chart import SETS, Values, objects_of, one, trial, values_of
from tests.helm.container import Secrets, Started, prepare

SCRIPT = "async def route(call):\n    call.reply(404)\n"


@pytest.fixture(scope="module")
def secrets() -> Secrets:
    """What the sets of values take for granted."""
    authority = trustme.CA()
    ours = authority.issue_cert("node.example.com")
    return {
        "redis": {
            "redis-username": "regcluster",
            "redis-password": "hunter2",
            "password": "hunter2",
        },
        "redis-client-tls": {
            "ca.crt": authority.cert_pem.bytes().decode(),
            "tls.crt": ours.cert_chain_pems[0].bytes().decode(),
            "tls.key": ours.private_key_pem.bytes().decode(),
        },
        "regcluster-store": {"redis-url": "rediss://me:hunter2@redis.example.com/0"},
        "regcluster-api": {"tokens": "read 0123456789abcdef0123456789abcdef\n"},
        "sip-routes": {"edge.py": SCRIPT},
    }


def checked(started: Started, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What ``regcluster check`` says to a container's settings."""
    for name, value in started.environ.items():
        monkeypatch.setenv(name, value)
    with own_log():
        result = CliRunner().invoke(main, ["check", "--json", "--print"])
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.parametrize("name", SETS)
def test_check_accepts_the_settings(
    name: str, secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the environment and the files of the container, secrets and script included."""
    started = prepare(objects_of(name), tmp_path, secrets)
    answer = checked(started, monkeypatch)

    assert [] == answer["problems"]
    assert answer["ok"]


@pytest.mark.parametrize("name", SETS)
def test_settings_arrive_as_they_were_given(name: str) -> None:
    """Every value of ``settings``, of its own type: a whole number stays one."""
    objects = objects_of(name)
    text = one(objects, "ConfigMap", config_of(objects))["data"]["regcluster.toml"]
    read = tomllib.loads(text)
    given = values_of(name).get("settings", {})
    values = [(section, key, value) for section in given for key, value in given[section].items()]

    assert values == [(section, key, read[section][key]) for section, key, _ in values]


def config_of(objects: list[Any]) -> str:
    """The name of the ConfigMap with the settings."""
    (name,) = [
        found["metadata"]["name"]
        for found in objects
        if found["kind"] == "ConfigMap" and "regcluster.toml" in found["data"]
    ]
    return str(name)


@pytest.mark.parametrize(
    ("section", "name", "value"),
    [
        ("registrar", "max_expires", 4294967295),
        ("registrar", "default_q", -1),
        ("limits", "partial_s", 0.25),
        ("routing", "domains", ["a.example.com", "b.example.com"]),
        ("routing", "domains", []),
        ("registrar", "received_param", ""),
        ("registrar", "sock_hdr_name", 'a "quoted" \\ <name> & more\n\tü 🕿'),
    ],
)
def test_values_of_every_kind_are_toml(section: str, name: str, value: Any) -> None:
    """Whatever YAML makes of them on the way."""
    objects = trial(settings={section: {name: value}})
    read = tomllib.loads(one(objects, "ConfigMap")["data"]["regcluster.toml"])[section][name]

    assert (type(value), value) == (type(read), read)
    assert f"{section}.{name}" in FIELDS


@pytest.mark.parametrize(
    ("values", "listen"),
    [
        ({}, {"udp": ["0.0.0.0:5060"], "tcp": ["0.0.0.0:5060"]}),
        (
            {"bind": ["0.0.0.0", "[::]"], "sip": {"port": 5070, "tcp": {"enabled": False}}},
            {"udp": ["0.0.0.0:5070", "[::]:5070"], "tcp": []},
        ),
        (
            {"sip": {"proxied": {"enabled": True, "port": 5064, "from": ["10.0.0.0/8"]}}},
            {
                "udp": ["0.0.0.0:5060"],
                "tcp": ["0.0.0.0:5060"],
                "tcp_proxied": ["0.0.0.0:5064"],
                "proxied_from": ["10.0.0.0/8"],
            },
        ),
    ],
)
def test_a_node_listens_where_its_services_send(values: Values, listen: Values) -> None:
    """On all addresses of the pod, of the kinds asked for."""
    read = tomllib.loads(one(trial(**values), "ConfigMap")["data"]["regcluster.toml"])

    assert listen == read["listen"]


def test_a_node_goes_by_the_name_of_its_pod_and_the_url_of_the_secret(
    secrets: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And hides the password that it was given."""
    started = prepare(objects_of("redis"), tmp_path, secrets)
    settings = checked(started, monkeypatch)["settings"]

    assert "demo-regcluster-7d9c8-x2x4z" == settings["node.name"]["value"]
    assert "redis://regcluster:***@redis-master:6379/0" == settings["store.url"]["value"]
