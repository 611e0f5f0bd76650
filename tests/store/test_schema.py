"""What nodes on one store have to agree on."""

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
    for claim in schema.claims(server.ask(*schema.question)):
        server.ask(*claim)
    schema.check(server.ask(*schema.question))


def secret_of(server: Server) -> bytes:
    """What a node that has greeted the store can sign with."""
    settings = StoreSettings()
    schema = Schema(Keys(settings), settings, may_set_up=False)
    schema.check(server.ask(*schema.question))
    return schema.secret


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


def test_all_nodes_share_a_secret(store_server: Server) -> None:
    """What one has signed another can tell from a forgery, after a restart too."""
    greet(store_server)
    first = secret_of(store_server)
    greet(store_server)

    assert 64 == len(first)
    assert first == secret_of(store_server)


def test_a_secret_of_ones_own_may_be_long(store_server: Server) -> None:
    """Whoever writes one by hand must not break the hash it is for."""
    store_server.ask(b"HSET", b"rc:meta", b"secret", b"x" * 100)

    assert b"x" * 64 == secret_of(store_server)


def test_who_only_looks_sets_nothing_up(store_server: Server) -> None:
    """A mistyped look at a fresh store must not lock the nodes out of it."""
    settings = StoreSettings(partitions=16)
    schema = Schema(Keys(settings), settings, may_set_up=False)
    answer = store_server.ask(*schema.question)
    schema.check(answer)

    assert ([], b"") == (schema.claims(answer), schema.secret)


def test_a_store_that_was_set_up_is_only_read(store_server: Server) -> None:
    """One that is full, or a replica, still tells what it holds."""
    greet(store_server)
    settings = StoreSettings()
    schema = Schema(Keys(settings), settings)

    assert [] == schema.claims(store_server.ask(*schema.question))
