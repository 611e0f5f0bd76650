"""What a script reads of contacts that it has fetched."""

import pytest

from regcluster.route.kemi import KSR
from tests.route.ksr.script import ALICE, after_saving

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("$ulc(p=>aor)", "alice@example.com"),
        ("$ulc(p=>domain)", "location"),
        ("$ulc(p=>count)", 2),
        ("$ulc(p=>addr)", "sip:alice@192.0.2.10:5060"),
        ("$(ulc(p=>addr)[1])", "sip:alice@192.0.2.11:5060"),
        ("$(ulc(p=>addr)[-1])", "sip:alice@192.0.2.10:5060"),
        ("$(ulc(p=>addr)[2])", None),
        ("$ulc(p=>path)", ""),
        ("$ulc(p=>received)", ""),
        ("$ulc(p=>callid)", "192.0.2.10-5060@192.0.2.10"),
        ("$ulc(p=>user_agent)", ""),
        ("$ulc(p=>ruid)", "uloc-test-1"),
        ("$ulc(p=>instance)", None),
        ("$ulc(p=>socket)", "udp:192.0.2.1:5060"),
        ("$ulc(p=>q)", 900),
        ("$ulc(p=>cseq)", 1),
        ("$ulc(p=>flags)", 0),
        ("$ulc(p=>cflags)", 0),
        ("$ulc(p=>methods)", 2**32 - 1),
        ("$ulc(p=>regid)", 0),
        ("$ulc(p=>server_id)", 0),
        ("$ulc(p=>conid)", None),
        ("$ulc(other=>addr)", None),
    ],
)
async def test_a_fetched_contact_has_kamailios_attributes(
    name: str, value: str | int | None
) -> None:
    """None where Kamailio has null."""

    def ask() -> object:
        KSR.registrar.reg_fetch_contacts("location", ALICE, "p")
        return KSR.pv.get(name)

    assert value == await after_saving(ask, phones=2)


async def test_a_fetched_contact_has_its_instants_and_a_hash() -> None:
    """Seconds since 1970 that lie a lifetime apart; the hash is the AOR's alone (S-47)."""

    def ask() -> object:
        KSR.registrar.reg_fetch_contacts("location", ALICE, "p")
        lived = KSR.pv.get("$ulc(p=>expires)") - KSR.pv.get("$ulc(p=>modified)")
        return lived, KSR.pv.get("$ulc(p=>aorhash)") > 0

    assert (600, True) == await after_saving(ask)


async def test_a_freed_profile_is_empty() -> None:
    """Its count is null, not 0."""

    def ask() -> object:
        KSR.registrar.reg_fetch_contacts("location", ALICE, "p")
        KSR.registrar.reg_free_contacts("p")
        return KSR.pv.get("$ulc(p=>count)")

    assert None is await after_saving(ask)
