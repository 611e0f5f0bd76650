"""The methods a contact takes."""

import pytest

from regcluster.errors import MalformedHeader
from regcluster.registrar.binding import ANY_METHOD
from regcluster.registrar.methods import OTHER, bit, methods_of, parse_methods

KAMAILIO = [
    "INVITE",
    "CANCEL",
    "ACK",
    "BYE",
    "INFO",
    "REGISTER",
    "SUBSCRIBE",
    "NOTIFY",
    "MESSAGE",
    "OPTIONS",
    "PRACK",
    "UPDATE",
    "REFER",
    "PUBLISH",
    "KDMQ",
    "GET",
    "POST",
    "PUT",
    "DELETE",
]


def test_each_method_has_kamailios_bit() -> None:
    """In the order of Kamailio's list, from 1 up."""
    assert [2**power for power in range(19)] == [bit(method) for method in KAMAILIO]


@pytest.mark.parametrize("method", ["invite", "SERVICE", ""])
def test_all_other_methods_share_a_bit(method: str) -> None:
    """Methods have case, so another spelling is another method (RFC 3261 §7.1)."""
    assert OTHER == bit(method)


@pytest.mark.parametrize(
    ("rows", "mask"),
    [
        ([], ANY_METHOD),
        (["INVITE"], 1),
        (["INVITE, BYE,ACK , INVITE"], 13),
        (["INVITE", "BYE"], 9),
        (["INVITE, FOO, BAR"], 1 + OTHER),
        ([""], 0),
        (["INVITE,,BYE"], ANY_METHOD),
        (["INVITE;x"], ANY_METHOD),
        (["INVITE", "B YE"], ANY_METHOD),
    ],
)
def test_allow_says_what_a_phone_takes(rows: list[str], mask: int) -> None:
    """All rows together; without one, or if one cannot be read, anything goes."""
    assert mask == methods_of(rows)


@pytest.mark.parametrize(
    ("text", "mask"),
    [('"INVITE, BYE"', 9), ("OPTIONS", 512), ('""', 0), ('"FOO"', OTHER)],
)
def test_a_contact_may_say_so_itself(text: str, mask: int) -> None:
    """A quoted list or a single token (RFC 3840 §10)."""
    assert mask == parse_methods(text)


@pytest.mark.parametrize("text", ['"INVITE BYE"', '"INVITE,"', '",INVITE"', '"<>"'])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    """In Kamailio's words, and unlike a bad Allow, as there."""
    with pytest.raises(MalformedHeader, match="400 Message parse error"):
        parse_methods(text)
