"""Outbound, the registrar's side (RFC 5626 §6)."""

import pytest

from regcluster.config import RegistrarSettings
from regcluster.errors import MalformedHeader
from regcluster.registrar.extensions import Extensions
from regcluster.registrar.outbound import honours_reg_id, refuse_unsupporting
from regcluster.registrar.plan import Refusal
from regcluster.sip.headers import STAR, parse_contacts
from tests.registrar.planning import DEVICE, register

SECOND_VIA = "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK0"
"""That of a phone behind a proxy."""

SUPPORTED = Extensions(supported=frozenset({"outbound"}))
UNSUPPORTED = Extensions(supported=frozenset({"path"}))
SILENT = Extensions()
REQUIRING = Extensions(required=("outbound",))

WRONG_EDGE = Refusal(
    439, "First Hop Lacks Outbound Support", "No support for Outbound on edge proxy"
)


@pytest.mark.parametrize("extensions", [UNSUPPORTED, SILENT])
def test_mode_2_takes_nobody_without_outbound(extensions: Extensions) -> None:
    """421, whether a Supported header leaves it out or is missing (S-02)."""
    assert Refusal(
        421,
        "Extension Required",
        "No support for Outbound indicated",
        [("Require", "outbound"), ("Supported", "outbound")],
    ) == refuse_unsupporting(extensions, RegistrarSettings(outbound_mode=2))


@pytest.mark.parametrize(
    ("extensions", "settings"),
    [
        pytest.param(SUPPORTED, RegistrarSettings(outbound_mode=2), id="supported"),
        pytest.param(REQUIRING, RegistrarSettings(outbound_mode=2), id="required"),
        pytest.param(UNSUPPORTED, RegistrarSettings(outbound_mode=1), id="mode 1"),
        pytest.param(UNSUPPORTED, RegistrarSettings(outbound_mode=0), id="mode 0"),
        pytest.param(
            SILENT,
            RegistrarSettings(outbound_mode=2, missing_supported="accept"),
            id="no Supported, as in Kamailio",
        ),
    ],
)
def test_everybody_else_is_taken(extensions: Extensions, settings: RegistrarSettings) -> None:
    """Who requires outbound does it; who says nothing may be let in."""
    assert None is refuse_unsupporting(extensions, settings)


def test_accepting_the_silent_takes_nobody_else() -> None:
    """missing_supported is about a missing header alone."""
    settings = RegistrarSettings(outbound_mode=2, missing_supported="accept")
    refusal = refuse_unsupporting(UNSUPPORTED, settings)
    assert refusal

    assert 421 == refusal.status


def honoured(
    *headers: str,
    contact: str = f"{DEVICE};reg-id=1",
    extensions: Extensions = SUPPORTED,
    outbound_mode: int = 1,
    regid_mode: int = 0,
) -> bool | Refusal:
    """Whether the reg-id of ``contact`` counts."""
    contacts = parse_contacts([contact])
    assert contacts != STAR
    settings = RegistrarSettings(outbound_mode=outbound_mode, regid_mode=regid_mode)
    return honours_reg_id(register(*headers), contacts, extensions, settings)


def test_a_phone_that_is_next_to_us_needs_no_proxy() -> None:
    """One Via: we are the first hop ourselves (ob-08)."""
    assert honoured()


@pytest.mark.parametrize(
    "path", [[], ["Path: <sip:edge;lr>"], ["Path: <sip:edge;lr>;ob"], ["Path: <tel:+1;ob>"]]
)
def test_a_proxy_without_outbound_is_told(path: list[str]) -> None:
    """439 to a phone that wants flows where none are kept (ob-07, vector 31)."""
    assert WRONG_EDGE == honoured(SECOND_VIA, *path)


def test_two_values_in_one_row_of_via_are_two_hops() -> None:
    """However the proxy wrote itself down (RFC 3261 §7.3.1)."""
    request = register(via="SIP/2.0/UDP h1;branch=z9hG4bK1, SIP/2.0/UDP h2;branch=z9hG4bK2")
    contacts = parse_contacts([f"{DEVICE};reg-id=1"])
    assert contacts != STAR

    assert WRONG_EDGE == honours_reg_id(
        request, contacts, SUPPORTED, RegistrarSettings(outbound_mode=1)
    )


@pytest.mark.parametrize(
    "path",
    [
        ["Path: <sip:edge;lr;ob>"],
        ["Path: <sip:core;lr>, <sip:edge;lr;ob>"],
        ["Path: <sip:edge;lr;OB>", "Path: <sip:other;lr>"],
    ],
)
def test_a_proxy_with_outbound_is_believed(path: list[str]) -> None:
    """Its Path value says ob, wherever other proxies have put theirs (vector 32)."""
    assert honoured(SECOND_VIA, *path)


@pytest.mark.parametrize(
    ("contact", "extensions"),
    [(f"{DEVICE};reg-id=1", UNSUPPORTED), (DEVICE, SUPPORTED), (f"{DEVICE};reg-id=1", SILENT)],
)
def test_a_phone_that_does_not_ask_for_flows_gets_none(
    contact: str, extensions: Extensions
) -> None:
    """Behind a proxy without outbound its reg-id says nothing (vector 33)."""
    assert False is honoured(SECOND_VIA, contact=contact, extensions=extensions)


@pytest.mark.parametrize(("outbound_mode", "regid_mode"), [(0, 0), (1, 1), (2, 1)])
def test_proxies_may_not_matter(outbound_mode: int, regid_mode: int) -> None:
    """In regid_mode 1, nor where we do no outbound at all (S-21)."""
    assert honoured(SECOND_VIA, outbound_mode=outbound_mode, regid_mode=regid_mode)


@pytest.mark.parametrize("regid_mode", [0, 1])
def test_a_path_that_cannot_be_read_is_refused(regid_mode: int) -> None:
    """Nobody can say whether it says ob (S-04)."""
    with pytest.raises(MalformedHeader, match="400 Path parse error"):
        honoured(SECOND_VIA, "Path: nonsense", regid_mode=regid_mode)


def test_without_contacts_no_path_is_read() -> None:
    """A star works through any proxy (S-04)."""
    settings = RegistrarSettings(outbound_mode=1)

    assert honours_reg_id(register(SECOND_VIA, "Path: x"), [], SUPPORTED, settings)
