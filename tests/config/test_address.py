"""Listening addresses and hosts as settings spell them."""

import re

import pytest

from regcluster.config.address import bare_host, is_host, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:5060", ("0.0.0.0", 5060)),
        ("[::]:5060", ("::", 5060)),
        ("[0:0::1]:65535", ("::1", 65535)),
        ("LocalHost:1", ("localhost", 1)),
        ("sip-1.example.com:5060", ("sip-1.example.com", 5060)),
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, address: tuple[str, int]) -> None:
    """Names are lower-cased and IP addresses shortened, so that equal ones compare equal."""
    assert address == parse_address(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the port is missing"),
        ("5060", "the port is missing"),
        ("[::1]", "the port is missing"),
        (":5060", "the host is missing; 0.0.0.0 or [::] stand for every address"),
        ("h:", "the port must be a number from 1 to 65535"),
        ("h:0", "the port must be a number from 1 to 65535"),
        ("h:65536", "the port must be a number from 1 to 65535"),
        ("h:-1", "the port must be a number from 1 to 65535"),
        ("h:5060 ", "the port must be a number from 1 to 65535"),
        ("h:٣", "the port must be a number from 1 to 65535"),
        ("::1:5060", "an IPv6 address is written in brackets, as in [::1]:5060"),
        ("*:5060", "the host is neither an IP address nor a host name"),
        ("[fe80::1%eth0]:5060", "the host is neither an IP address nor a host name"),
        ("[10.0.0.1]:5060", "the host is neither an IP address nor a host name"),
        ("[]:5060", "the host is neither an IP address nor a host name"),
        ("10.0.0.256:5060", "the host is neither an IP address nor a host name"),
    ],
)
def test_what_is_no_address_is_refused_with_a_reason(text: str, reason: str) -> None:
    """The reason says what to mend."""
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("example.com", True),
        ("a", True),
        ("xn--bcher-kva.example", True),
        ("10.0.0.1", True),
        ("[::1]", True),
        ("::1", False),
        ("[::1", False),
        ("", False),
        ("a..b", False),
        (".a", False),
        ("a.", False),
        ("-a", False),
        ("a-", False),
        ("-", False),
        ("a_b", False),
        ("a b", False),
        ("bücher.example", False),
        ("10.0.0", False),
        ("example.1a", False),
        ("a\r\nVia", False),
    ],
)
def test_a_host_is_a_name_or_an_ip_address(text: str, verdict: bool) -> None:
    """RFC 3261 §25.1: letters, digits and inner hyphens, and no top label of digits."""
    assert verdict == is_host(text)


@pytest.mark.parametrize(
    ("host", "bare"), [("[0::1]", "::1"), ("0::1", "::1"), ("A.Example", "a.example")]
)
def test_a_bare_host_is_fit_to_compare(host: str, bare: str) -> None:
    """Brackets, case and the many spellings of an IPv6 address make no difference."""
    assert bare == bare_host(host)
