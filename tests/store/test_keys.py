"""Names of keys: which partition an AOR is in, and which keys live for ever."""

import pytest

from regcluster.config import StoreSettings
from regcluster.store.keys import Keys, aor_in, bytes_text, feed_of, field_of, owner_of, text_bytes

ALICE = b"alice@example.com"


def test_the_partition_is_the_sum_that_redis_cluster_uses() -> None:
    """CRC-16/XMODEM, whose check value is 0x31C3, modulo the number of partitions."""
    keys = Keys(StoreSettings(partitions=16384))

    assert b"rc:{%d}:b:123456789" % 0x31C3 == keys.bindings(b"123456789")


@pytest.mark.parametrize("partitions", [1, 3, 256])
def test_all_of_an_aor_is_in_one_partition(partitions: int) -> None:
    """Bindings, index and feed share the hash tag, hence the slot of a Cluster."""
    keys = Keys(StoreSettings(partitions=partitions))

    bindings, index, feed = keys.of(ALICE)

    tag = bindings.removesuffix(b"b:" + ALICE)
    assert (tag + b"x", tag + b"e", keys.bindings(ALICE)) == (index, feed, bindings)


def test_a_member_of_an_index_tells_where_its_binding_is() -> None:
    """In the partition that the index is of, however many there are."""
    keys = Keys(StoreSettings(partitions=256), "desks")
    bindings, index, feed = keys.of(ALICE)
    member = ALICE + b"\nsip:alice@h\n"

    assert (ALICE, feed) == (aor_in(member), feed_of(index))
    assert (bindings, b"sip:alice@h\n") == field_of(index, member)


def test_an_aor_with_braces_has_no_hash_tag_of_its_own() -> None:
    """Redis looks at the first pair of braces, and that is ours."""
    keys = Keys(StoreSettings(partitions=1))

    assert b"rc:{0}:b:{a}@h" == keys.bindings(b"{a}@h")


def test_the_prefix_begins_every_key() -> None:
    """So that several stores can share a server."""
    keys = Keys(StoreSettings(prefix="other.t", partitions=2))

    assert {b"other.t"} == {
        name.partition(b":")[0] for name in [*keys.permanent(), *keys.of(ALICE)]
    }


def test_meta_leases_indexes_and_feeds_are_permanent_and_nothing_else() -> None:
    """A key of another name without an expiry is a leak."""
    keys = Keys(StoreSettings(partitions=2))

    assert ([b"rc:{0}:x", b"rc:{1}:x"], [b"rc:{0}:e", b"rc:{1}:e"]) == (keys.indexes, keys.feeds)
    assert [b"rc:meta", b"rc:nodes", *keys.indexes, *keys.feeds] == list(keys.permanent())


def test_aors_are_spread_over_all_partitions() -> None:
    """Numbers that follow each other, as users often have, among them."""
    keys = Keys(StoreSettings(partitions=256))

    counts = dict.fromkeys(keys.indexes, 0)
    for number in range(25_600):
        counts[keys.of(b"%d@example.com" % number)[1]] += 1

    assert 50 < min(counts.values())
    assert 200 > max(counts.values())


@pytest.mark.parametrize("received", [b"alice@h", "zoë@h".encode(), b"zo\xeb@h", b"\xff\x00\xc3"])
def test_text_becomes_the_bytes_it_was(received: bytes) -> None:
    """UTF-8 or not."""
    assert received == text_bytes(bytes_text(received))


def test_a_table_has_a_prefix_of_its_own() -> None:
    """``rc.t`` for table ``t``; what the store was set up with is one for all (design §3)."""
    keys = Keys(StoreSettings(partitions=1)).table("abroad")

    assert (b"rc.abroad:{0}:b:" + ALICE, b"rc.abroad:{0}:x", b"rc.abroad:{0}:e") == keys.of(ALICE)
    assert (b"rc:meta", b"rc:nodes", b"rc:node:n1") == (keys.meta, keys.nodes, keys.node("n1"))


def test_the_table_location_has_the_plain_prefix() -> None:
    """By whatever way one comes to it."""
    keys = Keys(StoreSettings(partitions=1))

    assert keys.of(ALICE) == keys.table("abroad").table("location").of(ALICE)
    assert keys is keys.table("location")


def test_a_table_is_laid_out_once() -> None:
    """It costs a name for each partition."""
    keys = Keys(StoreSettings(partitions=1))

    assert keys.table("abroad") is keys.table("abroad")


def test_the_flows_of_an_owner_lie_beside_the_bindings() -> None:
    """A set for each owner and partition: in a Cluster a script reaches one slot only."""
    keys = Keys(StoreSettings(partitions=2))

    expected = [b"rc:{0}:f:n1/0.e", b"rc:{1}:f:n1/0.e"]
    assert expected == keys.all_flows(b"n1/0.e")
    assert keys.flows(ALICE, b"n1/0.e") in expected
    assert keys.of(ALICE)[1].removesuffix(b"x") == keys.flows(ALICE, b"").removesuffix(b"f:")


@pytest.mark.parametrize(
    ("connection", "owner"), [("n.1/0.e.17", "n.1/0.e"), ("", ""), ("n1/token", "")]
)
def test_a_connection_names_its_owner(connection: str, owner: str) -> None:
    """Node, worker and epoch: all of it but the number."""
    assert owner == owner_of(connection)
