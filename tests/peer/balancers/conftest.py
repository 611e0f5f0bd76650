"""Two nodes on one store, and a balancer in front of them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from tests.peer.balancers import balancer
from tests.peer.balancers.balancer import Balancer
from tests.peer.balancers.fleet import HOSTS, Member
from tests.peer.conftest import StartNode
from tests.peer.node import Section
from tests.peer.programs import program

StartFleet = Callable[[str], Balancer]


@pytest.fixture
def sections() -> dict[str, Section]:
    """Settings of the nodes; a module may have its own."""
    return {}


@pytest.fixture
def fleet(start_node: StartNode, sections: dict[str, Section]) -> list[Member]:
    """Two nodes, ready."""
    return [Member(start_node, host, sections) for host in HOSTS]


@pytest.fixture
def kamailio_balancer(tmp_path: Path, fleet: list[Member]) -> Iterator[Balancer]:
    """Kamailio in front of the nodes."""
    running = balancer.kamailio(program("kamailio"), tmp_path, fleet)
    yield running
    running.stop()


@pytest.fixture
def nginx_balancer(tmp_path: Path, fleet: list[Member]) -> Iterator[Balancer]:
    """nginx in front of the nodes."""
    running = balancer.nginx(program("nginx"), tmp_path, fleet)
    yield running
    running.stop()


@pytest.fixture
def haproxy_balancer(
    tmp_path: Path, fleet: list[Member], authority: trustme.CA
) -> Iterator[Balancer]:
    """HAProxy in front of the nodes, known to ``authority``."""
    certificate = tmp_path / "sip.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    running = balancer.haproxy(program("haproxy"), tmp_path, fleet, certificate)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Whoever issues certificates here."""
    return trustme.CA()
