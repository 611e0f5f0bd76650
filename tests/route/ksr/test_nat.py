"""Who is behind a NAT, and where they really are."""

import pytest

from regcluster.errors import ScriptError
from regcluster.route.kemi import KSR
from regcluster.testing import Phone
from tests.route.ksr.script import ALICE, kemi, told

pytestmark = pytest.mark.anyio

PRIVATE = Phone(ALICE, "10.0.0.7")
PUBLIC = Phone(ALICE, "198.51.100.7")
ELSEWHERE = "203.0.113.5:4242"
HERE = "198.51.100.7:5060"


@pytest.mark.parametrize(
    ("flag", "nated", "source", "plain", "plain_source"),
    [
        (1, PRIVATE, ELSEWHERE, PUBLIC, ELSEWHERE),
        (2, PUBLIC, ELSEWHERE, PUBLIC, HERE),
        (4, PRIVATE, ELSEWHERE, PUBLIC, ELSEWHERE),
        (16, PUBLIC, ELSEWHERE, PUBLIC, HERE),
        (32, PUBLIC, "192.168.1.1:5060", PRIVATE, ELSEWHERE),
        (128, PUBLIC, ELSEWHERE, PUBLIC, HERE),
    ],
)
async def test_each_test_finds_its_own_sign_of_a_nat(
    flag: int, nated: Phone, source: str, plain: Phone, plain_source: str
) -> None:
    """And no other."""
    assert (1, -1) == (
        await told(lambda: KSR.nathelper.nat_uac_test(flag), nated.register(), source),
        await told(lambda: KSR.nathelper.nat_uac_test(flag), plain.register(), plain_source),
    )


async def test_tests_are_added_up() -> None:
    """One that finds something is enough."""
    assert (1, -1) == (
        await told(lambda: KSR.nathelper.nat_uac_test(1 + 2), PUBLIC.register(), ELSEWHERE),
        await told(lambda: KSR.nathelper.nat_uac_test(1 + 2 + 4), PUBLIC.register(), HERE),
    )


@pytest.mark.parametrize("contact", [None, "*", "<tel:+1>"])
async def test_a_request_without_a_sip_contact_has_no_nated_one(contact: str | None) -> None:
    """Neither a private one nor one on another port."""
    data = PUBLIC.register(0, contact=contact)

    assert -1 == await told(lambda: KSR.nathelper.nat_uac_test(1 + 128), data, ELSEWHERE)


async def test_a_test_that_is_not_here_is_refused() -> None:
    """Nobody shall believe that a body was looked at."""
    with pytest.raises(ScriptError, match="nat_uac_test has the tests 0xb7 here, not 0x13f"):
        await told(lambda: KSR.nathelper.nat_uac_test(0x13F))


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("10.255.0.1", 1),
        ("172.31.0.1", 1),
        ("192.168.0.1", 1),
        ("100.64.0.1", 1),
        ("192.0.0.1", 1),
        ("172.32.0.1", -1),
        ("192.0.2.1", -1),
        ("[fd00::1]", -1),
        ("example.com", -1),
    ],
)
async def test_private_addresses_are_known(address: str, answer: int) -> None:
    """Those of IPv4 that Kamailio counts among them."""
    assert answer == await told(lambda: KSR.nathelper.is_rfc1918(address))


async def test_a_register_is_fixed_by_saying_where_it_came_from() -> None:
    """In the AVP that the settings name."""
    seen: list[object] = []

    def script() -> None:
        KSR.nathelper.fix_nated_register()
        seen.append(KSR.pv.get("$avp(rcv)"))

    async with kemi(script, received_avp="$avp(rcv)") as bench:
        await bench.send(PRIVATE.register(), ELSEWHERE)
        await bench.send(Phone(ALICE, "10.0.0.7", transport="TCP").register(), "[2001:db8::5]:9")

    assert ["sip:203.0.113.5:4242", "sip:[2001:db8::5]:9;transport=tcp"] == seen


async def test_without_the_setting_nothing_is_fixed() -> None:
    """As in Kamailio, it succeeds all the same."""
    assert (1, None) == await told(
        lambda: (KSR.nathelper.fix_nated_register(), KSR.pv.get("$avp(rcv)")), PRIVATE.register()
    )
