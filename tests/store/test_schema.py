"""What nodes on one store have to agree on."""

from typing import Any

import pytest

from regcluster.config import StoreSettings
from regcluster.errors import StoreMismatch
from regcluster.store.keys import Keys
from regcluster.store.schema import Schema
from tests.servers import Server


def greet(server: Server, partitions: int = 256) -> None:
    """What a node with so many partitions does before anything else."""
    settings = StoreSettings(partitions=partitions)
    schema = Schema(Keys(settings), settings)
    replies: list[Any] = [server.ask(*command) for command in schema.commands]
    schema.check(replies)


def meta(server: Server) -> list[bytes]:
    """What the store says of itself."""
    reply: list[bytes] = server.ask(b"HMGET", b"rc:meta", b"schema", b"partitions")
    return reply


def test_the_first_node_sets_the_store_up(store_server: Server) -> None:
    """Partitions and the version of the schema are written once."""
    greet(store_server, 64)

    assert [b"1", b"64"] == meta(store_server)


def test_a_node_set_up_alike_is_welcome(store_server: Server) -> None:
    """As often as it comes."""
    greet(store_server, 64)
    greet(store_server, 64)

    assert [b"1", b"64"] == meta(store_server)


def test_a_node_with_other_partitions_is_not(store_server: Server) -> None:
    """It would look for bindings where they are not; what the store says stays."""
    greet(store_server, 64)

    with pytest.raises(StoreMismatch, match="partitions = 64, this node has partitions = 256"):
        greet(store_server)
    assert [b"1", b"64"] == meta(store_server)


@pytest.mark.parametrize("schema", [b"2", b"", b"\xff", b"01"])
def test_a_store_of_another_schema_is_not_ours(store_server: Server, schema: bytes) -> None:
    """Whatever stands there."""
    store_server.ask(b"HSET", b"rc:meta", b"schema", schema)

    with pytest.raises(StoreMismatch, match="this node has schema = 1"):
        greet(store_server)
