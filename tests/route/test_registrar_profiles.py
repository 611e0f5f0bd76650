"""All bindings of a user, for a script to read or to compare with."""

from typing import Any

import pytest

from regcluster.config import RegistrarSettings
from regcluster.sip.hop import Hop
from tests.route.stage import Peer, call_of
from tests.route.test_registrar import BOB, BOTH, ONE, TWO, calling
from tests.test_location import location_with, read
from tests.wire import AOR, invite

pytestmark = pytest.mark.anyio


async def test_contacts_can_be_fetched_into_a_profile() -> None:
    """Under a name, until they are freed or fetched anew."""
    async with calling(invite(), BOTH) as call:
        fetched = await call.registrar.reg_fetch_contacts(profile="callee")
        kept = dict(call.registrar.profiles or {})
        anew = await call.registrar.reg_fetch_contacts(uri=BOB, profile="callee")

    assert ([ONE, TWO], {"callee": fetched}, None, {}) == (
        [binding.uri for binding in fetched.record.bindings] if fetched else [],
        kept,
        anew,
        call.registrar.profiles,
    )


async def test_a_profile_can_be_freed() -> None:
    """One that was never there as well; without a name there is none."""
    async with calling(invite(), BOTH) as call:
        never = call.registrar.reg_free_contacts("callee")
        await call.registrar.reg_fetch_contacts(profile="callee")
        await call.registrar.reg_fetch_contacts(profile="other")
        freed = [call.registrar.reg_free_contacts(name) for name in ("callee", "callee", "")]

    assert (True, [True, True, False], ["other"]) == (
        never,
        freed,
        list(call.registrar.profiles or {}),
    )


@pytest.mark.parametrize(
    ("host", "port", "mode", "is_from"),
    [
        ("192.0.2.2", 9, 0, True),
        ("192.0.2.2", 9, 1, False),
        ("192.0.2.2", 5060, 1, True),
        ("192.0.2.2", 5060, 3, True),
        ("192.0.2.3", 5060, 0, False),
    ],
)
async def test_a_request_comes_from_where_its_user_is_registered(
    host: str, port: int, mode: int, is_from: bool
) -> None:
    """``reg_from_user``: the address always, port and transport by mode."""
    peer = Peer(peer=Hop("UDP", host, port))
    async with calling(invite(BOB, to=f"<{BOB}>"), BOTH, peer=peer) as call:
        outcome = await call.registrar.reg_from_user(uri=AOR, mode=mode)

    assert is_from == outcome


async def test_whoever_has_no_contact_is_nowhere() -> None:
    """Nor does what is no URI tell who it is."""
    async with calling(invite(), peer=Peer(peer=Hop("UDP", "192.0.2.1", 5060))) as call:
        outcomes = [await call.registrar.reg_from_user(uri=uri) for uri in (AOR, "nonsense")]

    assert [False, False] == outcomes


@pytest.mark.parametrize(("setting", "count"), [("skip", -1), ("include", 2)])
async def test_scripts_see_expired_contacts_if_so_configured(setting: Any, count: int) -> None:
    """``expired_contacts``: S-19."""
    now = [100.0]
    settings = RegistrarSettings(expired_contacts=setting)
    async with location_with(BOTH, registrar=settings, clock=lambda: now[0]) as location:
        now[0] += 301
        call = call_of(read(invite()), location, Peer(peer=Hop("UDP", "192.0.2.1", 5060)))
        is_from = await call.registrar.reg_from_user()
        profile = await call.registrar.reg_fetch_contacts()
        code = await call.registrar.lookup_xavp(record="r")
        root = call.xavp.root("r")

    assert (count > 0, count > 0, count) == (
        is_from,
        profile is not None,
        root.first("count") if root else int(code),
    )
