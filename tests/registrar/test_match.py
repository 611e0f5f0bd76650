"""Which binding a script asks about."""

from dataclasses import replace

import pytest

from regcluster.registrar.match import FromOption, Match, MatchOption, comes_from
from regcluster.sip.hop import Hop
from tests.registrar.test_binding import BINDING

PHONE = replace(BINDING, uri="sip:a@192.0.2.1:5062", call_id="c1", received="sip:198.51.100.1:9")
TABLET = replace(BINDING, uri="sip:a@192.0.2.2", call_id="c2", received="")

ANY, PORT, TRANSPORT = FromOption.NONE, FromOption.PORT, FromOption.TRANSPORT


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        (Match(), True),
        (Match("c1", "sip:198.51.100.1:9", "sip:a@192.0.2.1:5062"), True),
        (Match(call_id="c1"), True),
        (Match(received="sip:198.51.100.1:9"), True),
        (Match(contact="sip:a@192.0.2.1:5062"), True),
        (Match("c2", "sip:198.51.100.1:9", "sip:a@192.0.2.1:5062"), False),
        (Match(call_id="C1"), False),
        (Match(received="sip:198.51.100.1:09"), False),
        (Match(contact="sip:A@192.0.2.1:5062"), False),
    ],
)
def test_a_binding_has_to_say_all_of_it(match: Match, fits: bool) -> None:
    """Byte for byte; what is empty restricts nothing."""
    assert fits == match.fits(PHONE)


@pytest.mark.parametrize(
    ("option", "limited"),
    [
        (0, Match()),
        (MatchOption.CALL_ID, Match(call_id="c")),
        (MatchOption.RECEIVED, Match(received="r")),
        (MatchOption.CONTACT, Match(contact="u")),
        (7, Match("c", "r", "u")),
    ],
)
def test_each_bit_of_match_option_asks_for_one_comparison(option: int, limited: Match) -> None:
    """1 Call-ID, 2 received, 4 Contact URI; without its bit a value restricts nothing."""
    assert limited == Match("c", "r", "u").limited_to(option)


@pytest.mark.parametrize(
    ("uri", "source", "mode", "expected"),
    [
        # The address always counts, nothing else unless it is asked for.
        ("sip:a@192.0.2.1:5062", Hop("TCP", "192.0.2.1", 9), ANY, True),
        ("sip:a@192.0.2.1:5062", Hop("UDP", "192.0.2.9", 5062), ANY, False),
        ("sip:a@[2001:db8::1]", Hop("UDP", "2001:db8:0::1", 5060), ANY, True),
        ("sip:a@[fe80::1]", Hop("UDP", "fe80::1%eth0", 5060), ANY, True),
        # A name, another scheme and what cannot be read count for nothing.
        ("sip:a@phone.example.com", Hop("UDP", "192.0.2.1", 5060), ANY, False),
        ("sip:a@phone.example.com", Hop("UDP", "phone.example.com", 5060), ANY, False),
        ("tel:+15551234", Hop("UDP", "192.0.2.1", 5060), ANY, False),
        ("<>", Hop("UDP", "192.0.2.1", 5060), ANY, False),
        # Without a port the one of its transport is meant.
        ("sip:a@192.0.2.1:5062", Hop("TCP", "192.0.2.1", 5062), PORT, True),
        ("sip:a@192.0.2.1:5062", Hop("TCP", "192.0.2.1", 5060), PORT, False),
        ("sip:a@192.0.2.1", Hop("TCP", "192.0.2.1", 5060), PORT, True),
        ("sip:a@192.0.2.1", Hop("TCP", "192.0.2.1", 5061), PORT, False),
        ("sips:a@192.0.2.1", Hop("TLS", "192.0.2.1", 5061), PORT, True),
        ("sip:a@192.0.2.1;transport=tls", Hop("TLS", "192.0.2.1", 5061), PORT, True),
        # Without a transport the one of its scheme is meant.
        ("sip:a@192.0.2.1", Hop("UDP", "192.0.2.1", 9), TRANSPORT, True),
        ("sip:a@192.0.2.1", Hop("TCP", "192.0.2.1", 9), TRANSPORT, False),
        ("sip:a@192.0.2.1;transport=TCP", Hop("TCP", "192.0.2.1", 9), TRANSPORT, True),
        ("sip:a@192.0.2.1;transport", Hop("UDP", "192.0.2.1", 9), TRANSPORT, True),
        ("sips:a@192.0.2.1", Hop("TLS", "192.0.2.1", 9), TRANSPORT, True),
        ("sips:a@192.0.2.1;transport=tcp", Hop("TLS", "192.0.2.1", 9), TRANSPORT, True),
        # Both together.
        ("sip:a@192.0.2.1:7;transport=tcp", Hop("TCP", "192.0.2.1", 7), PORT | TRANSPORT, True),
        ("sip:a@192.0.2.1:7;transport=tcp", Hop("UDP", "192.0.2.1", 7), PORT | TRANSPORT, False),
        ("sip:a@192.0.2.1:7;transport=tcp", Hop("TCP", "192.0.2.1", 8), PORT | TRANSPORT, False),
    ],
)
def test_a_request_comes_from_a_user_who_is_registered_there(
    uri: str, source: Hop, mode: FromOption, expected: bool
) -> None:
    """By the address of the contact; bit 1 of mode adds the port, bit 2 the transport."""
    assert expected == comes_from(source, [replace(BINDING, uri=uri)], mode)


def test_received_is_where_a_binding_really_is() -> None:
    """It goes before the contact, which names a private address behind a NAT."""
    private, public = Hop("UDP", "192.0.2.1", 5062), Hop("UDP", "198.51.100.1", 9)

    assert (False, True) == (comes_from(private, [PHONE], ANY), comes_from(public, [PHONE], ANY))


def test_any_binding_of_the_user_will_do() -> None:
    """A binding that says nothing of use does not end the search."""
    bindings = [replace(BINDING, uri="<>"), PHONE, TABLET]

    assert comes_from(Hop("UDP", "192.0.2.2", 5060), bindings, PORT | TRANSPORT)


def test_a_source_without_an_address_is_nobody() -> None:
    """Two names that cannot be read as addresses are not the same one."""
    assert not comes_from(Hop("UDP", "", 5060), [replace(BINDING, uri="sip:name")], ANY)
