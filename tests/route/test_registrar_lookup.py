"""Lookups as a script calls them: what becomes of the branches, and what is shown."""

from typing import Any

import pytest

from regcluster.config import LocationSettings, RegistrarSettings
from regcluster.registrar.branch import Branch
from tests.route.stage import call_of
from tests.route.test_registrar import BOB, BOTH, ONE, RCD, TWO, calling, shown
from tests.test_location import location_with, read
from tests.wire import AOR, invite, register

pytestmark = pytest.mark.anyio


async def test_a_lookup_writes_the_best_contact_over_the_request_uri() -> None:
    """The others become branches behind it."""
    async with calling(invite(), BOTH) as call:
        code = await call.registrar.lookup()

    assert (1, ONE, [(ONE, 700), (TWO, 200)]) == (
        code,
        call.target,
        [(branch.uri, branch.q) for branch in call.branches],
    )


async def test_a_lookup_is_for_the_request_uri_or_for_the_uri_it_is_given() -> None:
    """To plays no part in routing (RFC 3261 §8.2.2.1)."""
    async with calling(invite(BOB, to=f"<{AOR}>"), BOTH) as call:
        of_request = await call.registrar.lookup()
        of_uri = await call.registrar.lookup(uri=AOR)

    assert (-1, 1, ONE) == (of_request, of_uri, call.target)


@pytest.mark.parametrize(("uri", "code"), [(BOB, -1), ("tel:+1", -3), ("nonsense", -3)])
async def test_a_lookup_that_finds_nothing_changes_nothing(uri: str, code: int) -> None:
    """S-64: neither the Request-URI nor the way it would go."""
    async with calling(invite(uri, to=f"<{AOR}>"), BOTH) as call:
        call.branches[0].next_hop = "sip:p1"
        outcome = await call.registrar.lookup()

    assert (code, False, [(uri, "sip:p1")]) == (
        outcome,
        bool(outcome),
        [(branch.uri, branch.next_hop) for branch in call.branches],
    )


async def test_a_second_lookup_leaves_nothing_of_the_first() -> None:
    """S-65: a contact without Path is not sent along the Path of another."""
    settings = RegistrarSettings(use_path=1)
    bob = register(to=f"<{BOB}>", contact=f"<{TWO}>")
    alice = register(contact=f"<{ONE}>", path="<sip:p1;lr>", supported="path")
    async with calling(invite(), alice, bob, registrar=settings) as call:
        await call.registrar.lookup()
        first = call.branches[0]
        await call.registrar.lookup(uri=BOB)

    assert ("<sip:p1;lr>", "sip:p1;lr", "", "") == (
        first.path,
        first.next_hop,
        call.branches[0].path,
        call.branches[0].next_hop,
    )


async def test_a_lookup_adds_the_flags_of_the_contact_to_those_of_the_request() -> None:
    """Only the Request-URI has some by then."""
    async with location_with() as location:
        phone = call_of(read(BOTH), location)
        phone.setbflag(2)
        await phone.registrar.save()
        call = call_of(read(invite()), location)
        call.setbflag(0)
        await call.registrar.lookup()

    assert [5, 4] == [branch.flags for branch in call.branches]


async def test_a_lookup_takes_no_more_branches_than_there_is_room_for() -> None:
    """The best ones are taken, and that is no failure."""
    many = ", ".join(f"<sip:{n}@192.0.2.1>" for n in range(14))
    async with calling(invite(), register(contact=many)) as call:
        code = await call.registrar.lookup()

    assert (1, [f"sip:{n}@192.0.2.1" for n in range(12)]) == (
        code,
        [branch.uri for branch in call.branches],
    )


async def test_a_lookup_shows_the_binding_that_the_request_goes_to() -> None:
    """Of the others nothing is shown."""
    async with calling(invite(), BOTH, registrar=RCD) as call:
        await call.registrar.lookup()
        [root] = call.xavp.roots("rcd")

    assert (ONE, 300) == (root.first("contact"), root.first("expires"))


