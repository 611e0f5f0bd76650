"""Peers for a test: a store that can fail, nodes on it, and other people's programs.

Everything a test starts here is ended after it, and what the nodes logged is shown when it fails.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from tests.peer.node import Node, Section
from tests.peer.programs import program
from tests.peer.server import StoreServer


class StartNode(Protocol):
    """Starts a node on the test's store; keywords are sections of its settings."""

    def __call__(self, **sections: Section) -> Node: ...


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreServer]:
    """A real server, running."""
    server = StoreServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def start_node(tmp_path: Path, store: StoreServer) -> Iterator[StartNode]:
    """Starts as many nodes as asked for, all on one store."""
    nodes: list[Node] = []

    def start(**sections: Section) -> Node:
        node = Node(tmp_path, store.url, sections)
        nodes.append(node)
        return node

    yield start
    for node in nodes:
        node.stop()
        sys.stdout.write(f"--- {node.log.name}\n{node.log_tail()}\n")


@pytest.fixture
def sipp() -> str:
    """SIPp, from Debian's sip-tester."""
    return program("sipp")


@pytest.fixture
def sipsak() -> str:
    """sipsak, from Debian's package of that name."""
    return program("sipsak")


@pytest.fixture
def kamailio() -> str:
    """Kamailio, from Debian's package of that name."""
    return program("kamailio")
