"""What the location service leaves to its node: GRUUs, hops that are itself, dead connections."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.location import NO_NODE, Node
from regcluster.registrar.codes import LookupCode
from regcluster.registrar.gruu import TemporaryGruus
from regcluster.registrar.options import SaveOptions
from regcluster.sip.uri import parse_uri
from tests.test_location import ALICE, ONE, TWO, location_with, read
from tests.wire import register

pytestmark = pytest.mark.anyio

INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000a95a0e128>"'
WITH_GRUU = register(contact=f"{ONE};{INSTANCE}", supported="gruu")


def gruus() -> Node:
    """A node that shares a secret with its cluster; its nonces are no secret."""
    return Node(gruus=TemporaryGruus(lambda: b"secret", lambda: b"n" * 12))


def gruu_of(reply_contact: str, kind: str) -> str:
    """The GRUU of that kind in the Contact of a 200."""
    return reply_contact.partition(f';{kind}="')[2].partition('"')[0]


@pytest.mark.parametrize("kind", ["pub-gruu", "temp-gruu"])
async def test_a_gruu_that_was_given_leads_to_its_contact(kind: str) -> None:
    """RFC 5627 §6.1: to the one device, not to others of the user."""
    async with location_with(register(contact=TWO, call_id="2"), node=gruus()) as location:
        saved = await location.save(read(WITH_GRUU))
        gruu = gruu_of(saved.reply.headers[0][1], kind)
        found = await location.lookup(parse_uri(gruu))

    assert (LookupCode.FOUND, [ONE.strip("<>")]) == (found.code, [b.uri for b in found.branches])


@pytest.mark.parametrize(
    ("uri", "code"),
    [
        ("sip:alice@example.test;gr=urn:uuid:another", LookupCode.NOT_FOUND),
        ("sip:bob@example.test;gr=urn:uuid:another", LookupCode.NOT_FOUND),
        ("sip:tgruu.forged@example.test;gr", LookupCode.FAILED),
        ("sip:example.test;gr", LookupCode.FAILED),
    ],
)
async def test_a_gruu_that_nobody_was_given_leads_nowhere(uri: str, code: LookupCode) -> None:
    """An instance that is not there, and what no node of ours has made."""
    async with location_with(WITH_GRUU, node=gruus()) as location:
        found = await location.lookup(parse_uri(uri))

    assert (code, []) == (found.code, found.branches)


async def test_a_temporary_gruu_ends_with_its_binding() -> None:
    """RFC 5627 §5.4."""
    async with location_with(node=gruus()) as location:
        saved = await location.save(read(WITH_GRUU))
        gruu = parse_uri(gruu_of(saved.reply.headers[0][1], "temp-gruu"))
        await location.unregister(ALICE)
        found = await location.lookup(gruu)

    assert LookupCode.NOT_FOUND == found.code


async def test_without_a_secret_there_is_no_temporary_gruu() -> None:
    """Neither given nor found; the public one is."""
    async with location_with() as location:
        saved = await location.save(read(WITH_GRUU))
        found = await location.lookup(parse_uri("sip:tgruu.aaaa@example.test;gr"))

    contact = saved.reply.headers[0][1]
    assert (True, False, LookupCode.FAILED) == (
        "pub-gruu" in contact,
        "temp-gruu" in contact,
        found.code,
    )


P1, P2 = "sip:192.0.2.9;lr", "sip:p2.example.test;lr"


@pytest.mark.parametrize(
    ("node", "next_hop", "path"),
    [
        (Node(is_ours=lambda uri: uri.host == "192.0.2.9"), P2, f"<{P2}>"),
        (NO_NODE, P1, f"<{P1}>,<{P2}>"),
    ],
)
async def test_a_path_hop_that_is_this_node_is_passed_over_if_so_configured(
    node: Node, next_hop: str, path: str
) -> None:
    """``path_check_local``: the node is asked whether it is one."""
    settings = RegistrarSettings(use_path=1, path_check_local=1)
    data = register(contact=ONE, path=f"<{P1}>,<{P2}>", supported="path")
    async with location_with(data, registrar=settings, node=node) as location:
        [branch] = (await location.lookup(ALICE)).branches

    assert (next_hop, path) == (branch.next_hop, branch.path)


async def test_a_contact_whose_connection_is_gone_is_passed_over_if_so_configured() -> None:
    """``lookup_filter_mode`` 2: the node is asked whether it is."""
    settings = RegistrarSettings(lookup_filter_mode=2)
    node = Node(is_gone=lambda connection: connection == "edge-1/0.e.1")
    async with location_with(registrar=settings, node=node) as location:
        for token, contact in enumerate([ONE, TWO], start=1):
            options = SaveOptions(connection=f"edge-1/0.e.{token}")
            await location.save(read(register(contact=contact, call_id=contact[:20])), options)
        found = await location.lookup(ALICE)

    assert [TWO.strip("<>")] == [branch.uri for branch in found.branches]


async def test_a_contact_whose_owner_is_gone_is_passed_over() -> None:
    """Whatever the settings; the node is asked, and told when it was bound."""
    asked: list[tuple[str, int]] = []

    def is_orphaned(connection: str, bound_at: int) -> bool:
        asked.append((connection, bound_at))
        return connection == "edge-1/0.e.1"

    async with location_with(node=Node(is_orphaned=is_orphaned)) as location:
        for token, contact in enumerate([ONE, TWO], start=1):
            options = SaveOptions(connection=f"edge-1/0.e.{token}")
            await location.save(read(register(contact=contact, call_id=contact[:20])), options)
        found = await location.lookup(ALICE)

    assert [TWO.strip("<>")] == [branch.uri for branch in found.branches]
    assert (found.bindings[0].connection, found.bindings[0].modified_at) in asked
