"""``deploy/compose.yaml``: read by Docker Compose, and every file and name in it looked at."""

import re
from pathlib import Path

import pytest
import yaml

from regcluster.config.reader import load
from tests.deploy.compose import DEPLOY, mounts, read, services

NODES = ("edge-1", "edge-2", "edge-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")


def address(name: str, network: str) -> str:
    """Where ``name`` is in ``network``."""
    found: str = services()[name]["networks"][network]["ipv4_address"]
    return found


def test_a_cluster_is_all_there() -> None:
    """Three nodes, Redis with a replica and Sentinels, a balancer, and what shows it."""
    assert {
        *NODES,
        *SENTINELS,
        *("redis-1", "redis-2", "balancer", "prometheus", "grafana"),
    } == set(services())


def test_what_is_mounted_is_there() -> None:
    """Docker would make an empty folder of a file that is missing."""
    sources = {source for service in services().values() for source in mounts(service).values()}

    assert [] == [source for source in sources if not source.exists()]


def test_what_is_built_is_there() -> None:
    """By the file named for it, from the folder it copies from."""
    builds = [service["build"] for service in services().values() if "build" in service]
    files = [Path(build["context"]) / build.get("dockerfile", "Dockerfile") for build in builds]

    assert [] == [file for file in files if not file.is_file()]


@pytest.mark.parametrize("name", NODES)
def test_a_nodes_settings_are_good(name: str) -> None:
    """Its file and its environment together, as it would read them."""
    service = services()[name]
    file = mounts(service)["/etc/regcluster/regcluster.toml"]
    loaded = load(file, service["environment"], ())

    assert (name, "") == (loaded.settings.node.name, loaded.settings.http.token_file)


def test_tokens_are_a_file_of_the_host(tmp_path: Path) -> None:
    """Named in the environment; without it there is nothing where they would be."""
    tokens = tmp_path / "tokens"
    node = read({"TOKENS": str(tokens)})["services"]["edge-1"]
    file = node["environment"]["REGCLUSTER_HTTP__TOKEN_FILE"]

    assert (tokens, Path("/dev/null")) == (
        mounts(node)[file],
        mounts(services()["edge-1"])[file],
    )


def test_nodes_ask_the_sentinels_there_are() -> None:
    """By their addresses, which stay when one of them is away."""
    file = DEPLOY / "compose" / "regcluster.toml"
    url = load(file, {}, ()).settings.store.url

    assert {address(name, "store") for name in SENTINELS} == set(re.findall(r"[\d.]{8,}", url))


@pytest.mark.parametrize("file", ["sentinel.conf", "replica.conf"])
def test_servers_begin_with_the_first_as_primary(file: str) -> None:
    """Sentinels and the replica alike."""
    text = (DEPLOY / "compose" / "redis" / file).read_text()

    assert f"{address('redis-1', 'store')} 6379" in text


def test_the_balancer_knows_all_nodes_and_itself() -> None:
    """At the addresses that compose.yaml gives them."""
    files = mounts(services()["balancer"])
    nodes = re.findall(r"^1 sip:(\S+):5060$", files[LIST].read_text(), re.MULTILINE)

    assert [address(name, "sip") for name in NODES] == nodes
    assert f"listen=udp:{address('balancer', 'sip')}:5060" in files[SCRIPT].read_text()


LIST = "/etc/kamailio/dispatcher.list"
SCRIPT = "/etc/kamailio/kamailio.cfg"


def test_prometheus_asks_all_nodes() -> None:
    """By their names, at the port they have in common."""
    file = mounts(services()["prometheus"])["/etc/prometheus/prometheus.yml"]
    targets = yaml.safe_load(file.read_text())["scrape_configs"][0]["static_configs"][0]["targets"]

    assert [f"{name}:8080" for name in NODES] == targets


@pytest.mark.parametrize("name", [*NODES, *SENTINELS, "redis-1", "redis-2", "balancer"])
def test_nothing_of_ours_may_more_than_it_has_to(name: str) -> None:
    """No capability, no file to write but in what is mounted, no way to become anybody else."""
    service = services()[name]

    assert (True, ["ALL"], ["no-new-privileges:true"]) == (
        service["read_only"],
        service["cap_drop"],
        service["security_opt"],
    )


@pytest.mark.parametrize("name", NODES)
def test_a_node_has_the_time_to_drain(name: str) -> None:
    """Docker kills what has not ended by then; one that was drained stays away."""
    service = services()[name]
    settings = load(mounts(service)["/etc/regcluster/regcluster.toml"], {}, ()).settings
    grace_s = float(service["stop_grace_period"].removesuffix("s"))

    assert grace_s > settings.node.drain_s
    assert "on-failure" == service["restart"]


def test_the_world_gets_to_the_balancer_alone() -> None:
    """Figures are for this machine, Redis for nobody."""
    published = {
        (name, port.get("host_ip", "everywhere"), port["published"])
        for name, service in services().items()
        for port in service.get("ports", ())
    }

    assert {
        ("balancer", "everywhere", "5060"),
        ("prometheus", "127.0.0.1", "9090"),
        ("grafana", "127.0.0.1", "3000"),
    } == published
