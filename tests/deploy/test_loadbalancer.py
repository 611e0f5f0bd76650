"""Settings of nodes behind each balancer are good; tests/peer/balancers runs all the rest."""

from pathlib import Path

import pytest

from regcluster.config.reader import load

FILES = Path(__file__).parents[2] / "deploy" / "loadbalancer"
KINDS = ("haproxy", "kamailio", "nginx")


def test_each_balancer_has_settings_for_its_nodes() -> None:
    """Beside its own file."""
    assert list(KINDS) == sorted(file.parent.name for file in FILES.glob("*/regcluster.toml"))


@pytest.mark.parametrize("kind", KINDS)
def test_settings_for_nodes_are_sound(kind: str) -> None:
    """And leave nodes time to end in, after the balancer has had its notice."""
    node = load(FILES / kind / "regcluster.toml", {}, ()).settings.node

    assert node.drain_s - node.notice_s >= 10.0