async def test_what_a_script_kept_with_a_binding_comes_back() -> None:
    """``xavp_contact``: to the call with the best contact, to each branch with its own."""
    settings = LocationSettings(xavp_contact="kept")
    async with location_with(location=settings) as location:
        for desk, contact in ((12, ONE), (14, TWO)):
            data = register(contact=f"<{contact}>", call_id=f"call-{desk}")
            phone = call_of(read(data), location)
            phone.xavp.add_root("kept", {"desk": desk})
            await phone.registrar.save()
        call = call_of(read(invite()), location)
        await call.registrar.lookup()

    assert ([{"desk": 12}], [{"desk": 12}, {"desk": 14}]) == (
        [root.newest() for root in call.xavp.roots("kept")],
        [branch.xavp for branch in call.branches],
    )


@pytest.mark.parametrize("append_branches", [0, 1])
async def test_contacts_can_be_appended_to_the_request_uri(append_branches: int) -> None:
    """``lookup_to_dset``; where only the best is wanted it is the best (S-18)."""
    settings = RegistrarSettings(append_branches=append_branches, xavp_rcd="rcd")
    async with calling(invite(), BOTH, registrar=settings) as call:
        code = await call.registrar.lookup_to_dset()

    assert (1, [AOR, ONE, TWO][: 2 + append_branches], []) == (
        code,
        [branch.uri for branch in call.branches],
        shown(call),
    )


async def test_of_nobody_nothing_is_appended() -> None:
    """The code says so."""
    async with calling(invite(), BOTH) as call:
        code = await call.registrar.lookup_to_dset(uri=BOB)

    assert (-1, [AOR]) == (code, [branch.uri for branch in call.branches])


async def test_every_branch_can_be_looked_up() -> None:
    """``lookup_branches``: each is replaced by its best contact, further ones go to the end."""
    bob = register(to=f"<{BOB}>", contact="<sip:b1@192.0.2.3>;q=1, <sip:b2@192.0.2.3>")
    async with calling(invite(), BOTH, bob) as call:
        call.append_branch(Branch(BOB))
        call.append_branch(Branch("sip:carol@example.test"))
        code = await call.registrar.lookup_branches()

    assert (
        1,
        [ONE, "sip:b1@192.0.2.3", "sip:carol@example.test", TWO, "sip:b2@192.0.2.3"],
    ) == (code, [branch.uri for branch in call.branches])


@pytest.mark.parametrize(
    "touched", [{"next_hop": "sip:p1"}, {"path": "<sip:p1>"}, {"socket": "udp:h:1"}, {"flags": 1}]
)
async def test_a_branch_whose_way_is_known_is_not_looked_up(touched: dict[str, Any]) -> None:
    """Somebody has been there already."""
    async with calling(invite(), BOTH) as call:
        known = Branch(AOR, **touched)
        call.append_branch(known)
        await call.registrar.lookup_branches()

    assert known == call.branches[1]


@pytest.mark.parametrize(
    ("target", "branch", "code"), [(AOR, BOB, 1), (BOB, AOR, 1), (BOB, BOB, -1), ("tel:+1", "", -3)]
)
async def test_one_branch_that_is_found_is_enough(target: str, branch: str, code: int) -> None:
    """Else the last one's code counts."""
    async with calling(invite(target, to=f"<{AOR}>"), BOTH) as call:
        if branch:
            call.append_branch(Branch(branch))
        outcome = await call.registrar.lookup_branches()

    assert code == outcome


async def test_contacts_can_be_shown_as_xavps() -> None:
    """``lookup_xavp``."""
    async with calling(invite(), BOTH) as call:
        codes = [
            await call.registrar.lookup_xavp(uri=uri, record="r", contact="c")
            for uri in ("", BOB, "nonsense")
        ]

    assert ([1, -1, -1], [2], [ONE, TWO]) == (
        codes,
        [root.first("count") for root in call.xavp.roots("r")],
        [root.first("uri") for root in call.xavp.roots("c")],
    )
