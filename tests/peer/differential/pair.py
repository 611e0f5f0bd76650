"""A pair of programs with the same parameters: Kamailio, and a node on the test's store."""

import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peer.differential.client import Client
from tests.peer.differential.kamailio import Kamailio
from tests.peer.differential.play import Player
from tests.peer.differential.sequence import Group
from tests.peer.node import Node

SCRIPT = Path(__file__).parent / "node_script.py"

_prefixes = (f"rc{number}" for number in itertools.count(1))


def settings(group: Group) -> dict[str, dict[str, object]]:
    """The settings of a node that are the group's parameters; ``use_domain`` is off as there."""
    sections: dict[str, dict[str, object]] = {
        "node": {"workers": 1, "advertise": group.advertise},
        "store": {"prefix": next(_prefixes)},
        "routing": {"script": str(SCRIPT)},
        "registrar": dict(group.registrar),
        "location": {"use_domain": 0, **group.usrloc},
    }
    for name, values in group.ours.items():
        sections[name] = {**sections.get(name, {}), **values}
    return sections


@contextmanager
def pair(group: Group, program: str, folder: Path, store_url: str) -> Iterator[Player]:
    """Both with the parameters of ``group``, and somebody to ask them."""
    parameters = {"registrar": group.registrar, "usrloc": group.usrloc}
    peer = Kamailio(program, folder, parameters, group.advertise)
    try:
        node = Node(folder, store_url, settings(group))
        try:
            peer.wait()
            with Client() as client:
                yield Player(client, peer, node, group.advertise)
        finally:
            node.stop()
            sys.stdout.write(f"--- {node.log.name}\n{node.log_tail()}\n")
    finally:
        peer.stop()
        sys.stdout.write(f"--- the peer\n{peer.log()}\n")
